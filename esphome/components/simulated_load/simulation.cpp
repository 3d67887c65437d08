#include "simulation.h"

#include <charconv>
#include <cmath>
#include <iterator>
#include <type_traits>

namespace esphome::simulated_load {

namespace {

struct Key {
  std::string_view name;
  float lowest, highest;
  void (*set)(Simulation &, float);

  bool is_flag() const { return this->lowest == 0.0f && this->highest == 1.0f; }
  // False for what is no number.
  bool takes(float value) const {
    return value >= this->lowest && value <= this->highest && (!this->is_flag() || value == std::floor(value));
  }
};

/// A setting that is a member of one of the models' settings.
template<auto LoadSettings::*MEMBER> void set_load(Simulation &world, float value) {
  auto &member = world.load.settings().*MEMBER;
  member = static_cast<std::remove_reference_t<decltype(member)>>(value);
}
template<auto MeterSettings::*MEMBER> void set_meter(Simulation &world, float value) {
  auto &member = world.meter.settings().*MEMBER;
  member = static_cast<std::remove_reference_t<decltype(member)>>(value);
}

constexpr float NS_PER_MS = 1e6f;
constexpr float DAY_S = 86'400.0f;

constexpr Key KEYS[] = {
    {"power_w", 0, 20'000, set_load<&LoadSettings::power_w>},
    {"ramp_s", 0, 3600, set_load<&LoadSettings::ramp_s>},
    {"noise_w", 0, 20'000, set_load<&LoadSettings::noise_w>},
    {"taper_after_wh", 0, 1'000'000, set_load<&LoadSettings::taper_after_wh>},
    {"taper_wh", 0.001f, 1'000'000, set_load<&LoadSettings::taper_wh>},
    {"voltage_v", 80, 300, set_load<&LoadSettings::voltage_v>},
    {"plugged", 0, 1, [](Simulation &world, float value) { world.load.set_plugged(value != 0.0f); }},
    {"relay_delay_ms", 0, 1000, set_load<&LoadSettings::relay_delay_ms>},
    {"relay_jitter_ms", 0, 1000, set_load<&LoadSettings::relay_jitter_ms>},
    {"relay_welded", 0, 1, set_load<&LoadSettings::relay_welded>},
    {"relay_stuck_open", 0, 1, set_load<&LoadSettings::relay_stuck_open>},
    {"meter_silent", 0, 1, set_meter<&MeterSettings::silent>},
    {"meter_frozen", 0, 1, set_meter<&MeterSettings::frozen>},
    {"meter_nan", 0, 1, set_meter<&MeterSettings::nan>},
    {"meter_reversed", 0, 1, set_meter<&MeterSettings::reversed>},
    {"meter_stuck", 0, 1, set_meter<&MeterSettings::stuck>},
    {"meter_stuck_w", -1'000'000, 1'000'000, set_meter<&MeterSettings::stuck_w>},
    {"meter_gain", 0, 10, set_meter<&MeterSettings::gain>},
    {"counter_wh", 0, 1'000'000, [](Simulation &world, float value) { world.meter.set_counter(value); }},
    {"counter_step_wh", 0.0001f, 1, set_meter<&MeterSettings::counter_step_wh>},
    {"counter_wrap_wh", 0, 1'000'000, set_meter<&MeterSettings::counter_wrap_wh>},
    {"counter_first", 0, 1, set_meter<&MeterSettings::counter_first>},
    {"ambient_c", -40, 85, set_load<&LoadSettings::ambient_c>},
    {"heat_k_per_kw2", 0, 100, set_load<&LoadSettings::heat_k_per_kw2>},
    {"heat_time_s", 0.1f, DAY_S, set_load<&LoadSettings::heat_time_s>},
    {"temperature_c", -55, 200, [](Simulation &world, float value) { world.load.hold_temperature(value); }},
    {"temperature_held", 0, 1, set_load<&LoadSettings::temperature_held>},
    {"temperature_nan", 0, 1, [](Simulation &world, float value) { world.temperature_nan = value != 0.0f; }},
    {"button_ms", 0, 60'000,
     [](Simulation &world, float value) {
       world.button_until_ns = world.load.now_ns() + static_cast<int64_t>(value * NS_PER_MS);
     }},
};

std::string text_of(float value) {
  char text[32];
  const auto [end, error] = std::to_chars(std::begin(text), std::end(text), value, std::chars_format::fixed);
  return {text, end};
}

}  // namespace

std::string Simulation::set(std::string_view key, float value) {
  for (const Key &known : KEYS) {
    if (known.name != key)
      continue;
    if (!known.takes(value))
      return std::string(key) + " must be " + text_of(known.lowest) + (known.is_flag() ? " or " : " to ") +
             text_of(known.highest);
    known.set(*this, value);
    return {};
  }
  std::string sentence = "there are ";
  for (const Key &known : KEYS)
    sentence += (&known == KEYS ? "" : ", ") + std::string(known.name);
  return sentence;
}

}  // namespace esphome::simulated_load
