#pragma once

#include "energy_meter.h"

#include <cstdint>

namespace esphome::charging_outlet {

/// Energy from the meter's own counter. The counter is right but moves in steps, of some mWh or of a whole Wh; between
/// them the power tells how far the next one is. What it has at the start of a session belongs to those before.
class EnergyCounter {
 public:
  /// So much has flowed as the power tells.
  void estimate(uint64_t energy_uj);
  /// The energy in µJ that has flowed since the last step and is not counted yet, as the power tells.
  uint64_t pending() const;
  /// The relay has opened: what is pending counts now, and the next step brings the rest only.
  uint64_t settle();
  /// The counter says `total_uj`; returns what that adds. Since it was last heard `rated_uj` may have flowed, and more
  /// than `most_uj` can't have: a counter that wraps, starts again or leaps is followed, and what the power has told
  /// counts instead.
  uint64_t reading(uint64_t total_uj, uint64_t rated_uj, uint64_t most_uj);
  /// Whether it stands still although power has flowed.
  bool stuck() const { return this->estimated_uj_ >= STUCK_UJ; }
  /// Whether it should have moved, judged by its own steps.
  bool late() const { return this->stepped_ && this->estimated_uj_ / 2 >= this->coarsest_uj_; }

 protected:
  /// More than the coarsest counter's step (100 pulses per kWh).
  static constexpr uint64_t STUCK_UJ = 25 * MICROJOULES_PER_WH;

  uint64_t replace_(uint64_t total_uj);

  uint64_t total_uj_{0};
  /// Since the last step, as the power tells, and how much of it since the counter was last heard.
  uint64_t estimated_uj_{0};
  uint64_t estimated_since_heard_uj_{0};
  /// The least and the most that it has moved at once.
  uint64_t finest_uj_{UINT64_MAX};
  uint64_t coarsest_uj_{0};
  /// Counted already although the counter has not said it yet.
  uint64_t settled_uj_{0};
  bool known_{false};
  /// Whether it has moved since it was first heard: the first step is partly of the time before.
  bool stepped_{false};
};

}  // namespace esphome::charging_outlet
