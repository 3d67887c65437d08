// Millions of random steps: whatever happens in whatever order, what must hold then.
#include "../../../esphome/components/charging_outlet/session_guard.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>
#include <utility>

using namespace esphome::charging_outlet;

namespace {

constexpr uint64_t READING_MS = 1'000;

/// A guard between a random car, meter, flash, control system and mains.
class World {
 public:
  explicit World(uint32_t seed) : random_(seed), settings_(some_settings_()), guard_(settings_) {
    this->guard_.restore(FlashRecord{}, 0);
    this->flash_ = this->guard_.record();
  }

  void step() {
    switch (this->below_(25)) {
      case 0:
        this->start_();
        break;
      case 1:
      case 2:
      case 3:
        this->renew_();
        break;
      case 4:
        if (this->below_(8) == 0)
          this->guard_.session_stop(this->some_id_(), this->below_(2) ? "Remote" : "Nonsense", this->now_);
        break;
      case 5:
        if (this->below_(20) == 0)
          this->guard_.outlet_enable(this->below_(3) != 0, this->now_);
        break;
      case 6:
        this->guard_.fault_clear(name_of(FAULTS[this->below_(std::size(FAULTS))]), this->now_);
        break;
      case 7:
        if (this->below_(6) == 0)
          this->power_cut_();
        break;
      case 8:
        this->load_mw_ = this->below_(3) == 0 ? 0 : this->below_(this->settings_.max_power_mw);
        this->most_mw_ = std::max(this->most_mw_, this->load_mw_);
        break;
      case 9:
        if (this->below_(10) == 0)
          this->guard_.suspend(this->now_);
        break;
      case 10:
        if (this->below_(40) == 0)
          this->guard_.stop_by_hand(this->now_);
        break;
      case 11:
        this->flash_works_ = this->below_(50) != 0;
        break;
      case 12:
        this->meter_works_ = this->below_(20) != 0;
        this->meter_failed_ |= !this->meter_works_;
        break;
      case 13:
        this->guard_.temperature_reading(static_cast<float>(this->below_(100)), this->now_);
        break;
      case 14:
        this->change_limits_();
        break;
      default:
        this->pass_(this->below_(3) == 0 ? this->below_(20'000) : this->below_(200));
    }
    this->follow_();
    this->check_();
  }

  uint64_t ticks() const { return this->ticks_; }
  uint32_t sessions() const { return this->sessions_; }
  uint32_t cuts() const { return this->cuts_; }
  uint32_t limits() const { return this->limits_; }
  uint32_t changes() const { return this->changes_; }
  uint32_t holds() const { return this->holds_; }

 protected:
  uint32_t below_(uint32_t bound) { return static_cast<uint32_t>(this->random_() % std::max(bound, 1U)); }

  GuardSettings some_settings_() {
    GuardSettings settings;
    settings.max_power_mw = 100'000 + this->below_(4'000'000);
    settings.reading_kind = this->below_(2) ? ReadingKind::MEAN : ReadingKind::MOMENTARY;
    settings.has_counter = this->below_(3) == 0;
    settings.max_temperature = this->below_(2) ? 0 : 75;
    settings.idle_time_ms = 1'000 + this->below_(600'000);
    settings.start_timeout_ms = 5'000 + this->below_(600'000);
    settings.suspended_time_ms = this->below_(2) ? 0 : this->below_(1'800'000);
    settings.min_off_time_ms = this->below_(2) ? 0 : this->below_(10'000);
    settings.max_cycles_per_hour = 10 + this->below_(3'000);
    settings.save_energy_mwh = 10'000 + this->below_(400'000);
    settings.save_interval_ms = 10'000 + this->below_(3'600'000);
    return settings;
  }

  std::string some_id_() { return "session-" + std::to_string(this->below_(12)); }

  std::pair<int32_t, int32_t> some_limits_() {
    const auto energy_wh = static_cast<int32_t>(this->below_(4) == 0 ? 0 : this->below_(200));
    const auto time_s = static_cast<int32_t>(this->below_(3) == 0 ? this->below_(3'000) : 0);
    return {energy_wh, time_s};
  }

  void start_() {
    const std::string id = this->some_id_();
    const auto [energy_wh, time_s] = this->some_limits_();
    const bool was_running = this->running_(), from_relay = this->below_(2) != 0;
    const int32_t lease_s = this->some_lease_();
    const Answer answer = this->guard_.session_start(id, energy_wh, time_s, from_relay ? "relay" : "current", lease_s,
                                                     this->now_);
    if (!answer.accepted() || was_running)
      return;
    this->sessions_++;
    this->from_relay_ = from_relay;
    this->authorised_(this->guard_.limits());
    this->taken_uj_ = this->supplied_ms_ = this->openings_ = 0;
    this->seen_uj_ = 0;
    this->most_mw_ = this->load_mw_;
    this->meter_failed_ = !this->meter_works_;
    this->waiting_ = lease_s == 0;
    REQUIRE(!(this->waiting_ && this->guard_.relay_closed()));
  }

  void change_limits_() {
    const std::string id = this->below_(5) == 0 ? this->some_id_() : std::string(this->guard_.session_id());
    const auto [energy_wh, time_s] = this->some_limits_();
    const Limits before = this->guard_.limits();
    const uint64_t lease_ms = this->guard_.lease_left_ms(this->now_);
    const Answer answer = this->guard_.session_limit(id, energy_wh, time_s, this->now_);
    if (!answer.accepted()) {
      REQUIRE(this->guard_.limits() == before);
      return;
    }
    const Limits asked = this->guard_.limits();
    REQUIRE(asked.energy_wh == static_cast<uint32_t>(energy_wh));
    REQUIRE(asked.time_s == static_cast<uint32_t>(time_s));
    this->follow_();
    if (!this->running_())
      return;
    // What is acknowledged is in flash; what could not be written has not changed.
    REQUIRE(this->guard_.limits() == (this->flash_works_ ? asked : before));
    // The lease of a contact that rests is given up, too, when nothing can be written.
    const uint64_t left_ms = this->guard_.lease_left_ms(this->now_);
    REQUIRE((left_ms == lease_ms || (!this->closed_ && left_ms == 0)));
    this->changes_ += asked == before ? 0 : 1;
    this->authorised_(this->guard_.limits());
  }

  void authorised_(const Limits &limits) {
    this->energy_limit_uj_ = limits.energy_wh * MICROJOULES_PER_WH;
    this->time_limit_ms_ = this->from_relay_ ? limits.time_s * 1'000ULL : 0;
  }

  void renew_() {
    const std::string id = this->below_(5) == 0 ? this->some_id_() : std::string(this->guard_.session_id());
    const int32_t lease_s = this->some_lease_();
    const Answer answer = this->guard_.session_renew(id, static_cast<int32_t>(++this->seq_), lease_s, this->now_);
    if (answer.accepted() && lease_s != 0)
      this->waiting_ = false;
    if (answer.accepted() && lease_s == 0) {
      this->holds_++;
      REQUIRE_FALSE(this->guard_.relay_closed());
      REQUIRE(this->guard_.lease_left_ms(this->now_) == 0);
    }
  }

  int32_t some_lease_() { return static_cast<int32_t>(this->below_(6) == 0 ? 0 : this->below_(302)); }

  bool running_() const {
    return this->guard_.session_id()[0] != '\0' && this->guard_.end_reason() == EndReason::NONE;
  }

  void pass_(uint64_t milliseconds) {
    for (const uint64_t end = this->now_ + milliseconds; this->now_ < end;) {
      const uint64_t step = std::min<uint64_t>(1 + this->below_(16), end - this->now_);
      const uint64_t flowed_uj = this->closed_ ? this->load_mw_ * step : 0;
      this->taken_uj_ += flowed_uj;
      this->reading_uj_ += flowed_uj;
      this->counter_uj_ += flowed_uj;
      this->supplied_ms_ += this->closed_ ? step : 0;
      this->now_ += step;
      if (this->now_ - this->read_ms_ >= READING_MS)
        this->read_();
      this->guard_.tick(this->now_);
      this->ticks_++;
      this->follow_();
    }
  }

  void read_() {
    const double mean_mw = this->settings_.reading_kind == ReadingKind::MEAN
                               ? static_cast<double>(this->reading_uj_) / static_cast<double>(this->now_ - this->read_ms_)
                               : (this->closed_ ? this->load_mw_ : 0);
    this->read_ms_ = this->now_;
    this->reading_uj_ = 0;
    if (!this->meter_works_)
      return;
    this->guard_.power_reading(this->below_(200) == 0 ? NAN : static_cast<float>(mean_mw / 1'000), this->now_);
    if (this->settings_.has_counter)
      this->guard_.energy_reading(static_cast<double>(this->counter_uj_) / MICROJOULES_PER_WH, this->now_);
  }

  void follow_() {
    if (!this->guard_.relay_closed())
      this->switch_(false);
    if (this->guard_.save_due(this->now_) || this->guard_.save_useful()) {
      if (this->flash_works_) {
        this->flash_ = this->guard_.record();
        this->guard_.saved();
      } else {
        this->guard_.save_failed(this->now_);
      }
    }
    this->switch_(this->guard_.relay_closed());
  }

  void switch_(bool closed) {
    this->openings_ += this->closed_ && !closed ? 1 : 0;
    this->closed_ = closed;
  }

  void power_cut_() {
    this->follow_();
    const uint64_t energy_uj = this->guard_.energy_uj(), lifetime_uj = this->guard_.lifetime_uj();
    const std::string id = this->guard_.session_id();
    const EndReason reason = this->guard_.end_reason();
    // What could not be written is forgotten; of a session that is in flash nothing is.
    if (!this->flash_works_ && (id != this->flash_.session_id.data() ||
                                static_cast<uint8_t>(reason) != this->flash_.end_reason))
      return;
    const Limits limits = this->guard_.limits();
    this->cuts_++;
    this->seq_ += 200'000;
    this->switch_(false);
    this->now_ = this->read_ms_ = this->reading_uj_ = 0;
    this->guard_ = SessionGuard(this->settings_);
    REQUIRE(this->guard_.restore(this->flash_, 0));
    CHECK(this->guard_.session_id() == id);
    CHECK(this->guard_.end_reason() == reason);
    CHECK(this->guard_.limits() == limits);
    CHECK(this->guard_.energy_uj() <= energy_uj);
    CHECK(energy_uj - this->guard_.energy_uj() <= this->settings_.save_energy_mwh * MICROJOULES_PER_MWH);
    CHECK(this->guard_.lifetime_uj() >= lifetime_uj);
    this->seen_uj_ = this->guard_.energy_uj();
    this->seen_lifetime_uj_ = this->guard_.lifetime_uj();
  }

  void check_() {
    const SessionState state = this->guard_.state();
    // A closed relay has a running session, a lease, an enabled outlet and no fault.
    REQUIRE(this->guard_.relay_closed() == (state == SessionState::SUPPLYING));
    if (this->guard_.relay_closed()) {
      REQUIRE(this->running_());
      REQUIRE(this->guard_.lease_left_ms(this->now_) > 0);
      REQUIRE(this->guard_.enabled());
      REQUIRE(this->guard_.fault() == Fault::NONE);
    }
    // A session that has begun waiting takes nothing, and no time, before a renewal lets it go.
    if (this->waiting_ && this->running_()) {
      REQUIRE_FALSE(this->guard_.relay_closed());
      REQUIRE(this->guard_.energy_uj() + this->guard_.supply_ms() == 0);
    }
    // Nothing runs backwards.
    REQUIRE(this->guard_.energy_uj() >= this->seen_uj_);
    REQUIRE(this->guard_.lifetime_uj() >= this->seen_lifetime_uj_);
    this->seen_uj_ = this->guard_.energy_uj();
    this->seen_lifetime_uj_ = this->guard_.lifetime_uj();
    // What was authorised is not passed by more than what no reading could tell in time.
    const uint64_t unseen_ms = this->meter_failed_ ? this->settings_.meter_timeout_ms : READING_MS;
    const uint64_t slack_uj = static_cast<uint64_t>(this->most_mw_) * (unseen_ms + 32) * (this->openings_ + 2);
    if (this->energy_limit_uj_ != 0)
      REQUIRE(this->taken_uj_ <= this->energy_limit_uj_ + slack_uj);
    // Nobody pays for more than was taken, but for what the last load was taken to be.
    REQUIRE(this->guard_.energy_uj() <= this->taken_uj_ + slack_uj);
    if (this->guard_.end_reason() == EndReason::ENERGY_LIMIT && this->ended_id_ != this->guard_.session_id()) {
      this->limits_++;
      this->ended_id_ = this->guard_.session_id();
      const uint64_t limit_uj = this->guard_.limits().energy_wh * MICROJOULES_PER_WH;
      REQUIRE(this->guard_.energy_uj() + this->guard_.doubtful_uj() >= limit_uj);
    }
    if (this->time_limit_ms_ != 0)
      REQUIRE(this->supplied_ms_ <= this->time_limit_ms_ + 16);
  }

  std::mt19937 random_;
  GuardSettings settings_;
  SessionGuard guard_;
  FlashRecord flash_;
  std::string ended_id_;
  uint64_t ticks_{0};
  uint64_t now_{0};
  uint64_t read_ms_{0};
  uint64_t reading_uj_{0};
  uint64_t counter_uj_{0};
  uint64_t taken_uj_{0};
  uint64_t supplied_ms_{0};
  uint64_t openings_{0};
  uint64_t seen_uj_{0};
  uint64_t seen_lifetime_uj_{0};
  uint64_t energy_limit_uj_{0};
  uint64_t time_limit_ms_{0};
  uint32_t load_mw_{0};
  uint32_t most_mw_{0};
  uint32_t seq_{0};
  uint32_t sessions_{0};
  uint32_t cuts_{0};
  uint32_t limits_{0};
  uint32_t changes_{0};
  uint32_t holds_{0};
  bool waiting_{false};
  bool closed_{false};
  bool from_relay_{true};
  bool meter_works_{true};
  bool meter_failed_{false};
  bool flash_works_{true};
};

uint32_t setting(const char *name, uint32_t otherwise) {
  const char *text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace

TEST_CASE("whatever happens in whatever order, the relay is closed for authorised energy only") {
  uint64_t ticks = 0;
  uint32_t sessions = 0, cuts = 0, limits = 0, changes = 0, holds = 0;
  const uint32_t first = setting("SEED", 1), worlds = setting("WORLDS", 60);
  for (uint32_t seed = first; seed < first + worlds; seed++) {
    INFO("SEED=" << seed << " WORLDS=1");
    World world(seed);
    for (int count = 0; count < 5'000; count++)
      world.step();
    ticks += world.ticks();
    sessions += world.sessions();
    cuts += world.cuts();
    limits += world.limits();
    changes += world.changes();
    holds += world.holds();
  }
  // The walk has been where it matters.
  if (worlds >= 60) {
    CHECK(sessions > worlds);
    CHECK(cuts > 10 * worlds);
    CHECK(limits > worlds / 10);
    CHECK(changes > worlds);
    CHECK(holds > worlds);
  }
  MESSAGE(worlds << " worlds: " << ticks << " ticks, " << sessions << " sessions, " << cuts << " power cuts, " << limits
                 << " energy limits, " << changes << " changes of limits, " << holds << " holds");
}
