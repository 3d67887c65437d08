#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

/// The world of one outlet on a virtual clock: relay, car and meter. The session guard and ESPHome's own cut-off are
/// put into the same one: what is random depends on the session and its own time, never on who looks how often.
namespace bench {

inline constexpr double J_PER_WH = 3600.0;
inline constexpr int64_t US_PER_MS = 1'000;
inline constexpr int64_t US_PER_S = 1'000'000;
inline constexpr int64_t METER_INTERVAL_US = US_PER_S;
/// By the formulas of ESPHome's hlw8012, with a shunt of 1 mΩ and the dividers of our device file and of its defaults.
inline constexpr double BL0937_PULSE_J = 1.218 * 1.218 * 1720.0 / 0.001 / 1721506.0;
inline constexpr double HLW8012_PULSE_J = 2.43 * 2.43 * 2351.0 / 0.001 * 64.0 / 24.0 / 3579000.0;
/// Relays differ from outlet to outlet, and a device learns its own.
inline constexpr uint32_t SESSIONS_PER_OUTLET = 50;

/// Random numbers by key and index (splitmix64), so that none depends on how many were drawn before.
class Random {
 public:
  Random(uint64_t seed, uint64_t stream) : key_(mix_(seed ^ mix_(stream))) {}

  double uniform(uint64_t index, double low, double high) const {
    return low + (high - low) * static_cast<double>(this->bits_(index) >> 11) * 0x1p-53;
  }
  double log_uniform(uint64_t index, double low, double high) const {
    return low * std::pow(high / low, this->uniform(index, 0.0, 1.0));
  }
  /// Mean 0, standard deviation 1, never beyond 4.9: a sum of eight uniform numbers.
  double gaussian(uint64_t index) const {
    uint64_t sum = 0;
    for (uint64_t half = 0; half < 2; half++) {
      for (uint64_t rest = this->bits_(2 * index + half); rest != 0; rest >>= 16)
        sum += rest & 0xFFFF;
    }
    return (static_cast<double>(sum) / 0x1p16 - 4.0) * 1.2247448713915890;
  }

 protected:
  static uint64_t mix_(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
  }
  uint64_t bits_(uint64_t index) const { return mix_(this->key_ + (index + 1) * 0x9E3779B97F4A7C15ULL); }

  uint64_t key_;
};

/// What is random about a session.
struct Plan {
  double limit_wh;
  double power_w;
  double ramp_us;
  /// Standard deviation, as a part of the power, of what it stays at for `noise_us` each.
  double noise;
  int64_t noise_us;
  /// Whether the car pauses or throttles now and then.
  bool steps;
  /// From this part of the limit on the car takes less and less, down to `taper_to` at the limit; 1 = never.
  double taper_from;
  double taper_to;
  /// From the middle of two readings to the start.
  int64_t start_us;
  int64_t pause_us;

  Plan(uint64_t seed, uint32_t session) {
    const Random random(seed, session);
    uint64_t index = 0;
    this->power_w = random.log_uniform(index++, 20.0, 3600.0);
    this->limit_wh = std::round(random.log_uniform(index++, 5.0, 20'000.0));
    const bool at_once = random.uniform(index++, 0.0, 1.0) < 0.25;
    const double ramp_us = random.uniform(index++, 0.0, 60.0) * US_PER_S;
    this->ramp_us = at_once ? 0.0 : ramp_us;
    this->noise = random.uniform(index++, 0.0, 0.05);
    this->noise_us = static_cast<int64_t>(random.log_uniform(index++, 0.2, 2.0) * US_PER_S);
    this->steps = random.uniform(index++, 0.0, 1.0) < 0.3;
    const bool tapers = random.uniform(index++, 0.0, 1.0) < 0.3;
    const double from = random.uniform(index++, 0.6, 0.95);
    const double to = random.uniform(index++, 0.2, 0.6);
    this->taper_from = tapers ? from : 1.0;
    // A load below the idle power ends the session by that.
    this->taper_to = std::min(1.0, std::max(to, 15.0 / this->power_w));
    this->start_us = static_cast<int64_t>(random.uniform(index++, 0.0, 1.0) * US_PER_S);
    this->pause_us = static_cast<int64_t>(random.uniform(index++, 120.0, 240.0) * US_PER_S);
  }
};

/// A car. Its time runs while it gets power.
class Car {
 public:
  Car(const Plan &plan, uint64_t seed, uint32_t session)
      : plan_(plan), noise_(seed, (uint64_t{1} << 32) + session), steps_(seed, (uint64_t{2} << 32) + session) {
    this->step_at_us_ = plan.steps ? this->step_us_() : INT64_MAX;
  }

  void take(int64_t us) {
    while (us > 0) {
      if (this->left_us_ == 0)
        this->next_();
      const int64_t step = std::min(us, this->left_us_);
      this->energy_j_ += this->power_w_ * static_cast<double>(step) * 1e-6;
      this->left_us_ -= step;
      us -= step;
    }
  }
  double power_w() const { return this->power_w_; }
  double energy_j() const { return this->energy_j_; }

 protected:
  /// The power stays the same for a moment.
  void next_() {
    const int64_t length = this->plan_.noise_us;
    const int64_t began = static_cast<int64_t>(this->pieces_) * length;
    for (; began >= this->step_at_us_; this->step_at_us_ += this->step_us_()) {
      const bool stops = this->steps_.uniform(3 * this->stepped_ + 1, 0.0, 1.0) < 0.5;
      const double throttled = this->steps_.uniform(3 * this->stepped_ + 2, 0.3, 0.8);
      this->stepped_++;
      this->level_ = this->stepped_ % 2 == 0 ? 1.0 : stops ? 0.0 : throttled;
    }
    const double middle = static_cast<double>(began) + static_cast<double>(length) / 2;
    const double risen = middle >= this->plan_.ramp_us ? 1.0 : middle / this->plan_.ramp_us;
    double tapered = 1.0;
    if (this->plan_.taper_from < 1.0) {
      const double done = this->energy_j_ / (this->plan_.limit_wh * J_PER_WH);
      const double part = std::clamp((done - this->plan_.taper_from) / (1.0 - this->plan_.taper_from), 0.0, 1.0);
      tapered = 1.0 - (1.0 - this->plan_.taper_to) * part;
    }
    const double noise = 1.0 + this->plan_.noise * this->noise_.gaussian(this->pieces_);
    this->power_w_ = std::max(0.0, this->plan_.power_w * risen * tapered * this->level_ * noise);
    this->left_us_ = length;
    this->pieces_++;
  }
  /// How long until the car pauses, or goes on again.
  int64_t step_us_() const {
    const bool full = this->stepped_ % 2 == 0;
    return static_cast<int64_t>(this->steps_.log_uniform(3 * this->stepped_, full ? 20.0 : 5.0, full ? 1200.0 : 300.0) *
                                US_PER_S);
  }

  Plan plan_;
  Random noise_;
  Random steps_;
  uint64_t pieces_{0};
  uint64_t stepped_{0};
  int64_t left_us_{0};
  int64_t step_at_us_;
  double level_{1.0};
  double power_w_{0.0};
  double energy_j_{0.0};
};

enum class Meter {
  /// The exact mean since the reading before, and an exact counter.
  MEAN,
  /// The power at that moment.
  MOMENTARY,
  /// Pulses of so much energy. ESPHome's hlw8012 makes power of them by its nominal interval, and none of a single one.
  BL0937,
  HLW8012,
  /// Power in tenths of a watt, a counter of whole Wh (PZEM-004T).
  WHOLE_WH,
};

inline Meter meter_named(const char *name) {
  const char *const names[]{"mean", "momentary", "bl0937", "hlw8012", "whole-wh"};
  for (int index = 0; index < 5; index++) {
    if (std::strcmp(name, names[index]) == 0)
      return static_cast<Meter>(index);
  }
  std::fprintf(stderr, "there is no meter '%s'\n", name);
  std::exit(2);
}

struct Reading {
  float power_w;
  float energy_wh;
};

class World {
 public:
  World(uint64_t seed, Meter meter)
      : seed_(seed), meter_(meter), plan_(seed, 0), car_(plan_, seed, 0), random_(seed, uint64_t{3} << 32) {}

  /// Another car arrives, behind the open relay.
  void plug_in(uint32_t session) {
    this->before_j_ += this->car_.energy_j();
    if (session % SESSIONS_PER_OUTLET == 0) {
      // Another outlet, whose meter has just started.
      this->before_j_ = this->read_j_ = 0.0;
      this->pulses_read_ = 0;
    }
    this->plan_ = Plan(this->seed_, session);
    this->car_ = Car(this->plan_, this->seed_, session);
    this->random_ = Random(this->seed_, (uint64_t{3} << 32) + session);
    const Random outlet(this->seed_, (uint64_t{4} << 32) + session / SESSIONS_PER_OUTLET);
    this->delay_us_ = outlet.uniform(0, 5.0, 30.0) * US_PER_MS;
    this->readings_ = this->switchings_ = 0;
  }
  const Plan &plan() const { return this->plan_; }
  /// What the car has really taken.
  double taken_wh() const { return this->car_.energy_j() / J_PER_WH; }

  int64_t now_us() const { return this->now_us_; }
  uint64_t now_ms() const { return static_cast<uint64_t>(this->now_us_ / US_PER_MS); }
  void advance(int64_t until_us) {
    while (this->now_us_ < until_us) {
      const bool switching = this->contact_ != this->commanded_;
      const int64_t end = switching ? std::clamp(this->switch_at_us_, this->now_us_, until_us) : until_us;
      if (this->contact_)
        this->car_.take(end - this->now_us_);
      this->now_us_ = end;
      if (switching && end >= this->switch_at_us_)
        this->contact_ = this->commanded_;
    }
  }

  void command(bool closed) {
    this->commanded_ = closed;
    const double jitter_us = this->random_.uniform(2 * this->switchings_++, -1.0, 1.0) * US_PER_MS;
    this->switch_at_us_ = this->now_us_ + static_cast<int64_t>(this->delay_us_ + jitter_us);
  }
  bool commanded() const { return this->commanded_; }

  int64_t next_reading_us() const { return this->next_reading_us_; }
  Reading read() {
    const double total_j = this->before_j_ + this->car_.energy_j();
    const Reading reading = this->measure_(total_j);
    // ESPHome's scheduler counts an interval from when the last one was served: what is late stays late. The loop is
    // assumed to be there within 2 ms, but for one time in twenty, when something else takes up to 30 ms.
    const double late = this->random_.uniform(2 * this->readings_ + 1, 0.0, 1.0);
    const double late_ms = late < 0.95 ? late / 0.95 * 2.0 : 2.0 + (late - 0.95) / 0.05 * 28.0;
    this->readings_++;
    this->read_us_ = this->now_us_;
    this->read_j_ = total_j;
    this->next_reading_us_ = this->now_us_ + METER_INTERVAL_US + static_cast<int64_t>(late_ms * US_PER_MS);
    return reading;
  }

 protected:
  Reading measure_(double total_j) {
    const double mean_w = (total_j - this->read_j_) / (static_cast<double>(this->now_us_ - this->read_us_) * 1e-6);
    const double total_wh = total_j / J_PER_WH;
    switch (this->meter_) {
      case Meter::MOMENTARY:
        return {static_cast<float>(this->contact_ ? this->car_.power_w() : 0.0), static_cast<float>(total_wh)};
      case Meter::BL0937:
        return this->pulses_(total_j, BL0937_PULSE_J);
      case Meter::HLW8012:
        return this->pulses_(total_j, HLW8012_PULSE_J);
      case Meter::WHOLE_WH:
        return {static_cast<float>(std::round(mean_w * 10.0) / 10.0), static_cast<float>(std::floor(total_wh))};
      default:
        return {static_cast<float>(mean_w), static_cast<float>(total_wh)};
    }
  }
  Reading pulses_(double total_j, double pulse_j) {
    const auto total = static_cast<uint64_t>(total_j / pulse_j);
    const uint64_t pulses = total - this->pulses_read_;
    this->pulses_read_ = total;
    const double seconds = static_cast<double>(METER_INTERVAL_US) / US_PER_S;
    return {pulses <= 1 ? 0.0f : static_cast<float>(static_cast<double>(pulses) * pulse_j / seconds),
            static_cast<float>(static_cast<double>(total) * pulse_j / J_PER_WH)};
  }

  uint64_t seed_;
  Meter meter_;
  Plan plan_;
  Car car_;
  Random random_;
  int64_t now_us_{0};
  int64_t switch_at_us_{0};
  int64_t read_us_{0};
  int64_t next_reading_us_{METER_INTERVAL_US};
  uint64_t readings_{0};
  uint64_t switchings_{0};
  uint64_t pulses_read_{0};
  double delay_us_{0.0};
  /// What the cars before have taken.
  double before_j_{0.0};
  double read_j_{0.0};
  bool commanded_{false};
  bool contact_{false};
};

inline void print_header() {
  std::puts("session,limit_wh,taken_wh,counted_wh,reason,openings,seconds,power_w,ramp_s,noise,noise_s,steps,tapers");
}

inline void print_session(uint32_t session, const World &world, double counted_wh, const char *reason, int openings,
                          int64_t began_us, int64_t ended_us) {
  const Plan &plan = world.plan();
  std::printf("%u,%.0f,%.6f,%.6f,%s,%d,%.3f,%.1f,%.1f,%.4f,%.3f,%d,%d\n", session, plan.limit_wh, world.taken_wh(),
              counted_wh, reason, openings, static_cast<double>(ended_us - began_us) / US_PER_S, plan.power_w,
              plan.ramp_us / US_PER_S, plan.noise, static_cast<double>(plan.noise_us) / US_PER_S, plan.steps,
              plan.taper_from < 1.0);
}

}  // namespace bench
