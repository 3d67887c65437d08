#include "simulated_load.h"

#include "esphome/components/api/api_server.h"
#include "esphome/core/log.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace esphome::simulated_load {

static const char *const TAG = "simulated_load";

static constexpr const char *PORT_VARIABLE = "KONSENTO_API_PORT";
static constexpr double NS_PER_S = 1e9;
static constexpr double S_PER_H = 3600.0;

static int64_t clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// One program serves several outlets on one machine, so each gets its port when it starts.
static void take_port_from_environment() {
  const char *text = std::getenv(PORT_VARIABLE);
  if (text == nullptr)
    return;
  uint16_t port = 0;
  const char *end = text + std::strlen(text);
  const auto [last, error] = std::from_chars(text, end, port);
  if (error != std::errc{} || last != end || port == 0) {
    ESP_LOGE(TAG, "%s=%s is no port (1 to 65535)", PORT_VARIABLE, text);
    std::exit(2);
  }
  api::global_api_server->set_port(port);
}

void SimulatedRelay::write_state(bool state) {
  this->load_->command_relay(state);
  this->publish_state(state);
}

void KnobSwitch::write_state(bool state) {
  this->load_->turn(this->knob_, state);
  this->publish_state(state);
}

void PowerNumber::control(float value) {
  this->load_->set_power(value);
  this->publish_state(value);
}

void SimulatedLoad::setup() {
  take_port_from_environment();
  this->now_ns_ = this->read_ns_ = clock_ns();
  this->relay_->publish_state(false);
  this->plugged_->publish_state(this->settings_.plugged);
  this->welded_->publish_state(false);
  this->silent_->publish_state(false);
  this->number_->publish_state(this->settings_.power_w);
  this->energy_->publish_state(0.0f);
}

void SimulatedLoad::loop() { this->advance_(); }

void SimulatedLoad::update() {
  this->advance_();
  // Like a meter that counts pulses: the mean since the last look.
  const double hours = static_cast<double>(this->now_ns_ - this->read_ns_) / NS_PER_S / S_PER_H;
  const double mean_w = hours > 0 ? (this->energy_wh_ - this->read_wh_) / hours : 0.0;
  this->read_ns_ = this->now_ns_;
  this->read_wh_ = this->energy_wh_;
  this->energy_->publish_state(static_cast<float>(this->energy_wh_));
  if (this->meter_silent_)
    return;
  this->voltage_->publish_state(this->settings_.voltage_v);
  this->current_->publish_state(static_cast<float>(mean_w) / this->settings_.voltage_v);
  this->power_->publish_state(static_cast<float>(mean_w));
}

void SimulatedLoad::dump_config() {
  ESP_LOGCONFIG(TAG, "Simulated load: %.0f W, ramp %.1f s, noise %.1f W, relay delay %u ms", this->settings_.power_w,
                this->settings_.ramp_s, this->settings_.noise_w, static_cast<unsigned>(this->settings_.relay_delay_ms));
  LOG_UPDATE_INTERVAL(this);
}

void SimulatedLoad::command_relay(bool closed) {
  this->advance_();
  if (closed == this->commanded_)
    return;
  this->commanded_ = closed;
  this->switch_at_ns_ = this->now_ns_ + static_cast<int64_t>(this->settings_.relay_delay_ms) * 1'000'000;
}

void SimulatedLoad::turn(Knob knob, bool state) {
  this->advance_();
  switch (knob) {
    case Knob::PLUGGED:
      if (state && !this->settings_.plugged)
        this->battery_wh_ = 0.0;  // another car
      this->settings_.plugged = state;
      break;
    case Knob::RELAY_WELDED:
      this->relay_welded_ = state;
      break;
    case Knob::METER_SILENT:
      this->meter_silent_ = state;
      break;
  }
}

void SimulatedLoad::set_power(float power_w) {
  this->advance_();
  this->settings_.power_w = power_w;
}

void SimulatedLoad::advance_() {
  const int64_t until = clock_ns();
  while (this->now_ns_ < until) {
    const bool switching = this->commanded_ != this->contact_;
    const int64_t step_end = switching ? std::clamp(this->switch_at_ns_, this->now_ns_, until) : until;
    if (this->contact_closed_() && this->settings_.plugged) {
      const double seconds = static_cast<double>(step_end - this->now_ns_) / NS_PER_S;
      const double middle_s = static_cast<double>(this->now_ns_ - this->closed_ns_) / NS_PER_S + seconds / 2;
      const double energy_wh = this->power_at_(middle_s) * seconds / S_PER_H;
      this->energy_wh_ += energy_wh;
      this->battery_wh_ += energy_wh;
    }
    this->now_ns_ = step_end;
    if (switching && this->now_ns_ >= this->switch_at_ns_) {
      this->contact_ = this->commanded_;
      if (this->contact_)
        this->closed_ns_ = this->now_ns_;
    }
  }
}

float SimulatedLoad::power_at_(double closed_s) {
  const LoadSettings &load = this->settings_;
  float power = load.power_w;
  if (load.ramp_s > 0.0f)
    power *= static_cast<float>(std::min(1.0, closed_s / load.ramp_s));
  if (load.taper_after_wh > 0.0f) {
    const float beyond_wh = static_cast<float>(this->battery_wh_) - load.taper_after_wh;
    power *= std::clamp(1.0f - beyond_wh / load.taper_wh, 0.0f, 1.0f);
  }
  if (load.noise_w > 0.0f && power > 0.0f)
    power += load.noise_w * this->noise_(this->random_);
  return std::max(power, 0.0f);
}

}  // namespace esphome::simulated_load
