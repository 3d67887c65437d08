#include "relay_contact.h"

#include <algorithm>

namespace esphome::charging_outlet {

/// One reading alone may be a disturbance.
static constexpr uint8_t READINGS_OF_A_WELDED_CONTACT = 2;
/// A closing that was shorter tells nothing.
static constexpr uint64_t SHORTEST_CLOSING_MS = 10'000;
/// No relay is slower; what seems so is the load that has changed.
static constexpr int32_t LONGEST_DELAY_US = 50'000;
/// One observation is as coarse as the load is unsteady, the mean of many is not.
static constexpr int32_t LEARNING = 8;

void RelayContact::restore(uint32_t cycles, uint16_t delay_us, uint64_t now_ms) {
  this->cycles_ = cycles;
  this->delay_us_ = delay_us;
  this->opened_ms_ = now_ms;
}

void RelayContact::closed(uint64_t now_ms) {
  this->cycles_++;
  this->closed_ms_ = now_ms;
  this->budget_ms_ = std::max(this->budget_ms_, now_ms) + this->cycle_ms_;
  this->flowing_readings_ = 0;
  this->conducted_ = false;
}

void RelayContact::opened(uint64_t now_ms) {
  this->opened_ms_ = now_ms;
  if (!this->conducted_ && now_ms - this->closed_ms_ >= SHORTEST_CLOSING_MS && this->dead_closings_ < DEAD_CLOSINGS)
    this->dead_closings_++;
}

uint64_t RelayContact::rest_ms(uint64_t now_ms) const {
  const uint64_t burst_ms = MS_PER_HOUR - this->cycle_ms_;
  const uint64_t budget = this->budget_ms_ > burst_ms ? this->budget_ms_ - burst_ms : 0;
  const uint64_t pause = this->cycles_ == 0 ? 0 : this->opened_ms_ + this->min_off_time_ms_;
  const uint64_t until = std::max(budget, pause);
  return until > now_ms ? until - now_ms : 0;
}

bool RelayContact::welded(bool flows, uint64_t now_ms) {
  if (now_ms - this->opened_ms_ < this->settle_time_ms_)
    return false;
  this->flowing_readings_ = flows ? std::min<uint8_t>(this->flowing_readings_ + 1, READINGS_OF_A_WELDED_CONTACT) : 0;
  return this->flowing_readings_ == READINGS_OF_A_WELDED_CONTACT;
}

void RelayContact::learn_delay(int32_t observed_us) {
  const int32_t known = this->delay_us_;
  const int32_t bounded = std::clamp(observed_us, -LONGEST_DELAY_US, 2 * LONGEST_DELAY_US);
  this->delay_us_ = static_cast<uint16_t>(std::clamp<int32_t>(known + (bounded - known) / LEARNING, 0, LONGEST_DELAY_US));
}

}  // namespace esphome::charging_outlet
