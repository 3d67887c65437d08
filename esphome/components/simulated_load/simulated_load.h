#pragma once

#include "parts.h"
#include "simulation.h"

#include "esphome/components/binary_sensor/binary_sensor.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/core/component.h"
#include "esphome/core/string_ref.h"

#include <string>
#include <vector>

namespace esphome::simulated_load {

/// A car behind a relay and a meter, for firmware that runs as a program. What it really takes is counted apart from
/// the meter, by a finer clock.
class SimulatedLoad final : public PollingComponent {
 public:
  explicit SimulatedLoad(const LoadSettings &settings) : world_(settings) {}

  void set_plugged_switch(KnobSwitch *knob) { this->plugged_ = knob; }
  void set_relay_welded_switch(KnobSwitch *knob) { this->welded_ = knob; }
  void set_meter_silent_switch(KnobSwitch *knob) { this->silent_ = knob; }
  void set_power_number(PowerNumber *number) { this->number_ = number; }
  void set_load_energy_sensor(sensor::Sensor *sensor) { this->load_energy_ = sensor; }
  void set_power_sensor(sensor::Sensor *sensor) { this->power_ = sensor; }
  void set_voltage_sensor(sensor::Sensor *sensor) { this->voltage_ = sensor; }
  void set_current_sensor(sensor::Sensor *sensor) { this->current_ = sensor; }
  void set_energy_sensor(sensor::Sensor *sensor) { this->counter_ = sensor; }
  void set_temperature_sensor(sensor::Sensor *sensor) { this->temperature_ = sensor; }
  void set_button(binary_sensor::BinarySensor *button) { this->button_ = button; }

  void setup() override;
  void loop() override;
  void update() override;
  void dump_config() override;
  float get_setup_priority() const override { return setup_priority::HARDWARE; }

  void command_relay(bool closed);

  // --- the actions of the host build. Each leaves its answer in accepted() and refusal().

  void set(StringRef key, float value);
  void set_curve(const std::vector<float> &seconds, const std::vector<float> &watts);

  bool accepted() const { return this->refusal_.empty(); }
  /// `bad_argument: <sentence>`, empty when the last action was accepted.
  const std::string &refusal() const { return this->refusal_; }

 protected:
  /// Let time pass up to now under the conditions that held until now.
  void advance_();
  void answer_with_(const std::string &sentence);
  void publish_knobs_();

  Simulation world_;
  std::string refusal_;

  KnobSwitch *plugged_{nullptr};
  KnobSwitch *welded_{nullptr};
  KnobSwitch *silent_{nullptr};
  PowerNumber *number_{nullptr};
  sensor::Sensor *load_energy_{nullptr};
  sensor::Sensor *power_{nullptr};
  sensor::Sensor *voltage_{nullptr};
  sensor::Sensor *current_{nullptr};
  sensor::Sensor *counter_{nullptr};
  sensor::Sensor *temperature_{nullptr};
  binary_sensor::BinarySensor *button_{nullptr};
};

}  // namespace esphome::simulated_load
