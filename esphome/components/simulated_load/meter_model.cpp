#include "meter_model.h"

#include <cmath>
#include <limits>

namespace esphome::simulated_load {

static constexpr double NS_PER_H = 3600e9;
static constexpr float NO_NUMBER = std::numeric_limits<float>::quiet_NaN();

MeterReading MeterModel::read(int64_t now_ns, double energy_wh, float voltage_v) {
  const MeterSettings &meter = this->settings_;
  const double hours = static_cast<double>(now_ns - this->read_ns_) / NS_PER_H;
  const double flowed_wh = (energy_wh - this->read_wh_) * meter.gain;
  this->read_ns_ = now_ns;
  this->read_wh_ = energy_wh;
  float power_w = hours > 0 ? static_cast<float>(flowed_wh / hours) : 0.0f;
  if (meter.stuck) {
    power_w = meter.stuck_w;
  } else {
    this->counted_wh_ += flowed_wh;
  }
  if (meter.counter_wrap_wh > 0.0f)
    this->counted_wh_ = std::fmod(this->counted_wh_, meter.counter_wrap_wh);
  if (meter.frozen)
    return this->last_;
  if (meter.nan)
    return this->last_ = {NO_NUMBER, NO_NUMBER, NO_NUMBER, NO_NUMBER};
  // A little more than the whole number of steps that a sum of doubles just misses.
  const double steps = std::floor(this->counted_wh_ / meter.counter_step_wh + 1e-9);
  if (meter.reversed)
    power_w = -power_w;
  return this->last_ = {power_w, voltage_v, std::abs(power_w) / voltage_v,
                        static_cast<float>(steps * meter.counter_step_wh)};
}

}  // namespace esphome::simulated_load
