#include "overload_curve.h"

#include <cmath>

namespace esphome::charging_outlet {

void OverloadCurve::advance(uint64_t now_ms, float ratio) {
  const float elapsed_ms = static_cast<float>(now_ms - this->at_ms_);
  this->at_ms_ = now_ms;
  // The exact solution of d(heat)/dt = (ratio² - heat) / time constant under a constant load.
  const float final_heat = ratio * ratio;
  this->heat_ = final_heat + (this->heat_ - final_heat) * std::exp(-elapsed_ms / this->time_constant_ms_);
}

}  // namespace esphome::charging_outlet
