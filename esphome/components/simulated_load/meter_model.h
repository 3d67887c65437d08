#pragma once

#include <cstdint>

namespace esphome::simulated_load {

/// How a test breaks the meter.
struct MeterSettings {
  bool silent{false};
  /// Repeats its last reading, and counts on unseen.
  bool frozen{false};
  /// Says that it has no number.
  bool nan{false};
  /// Wired the wrong way round: the power is negative.
  bool reversed{false};
  /// Says `stuck_w` whatever flows; its counter stands still.
  bool stuck{false};
  float stuck_w{99999.0f};
  /// Shown by true power.
  float gain{1.0f};
  /// The counter counts in such steps, like the pulses of a chip, and starts again from 0 at `wrap` (0 = never).
  float counter_step_wh{0.001f};
  float counter_wrap_wh{0.0f};
  /// Tells its counter before the power (as CSE7766 does) and not after it (HLW8012, BL0942).
  bool counter_first{false};
};

struct MeterReading {
  float power_w{0.0f};
  float voltage_v{0.0f};
  float current_a{0.0f};
  /// Counter of the chip, from the boot on.
  float counter_wh{0.0f};
};

/// A meter that counts pulses: it says the mean power since the reading before, and counts energy. Knows no ESPHome.
class MeterModel {
 public:
  MeterSettings &settings() { return this->settings_; }
  const MeterSettings &settings() const { return this->settings_; }

  /// Start now, on the load's clock in ns.
  void begin(int64_t now_ns) { this->read_ns_ = now_ns; }
  /// Read the meter after so much energy in all.
  MeterReading read(int64_t now_ns, double energy_wh, float voltage_v);
  /// The counter shows that now: what a restart of the chip or a wrap does.
  void set_counter(float counter_wh) { this->counted_wh_ = counter_wh; }

 protected:
  MeterSettings settings_;
  MeterReading last_;
  int64_t read_ns_{0};
  double read_wh_{0.0};
  /// What has flowed by this meter's own measure, before it is cut into steps.
  double counted_wh_{0.0};
};

}  // namespace esphome::simulated_load
