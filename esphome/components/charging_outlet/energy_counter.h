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
  /// The counter says `total_uj`, and more than `most_uj` can't have flowed since it was last heard; returns what that
  /// adds. A counter that wraps, starts again or leaps is followed, and what the power has told counts instead.
  uint64_t reading(uint64_t total_uj, uint64_t most_uj);
  /// Whether it stands still although power has flowed.
  bool stuck() const { return this->estimated_uj_ >= STUCK_UJ; }

 protected:
  /// More than the coarsest counter's step (100 pulses per kWh).
  static constexpr uint64_t STUCK_UJ = 25 * MICROJOULES_PER_WH;

  uint64_t replace_(uint64_t total_uj);

  uint64_t total_uj_{0};
  /// Since the last step, as the power tells, and how much of it since the counter was last heard.
  uint64_t estimated_uj_{0};
  uint64_t estimated_since_heard_uj_{0};
  /// Counted already although the counter has not said it yet.
  uint64_t settled_uj_{0};
  bool known_{false};
  /// Whether it has moved since it was first heard: the first step is partly of the time before.
  bool stepped_{false};
  /// Whether it had moved when it was last heard.
  bool moved_{false};
};

}  // namespace esphome::charging_outlet
