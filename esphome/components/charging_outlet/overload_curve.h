#pragma once

#include <cstdint>

namespace esphome::charging_outlet {

/// How warm outlet and wires have become: the thermal image of IEC 60255-149, an inverse-time curve. A short inrush
/// passes, a sustained overload does not, and less so on wires that are warm already.
class OverloadCurve {
 public:
  /// Trips when the image reaches what 1.05 times the rating would settle at.
  static constexpr float TRIP = 1.05f * 1.05f;

  explicit OverloadCurve(uint32_t time_constant_ms) : time_constant_ms_(static_cast<float>(time_constant_ms)) {}

  /// `ratio` is the load over the rating since the last call; 0 with an open relay.
  void advance(uint64_t now_ms, float ratio);
  bool tripped() const { return this->heat_ >= TRIP; }
  /// 1 is the rated load for ever.
  float heat() const { return this->heat_; }

 protected:
  uint64_t at_ms_{0};
  float heat_{0.0f};
  float time_constant_ms_;
};

}  // namespace esphome::charging_outlet
