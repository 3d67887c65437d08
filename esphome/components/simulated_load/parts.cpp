#include "parts.h"

#include "simulated_load.h"

namespace esphome::simulated_load {

void SimulatedRelay::setup() {
  if (const auto state = this->get_initial_state_with_restore_mode())
    this->control(*state);
}

void SimulatedRelay::write_state(bool state) {
  this->parent_->command_relay(state);
  this->publish_state(state);
}

void KnobSwitch::write_state(bool state) { this->parent_->set(StringRef(this->key_), state ? 1.0f : 0.0f); }

void PowerNumber::control(float value) { this->parent_->set(StringRef("power_w"), value); }

}  // namespace esphome::simulated_load
