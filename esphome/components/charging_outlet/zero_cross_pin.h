#pragma once

#include "esphome/core/gpio.h"
#include "esphome/core/hal.h"

#include <atomic>
#include <cstdint>

namespace esphome::charging_outlet {

/// Times the relay's commands by a pin that tells each zero crossing of the mains by an edge.
class ZeroCrossPin {
 public:
  /// The delays are the relay's own, from its data sheet: from the command to the contact.
  ZeroCrossPin(InternalGPIOPin *pin, uint32_t close_delay_us, uint32_t open_delay_us)
      : pin_(pin), close_delay_us_(close_delay_us), open_delay_us_(open_delay_us) {}

  void setup();
  /// Hold the program up, for half a period at most, until it is the moment for the command.
  void wait_to_close() const { this->wait_(this->close_delay_us_); }
  void wait_to_open() const { this->wait_(this->open_delay_us_); }

 protected:
  static void on_edge(ZeroCrossPin *self);
  void wait_(uint32_t delay_us) const;

  InternalGPIOPin *pin_;
  uint32_t close_delay_us_;
  uint32_t open_delay_us_;
  std::atomic<uint32_t> crossing_us_{0};
  std::atomic<uint32_t> half_period_us_{0};
};

}  // namespace esphome::charging_outlet
