#pragma once

#include "load_model.h"
#include "meter_model.h"

#include <string>
#include <string_view>

namespace esphome::simulated_load {

/// The world around an outlet: car, line and relay, the meter, the thermometer and somebody's finger on the button.
/// Knows no ESPHome.
struct Simulation {
  explicit Simulation(const LoadSettings &settings) : load(settings) {}

  /// Set one of the settings by its name; returns what is wrong with it, empty when it was done. True is 1.
  std::string set(std::string_view key, float value);
  bool button_pressed() const { return this->load.now_ns() < this->button_until_ns; }

  LoadModel load;
  MeterModel meter;
  /// The thermometer says that it has no number.
  bool temperature_nan{false};
  int64_t button_until_ns{0};
};

}  // namespace esphome::simulated_load
