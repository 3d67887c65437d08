#include "charging_outlet.h"

#include "esphome/core/hal.h"
#include "esphome/core/helpers.h"
#include "esphome/core/log.h"

#include <algorithm>
#include <cinttypes>
#include <string_view>

namespace esphome::charging_outlet {

static const char *const TAG = "charging_outlet";

static constexpr uint32_t FLASH_KEY = 0x6B6F6E73;
/// With the relay open a record can wait: at most one write in so many ms, flash wears out. The same after a failure.
static constexpr uint64_t LAZY_SAVE_MS = 10'000;
/// A longer press does nothing.
static constexpr uint64_t LONGEST_PRESS_MS = 1'000;
/// Seconds that count on without a reading are told at least so often.
static constexpr uint64_t SECONDS_WAIT_MS = 1'500;
/// A float holds every whole number up to here.
static constexpr int32_t LARGEST_LOOPBACK = 16'777'215;

static std::string_view view_of(StringRef text) { return {text.c_str(), text.size()}; }

static void publish(text_sensor::TextSensor *entity, const char *value) {
  if (!entity->has_state() || entity->state != value)
    entity->publish_state(value);
}

static bool publish(sensor::Sensor *entity, uint64_t &last, uint64_t value, float unit) {
  if (last == value)
    return false;
  last = value;
  entity->publish_state(static_cast<float>(static_cast<double>(value) / unit));
  return true;
}

void ChargingOutlet::setup() {
  // Whatever the relay did while the board started: without a renewal it is open.
  this->relay_->turn_off();
  const uint64_t now = millis_64();
  this->flash_ = global_preferences->make_preference<FlashRecord>(FLASH_KEY, true);
  FlashRecord record;
  if (!this->flash_.load(&record)) {
    ESP_LOGI(TAG, "Nothing remembered: a new outlet");
    record = FlashRecord{};
  }
  if (!this->guard_.restore(record, now))
    ESP_LOGE(TAG, "What was remembered is of another layout or broken; starting from zero");
  this->saved_ms_ = now;
  this->power_->add_on_state_callback([this](float power_w) {
    this->guard_.power_reading(power_w, millis_64());
    this->follow_guard_();
  });
  if (this->energy_ != nullptr) {
    const bool in_kwh = this->energy_->get_unit_of_measurement_ref() == "kWh";
    this->energy_->add_on_state_callback([this, in_kwh](float energy) {
      this->guard_.energy_reading(static_cast<double>(energy) * (in_kwh ? 1000.0 : 1.0), millis_64());
      this->follow_guard_();
    });
  }
  if (this->current_ != nullptr)
    this->current_->add_on_state_callback([this](float a) { this->guard_.current_reading(a, millis_64()); });
  if (this->temperature_ != nullptr)
    this->temperature_->add_on_state_callback([this](float t) { this->guard_.temperature_reading(t, millis_64()); });
  if (this->button_ != nullptr)
    this->button_->add_on_state_callback([this](bool pressed) { this->on_button_(pressed); });
  if (this->led_ != nullptr)
    this->led_->turn_off();
  if (this->buzzer_ != nullptr)
    this->buzzer_->turn_off();
  if (this->zero_cross_ != nullptr)
    this->zero_cross_->setup();

  char boot_id[9];
  snprintf(boot_id, sizeof(boot_id), "%08" PRIx32, random_uint32());
  this->boot_id_entity_->publish_state(boot_id);
  this->loopback_entity_->publish_state(0.0f);
  this->max_power_entity_->publish_state(static_cast<float>(this->guard_.settings().max_power_mw) / 1000.0f);
  if (this->max_current_entity_ != nullptr)
    this->max_current_entity_->publish_state(static_cast<float>(this->guard_.settings().max_current_ma) / 1000.0f);
  if (this->guard_.state() == SessionState::SUSPENDED)
    ESP_LOGW(TAG, "Session %s was running; suspended until it is renewed", this->guard_.session_id());
  this->follow_guard_();
}

void ChargingOutlet::loop() {
  const uint64_t now = millis_64();
  if (this->relay_->state != this->relay_commanded_) {
    ESP_LOGE(TAG, "The relay was %s by something else", ONOFF(this->relay_->state));
    if (this->relay_commanded_) {
      this->guard_.relay_opened_by_others(now);
    } else {
      this->relay_->turn_off();
    }
  }
  this->guard_.tick(now);
  this->follow_guard_();
  this->signal_(now);
}

void ChargingOutlet::on_shutdown() { this->suspend(); }

void ChargingOutlet::suspend() {
  const uint64_t now = millis_64();
  this->guard_.suspend(now);
  this->follow_guard_();
  this->save_(now);
}

void ChargingOutlet::dump_config() {
  ESP_LOGCONFIG(TAG, "Charging outlet:\n  Relay cycles: %" PRIu32 ", opening delay %u us", this->guard_.relay_cycles(),
                static_cast<unsigned>(this->guard_.relay_delay_us()));
  LOG_SWITCH("  ", "Relay", this->relay_);
  LOG_SENSOR("  ", "Power", this->power_);
  LOG_SENSOR("  ", "Energy", this->energy_);
  LOG_SENSOR("  ", "Current", this->current_);
  LOG_SENSOR("  ", "Temperature", this->temperature_);
}

// --- actions

void ChargingOutlet::session_start(StringRef session_id, int32_t energy_limit_wh, int32_t time_limit_s,
                                   StringRef timer_start, int32_t lease_s) {
  this->answer_with_("session_start", this->guard_.session_start(view_of(session_id), energy_limit_wh, time_limit_s,
                                                                 view_of(timer_start), lease_s, millis_64()));
}

void ChargingOutlet::session_renew(StringRef session_id, int32_t seq, int32_t lease_s) {
  this->answer_with_("session_renew", this->guard_.session_renew(view_of(session_id), seq, lease_s, millis_64()));
}

void ChargingOutlet::session_limit(StringRef session_id, int32_t energy_limit_wh, int32_t time_limit_s) {
  Answer answer = this->guard_.session_limit(view_of(session_id), energy_limit_wh, time_limit_s, millis_64());
  this->follow_guard_();
  const Limits &limits = this->guard_.limits();
  if (answer.accepted() && (limits.energy_wh != static_cast<uint32_t>(energy_limit_wh) ||
                            limits.time_s != static_cast<uint32_t>(time_limit_s)))
    answer = {Refusal::FAULT, "the limits could not be written to flash"};
  this->answer_with_("session_limit", answer);
}

void ChargingOutlet::session_stop(StringRef session_id, StringRef reason) {
  this->answer_with_("session_stop", this->guard_.session_stop(view_of(session_id), view_of(reason), millis_64()));
}

void ChargingOutlet::outlet_enable(bool enabled) {
  this->guard_.outlet_enable(enabled, millis_64());
  this->answer_with_("outlet_enable", {});
}

void ChargingOutlet::fault_clear(StringRef code) {
  this->answer_with_("fault_clear", this->guard_.fault_clear(view_of(code), millis_64()));
}

void ChargingOutlet::loopback(int32_t seq) {
  if (seq < -LARGEST_LOOPBACK || seq > LARGEST_LOOPBACK) {
    this->answer_with_("loopback", {Refusal::BAD_ARGUMENT, "seq must be -16777215 to 16777215"});
    return;
  }
  this->loopback_entity_->publish_state(static_cast<float>(seq));
  this->answer_with_("loopback", {});
}

void ChargingOutlet::identify(int32_t seconds) {
  if (seconds < 1 || seconds > 60) {
    this->answer_with_("identify", {Refusal::BAD_ARGUMENT, "seconds must be 1 to 60"});
    return;
  }
  this->identify_until_ms_ = millis_64() + static_cast<uint64_t>(seconds) * 1000;
  ESP_LOGI(TAG, "Identifying for %" PRId32 " s", seconds);
  this->answer_with_("identify", {});
}

std::string ChargingOutlet::refusal() const {
  return this->accepted() ? "" : std::string(name_of(this->answer_.refusal)) + ": " + this->answer_.sentence;
}

void ChargingOutlet::answer_with_(const char *action, Answer answer) {
  this->answer_ = answer;
  if (!answer.accepted())
    ESP_LOGW(TAG, "%s refused, %s: %s", action, name_of(answer.refusal), answer.sentence);
  this->follow_guard_();
}

void ChargingOutlet::on_button_(bool pressed) {
  const uint64_t now = millis_64();
  if (pressed) {
    ESP_LOGI(TAG, "Button pressed");
    // A press that shows presence can start a session before the finger is off the button: it does not end that one.
    this->pressed_ms_ = this->guard_.running() ? now : 0;
  } else if (this->pressed_ms_ != 0 && now - this->pressed_ms_ <= LONGEST_PRESS_MS) {
    this->guard_.stop_by_hand(now);
    this->follow_guard_();
  }
}

// --- relay, flash and entities follow the guard

void ChargingOutlet::follow_guard_() {
  const uint64_t now = millis_64();
  // Opening comes before everything, closing after the session is in flash: an id that has closed the relay can't
  // start again even if power fails at that moment.
  if (!this->guard_.relay_closed() && this->relay_commanded_)
    this->command_relay_(false);
  this->save_if_due_(now);
  if (this->guard_.relay_closed() != this->relay_commanded_)
    this->command_relay_(this->guard_.relay_closed());
  this->publish_(now);
}

void ChargingOutlet::command_relay_(bool closed) {
  if (this->zero_cross_ != nullptr) {
    if (closed) {
      this->zero_cross_->wait_to_close();
    } else {
      this->zero_cross_->wait_to_open();
    }
  }
  this->relay_commanded_ = closed;
  if (closed) {
    this->relay_->turn_on();
  } else {
    this->relay_->turn_off();
  }
}

void ChargingOutlet::save_if_due_(uint64_t now_ms) {
  const bool waited = now_ms - this->saved_ms_ >= LAZY_SAVE_MS;
  const bool due = this->guard_.save_due(now_ms) && (waited || !this->save_failed_);
  if (due || (this->guard_.save_useful() && waited))
    this->save_(now_ms);
}

void ChargingOutlet::save_(uint64_t now_ms) {
  const FlashRecord record = this->guard_.record();
  this->saved_ms_ = now_ms;
  this->save_failed_ = !this->flash_.save(&record) || !global_preferences->sync();
  if (this->save_failed_) {
    ESP_LOGE(TAG, "Could not write to flash; no supply until it can be written");
    this->guard_.save_failed(now_ms);
  } else {
    this->guard_.saved();
  }
}

void ChargingOutlet::publish_(uint64_t now_ms) {
  Published &last = this->published_;
  const bool first = !this->state_entity_->has_state();
  const SessionState state = this->guard_.state();
  const Fault fault = this->guard_.fault();
  const bool changed = first || state != last.state || fault != last.fault ||
                       last.durable_changes != this->guard_.durable_changes();
  if (changed) {
    if (this->relay_closed_entity_->state != this->relay_commanded_ || first)
      this->relay_closed_entity_->publish_state(this->relay_commanded_);
    if (this->enabled_entity_->state != this->guard_.enabled() || first)
      this->enabled_entity_->publish_state(this->guard_.enabled());
    publish(this->fault_entity_, name_of(fault));
    publish(this->session_id_entity_, this->guard_.session_id());
    publish(this->end_reason_entity_, name_of(this->guard_.end_reason()));
  }
  if (first || this->without_power_entity_->state != this->guard_.without_power())
    this->without_power_entity_->publish_state(this->guard_.without_power());
  bool told = publish(this->energy_entity_, last.energy_mwh, this->guard_.energy_uj() / MICROJOULES_PER_MWH, 1000.0f);
  told |= publish(this->lifetime_entity_, last.lifetime_mwh, this->guard_.lifetime_uj() / MICROJOULES_PER_MWH, 1000.0f);
  const uint64_t lease_s = (this->guard_.lease_left_ms(now_ms) + 999) / 1000;
  // What counts seconds goes with a reading: a second costs those who listen one packet instead of two.
  if (changed || told || lease_s > last.lease_s || now_ms - last.seconds_ms >= SECONDS_WAIT_MS) {
    last.seconds_ms = now_ms;
    publish(this->time_entity_, last.time_s, this->guard_.supply_ms() / 1000, 1.0f);
    publish(this->lease_entity_, last.lease_s, lease_s, 1.0f);
  }
  publish(this->energy_limit_entity_, last.energy_limit_wh, this->guard_.limits().energy_wh, 1.0f);
  publish(this->time_limit_entity_, last.time_limit_s, this->guard_.limits().time_s, 1.0f);
  publish(this->cycles_entity_, last.relay_cycles, this->guard_.relay_cycles(), 1.0f);
  if (changed) {
    // Last, so that whoever reads a state finds everything that belongs to it.
    this->log_change_(last.state);
    if (!first)
      this->sound_(last.state, state, now_ms);
    last.state = state;
    last.fault = fault;
    last.durable_changes = this->guard_.durable_changes();
    this->state_entity_->publish_state(name_of(state));
  }
}

void ChargingOutlet::log_change_(SessionState before) const {
  if (this->guard_.fault() != Fault::NONE)
    ESP_LOGE(TAG, "Fault: %s", name_of(this->guard_.fault()));
  // 32 bits: not every C library on a microcontroller prints 64.
  ESP_LOGI(TAG, "%s -> %s; session '%s' %s: %" PRIu32 " mWh in %" PRIu32 " s", name_of(before),
           name_of(this->guard_.state()), this->guard_.session_id(), name_of(this->guard_.end_reason()),
           static_cast<uint32_t>(this->guard_.energy_uj() / MICROJOULES_PER_MWH),
           static_cast<uint32_t>(this->guard_.supply_ms() / 1000));
}

void ChargingOutlet::sound_(SessionState before, SessionState after, uint64_t now_ms) {
  if (before == after)
    return;
  if (after == SessionState::FAULT) {
    this->sound_told_ = Sound::FAULT;
  } else if (after == SessionState::SUPPLYING) {
    this->sound_told_ = Sound::STARTED;
  } else if (after == SessionState::ENDED && before != SessionState::FAULT) {
    this->sound_told_ = Sound::ENDED;
  } else {
    // The last sound is not made again.
    return;
  }
  this->sound_ms_ = now_ms;
}

void ChargingOutlet::signal_(uint64_t now_ms) {
  const Light light = now_ms < this->identify_until_ms_
                          ? Light::IDENTIFY
                          : light_of(this->guard_.state(), this->guard_.fault(), this->guard_.enabled());
  const bool led_on = lit(light, now_ms);
  if (this->led_ != nullptr && led_on != this->led_on_)
    this->led_->set_state(led_on);
  this->led_on_ = led_on;
  const bool buzzer_on = sounding(this->sound_told_, now_ms - this->sound_ms_);
  if (this->buzzer_ != nullptr && buzzer_on != this->buzzer_on_)
    this->buzzer_->set_state(buzzer_on);
  this->buzzer_on_ = buzzer_on;
}

}  // namespace esphome::charging_outlet
