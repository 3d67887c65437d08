// The small parts of the guard, each by itself.
#include "../../../esphome/components/charging_outlet/meter_watch.h"
#include "../../../esphome/components/charging_outlet/overload_curve.h"
#include "../../../esphome/components/charging_outlet/relay_contact.h"
#include "../../../esphome/components/charging_outlet/signals.h"
#include "../../../esphome/components/charging_outlet/zero_cross.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace esphome::charging_outlet;

TEST_CASE("overload: trips where IEC 60255-149 says, however the time is cut") {
  for (const double ratio : {1.06, 1.2, 1.5, 2.0, 4.0}) {
    for (const int step_ms : {1'000, 370, 2'000}) {
      OverloadCurve curve(60'000);
      uint64_t now = 0;
      while (!curve.tripped())
        curve.advance(now += step_ms, static_cast<float>(ratio));
      const double expected_ms = 60'000 * std::log(ratio * ratio / (ratio * ratio - 1.05 * 1.05));
      CHECK(static_cast<double>(now) >= expected_ms - 10);
      CHECK(static_cast<double>(now) <= expected_ms + step_ms + 10);
    }
  }
}

TEST_CASE("overload: the rating never trips, and an open relay lets it cool down") {
  OverloadCurve curve(60'000);
  uint64_t now = 0;
  for (int second = 0; second < 100'000; second++)
    curve.advance(now += 1'000, 1.0f);
  CHECK_FALSE(curve.tripped());
  CHECK(curve.heat() == doctest::Approx(1.0));
  curve.advance(now + 60'000, 0.0f);
  CHECK(curve.heat() == doctest::Approx(std::exp(-1.0)));
}

TEST_CASE("contact: no hour has more cycles than allowed, whatever is asked for") {
  for (const uint32_t allowed : {10U, 60U, 600U}) {
    RelayContact contact(0, allowed, 3'000);
    contact.restore(0, 0, 0);
    std::vector<uint64_t> closings;
    for (uint64_t now = 0; now < 4 * 3'600'000ULL; now += 500) {
      if (contact.rest_ms(now) == 0) {
        contact.closed(now);
        contact.opened(now + 100);
        closings.push_back(now);
      }
    }
    for (size_t first = 0, last = 0; last < closings.size(); last++) {
      while (closings[last] - closings[first] >= 3'600'000)
        first++;
      CHECK(last - first + 1 <= allowed);
    }
    CHECK(closings.size() >= 2 * allowed);
  }
}

TEST_CASE("contact: it rests after an opening, but not before the first closing of its life") {
  RelayContact contact(5'000, 600, 3'000);
  contact.restore(0, 0, 1'000);
  CHECK(contact.rest_ms(1'000) == 0);
  contact.closed(1'000);
  contact.opened(2'000);
  CHECK(contact.rest_ms(2'000) == 5'000);
  CHECK(contact.rest_ms(7'000) == 0);
  RelayContact after_a_boot(5'000, 600, 3'000);
  after_a_boot.restore(7, 0, 1'000);
  CHECK(after_a_boot.rest_ms(1'000) == 5'000);
}

TEST_CASE("contact: one reading is no welding, two in a row after the settling are") {
  RelayContact contact(0, 600, 3'000);
  contact.closed(0);
  contact.opened(10'000);
  CHECK_FALSE(contact.welded(true, 11'000));
  CHECK_FALSE(contact.welded(true, 12'000));
  CHECK_FALSE(contact.welded(true, 13'000));
  CHECK_FALSE(contact.welded(false, 14'000));
  CHECK_FALSE(contact.welded(true, 15'000));
  CHECK(contact.welded(true, 16'000));
}

TEST_CASE("contact: the learned delay goes to the mean of what is seen and stays within bounds") {
  RelayContact contact(0, 600, 3'000);
  for (int round = 0; round < 100; round++)
    contact.learn_delay(round % 2 == 0 ? 22'000 : 2'000);
  CHECK(contact.delay_us() == doctest::Approx(12'000).epsilon(0.15));
  for (int round = 0; round < 100; round++)
    contact.learn_delay(std::numeric_limits<int32_t>::max());
  CHECK(contact.delay_us() <= 50'000);
  for (int round = 0; round < 100; round++)
    contact.learn_delay(std::numeric_limits<int32_t>::min());
  CHECK(contact.delay_us() == 0);
}

TEST_CASE("meter: what can't be is not used, and after the time-out it is a fault that names the kind") {
  MeterWatch meter(5'000, 120'000, 1'500'000);
  meter.begin(0);
  CHECK(meter.reading(1'499.9996f, 1'000) == 1'500'000);
  CHECK(meter.reading(-3.0f, 1'000) == 0);
  for (const float nonsense : {-21.0f, 6'001.0f, INFINITY, -INFINITY, NAN})
    CHECK_FALSE(meter.reading(nonsense, 3'000));
  CHECK(meter.fault(5'999) == Fault::NONE);
  CHECK(meter.fault(6'000) == Fault::METER_IMPLAUSIBLE);
  CHECK(meter.reading(1.0f, 7'000) == 1'000);
  CHECK(meter.fault(7'000) == Fault::NONE);
  CHECK_FALSE(meter.reading(NAN, 8'000));
  CHECK(meter.fault(12'000) == Fault::METER_SILENT);
}

TEST_CASE("zero crossing: the contact moves at a multiple of the half period, also when the clock overflows") {
  for (const uint32_t half_us : {8'333U, 10'000U}) {
    for (uint32_t crossing_us : {1'000'000U, 4'294'960'000U}) {
      for (uint32_t since_us = 0; since_us < 30'000; since_us += 77) {
        for (const uint32_t delay_us : {0U, 4'000U, 15'000U}) {
          const uint32_t wait_us = zero_cross_wait_us(crossing_us + since_us, crossing_us, half_us, delay_us);
          CHECK(wait_us < half_us);
          CHECK((since_us + wait_us + delay_us) % half_us == 0);
        }
      }
    }
  }
}

TEST_CASE("zero crossing: without a mains there is nothing to wait for") {
  CHECK(zero_cross_wait_us(5'000, 0, 0, 1'000) == 0);
  CHECK(zero_cross_wait_us(5'000, 0, 20'000, 1'000) == 0);
  CHECK(zero_cross_wait_us(500'000, 0, 10'000, 1'000) == 0);
}

TEST_CASE("LED: each state looks different") {
  const auto lit_ms = [](Light light) {
    int sum = 0;
    for (uint64_t now = 0; now < 12'000; now++)
      sum += lit(light, now) ? 1 : 0;
    return sum;
  };
  CHECK(lit_ms(Light::SUPPLYING) == 12'000);
  CHECK(lit_ms(Light::DISABLED) == 0);
  CHECK(lit_ms(Light::FREE) == 240);
  const auto changes = [](Light light) {
    int count = 0;
    for (uint64_t now = 1; now < 48'000; now++)
      count += lit(light, now) != lit(light, now - 1) ? 1 : 0;
    return count;
  };
  CHECK(changes(Light::IDENTIFY) > changes(Light::FAULT));
  CHECK(changes(Light::FAULT) > changes(Light::SUSPENDED));
  CHECK(changes(Light::SUSPENDED) > changes(Light::FREE));
}

TEST_CASE("LED: a fault is shown before everything else, also during a session") {
  CHECK(light_of(SessionState::SUSPENDED, Fault::METER_SILENT, true) == Light::FAULT);
  CHECK(light_of(SessionState::SUPPLYING, Fault::NONE, true) == Light::SUPPLYING);
  CHECK(light_of(SessionState::IDLE, Fault::NONE, true) == Light::FREE);
  CHECK(light_of(SessionState::ENDED, Fault::NONE, false) == Light::DISABLED);
}

TEST_CASE("buzzer: it ends by itself") {
  for (const Sound sound : {Sound::NONE, Sound::STARTED, Sound::ENDED, Sound::FAULT}) {
    int tones = 0;
    for (uint64_t elapsed = 0; elapsed < 10'000; elapsed++)
      tones += sounding(sound, elapsed) && (elapsed == 0 || !sounding(sound, elapsed - 1)) ? 1 : 0;
    CHECK(tones == (sound == Sound::NONE ? 0 : sound == Sound::STARTED ? 1 : sound == Sound::ENDED ? 2 : 3));
    CHECK_FALSE(sounding(sound, 3'000));
  }
}
