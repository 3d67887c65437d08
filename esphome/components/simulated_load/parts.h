#pragma once

#include "esphome/components/binary_sensor/binary_sensor.h"
#include "esphome/components/number/number.h"
#include "esphome/components/output/binary_output.h"
#include "esphome/components/switch/switch.h"
#include "esphome/core/component.h"
#include "esphome/core/helpers.h"

namespace esphome::simulated_load {

class SimulatedLoad;

/// A relay whose contact follows its command a little later.
class SimulatedRelay final : public switch_::Switch, public Component, public Parented<SimulatedLoad> {
 public:
  /// At the start it does what its restore mode says.
  void setup() override;
  float get_setup_priority() const override { return setup_priority::HARDWARE; }

 protected:
  void write_state(bool state) override;
};

/// A switch by which a person changes one of the settings of `load_set`.
class KnobSwitch final : public switch_::Switch, public Parented<SimulatedLoad> {
 public:
  explicit KnobSwitch(const char *key) : key_(key) {}

 protected:
  void write_state(bool state) override;

  const char *key_;
};

class PowerNumber final : public number::Number, public Parented<SimulatedLoad> {
 protected:
  void control(float value) override;
};

/// A lamp or a buzzer; its binary sensor tells whether it is on.
class SimulatedOutput final : public output::BinaryOutput, public Component {
 public:
  explicit SimulatedOutput(binary_sensor::BinarySensor *is_on) : is_on_(is_on) {}
  void setup() override { this->turn_off(); }
  float get_setup_priority() const override { return setup_priority::HARDWARE; }

 protected:
  void write_state(bool state) override { this->is_on_->publish_state(state); }

  binary_sensor::BinarySensor *is_on_;
};

}  // namespace esphome::simulated_load
