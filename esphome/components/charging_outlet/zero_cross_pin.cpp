#include "zero_cross_pin.h"

#include "zero_cross.h"

namespace esphome::charging_outlet {

void ZeroCrossPin::setup() {
  this->pin_->setup();
  this->pin_->attach_interrupt(&ZeroCrossPin::on_edge, this, gpio::INTERRUPT_RISING_EDGE);
}

void IRAM_ATTR ZeroCrossPin::on_edge(ZeroCrossPin *self) {
  const uint32_t now_us = micros();
  self->half_period_us_ = now_us - self->crossing_us_;
  self->crossing_us_ = now_us;
}

void ZeroCrossPin::wait_(uint32_t delay_us) const {
  const uint32_t wait_us = zero_cross_wait_us(micros(), this->crossing_us_, this->half_period_us_, delay_us);
  if (wait_us != 0)
    delayMicroseconds(wait_us);
}

}  // namespace esphome::charging_outlet
