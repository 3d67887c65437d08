#pragma once

#include "session_guard.h"
#include "signals.h"
#include "zero_cross_pin.h"

#include "esphome/components/binary_sensor/binary_sensor.h"
#include "esphome/components/output/binary_output.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/components/switch/switch.h"
#include "esphome/components/text_sensor/text_sensor.h"
#include "esphome/core/component.h"
#include "esphome/core/preferences.h"
#include "esphome/core/string_ref.h"

#include <string>

namespace esphome::charging_outlet {

/// Puts the session guard between the native API and the relay: actions and readings in, relay, flash and entities out.
class ChargingOutlet final : public Component {
 public:
  explicit ChargingOutlet(const GuardSettings &settings) : guard_(settings) {}

  void set_relay(switch_::Switch *relay) { this->relay_ = relay; }
  void set_power(sensor::Sensor *power) { this->power_ = power; }
  /// The meter's own counter, in Wh or kWh.
  void set_energy(sensor::Sensor *energy) { this->energy_ = energy; }
  void set_current(sensor::Sensor *current) { this->current_ = current; }
  void set_temperature(sensor::Sensor *temperature) { this->temperature_ = temperature; }
  void set_button(binary_sensor::BinarySensor *button) { this->button_ = button; }
  void set_led(output::BinaryOutput *led) { this->led_ = led; }
  void set_buzzer(output::BinaryOutput *buzzer) { this->buzzer_ = buzzer; }
  void set_zero_cross(ZeroCrossPin *zero_cross) { this->zero_cross_ = zero_cross; }

  void set_relay_binary_sensor(binary_sensor::BinarySensor *entity) { this->relay_closed_entity_ = entity; }
  void set_outlet_enabled_binary_sensor(binary_sensor::BinarySensor *entity) { this->enabled_entity_ = entity; }
  void set_without_power_binary_sensor(binary_sensor::BinarySensor *entity) { this->without_power_entity_ = entity; }
  void set_relay_cycles_sensor(sensor::Sensor *entity) { this->cycles_entity_ = entity; }
  void set_session_energy_sensor(sensor::Sensor *entity) { this->energy_entity_ = entity; }
  void set_session_time_sensor(sensor::Sensor *entity) { this->time_entity_ = entity; }
  void set_energy_limit_sensor(sensor::Sensor *entity) { this->energy_limit_entity_ = entity; }
  void set_time_limit_sensor(sensor::Sensor *entity) { this->time_limit_entity_ = entity; }
  void set_lifetime_energy_sensor(sensor::Sensor *entity) { this->lifetime_entity_ = entity; }
  void set_lease_left_sensor(sensor::Sensor *entity) { this->lease_entity_ = entity; }
  void set_max_power_sensor(sensor::Sensor *entity) { this->max_power_entity_ = entity; }
  /// Only where the rating is given as a current too.
  void set_max_current_sensor(sensor::Sensor *entity) { this->max_current_entity_ = entity; }
  void set_loopback_sensor(sensor::Sensor *entity) { this->loopback_entity_ = entity; }
  void set_boot_id_text_sensor(text_sensor::TextSensor *entity) { this->boot_id_entity_ = entity; }
  void set_fault_text_sensor(text_sensor::TextSensor *entity) { this->fault_entity_ = entity; }
  void set_session_id_text_sensor(text_sensor::TextSensor *entity) { this->session_id_entity_ = entity; }
  void set_end_reason_text_sensor(text_sensor::TextSensor *entity) { this->end_reason_entity_ = entity; }
  void set_session_state_text_sensor(text_sensor::TextSensor *entity) { this->state_entity_ = entity; }

  void setup() override;
  void loop() override;
  void dump_config() override;
  void on_shutdown() override;
  /// After the relay's switch and before the network: nobody is to read entities that have no state yet.
  float get_setup_priority() const override { return setup_priority::PROCESSOR; }

  /// Open the relay before something holds up the loop, for instance an update; a renewal closes it again.
  void suspend();

  // --- the actions of docs/contracts.md §1. Each leaves its answer in accepted() and refusal().

  void session_start(StringRef session_id, int32_t energy_limit_wh, int32_t time_limit_s, StringRef timer_start,
                     int32_t lease_s);
  void session_renew(StringRef session_id, int32_t seq, int32_t lease_s);
  void session_limit(StringRef session_id, int32_t energy_limit_wh, int32_t time_limit_s);
  void session_stop(StringRef session_id, StringRef reason);
  void outlet_enable(bool enabled);
  void fault_clear(StringRef code);
  void loopback(int32_t seq);
  void identify(int32_t seconds);

  bool accepted() const { return this->answer_.accepted(); }
  /// `<code>: <sentence>`, empty when the last action was accepted.
  std::string refusal() const;

 protected:
  /// What was last published, to publish only what has changed.
  struct Published {
    uint64_t energy_mwh{UINT64_MAX};
    uint64_t lifetime_mwh{UINT64_MAX};
    uint64_t time_s{UINT64_MAX};
    uint64_t lease_s{UINT64_MAX};
    uint64_t seconds_ms{0};
    uint64_t energy_limit_wh{UINT64_MAX};
    uint64_t time_limit_s{UINT64_MAX};
    uint64_t relay_cycles{UINT64_MAX};
    uint32_t durable_changes{UINT32_MAX};
    SessionState state{SessionState::IDLE};
    Fault fault{Fault::NONE};
  };

  void answer_with_(const char *action, Answer answer);
  void on_button_(bool pressed);
  /// Make relay, flash and entities follow the guard.
  void follow_guard_();
  void save_if_due_(uint64_t now_ms);
  void save_(uint64_t now_ms);
  void command_relay_(bool closed);
  void publish_(uint64_t now_ms);
  void log_change_(SessionState before) const;
  void sound_(SessionState before, SessionState after, uint64_t now_ms);
  void signal_(uint64_t now_ms);

  SessionGuard guard_;
  Published published_;
  Answer answer_{};
  ESPPreferenceObject flash_;
  uint64_t saved_ms_{0};
  uint64_t identify_until_ms_{0};
  uint64_t sound_ms_{0};
  uint64_t pressed_ms_{0};
  Sound sound_told_{Sound::NONE};
  bool save_failed_{false};
  bool relay_commanded_{false};
  bool led_on_{false};
  bool buzzer_on_{false};

  switch_::Switch *relay_{nullptr};
  sensor::Sensor *power_{nullptr};
  sensor::Sensor *energy_{nullptr};
  sensor::Sensor *current_{nullptr};
  sensor::Sensor *temperature_{nullptr};
  binary_sensor::BinarySensor *button_{nullptr};
  output::BinaryOutput *led_{nullptr};
  output::BinaryOutput *buzzer_{nullptr};
  ZeroCrossPin *zero_cross_{nullptr};
  binary_sensor::BinarySensor *relay_closed_entity_{nullptr};
  binary_sensor::BinarySensor *enabled_entity_{nullptr};
  binary_sensor::BinarySensor *without_power_entity_{nullptr};
  sensor::Sensor *cycles_entity_{nullptr};
  sensor::Sensor *energy_entity_{nullptr};
  sensor::Sensor *time_entity_{nullptr};
  sensor::Sensor *energy_limit_entity_{nullptr};
  sensor::Sensor *time_limit_entity_{nullptr};
  sensor::Sensor *lifetime_entity_{nullptr};
  sensor::Sensor *lease_entity_{nullptr};
  sensor::Sensor *max_power_entity_{nullptr};
  sensor::Sensor *max_current_entity_{nullptr};
  sensor::Sensor *loopback_entity_{nullptr};
  text_sensor::TextSensor *boot_id_entity_{nullptr};
  text_sensor::TextSensor *fault_entity_{nullptr};
  text_sensor::TextSensor *session_id_entity_{nullptr};
  text_sensor::TextSensor *end_reason_entity_{nullptr};
  text_sensor::TextSensor *state_entity_{nullptr};
};

}  // namespace esphome::charging_outlet
