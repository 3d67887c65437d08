#include "energy_meter.h"

#include <algorithm>

namespace esphome::charging_outlet {

static constexpr uint64_t US_PER_MS = 1'000;
/// Below it a relay's delay weighs less than a meter's noise.
static constexpr uint32_t TELLING_LOAD_MW = 300'000;
/// Two loads that differ by less than one part in so many are the same.
static constexpr uint32_t STEADINESS = 50;

void EnergyMeter::begin(uint64_t now_ms) {
  this->counted_until_ms_ = this->closed_ms_ = now_ms;
  this->closed_ = true;
  this->seen_load_ = false;
  this->opened_from_steady_ = false;
}

Flow EnergyMeter::reading(uint64_t now_ms, uint32_t power_mw) {
  const uint64_t interval = now_ms - this->last_reading_ms_;
  const bool near_the_last = this->any_reading_ && interval <= this->longest_gap_ms_;
  const uint64_t energy = power_mw * interval;
  Flow flow;
  this->observed_delay_us_.reset();
  if (this->closed_) {
    const uint64_t uncounted = now_ms - this->counted_until_ms_;
    const uint64_t before_mw = this->seen_load_ ? this->last_power_mw_ : 0;
    this->load_before_mw_ = this->seen_load_ ? this->load_mw_ : 0;
    this->load_mw_ = power_mw;
    if (uncounted > this->longest_gap_ms_) {
      flow.counted_uj = std::min<uint64_t>(before_mw, power_mw) * uncounted;
      flow.doubtful_uj = std::max<uint64_t>(before_mw, power_mw) * uncounted - flow.counted_uj;
    } else if (this->kind_ == ReadingKind::MOMENTARY) {
      flow.counted_uj = (before_mw + power_mw) / 2 * uncounted;
    } else if (near_the_last) {
      flow.counted_uj = energy - std::min(energy, this->counted_uj_);
      this->load_mw_ = this->load_of_mean_(power_mw, interval, this->closed_for_(now_ms));
    } else {
      flow.counted_uj = power_mw * uncounted;
    }
    this->counted_until_ms_ = now_ms;
    this->seen_load_ = true;
  } else if (near_the_last && this->opened_ && this->kind_ == ReadingKind::MEAN) {
    // What the opening has counted stays; what flowed besides, before the contact opened, is known only now.
    flow.doubtful_uj = energy - std::min(energy, this->counted_uj_);
    if (this->opened_from_steady_)
      this->observed_delay_us_ = this->delay_of_(energy);
  }
  this->last_power_mw_ = power_mw;
  this->last_reading_ms_ = now_ms;
  this->any_reading_ = true;
  this->counted_uj_ = this->closed_before_ms_ = 0;
  this->opened_ = this->opened_from_steady_ = false;
  return flow;
}

uint64_t EnergyMeter::pending(uint64_t now_ms) const {
  if (!this->closed_ || !this->seen_load_)
    return 0;
  return static_cast<uint64_t>(this->load_mw_) * (now_ms - this->counted_until_ms_);
}

uint64_t EnergyMeter::settle(uint64_t now_ms) {
  const uint64_t added = this->pending(std::min(now_ms, this->counted_until_ms_ + this->longest_gap_ms_));
  this->counted_uj_ += added;
  this->counted_until_ms_ = now_ms;
  return added;
}

uint64_t EnergyMeter::tail(uint16_t delay_us) const {
  return this->closed_ && this->seen_load_ ? static_cast<uint64_t>(this->load_mw_) * delay_us / US_PER_MS : 0;
}

Flow EnergyMeter::end(uint64_t now_ms, uint16_t delay_us) {
  const uint64_t pending = this->pending(now_ms);
  const bool steady_before = this->counted_uj_ == 0;
  Flow flow;
  flow.counted_uj = this->settle(now_ms);
  flow.doubtful_uj = pending - flow.counted_uj;
  if (flow.doubtful_uj == 0) {
    flow.counted_uj += this->tail(delay_us);
    this->counted_uj_ += this->tail(delay_us);
  }
  const uint32_t change = std::max(this->load_mw_, this->load_before_mw_) - std::min(this->load_mw_, this->load_before_mw_);
  this->opened_from_steady_ = this->kind_ == ReadingKind::MEAN && this->seen_load_ && steady_before &&
                              this->closed_ms_ <= this->last_reading_ms_ && this->load_mw_ >= TELLING_LOAD_MW &&
                              change <= this->load_mw_ / STEADINESS;
  this->delay_us_ = delay_us;
  this->closed_before_ms_ = this->closed_for_(now_ms);
  this->closed_ = false;
  this->opened_ = true;
  return flow;
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

std::optional<int32_t> EnergyMeter::delay_of_(uint64_t energy_uj) const {
  const int64_t missed_uj = static_cast<int64_t>(energy_uj) - static_cast<int64_t>(this->counted_uj_);
  return static_cast<int32_t>(missed_uj * static_cast<int64_t>(US_PER_MS) / this->load_mw_ + this->delay_us_);
}

}  // namespace esphome::charging_outlet
