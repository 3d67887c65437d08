#pragma once

#include "session_words.h"

#include <cstdint>
#include <optional>

namespace esphome::charging_outlet {

/// Whether the meter can be believed: what can't be measured can't be limited.
class MeterWatch {
 public:
  MeterWatch(uint32_t timeout_ms, uint32_t frozen_time_ms, uint32_t max_power_mw)
      : timeout_ms_(timeout_ms), frozen_time_ms_(frozen_time_ms), max_power_mw_(max_power_mw) {}

  void begin(uint64_t now_ms) { this->usable_ms_ = this->changed_ms_ = now_ms; }

  /// Returns the reading in mW, nothing when it is not usable.
  std::optional<uint32_t> reading(float power_w, uint64_t now_ms);
  /// A reading of the counter made no sense.
  void counter_made_no_sense() { this->nonsense_ = true; }
  /// The relay has closed: from now on the same reading again and again is suspicious.
  void relay_closed(uint64_t now_ms) { this->changed_ms_ = now_ms; }

  /// METER_SILENT or METER_IMPLAUSIBLE after too long without a usable reading, else NONE.
  Fault fault(uint64_t now_ms) const;
  /// Whether the reading has not changed for too long although power flows.
  bool frozen(uint64_t now_ms) const;

 protected:
  uint64_t usable_ms_{0};
  uint64_t changed_ms_{0};
  float last_w_{0.0f};
  uint32_t timeout_ms_;
  uint32_t frozen_time_ms_;
  uint32_t max_power_mw_;
  /// Whether there were readings, but none of sense, since the last usable one.
  bool nonsense_{false};
};

}  // namespace esphome::charging_outlet
