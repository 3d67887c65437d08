#include "energy_meter.h"

#include <algorithm>

namespace esphome::charging_outlet {

void EnergyMeter::begin(uint64_t now_ms) {
  this->counted_until_ms_ = this->closed_ms_ = now_ms;
  this->closed_ = true;
  this->seen_load_ = false;
}

uint64_t EnergyMeter::reading(uint64_t now_ms, uint32_t power_mw) {
  const uint64_t interval = now_ms - this->last_reading_ms_;
  const bool near_the_last = this->any_reading_ && interval <= this->longest_gap_ms_;
  uint64_t added = 0;
  if (this->closed_) {
    const uint64_t uncounted = now_ms - this->counted_until_ms_;
    const uint64_t before_mw = this->seen_load_ ? this->last_power_mw_ : 0;
    this->load_mw_ = power_mw;
    if (uncounted > this->longest_gap_ms_) {
      added = std::min<uint64_t>(before_mw, power_mw) * uncounted;
    } else if (this->kind_ == ReadingKind::MOMENTARY) {
      added = (before_mw + power_mw) / 2 * uncounted;
    } else if (near_the_last) {
      const uint64_t energy = power_mw * interval;
      added = energy - std::min(energy, this->counted_uj_);
      this->load_mw_ = this->load_of_mean_(power_mw, interval, this->closed_for_(now_ms));
    } else {
      added = power_mw * uncounted;
    }
    this->counted_until_ms_ = now_ms;
    this->seen_load_ = true;
  }
  this->last_power_mw_ = power_mw;
  this->last_reading_ms_ = now_ms;
  this->any_reading_ = true;
  this->counted_uj_ = this->closed_before_ms_ = 0;
  return added;
}

uint64_t EnergyMeter::pending(uint64_t now_ms) const {
  if (!this->closed_ || !this->seen_load_)
    return 0;
  return static_cast<uint64_t>(this->load_mw_) * (now_ms - this->counted_until_ms_);
}

uint64_t EnergyMeter::end(uint64_t now_ms, uint64_t longest_ms) {
  const uint64_t added = this->pending(std::min(now_ms, this->counted_until_ms_ + longest_ms));
  this->counted_uj_ += added;
  this->closed_before_ms_ = this->closed_for_(now_ms);
  this->counted_until_ms_ = now_ms;
  this->closed_ = false;
  return added;
}

uint64_t EnergyMeter::closed_for_(uint64_t now_ms) const {
  return this->closed_before_ms_ + now_ms - std::max(this->closed_ms_, this->last_reading_ms_);
}

uint32_t EnergyMeter::load_of_mean_(uint32_t mean_mw, uint64_t interval_ms, uint64_t closed_ms) const {
  // Out of a tenth of an interval or less the load can't be told: the relay's own delay would weigh too much.
  if (closed_ms * 10 <= interval_ms)
    return mean_mw;
  const uint64_t load_mw = mean_mw * interval_ms / closed_ms;
  return static_cast<uint32_t>(std::min<uint64_t>(load_mw, std::max(mean_mw, this->max_power_mw_)));
}

}  // namespace esphome::charging_outlet
