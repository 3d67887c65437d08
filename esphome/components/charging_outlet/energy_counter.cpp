#include "energy_counter.h"

#include <algorithm>

namespace esphome::charging_outlet {

static uint64_t beyond(uint64_t value, uint64_t taken) { return value - std::min(value, taken); }

void EnergyCounter::estimate(uint64_t energy_uj) {
  this->estimated_uj_ += energy_uj;
  this->estimated_since_heard_uj_ += energy_uj;
}

uint64_t EnergyCounter::pending() const { return beyond(this->estimated_uj_, this->settled_uj_); }

uint64_t EnergyCounter::settle() {
  const uint64_t energy = this->pending();
  this->settled_uj_ += energy;
  return energy;
}

uint64_t EnergyCounter::reading(uint64_t total_uj, uint64_t rated_uj, uint64_t most_uj) {
  if (!this->known_) {
    this->known_ = true;
    this->total_uj_ = total_uj;
    this->estimated_since_heard_uj_ = 0;
    return 0;
  }
  if (total_uj < this->total_uj_ || total_uj - this->total_uj_ > most_uj)
    return this->replace_(total_uj);
  uint64_t step = total_uj - this->total_uj_;
  uint64_t added = 0;
  if (step > 0) {
    this->total_uj_ = total_uj;
    this->finest_uj_ = std::min(this->finest_uj_, step);
    this->coarsest_uj_ = std::max(this->coarsest_uj_, step);
    if (!this->stepped_)
      step = std::min(step, std::max(this->estimated_uj_, rated_uj));
    this->stepped_ = true;
    added = beyond(step, this->settled_uj_);
    this->settled_uj_ = beyond(this->settled_uj_, step);
    // The step was somewhere since the counter was last heard, so no more than that can have come after it, and less than
    // another step.
    const uint64_t most_after = std::min(this->finest_uj_, this->estimated_since_heard_uj_);
    this->estimated_uj_ = std::min(beyond(this->estimated_uj_, step), most_after);
  }
  this->estimated_since_heard_uj_ = 0;
  return added;
}

uint64_t EnergyCounter::replace_(uint64_t total_uj) {
  const uint64_t added = this->pending();
  this->total_uj_ = total_uj;
  this->estimated_uj_ = this->estimated_since_heard_uj_ = this->settled_uj_ = 0;
  this->stepped_ = false;
  return added;
}

}  // namespace esphome::charging_outlet
