#pragma once

#include <cstdint>

namespace esphome::charging_outlet {

/// What is known about the relay's contact: how worn it is, when it may close again, how late it opens, and whether it
/// does what it is told.
class RelayContact {
 public:
  RelayContact(uint32_t min_off_time_ms, uint32_t max_cycles_per_hour, uint32_t settle_time_ms)
      : min_off_time_ms_(min_off_time_ms),
        cycle_ms_(2 * MS_PER_HOUR / max_cycles_per_hour),
        settle_time_ms_(settle_time_ms) {}

  void restore(uint32_t cycles, uint16_t delay_us, uint64_t now_ms);
  void closed(uint64_t now_ms);
  void opened(uint64_t now_ms);

  /// How long until it may close, ms. It keeps a pause after every opening, and a budget of cycles: half of an hour's
  /// may come in a burst, the other half comes back over the hour, so no hour has more.
  uint64_t rest_ms(uint64_t now_ms) const;
  /// How often it has closed in its life.
  uint32_t cycles() const { return this->cycles_; }

  /// A reading behind the open relay that `flows`: whether that now means a welded contact.
  bool welded(bool flows, uint64_t now_ms);
  void forget_welding() { this->flowing_readings_ = 0; }

  /// Power has been used since the relay closed.
  void conducts() {
    this->conducted_ = true;
    this->dead_closings_ = 0;
  }
  /// Several times in a row nothing flowed through the closed relay: nobody plugged in, or it does not close.
  bool without_power() const { return this->dead_closings_ >= DEAD_CLOSINGS; }

  /// From the command to the opening of the contact, learned from what flowed meanwhile, µs.
  uint16_t delay_us() const { return this->delay_us_; }
  /// One more observation of it; may be wide of the mark or negative.
  void learn_delay(int32_t observed_us);

 protected:
  static constexpr uint32_t MS_PER_HOUR = 3'600'000;
  static constexpr uint8_t DEAD_CLOSINGS = 3;

  uint64_t opened_ms_{0};
  uint64_t closed_ms_{0};
  /// When the budget of cycles is whole again.
  uint64_t budget_ms_{0};
  uint32_t min_off_time_ms_;
  uint32_t cycle_ms_;
  uint32_t settle_time_ms_;
  uint32_t cycles_{0};
  uint16_t delay_us_{0};
  uint8_t flowing_readings_{0};
  uint8_t dead_closings_{0};
  bool conducted_{false};
};

}  // namespace esphome::charging_outlet
