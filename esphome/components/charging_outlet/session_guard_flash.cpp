#include "session_guard.h"

#include <algorithm>
#include <limits>

/// What the session guard writes to flash, and what it makes of it after a power cut.
namespace esphome::charging_outlet {

namespace {

/// What a load can add between two looks at it, as time at the rated power.
constexpr uint64_t UNSEEN_MS = 1'000;
/// The last part of a limit is covered in so many steps of a quarter of what is left, so that a power cut near the end
/// does not take all of it.
constexpr uint64_t PARTS_OF_THE_REST = 4;
constexpr uint64_t SHORTEST_TIME_RESERVE_MS = 10'000;
/// More renewals than can have come since the last record: after a power cut they are not heard a second time.
constexpr int64_t UNSAVED_RENEWALS = 100'000;

}  // namespace

bool SessionGuard::restore(const FlashRecord &record, uint64_t now_ms) {
  now_ms = this->forward_(now_ms);
  this->meter_watch_.begin(now_ms);
  this->suspension_ms_ = this->temperature_ms_ = now_ms;
  this->contact_.restore(0, 0, now_ms);
  const auto end = std::ranges::find(record.session_id, '\0');
  if (record.layout != FlashRecord::LAYOUT || end == record.session_id.end())
    return false;
  const std::string_view session_id(record.session_id.data(), end - record.session_id.begin());
  if (!session_id.empty() && !is_session_id(session_id))
    return false;
  this->contact_.restore(record.relay_cycles, record.relay_delay_us, now_ms);
  this->session_id_ = record.session_id;
  this->energy_uj_ = record.energy_uj;
  this->supply_ms_ = record.supply_ms;
  // What may have flowed since is not billed, but not supplied a second time either.
  this->doubtful_uj_ = record.doubtful_uj + record.reserve_uj;
  this->doubtful_ms_ = record.doubtful_ms + record.reserve_ms;
  this->limits_ = {.energy_wh = record.energy_limit_wh, .time_s = record.time_limit_s};
  this->suspended_ms_ = record.suspended_ms;
  const int64_t heard = record.last_seq + (record.reserve_uj != 0 ? UNSAVED_RENEWALS : 0);
  this->last_seq_ = static_cast<int32_t>(std::min<int64_t>(heard, std::numeric_limits<int32_t>::max()));
  this->timer_start_ = record.timer_start == static_cast<uint8_t>(TimerStart::CURRENT) ? TimerStart::CURRENT
                                                                                       : TimerStart::RELAY;
  this->clock_started_ = record.clock_started != 0;
  this->used_ = record.used != 0;
  this->end_reason_ = static_cast<EndReason>(std::min(record.end_reason, static_cast<uint8_t>(EndReason::TIMEOUT)));
  this->power_lost_ = this->running_();
  // A register must not run backwards, and somebody may have read what has not been saved.
  this->lifetime_uj_ = record.lifetime_uj + record.reserve_uj;
  this->ended_ = record.ended;
  this->next_ended_ = record.next_ended % REMEMBERED_SESSIONS;
  // All others are found again, or are not there any more.
  this->faults_ = record.faults & LATCHED_FAULTS;
  this->enabled_ = record.enabled != 0;
  this->reserve_in_flash_ = record.reserve_uj != 0;
  return true;
}

FlashRecord SessionGuard::record() const {
  FlashRecord record;
  record.session_id = this->session_id_;
  record.energy_uj = this->energy_uj_;
  record.supply_ms = this->supply_ms_;
  record.doubtful_uj = this->doubtful_uj_;
  record.doubtful_ms = this->doubtful_ms_;
  record.reserve_uj = this->energy_reserve_uj_();
  record.reserve_ms = this->time_reserve_ms_();
  record.energy_limit_wh = this->limits_.energy_wh;
  record.time_limit_s = this->limits_.time_s;
  record.suspended_ms = this->suspended_ms_;
  record.last_seq = this->last_seq_;
  record.timer_start = static_cast<uint8_t>(this->timer_start_);
  record.clock_started = this->clock_started_;
  record.used = this->used_;
  record.end_reason = static_cast<uint8_t>(this->end_reason_);
  record.lifetime_uj = this->lifetime_uj_;
  record.ended = this->ended_;
  record.next_ended = this->next_ended_;
  record.faults = this->faults_ & LATCHED_FAULTS;
  record.enabled = this->enabled_;
  record.relay_cycles = this->contact_.cycles();
  record.relay_delay_us = this->contact_.delay_us();
  return record;
}

bool SessionGuard::save_due(uint64_t now_ms) const {
  if (this->saved_changes_ != this->durable_changes_)
    return true;
  return this->supplying_ && (this->spent_uj_(now_ms) + this->settings_.max_power_mw * UNSEEN_MS >= this->covered_uj_ ||
                              this->supply_ms_ + this->doubtful_ms_ + UNSEEN_MS >= this->covered_ms_);
}

bool SessionGuard::save_useful() const { return !this->supplying_ && this->reserve_in_flash_; }

void SessionGuard::saved() {
  this->saved_changes_ = this->durable_changes_;
  this->covered_uj_ = this->energy_uj_ + this->doubtful_uj_ + this->energy_reserve_uj_();
  this->covered_ms_ = this->supply_ms_ + this->doubtful_ms_ + this->time_reserve_ms_();
  this->reserve_in_flash_ = this->supplying_;
  this->limits_in_flash_.reset();
  this->forget_(Fault::STORAGE);
}

void SessionGuard::save_failed(uint64_t now_ms) {
  if (this->limits_in_flash_)
    this->limits_ = *this->limits_in_flash_;
  this->limits_in_flash_.reset();
  this->set_(Fault::STORAGE, true, this->forward_(now_ms));
}

uint64_t SessionGuard::energy_reserve_uj_() const {
  if (!this->supplying_)
    return 0;
  const uint64_t most = this->settings_.save_energy_mwh * MICROJOULES_PER_MWH;
  if (this->limits_.energy_wh == 0)
    return most;
  const uint64_t limit = this->limits_.energy_wh * MICROJOULES_PER_WH;
  const uint64_t spent = std::min(limit, this->energy_uj_ + this->doubtful_uj_);
  const uint64_t least = std::min(most, PARTS_OF_THE_REST * this->settings_.max_power_mw * UNSEEN_MS);
  return std::clamp((limit - spent) / PARTS_OF_THE_REST, least, most);
}

uint64_t SessionGuard::time_reserve_ms_() const {
  if (!this->supplying_)
    return 0;
  const uint64_t most = this->settings_.save_interval_ms;
  if (this->limits_.time_s == 0)
    return most;
  const uint64_t limit = static_cast<uint64_t>(this->limits_.time_s) * 1000;
  const uint64_t spent = std::min(limit, this->supply_ms_ + this->doubtful_ms_);
  return std::clamp((limit - spent) / PARTS_OF_THE_REST, std::min(most, SHORTEST_TIME_RESERVE_MS), most);
}

}  // namespace esphome::charging_outlet
