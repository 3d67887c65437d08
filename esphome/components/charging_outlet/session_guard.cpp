#include "session_guard.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace esphome::charging_outlet {

namespace {

/// A meter near 0 W may say a little less; more than that is one that is wired the wrong way round.
constexpr float NOISE_BELOW_ZERO_W = 20.0f;
/// A reading above so many times the rated power is a broken one. It counts as overload, but is never billed.
constexpr uint32_t CREDIBLE_TIMES_RATED = 4;
/// One reading alone may be a disturbance.
constexpr uint8_t READINGS_OF_A_WELDED_CONTACT = 2;
constexpr uint64_t UNBOUNDED = std::numeric_limits<uint32_t>::max();

/// Those that stay until they are cleared, also over a reboot.
constexpr uint8_t LATCHED_FAULTS =
    static_cast<uint8_t>(Fault::OVERCURRENT) | static_cast<uint8_t>(Fault::WELDED_CONTACT);

constexpr Answer DONE{};

/// 64 bit FNV-1a.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char character : text)
    hash = (hash ^ static_cast<uint8_t>(character)) * 0x100000001B3ULL;
  return hash;
}

bool is_session_id(std::string_view text) {
  return !text.empty() && text.size() <= SESSION_ID_LENGTH && std::ranges::all_of(text, [](char character) {
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') ||
           (character >= '0' && character <= '9') || character == '-';
  });
}

bool is_lease(int32_t lease_s) { return lease_s >= 1 && lease_s <= MAX_LEASE_S; }

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
  for (const Fault fault : {Fault::OVERCURRENT, Fault::WELDED_CONTACT, Fault::METER_SILENT}) {
    if (code == name_of(fault))
      return fault;
  }
  return Fault::NONE;
}

constexpr Answer BAD_SESSION_ID{Refusal::BAD_ARGUMENT, "session_id must be 1 to 36 characters of A-Z a-z 0-9 -"};
constexpr Answer BAD_LEASE{Refusal::BAD_ARGUMENT, "lease_s must be 1 to 300"};
constexpr Answer FAULTED{Refusal::FAULT, "the outlet has a fault"};
constexpr Answer SESSION_ENDED{Refusal::ALREADY_ENDED, "this session has ended"};
constexpr Answer NO_SUCH_SESSION{Refusal::UNKNOWN_SESSION, "no such session here"};

}  // namespace

// --- flash

bool SessionGuard::restore(const FlashRecord &record, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  this->opened_ms_ = this->usable_reading_ms_ = now_ms;
  const auto end = std::ranges::find(record.session_id, '\0');
  if (record.layout != FlashRecord::LAYOUT || end == record.session_id.end())
    return false;
  const std::string_view session_id(record.session_id.data(), end - record.session_id.begin());
  if (!session_id.empty() && !is_session_id(session_id))
    return false;
  this->session_id_ = record.session_id;
  this->energy_uj_ = record.energy_uj;
  this->supply_ms_ = record.supply_ms;
  this->energy_limit_wh_ = record.energy_limit_wh;
  this->time_limit_s_ = record.time_limit_s;
  this->last_seq_ = record.last_seq;
  this->timer_start_ = record.timer_start == static_cast<uint8_t>(TimerStart::CURRENT) ? TimerStart::CURRENT
                                                                                       : TimerStart::RELAY;
  this->clock_started_ = record.clock_started != 0;
  this->end_reason_ = static_cast<EndReason>(std::min(record.end_reason, static_cast<uint8_t>(EndReason::OTHER)));
  this->lifetime_uj_ = record.lifetime_uj;
  this->ended_ = record.ended;
  this->next_ended_ = record.next_ended % REMEMBERED_SESSIONS;
  // A silent meter is found silent again, or is not silent any more.
  this->faults_ = record.faults & LATCHED_FAULTS;
  this->enabled_ = record.enabled != 0;
  return true;
}

FlashRecord SessionGuard::record() const {
  FlashRecord record;
  record.session_id = this->session_id_;
  record.energy_uj = this->energy_uj_;
  record.supply_ms = this->supply_ms_;
  record.energy_limit_wh = this->energy_limit_wh_;
  record.time_limit_s = this->time_limit_s_;
  record.last_seq = this->last_seq_;
  record.timer_start = static_cast<uint8_t>(this->timer_start_);
  record.clock_started = this->clock_started_;
  record.end_reason = static_cast<uint8_t>(this->end_reason_);
  record.lifetime_uj = this->lifetime_uj_;
  record.ended = this->ended_;
  record.next_ended = this->next_ended_;
  record.faults = this->faults_ & LATCHED_FAULTS;
  record.enabled = this->enabled_;
  return record;
}

// --- what others ask for

Answer SessionGuard::session_start(std::string_view session_id, int32_t energy_limit_wh, int32_t time_limit_s,
                                   std::string_view timer_start, int32_t lease_s, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (!is_session_id(session_id))
    return BAD_SESSION_ID;
  if (energy_limit_wh < 0 || energy_limit_wh > MAX_ENERGY_LIMIT_WH)
    return {Refusal::BAD_ARGUMENT, "energy_limit_wh must be 0 to 100000"};
  if (time_limit_s < 0 || time_limit_s > MAX_TIME_LIMIT_S)
    return {Refusal::BAD_ARGUMENT, "time_limit_s must be 0 to 86400"};
  if (energy_limit_wh == 0 && time_limit_s == 0)
    return {Refusal::BAD_ARGUMENT, "a session needs an energy limit or a time limit"};
  const bool from_current = timer_start == "current";
  if (!from_current && timer_start != "relay")
    return {Refusal::BAD_ARGUMENT, "timer_start must be relay or current"};
  if (!is_lease(lease_s))
    return BAD_LEASE;

  const auto energy_limit = static_cast<uint32_t>(energy_limit_wh);
  const auto time_limit = static_cast<uint32_t>(time_limit_s);
  const TimerStart timer = from_current ? TimerStart::CURRENT : TimerStart::RELAY;
  if (this->has_ended_(session_id))
    return SESSION_ENDED;
  if (this->running_()) {
    if (!this->is_session_(session_id))
      return {Refusal::BUSY, "another session is running"};
    const bool same = energy_limit == this->energy_limit_wh_ && time_limit == this->time_limit_s_ &&
                      timer == this->timer_start_;
    return same ? DONE : Answer{Refusal::BUSY, "this session is running under other limits"};
  }
  if (!this->enabled_)
    return {Refusal::DISABLED, "the outlet is disabled"};
  if (this->faults_ != 0)
    return FAULTED;

  this->session_id_.fill('\0');
  std::ranges::copy(session_id, this->session_id_.begin());
  this->energy_limit_wh_ = energy_limit;
  this->time_limit_s_ = time_limit;
  this->timer_start_ = timer;
  this->energy_uj_ = 0;
  this->supply_ms_ = 0;
  this->last_seq_ = -1;
  this->end_reason_ = EndReason::NONE;
  this->clock_started_ = timer == TimerStart::RELAY;
  this->durable_changes_++;
  this->close_relay_(lease_s, now_ms);
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

  this->last_seq_ = seq;
  if (this->supplying_) {
    this->lease_until_ms_ = now_ms + static_cast<uint64_t>(lease_s) * 1000;
  } else {
    this->close_relay_(lease_s, now_ms);
    // A limit that was reached by the energy up to the suspension is found before the relay moves.
    this->watch_limits_(now_ms);
  }
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
  this->forward_(now_ms);
  const Fault fault = fault_of(code);
  if (fault == Fault::NONE)
    return {Refusal::BAD_ARGUMENT, "code must be overcurrent, welded_contact or meter_silent"};
  if (fault == Fault::METER_SILENT && this->has_(fault))
    return {Refusal::FAULT, "the meter is still silent; the fault goes away with its next reading"};
  this->forget_(fault);
  return DONE;
}

// --- what happens

void SessionGuard::reading(float power_w, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  this->run_clock_(now_ms);
  const float rated_w = static_cast<float>(this->settings_.max_power_mw) / 1000.0f;
  if (!std::isnan(power_w)) {
    const bool overloaded = power_w > rated_w;
    if (overloaded && !this->overloaded_)
      this->overloaded_since_ms_ = now_ms;
    this->overloaded_ = overloaded;
  }

  const bool usable = power_w >= -NOISE_BELOW_ZERO_W && power_w <= rated_w * CREDIBLE_TIMES_RATED;
  if (usable) {
    const auto power_mw = static_cast<uint32_t>(std::lround(std::max(power_w, 0.0f) * 1000.0f));
    this->usable_reading_ms_ = now_ms;
    this->forget_(Fault::METER_SILENT);
    this->count_(this->meter_.reading(now_ms, power_mw));
    if (power_mw >= this->settings_.idle_power_mw) {
      this->in_use_ms_ = now_ms;
      if (this->supplying_ && !this->clock_started_) {
        this->clock_started_ = true;
        this->clock_ms_ = now_ms;
      }
    }
    this->watch_contact_(power_mw, now_ms);
  }
  this->tick(now_ms);
}

void SessionGuard::tick(uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  this->run_clock_(now_ms);
  this->watch_limits_(now_ms);
  this->watch_meter_(now_ms);
}

void SessionGuard::relay_opened_by_others(uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (this->supplying_)
    this->end_(EndReason::OTHER, now_ms);
}

void SessionGuard::suspend(uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  if (this->supplying_)
    this->open_relay_(this->meter_.longest_gap_ms(), now_ms);
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
  return this->supplying_ && this->lease_until_ms_ > now_ms ? this->lease_until_ms_ - now_ms : 0;
}

Fault SessionGuard::fault() const {
  for (const Fault fault : {Fault::WELDED_CONTACT, Fault::OVERCURRENT, Fault::METER_SILENT}) {
    if (this->has_(fault))
      return fault;
  }
  return Fault::NONE;
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
  this->durable_changes_ += fault == Fault::METER_SILENT ? 0 : 1;
  // No session goes on with a fault: neither its energy nor its wires can be trusted.
  if (this->running_())
    this->end_(reason, now_ms);
}

void SessionGuard::forget_(Fault fault) {
  if (!this->has_(fault))
    return;
  this->faults_ &= static_cast<uint8_t>(~static_cast<uint8_t>(fault));
  this->welded_readings_ = 0;
  this->durable_changes_ += fault == Fault::METER_SILENT ? 0 : 1;
}

void SessionGuard::close_relay_(int32_t lease_s, uint64_t now_ms) {
  this->lease_until_ms_ = now_ms + static_cast<uint64_t>(lease_s) * 1000;
  this->clock_ms_ = this->in_use_ms_ = now_ms;
  this->overloaded_ = false;
  this->welded_readings_ = 0;
  this->supplying_ = true;
  this->meter_.begin(now_ms);
}

void SessionGuard::open_relay_(uint64_t longest_pending_ms, uint64_t now_ms) {
  this->run_clock_(now_ms);
  this->count_(this->meter_.end(now_ms, longest_pending_ms));
  this->supplying_ = false;
  this->opened_ms_ = now_ms;
}

void SessionGuard::end_(EndReason reason, uint64_t now_ms) {
  // Over a silence of the meter nothing is billed, except up to the limit itself: there the relay opened because of it.
  if (this->supplying_)
    this->open_relay_(reason == EndReason::ENERGY_LIMIT ? UNBOUNDED : this->meter_.longest_gap_ms(), now_ms);
  this->end_reason_ = reason;
  this->ended_[this->next_ended_] = hash_of(this->session_id_.data());
  this->next_ended_ = (this->next_ended_ + 1) % REMEMBERED_SESSIONS;
  this->durable_changes_++;
}

void SessionGuard::count_(uint64_t energy_uj) {
  this->energy_uj_ += energy_uj;
  this->lifetime_uj_ += energy_uj;
}

void SessionGuard::run_clock_(uint64_t now_ms) {
  if (this->supplying_ && this->clock_started_) {
    this->supply_ms_ += now_ms - this->clock_ms_;
    this->clock_ms_ = now_ms;
  }
}

bool SessionGuard::energy_limit_reached_(uint64_t now_ms) const {
  return this->energy_limit_wh_ != 0 &&
         this->energy_uj_ + this->meter_.pending(now_ms) >= this->energy_limit_wh_ * MICROJOULES_PER_WH;
}

bool SessionGuard::time_limit_reached_() const {
  return this->time_limit_s_ != 0 && this->supply_ms_ >= static_cast<uint64_t>(this->time_limit_s_) * 1000;
}

void SessionGuard::watch_limits_(uint64_t now_ms) {
  if (!this->supplying_)
    return;
  if (this->energy_limit_reached_(now_ms)) {
    this->end_(EndReason::ENERGY_LIMIT, now_ms);
  } else if (this->time_limit_reached_()) {
    this->end_(EndReason::TIME_LIMIT, now_ms);
  } else if (this->overloaded_ && now_ms - this->overloaded_since_ms_ >= this->settings_.overload_time_ms) {
    this->latch_(Fault::OVERCURRENT, EndReason::OVERCURRENT, now_ms);
  } else if (now_ms - this->in_use_ms_ >= this->settings_.idle_time_ms) {
    this->end_(EndReason::EV_DISCONNECTED, now_ms);
  } else if (now_ms >= this->lease_until_ms_) {
    this->open_relay_(this->meter_.longest_gap_ms(), now_ms);
  }
}

void SessionGuard::watch_meter_(uint64_t now_ms) {
  if (now_ms - this->usable_reading_ms_ >= this->settings_.meter_timeout_ms)
    this->latch_(Fault::METER_SILENT, EndReason::OTHER, now_ms);
}

void SessionGuard::watch_contact_(uint32_t power_mw, uint64_t now_ms) {
  if (this->supplying_ || now_ms - this->opened_ms_ < this->settings_.settle_time_ms)
    return;
  if (power_mw < this->settings_.welded_power_mw) {
    this->welded_readings_ = 0;
  } else if (++this->welded_readings_ >= READINGS_OF_A_WELDED_CONTACT) {
    this->welded_readings_ = READINGS_OF_A_WELDED_CONTACT;
    this->latch_(Fault::WELDED_CONTACT, EndReason::OTHER, now_ms);
  }
}

}  // namespace esphome::charging_outlet
