#include "meter_watch.h"

#include "guard_settings.h"

#include <algorithm>
#include <cmath>

namespace esphome::charging_outlet {

/// A meter near 0 W may say a little less; more than that is one that is wired the wrong way round.
static constexpr float NOISE_BELOW_ZERO_W = 20.0f;

/// A smaller load makes so few pulses that their number may well stay the same, so it is given more time.
static constexpr float STEADY_W = 200.0f;

std::optional<uint32_t> MeterWatch::reading(float power_w, uint64_t now_ms) {
  const float most_w = static_cast<float>(this->max_power_mw_ * CREDIBLE_TIMES_RATED) / 1000.0f;
  if (!(power_w >= -NOISE_BELOW_ZERO_W && power_w <= most_w)) {
    this->nonsense_ |= !std::isnan(power_w);
    return {};
  }
  this->usable_ms_ = now_ms;
  this->nonsense_ = false;
  if (power_w != this->last_w_)
    this->changed_ms_ = now_ms;
  this->last_w_ = power_w;
  return static_cast<uint32_t>(std::lround(std::max(power_w, 0.0f) * 1000.0f));
}

bool MeterWatch::frozen(uint64_t now_ms) const {
  const auto same_ms = static_cast<float>(now_ms - this->changed_ms_);
  return same_ms * std::min(this->last_w_, STEADY_W) >= STEADY_W * static_cast<float>(this->frozen_time_ms_);
}

Fault MeterWatch::fault(uint64_t now_ms) const {
  if (now_ms - this->usable_ms_ < this->timeout_ms_)
    return Fault::NONE;
  return this->nonsense_ ? Fault::METER_IMPLAUSIBLE : Fault::METER_SILENT;
}

}  // namespace esphome::charging_outlet
