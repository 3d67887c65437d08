#pragma once

#include "world.h"

#include "esphome/components/sensor/sensor.h"
#include "esphome/components/switch/switch.h"

/// The virtual world in front of ESPHome's own cut-off. Environment: CUTOFF_SEED, CUTOFF_SESSIONS.
namespace bench {

class Baseline {
 public:
  Baseline();

  void begin();
  /// Let happen what is due now.
  void look(esphome::switch_::Switch *relay, esphome::sensor::Sensor *power);
  void command(bool closed);
  float limit_kwh() const { return static_cast<float>(this->world_.plan().limit_wh / 1000.0); }

  /// When something happens next. Until then there is nothing to do but to sleep.
  int64_t next_us() const;

 protected:
  void plug_in_();

  uint32_t sessions_;
  uint32_t session_{0};
  World world_;
  int64_t start_at_us_{0};
  int64_t began_us_{0};
  int64_t ended_us_{0};
  /// Given up: it has not opened at twice the limit.
  bool missed_{false};
  enum class Phase : uint8_t { PAUSE, START, SUPPLY, OPENING } phase_{Phase::PAUSE};
};

extern Baseline baseline;

}  // namespace bench
