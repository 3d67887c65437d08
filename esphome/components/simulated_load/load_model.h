#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>

namespace esphome::simulated_load {

/// What a test says about the car, the line and the relay.
struct LoadSettings {
  float power_w{3000.0f};
  /// The power rises from 0 in a straight line for so long after every closing of the contact.
  float ramp_s{0.0f};
  /// Standard deviation of the power.
  float noise_w{0.0f};
  /// From so many Wh on the battery takes less and less; 0 = never.
  float taper_after_wh{0.0f};
  /// How many Wh it then still takes until it is full.
  float taper_wh{1000.0f};
  float voltage_v{200.0f};
  /// From the command to the contact, and what chance adds to it at most.
  float relay_delay_ms{10.0f};
  float relay_jitter_ms{0.0f};
  bool plugged{true};
  bool relay_welded{false};
  /// The contact does not close any more.
  bool relay_stuck_open{false};
  /// The outlet's contacts warm up by so much in the end, and by 63 % of it after the time.
  float ambient_c{25.0f};
  float heat_k_per_kw2{2.0f};
  float heat_time_s{600.0f};
  /// The temperature stays where a test has put it.
  bool temperature_held{false};
};

/// A car behind a relay: what really flows, on a clock that the caller gives. Knows no ESPHome.
class LoadModel {
 public:
  static constexpr size_t MOST_POINTS = 256;

  explicit LoadModel(const LoadSettings &settings) : settings_(settings), contacts_c_(settings.ambient_c) {}

  /// Change these only after advance(): they hold from then on.
  LoadSettings &settings() { return this->settings_; }
  const LoadSettings &settings() const { return this->settings_; }

  /// Let time pass up to now (ns of a clock that never steps) under the conditions that held until now.
  void advance(int64_t now_ns);
  void command_relay(bool closed);
  void set_plugged(bool plugged);
  /// The power is piecewise linear from now on, by the seconds since the contact closed; before and after it is that of
  /// the first and the last point. No point: `power_w` again. False when it is no curve.
  bool set_curve(const float *seconds, const float *watts, size_t points);
  /// The outlet's contacts have that temperature, and keep it.
  void hold_temperature(float celsius) {
    this->contacts_c_ = celsius;
    this->settings_.temperature_held = true;
  }

  int64_t now_ns() const { return this->now_ns_; }
  double energy_wh() const { return this->energy_wh_; }
  float temperature_c() const { return static_cast<float>(this->contacts_c_); }

 protected:
  struct Point {
    float seconds, watts;
  };

  bool contact_closed_() const {
    return this->settings_.relay_welded || (this->contact_ && !this->settings_.relay_stuck_open);
  }
  /// Power at that many seconds after the contact closed.
  float power_at_(double closed_s);
  float curve_at_(float closed_s) const;
  void pass_(double seconds);

  LoadSettings settings_;
  std::array<Point, MOST_POINTS> curve_{};
  size_t points_{0};
  std::mt19937 random_{1};
  std::normal_distribution<float> noise_{0.0f, 1.0f};
  int64_t now_ns_{0};
  int64_t closed_ns_{0};
  int64_t switch_at_ns_{0};
  double energy_wh_{0.0};
  double battery_wh_{0.0};
  double contacts_c_;
  bool started_{false};
  bool commanded_{false};
  bool contact_{false};
  bool was_closed_{false};
};

}  // namespace esphome::simulated_load
