#pragma once

#include "esphome/components/number/number.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/components/switch/switch.h"
#include "esphome/core/component.h"

#include <cstdint>
#include <random>

namespace esphome::simulated_load {

struct LoadSettings {
  float power_w{3000.0f};
  /// The power rises from 0 in a straight line for so long after every closing of the relay.
  float ramp_s{0.0f};
  /// Standard deviation of the power.
  float noise_w{0.0f};
  /// From so many Wh on the battery takes less and less; 0 = never.
  float taper_after_wh{0.0f};
  /// How many Wh it then still takes until it is full.
  float taper_wh{1000.0f};
  float voltage_v{200.0f};
  /// From the command to the contact.
  uint32_t relay_delay_ms{10};
  bool plugged{true};
};

class SimulatedLoad;

/// A relay whose contact follows its command a little later.
class SimulatedRelay final : public switch_::Switch {
 public:
  void set_load(SimulatedLoad *load) { this->load_ = load; }

 protected:
  void write_state(bool state) override;

  SimulatedLoad *load_{nullptr};
};

enum class Knob : uint8_t { PLUGGED, RELAY_WELDED, METER_SILENT };

/// A switch by which a test changes the world behind the outlet.
class KnobSwitch final : public switch_::Switch {
 public:
  explicit KnobSwitch(Knob knob) : knob_(knob) {}
  void set_load(SimulatedLoad *load) { this->load_ = load; }

 protected:
  void write_state(bool state) override;

  SimulatedLoad *load_{nullptr};
  Knob knob_;
};

class PowerNumber final : public number::Number {
 public:
  void set_load(SimulatedLoad *load) { this->load_ = load; }

 protected:
  void control(float value) override;

  SimulatedLoad *load_{nullptr};
};

/// A car behind a relay and a meter, for firmware that runs as a program. What it really takes is counted apart from
/// the meter, by a finer clock.
class SimulatedLoad final : public PollingComponent {
 public:
  explicit SimulatedLoad(const LoadSettings &settings) : settings_(settings) {}

  void set_relay_switch(SimulatedRelay *relay) { this->relay_ = relay; }
  void set_plugged_switch(KnobSwitch *knob) { this->plugged_ = knob; }
  void set_relay_welded_switch(KnobSwitch *knob) { this->welded_ = knob; }
  void set_meter_silent_switch(KnobSwitch *knob) { this->silent_ = knob; }
  void set_power_number(PowerNumber *number) { this->number_ = number; }
  void set_energy_sensor(sensor::Sensor *sensor) { this->energy_ = sensor; }
  void set_power_sensor(sensor::Sensor *sensor) { this->power_ = sensor; }
  void set_voltage_sensor(sensor::Sensor *sensor) { this->voltage_ = sensor; }
  void set_current_sensor(sensor::Sensor *sensor) { this->current_ = sensor; }

  void setup() override;
  void loop() override;
  void update() override;
  void dump_config() override;
  float get_setup_priority() const override { return setup_priority::HARDWARE; }

  void command_relay(bool closed);
  void turn(Knob knob, bool state);
  void set_power(float power_w);

 protected:
  /// Let time pass up to now under the conditions that held until now.
  void advance_();
  bool contact_closed_() const { return this->contact_ || this->relay_welded_; }
  /// Power at that many seconds after the contact closed.
  float power_at_(double closed_s);

  LoadSettings settings_;
  std::mt19937 random_{1};
  std::normal_distribution<float> noise_{0.0f, 1.0f};
  /// Nanoseconds of a clock that never steps.
  int64_t now_ns_{0};
  int64_t closed_ns_{0};
  int64_t switch_at_ns_{0};
  int64_t read_ns_{0};
  double energy_wh_{0.0};
  double read_wh_{0.0};
  double battery_wh_{0.0};
  bool commanded_{false};
  bool contact_{false};
  bool relay_welded_{false};
  bool meter_silent_{false};

  SimulatedRelay *relay_{nullptr};
  KnobSwitch *plugged_{nullptr};
  KnobSwitch *welded_{nullptr};
  KnobSwitch *silent_{nullptr};
  PowerNumber *number_{nullptr};
  sensor::Sensor *energy_{nullptr};
  sensor::Sensor *power_{nullptr};
  sensor::Sensor *voltage_{nullptr};
  sensor::Sensor *current_{nullptr};
};

}  // namespace esphome::simulated_load
