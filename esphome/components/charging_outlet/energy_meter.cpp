#include "energy_meter.h"

#include <algorithm>

namespace esphome::charging_outlet {

void EnergyMeter::begin(uint64_t now_ms) {
  uint64_t from = now_ms;
  // A mean covers the time since the reading before, so the part before the closing, with its 0 W, belongs to it.
  if (this->kind_ == ReadingKind::MEAN && this->any_reading_ && now_ms - this->last_reading_ms_ <= this->longest_gap_ms_)
    from = this->last_reading_ms_;
  this->counted_until_ms_ = std::max(this->counted_until_ms_, from);
  this->closed_ = true;
  this->seen_load_ = false;
}

uint64_t EnergyMeter::reading(uint64_t now_ms, uint32_t power_mw) {
  uint64_t added = 0;
  if (this->closed_) {
    const uint64_t elapsed = now_ms - this->counted_until_ms_;
    const uint64_t before = this->seen_load_ ? this->last_power_mw_ : 0;
    uint64_t power = power_mw;
    if (elapsed > this->longest_gap_ms_) {
      power = std::min<uint64_t>(before, power_mw);
    } else if (this->kind_ == ReadingKind::MOMENTARY) {
      power = (before + power_mw) / 2;
    }
    added = power * elapsed;
    this->counted_until_ms_ = now_ms;
    this->seen_load_ = true;
  }
  this->last_power_mw_ = power_mw;
  this->last_reading_ms_ = now_ms;
  this->any_reading_ = true;
  return added;
}

uint64_t EnergyMeter::pending(uint64_t now_ms) const {
  if (!this->closed_ || !this->seen_load_)
    return 0;
  return static_cast<uint64_t>(this->last_power_mw_) * (now_ms - this->counted_until_ms_);
}

uint64_t EnergyMeter::end(uint64_t now_ms, uint64_t longest_ms) {
  const uint64_t added = this->pending(std::min(now_ms, this->counted_until_ms_ + longest_ms));
  this->closed_ = false;
  this->counted_until_ms_ = now_ms;
  return added;
}

}  // namespace esphome::charging_outlet
