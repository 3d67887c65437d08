#include "simulated_load.h"

#include "api_port.h"

#include "esphome/core/log.h"

#include <chrono>
#include <cmath>

namespace esphome::simulated_load {

static const char *const TAG = "simulated_load";

static int64_t clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void SimulatedLoad::setup() {
  take_api_port_from_environment();
  this->advance_();
  this->world_.meter.begin(this->world_.load.now_ns());
  this->publish_knobs_();
  this->button_->publish_state(false);
  this->load_energy_->publish_state(0.0f);
  this->temperature_->publish_state(this->world_.load.temperature_c());
}

void SimulatedLoad::loop() {
  this->advance_();
  if (this->button_->state != this->world_.button_pressed())
    this->button_->publish_state(this->world_.button_pressed());
}

void SimulatedLoad::update() {
  this->advance_();
  const LoadModel &load = this->world_.load;
  MeterModel &meter = this->world_.meter;
  const MeterReading reading = meter.read(load.now_ns(), load.energy_wh(), load.settings().voltage_v);
  this->load_energy_->publish_state(static_cast<float>(load.energy_wh()));
  this->temperature_->publish_state(this->world_.temperature_nan ? NAN : load.temperature_c());
  if (meter.settings().silent)
    return;
  this->voltage_->publish_state(reading.voltage_v);
  this->current_->publish_state(reading.current_a);
  if (meter.settings().counter_first)
    this->counter_->publish_state(reading.counter_wh);
  this->power_->publish_state(reading.power_w);
  if (!meter.settings().counter_first)
    this->counter_->publish_state(reading.counter_wh);
}

void SimulatedLoad::dump_config() {
  const LoadSettings &load = this->world_.load.settings();
  ESP_LOGCONFIG(TAG, "Simulated load: %.0f W, ramp %.1f s, noise %.1f W, relay delay %.0f ms", load.power_w,
                load.ramp_s, load.noise_w, load.relay_delay_ms);
  LOG_UPDATE_INTERVAL(this);
}

void SimulatedLoad::command_relay(bool closed) {
  this->advance_();
  this->world_.load.command_relay(closed);
}

void SimulatedLoad::set(StringRef key, float value) {
  this->advance_();
  this->answer_with_(this->world_.set({key.c_str(), key.size()}, value));
  this->publish_knobs_();
}

void SimulatedLoad::set_curve(const std::vector<float> &seconds, const std::vector<float> &watts) {
  this->advance_();
  const bool done = seconds.size() == watts.size() &&
                    this->world_.load.set_curve(seconds.data(), watts.data(), seconds.size());
  this->answer_with_(done ? "" : "as many watts as seconds, 256 at most; seconds rise from 0 on, no watts below 0");
}

void SimulatedLoad::answer_with_(const std::string &sentence) {
  this->refusal_ = sentence.empty() ? "" : "bad_argument: " + sentence;
  if (!sentence.empty())
    ESP_LOGW(TAG, "Refused: %s", sentence.c_str());
}

void SimulatedLoad::publish_knobs_() {
  const LoadSettings &load = this->world_.load.settings();
  this->plugged_->publish_state(load.plugged);
  this->welded_->publish_state(load.relay_welded);
  this->silent_->publish_state(this->world_.meter.settings().silent);
  this->number_->publish_state(load.power_w);
}

void SimulatedLoad::advance_() { this->world_.load.advance(clock_ns()); }

}  // namespace esphome::simulated_load
