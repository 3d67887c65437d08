#include "session_guard.h"

#include <algorithm>
#include <cmath>

namespace esphome::charging_outlet {

namespace {

/// A reading that is late or lost once is bridged; over a longer silence only the lower of the two around it counts.
constexpr uint32_t LONGEST_GAP_MS = 2'500;
/// Once too hot, the outlet has to cool down by so much.
constexpr float HYSTERESIS = 10.0f;
constexpr float COLDEST = -40.0f;
constexpr float HOTTEST = 150.0f;
constexpr uint64_t TEMPERATURE_TIMEOUT_MS = 60'000;
/// A start waits so long for the contact to rest; for longer it is refused.
constexpr uint64_t LONGEST_REST_MS = 10'000;
/// A session that is told to wait is renewed in time, however short the patience with one that nobody renews.
constexpr uint32_t LEAST_WAIT_MS = MAX_LEASE_S * 1'000;
/// The counter of a meter's whole life fits.
constexpr double MOST_WH = 1e9;
/// A counter may leap by its own coarse step, and by what a broken load could draw.
constexpr uint64_t COARSEST_STEP_UJ = 25 * MICROJOULES_PER_WH;

constexpr Answer DONE{};

/// 64 bit FNV-1a.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char character : text)
    hash = (hash ^ static_cast<uint8_t>(character)) * 0x100000001B3ULL;
  return hash;
}

bool is_lease(int32_t lease_s) { return lease_s >= 0 && lease_s <= MAX_LEASE_S; }

Answer check_limits(int32_t energy_limit_wh, int32_t time_limit_s) {
  if (energy_limit_wh < 0 || energy_limit_wh > MAX_ENERGY_LIMIT_WH)
    return {Refusal::BAD_ARGUMENT, "energy_limit_wh must be 0 to 100000"};
  if (time_limit_s < 0 || time_limit_s > MAX_TIME_LIMIT_S)
    return {Refusal::BAD_ARGUMENT, "time_limit_s must be 0 to 86400"};
  if (energy_limit_wh == 0 && time_limit_s == 0)
    return {Refusal::BAD_ARGUMENT, "a session needs an energy limit or a time limit"};
  return DONE;
}

Limits limits_of(int32_t energy_limit_wh, int32_t time_limit_s) {
  return {.energy_wh = static_cast<uint32_t>(energy_limit_wh), .time_s = static_cast<uint32_t>(time_limit_s)};
}

/// NONE for a word that nobody may end a session with.
EndReason reason_of_stop(std::string_view word) {
  for (const EndReason reason : {EndReason::REMOTE, EndReason::LOCAL, EndReason::POWER_LOSS,
                                 EndReason::EV_DISCONNECTED, EndReason::OTHER}) {
    if (word == name_of(reason))
      return reason;
  }
  return EndReason::NONE;
}

Fault fault_of(std::string_view code) {
  for (const Fault fault : FAULTS) {
    if (code == name_of(fault))
      return fault;
  }
  return Fault::NONE;
}

constexpr Answer BAD_SESSION_ID{Refusal::BAD_ARGUMENT, "session_id must be 1 to 36 characters of A-Z a-z 0-9 -"};
constexpr Answer BAD_LEASE{Refusal::BAD_ARGUMENT, "lease_s must be 0 to 300"};
constexpr Answer FAULTED{Refusal::FAULT, "the outlet has a fault"};
constexpr Answer SESSION_ENDED{Refusal::ALREADY_ENDED, "this session has ended"};
constexpr Answer NO_SUCH_SESSION{Refusal::UNKNOWN_SESSION, "no such session here"};

}  // namespace

SessionGuard::SessionGuard(const GuardSettings &settings)
    : settings_(settings),
      meter_(settings.reading_kind, LONGEST_GAP_MS, settings.max_power_mw),
      meter_watch_(settings.meter_timeout_ms, settings.frozen_time_ms, settings.max_power_mw),
      overload_(settings.thermal_time_ms),
      contact_(settings.min_off_time_ms, settings.max_cycles_per_hour, settings.settle_time_ms) {}

// --- what others ask for

Answer SessionGuard::session_start(std::string_view session_id, int32_t energy_limit_wh, int32_t time_limit_s,
                                   std::string_view timer_start, int32_t lease_s, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (!is_session_id(session_id))
    return BAD_SESSION_ID;
  if (const Answer wrong = check_limits(energy_limit_wh, time_limit_s); !wrong.accepted())
    return wrong;
  const bool from_current = timer_start == "current";
  if (!from_current && timer_start != "relay")
    return {Refusal::BAD_ARGUMENT, "timer_start must be relay or current"};
  if (!is_lease(lease_s))
    return BAD_LEASE;

  const Limits limits = limits_of(energy_limit_wh, time_limit_s);
  const TimerStart timer = from_current ? TimerStart::CURRENT : TimerStart::RELAY;
  if (this->has_ended_(session_id))
    return SESSION_ENDED;
  if (this->running_()) {
    if (!this->is_session_(session_id))
      return {Refusal::BUSY, "another session is running"};
    const bool same = limits == this->limits_ && timer == this->timer_start_;
    return same ? DONE : Answer{Refusal::BUSY, "this session is running under other limits"};
  }
  if (!this->enabled_)
    return {Refusal::DISABLED, "the outlet is disabled"};
  if (this->faults_ != 0)
    return FAULTED;
  if (lease_s != 0 && this->contact_.rest_ms(now_ms) > LONGEST_REST_MS)
    return {Refusal::BUSY, "the relay has switched too often and rests for a while"};

  this->session_id_.fill('\0');
  std::ranges::copy(session_id, this->session_id_.begin());
  this->limits_ = limits;
  this->timer_start_ = timer;
  this->energy_uj_ = 0;
  this->supply_ms_ = 0;
  this->doubtful_uj_ = 0;
  this->doubtful_ms_ = 0;
  this->suspended_ms_ = 0;
  this->last_seq_ = -1;
  this->end_reason_ = EndReason::NONE;
  this->clock_started_ = timer == TimerStart::RELAY;
  this->used_ = false;
  this->power_lost_ = false;
  this->durable_changes_++;
  this->follow_lease_(lease_s, now_ms);
  return DONE;
}

Answer SessionGuard::session_renew(std::string_view session_id, int32_t seq, int32_t lease_s, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (!is_session_id(session_id))
    return BAD_SESSION_ID;
  if (seq < 0)
    return {Refusal::BAD_ARGUMENT, "seq must not be negative"};
  if (!is_lease(lease_s))
    return BAD_LEASE;
  if (!this->running_() || !this->is_session_(session_id))
    return this->has_ended_(session_id) ? SESSION_ENDED : NO_SUCH_SESSION;
  if (seq <= this->last_seq_)
    return {Refusal::STALE, "seq must be higher than that of the last renewal"};
  if (this->faults_ != 0)
    return FAULTED;

  this->last_seq_ = seq;
  if (lease_s != 0 && (this->supplying_ || this->resting_)) {
    this->lease_until_ms_ = now_ms + static_cast<uint64_t>(lease_s) * 1000;
  } else {
    this->follow_lease_(lease_s, now_ms);
    // A limit that was reached by the energy up to the suspension is found before the relay moves.
    this->watch_limits_(now_ms);
  }
  return DONE;
}

Answer SessionGuard::session_limit(std::string_view session_id, int32_t energy_limit_wh, int32_t time_limit_s,
                                   uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (!is_session_id(session_id))
    return BAD_SESSION_ID;
  if (const Answer wrong = check_limits(energy_limit_wh, time_limit_s); !wrong.accepted())
    return wrong;
  if (!this->running_() || !this->is_session_(session_id))
    return this->has_ended_(session_id) ? SESSION_ENDED : NO_SUCH_SESSION;
  const Limits limits = limits_of(energy_limit_wh, time_limit_s);
  if (limits == this->limits_)
    return DONE;
  if (this->has_(Fault::STORAGE))
    return FAULTED;

  if (!this->limits_in_flash_)
    this->limits_in_flash_ = this->limits_;
  this->limits_ = limits;
  this->durable_changes_++;
  if (const EndReason reached = this->limit_reached_(now_ms); reached != EndReason::NONE)
    this->end_(reached, now_ms);
  return DONE;
}

Answer SessionGuard::session_stop(std::string_view session_id, std::string_view reason, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (!is_session_id(session_id))
    return BAD_SESSION_ID;
  const EndReason end_reason = reason_of_stop(reason);
  if (end_reason == EndReason::NONE)
    return {Refusal::BAD_ARGUMENT, "reason must be Remote, Local, PowerLoss, EVDisconnected or Other"};
  if (!this->running_() || !this->is_session_(session_id))
    return this->has_ended_(session_id) ? DONE : NO_SUCH_SESSION;
  this->end_(end_reason, now_ms);
  return DONE;
}

void SessionGuard::outlet_enable(bool enabled, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (enabled == this->enabled_)
    return;
  this->enabled_ = enabled;
  this->durable_changes_++;
  if (!enabled && this->running_())
    this->end_(EndReason::LOCAL, now_ms);
}

Answer SessionGuard::fault_clear(std::string_view code, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  const Fault fault = fault_of(code);
  if (fault == Fault::NONE)
    return {Refusal::BAD_ARGUMENT,
            "code must be overcurrent, welded_contact, overtemperature, meter_silent, meter_frozen, meter_implausible, "
            "temperature_silent or storage"};
  if (!this->has_(fault) || is_latched(fault)) {
    this->forget_(fault);
    return DONE;
  }
  if (fault != Fault::METER_FROZEN)
    return {Refusal::FAULT, "this fault is still there; it goes away with its cause"};
  // A counter moves again when power flows, and for that the outlet must be free.
  this->counter_ = EnergyCounter{};
  this->meter_watch_.relay_closed(now_ms);
  this->forget_(fault);
  return DONE;
}

void SessionGuard::stop_by_hand(uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (this->running_())
    this->end_(EndReason::LOCAL, now_ms);
}

// --- what happens

void SessionGuard::power_reading(float power_w, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  this->run_clock_(now_ms);
  if (const auto power_mw = this->meter_watch_.reading(power_w, now_ms)) {
    this->follow_load_(*power_mw, now_ms);
    this->watch_load_(power_w, now_ms);
    this->watch_contact_(*power_mw, now_ms);
  }
  this->tick(now_ms);
}

void SessionGuard::energy_reading(double energy_wh, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (!(energy_wh >= 0.0 && energy_wh <= MOST_WH)) {
    this->meter_watch_.counter_made_no_sense();
    return;
  }
  const auto total_uj = static_cast<uint64_t>(energy_wh * static_cast<double>(MICROJOULES_PER_WH));
  const uint64_t elapsed_ms = now_ms - this->counter_ms_;
  const uint64_t rated_uj = this->settings_.max_power_mw * elapsed_ms;
  const uint64_t most_uj = COARSEST_STEP_UJ + CREDIBLE_TIMES_RATED * rated_uj;
  // Whether the counter or the power of an interval is heard first, the power's share of it is known before the step.
  this->counter_.estimate(this->meter_.settle(now_ms));
  const uint64_t added_uj = this->counter_.reading(total_uj, rated_uj, most_uj);
  this->counter_ms_ = now_ms;
  if (this->supplying_)
    this->count_({.counted_uj = added_uj});
  this->tick(now_ms);
}

void SessionGuard::current_reading(float current_a, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (!(current_a >= 0.0f))
    return;
  this->current_a_ = current_a;
  this->current_ms_ = now_ms;
}

void SessionGuard::temperature_reading(float temperature, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (this->settings_.max_temperature == 0 || !(temperature >= COLDEST && temperature <= HOTTEST))
    return;
  this->temperature_ms_ = now_ms;
  const auto limit = static_cast<float>(this->settings_.max_temperature);
  if (temperature >= limit) {
    this->set_(Fault::OVERTEMPERATURE, true, now_ms);
  } else if (temperature <= limit - HYSTERESIS) {
    this->set_(Fault::OVERTEMPERATURE, false, now_ms);
  }
}

void SessionGuard::tick(uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  this->run_clock_(now_ms);
  this->watch_limits_(now_ms);
  this->watch_meter_(now_ms);
  this->watch_temperature_(now_ms);
  this->watch_suspension_(now_ms);
}

void SessionGuard::relay_opened_by_others(uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (this->supplying_)
    this->end_(EndReason::OTHER, now_ms);
}

void SessionGuard::suspend(uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  this->open_relay_(now_ms);
}

// --- what is so

SessionState SessionGuard::state() const {
  if (this->running_())
    return this->supplying_ ? SessionState::SUPPLYING : SessionState::SUSPENDED;
  if (this->faults_ != 0)
    return SessionState::FAULT;
  return this->session_id_[0] == '\0' ? SessionState::IDLE : SessionState::ENDED;
}

uint64_t SessionGuard::lease_left_ms(uint64_t now_ms) const {
  const bool leased = this->supplying_ || this->resting_;
  return leased && this->lease_until_ms_ > now_ms ? this->lease_until_ms_ - now_ms : 0;
}

Fault SessionGuard::fault() const {
  const auto found = std::ranges::find_if(FAULTS, [this](Fault fault) { return this->has_(fault); });
  return found == std::end(FAULTS) ? Fault::NONE : *found;
}

// --- inside

uint64_t SessionGuard::forward_(uint64_t now_ms) { return this->now_ms_ = std::max(this->now_ms_, now_ms); }

bool SessionGuard::has_ended_(std::string_view session_id) const {
  return std::ranges::find(this->ended_, hash_of(session_id)) != this->ended_.end();
}

void SessionGuard::latch_(Fault fault, EndReason reason, uint64_t now_ms) {
  if (this->has_(fault))
    return;
  this->faults_ |= static_cast<uint8_t>(fault);
  this->durable_changes_++;
  if (this->running_())
    this->end_(reason, now_ms);
}

void SessionGuard::set_(Fault fault, bool present, uint64_t now_ms) {
  if (!present) {
    this->forget_(fault);
  } else if (!this->has_(fault)) {
    this->faults_ |= static_cast<uint8_t>(fault);
    this->open_relay_(now_ms);
  }
}

void SessionGuard::forget_(Fault fault) {
  if (!this->has_(fault))
    return;
  this->faults_ &= static_cast<uint8_t>(~static_cast<uint8_t>(fault));
  if (fault == Fault::WELDED_CONTACT)
    this->contact_.forget_welding();
  this->durable_changes_ += is_latched(fault) ? 1 : 0;
}

void SessionGuard::follow_lease_(int32_t lease_s, uint64_t now_ms) {
  if (lease_s == 0) {
    this->wait_(now_ms);
  } else {
    this->supply_(lease_s, now_ms);
  }
}

void SessionGuard::wait_(uint64_t now_ms) {
  this->open_relay_(now_ms);
  this->held_ = true;
  this->power_lost_ = false;
  this->suspended_ms_ = 0;
  this->suspension_ms_ = now_ms;
}

void SessionGuard::supply_(int32_t lease_s, uint64_t now_ms) {
  this->held_ = false;
  this->lease_until_ms_ = now_ms + static_cast<uint64_t>(lease_s) * 1000;
  this->resting_ = this->contact_.rest_ms(now_ms) > 0;
  if (!this->resting_)
    this->close_relay_(now_ms);
}

void SessionGuard::close_relay_(uint64_t now_ms) {
  this->clock_ms_ = this->in_use_ms_ = now_ms;
  this->suspended_ms_ = 0;
  this->power_lost_ = false;
  this->resting_ = false;
  this->supplying_ = true;
  this->contact_.closed(now_ms);
  this->meter_watch_.relay_closed(now_ms);
  this->meter_.begin(now_ms);
}

void SessionGuard::open_relay_(uint64_t now_ms) {
  this->resting_ = false;
  if (!this->supplying_)
    return;
  this->run_clock_(now_ms);
  Flow flow = this->meter_.end(now_ms, this->contact_.delay_us());
  if (this->settings_.has_counter) {
    this->counter_.estimate(flow.counted_uj);
    flow.counted_uj = this->counter_.settle();
  }
  this->count_(flow);
  this->supplying_ = false;
  this->suspension_ms_ = now_ms;
  this->contact_.opened(now_ms);
}

void SessionGuard::end_(EndReason reason, uint64_t now_ms) {
  this->open_relay_(now_ms);
  this->end_reason_ = reason;
  this->limits_in_flash_.reset();
  this->ended_[this->next_ended_] = hash_of(this->session_id_.data());
  this->next_ended_ = (this->next_ended_ + 1) % REMEMBERED_SESSIONS;
  this->durable_changes_++;
}

void SessionGuard::count_(const Flow &flow) {
  this->energy_uj_ += flow.counted_uj;
  this->lifetime_uj_ += flow.counted_uj;
  this->doubtful_uj_ += flow.doubtful_uj;
}

void SessionGuard::run_clock_(uint64_t now_ms) {
  if (this->supplying_ && this->clock_started_) {
    this->supply_ms_ += now_ms - this->clock_ms_;
    this->clock_ms_ = now_ms;
  }
}

uint64_t SessionGuard::pending_uj_(uint64_t now_ms) const {
  const uint64_t since_reading = this->meter_.pending(now_ms);
  return this->settings_.has_counter ? this->counter_.pending() + since_reading : since_reading;
}

uint64_t SessionGuard::spent_uj_(uint64_t now_ms) const {
  return this->energy_uj_ + this->doubtful_uj_ + this->pending_uj_(now_ms);
}

EndReason SessionGuard::limit_reached_(uint64_t now_ms) const {
  const uint64_t spent_uj = this->spent_uj_(now_ms) + this->meter_.tail(this->contact_.delay_us());
  if (this->limits_.energy_wh != 0 && spent_uj >= this->limits_.energy_wh * MICROJOULES_PER_WH)
    return EndReason::ENERGY_LIMIT;
  const uint64_t spent_ms = this->supply_ms_ + this->doubtful_ms_;
  if (this->limits_.time_s != 0 && spent_ms >= static_cast<uint64_t>(this->limits_.time_s) * 1000)
    return EndReason::TIME_LIMIT;
  return EndReason::NONE;
}

void SessionGuard::follow_load_(uint32_t power_mw, uint64_t now_ms) {
  Flow flow = this->meter_.reading(now_ms, power_mw);
  if (this->settings_.has_counter) {
    // The counter will tell what has flowed, also over a silence; what was before it was last heard it has told.
    this->counter_.estimate(std::min(flow.counted_uj, power_mw * (now_ms - this->counter_ms_)));
    flow = {};
  }
  if (this->running_())
    this->count_(flow);
  if (const auto delay_us = this->meter_.observed_delay_us())
    this->contact_.learn_delay(*delay_us);
  if (!this->supplying_ || power_mw < this->settings_.idle_power_mw)
    return;
  this->in_use_ms_ = now_ms;
  this->used_ = true;
  this->contact_.conducts();
  if (!this->clock_started_) {
    this->clock_started_ = true;
    this->clock_ms_ = now_ms;
  }
}

void SessionGuard::watch_load_(float power_w, uint64_t now_ms) {
  float ratio = 0.0f;
  if (this->supplying_) {
    ratio = std::max(power_w, 0.0f) * 1000.0f / static_cast<float>(this->settings_.max_power_mw);
    if (this->settings_.max_current_ma != 0 && now_ms - this->current_ms_ <= LONGEST_GAP_MS)
      ratio = std::max(ratio, this->current_a_ * 1000.0f / static_cast<float>(this->settings_.max_current_ma));
  }
  this->overload_.advance(now_ms, ratio);
  if (this->supplying_ && this->overload_.tripped())
    this->latch_(Fault::OVERCURRENT, EndReason::OVERCURRENT, now_ms);
}

void SessionGuard::watch_meter_(uint64_t now_ms) {
  const Fault fault = this->meter_watch_.fault(now_ms);
  this->set_(Fault::METER_SILENT, fault == Fault::METER_SILENT, now_ms);
  this->set_(Fault::METER_IMPLAUSIBLE, fault == Fault::METER_IMPLAUSIBLE, now_ms);
  // Nothing is as steady as a meter that measures nothing, so only what is in use can be found frozen.
  const bool in_use = this->supplying_ && this->in_use_ms_ + LONGEST_GAP_MS >= now_ms;
  // As long as the counter moves, the same power again and again is a steady load.
  const bool steady = this->meter_watch_.frozen(now_ms);
  const bool frozen = this->settings_.has_counter ? this->counter_.stuck() || (steady && this->counter_.late()) : steady;
  this->set_(Fault::METER_FROZEN, frozen && (in_use || this->has_(Fault::METER_FROZEN)), now_ms);
}

void SessionGuard::watch_temperature_(uint64_t now_ms) {
  if (this->settings_.max_temperature != 0)
    this->set_(Fault::TEMPERATURE_SILENT, now_ms - this->temperature_ms_ >= TEMPERATURE_TIMEOUT_MS, now_ms);
}

void SessionGuard::watch_limits_(uint64_t now_ms) {
  if (!this->supplying_)
    return;
  const uint64_t unused_ms = now_ms - this->in_use_ms_;
  if (const EndReason reached = this->limit_reached_(now_ms); reached != EndReason::NONE) {
    this->end_(reached, now_ms);
  } else if (this->used_ && unused_ms >= this->settings_.idle_time_ms) {
    this->end_(EndReason::EV_DISCONNECTED, now_ms);
  } else if (!this->used_ && unused_ms >= this->settings_.start_timeout_ms) {
    this->end_(EndReason::TIMEOUT, now_ms);
  } else if (now_ms >= this->lease_until_ms_) {
    this->open_relay_(now_ms);
  }
}

void SessionGuard::watch_suspension_(uint64_t now_ms) {
  if (!this->running_() || this->supplying_)
    return;
  if (this->resting_) {
    if (now_ms >= this->lease_until_ms_) {
      this->resting_ = false;
    } else if (this->contact_.rest_ms(now_ms) == 0) {
      this->close_relay_(now_ms);
      this->watch_limits_(now_ms);
    }
  } else {
    this->suspended_ms_ += static_cast<uint32_t>(now_ms - this->suspension_ms_);
    const uint32_t patience_ms = this->settings_.suspended_time_ms;
    if (this->suspended_ms_ >= (this->held_ ? std::max(patience_ms, LEAST_WAIT_MS) : patience_ms))
      this->end_(this->power_lost_ ? EndReason::POWER_LOSS : EndReason::OTHER, now_ms);
  }
  this->suspension_ms_ = now_ms;
}

void SessionGuard::watch_contact_(uint32_t power_mw, uint64_t now_ms) {
  // A frozen meter goes on telling of the time before.
  if (this->supplying_ || this->has_(Fault::METER_FROZEN))
    return;
  if (this->contact_.welded(power_mw >= this->settings_.welded_power_mw, now_ms))
    this->latch_(Fault::WELDED_CONTACT, EndReason::OTHER, now_ms);
}

}  // namespace esphome::charging_outlet
