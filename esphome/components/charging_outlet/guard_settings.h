#pragma once

#include "energy_meter.h"

#include <cstdint>

/// What a device file sets, see docs/firmware.md. Powers in mW, times in ms.
namespace esphome::charging_outlet {

/// What is measured beyond so many times the rated power is a broken meter: the breaker would have opened.
inline constexpr uint64_t CREDIBLE_TIMES_RATED = 4;

struct GuardSettings {
  /// What the outlet and its wires may carry for hours.
  uint32_t max_power_mw{1'500'000};
  /// The same as a current; 0 where none is measured.
  uint32_t max_current_ma{0};
  /// Time constant of the overload curve.
  uint32_t thermal_time_ms{60'000};
  /// °C; 0 where none is measured.
  uint32_t max_temperature{0};
  /// Below this nothing is charging: starts the clock of `timer_start: current`, and the idle end.
  uint32_t idle_power_mw{10'000};
  /// Below the idle power for so long ends the session with EVDisconnected.
  uint32_t idle_time_ms{600'000};
  /// A session that has never used power ends after so long with Timeout.
  uint32_t start_timeout_ms{600'000};
  /// How long a suspended session waits for its renewal.
  uint32_t suspended_time_ms{1'800'000};
  /// Without a usable reading for so long the relay opens: what can't be measured can't be limited.
  uint32_t meter_timeout_ms{5'000};
  /// The same reading, to the last bit, for so long is no measurement.
  uint32_t frozen_time_ms{120'000};
  /// Power while the relay is open that means a welded contact.
  uint32_t welded_power_mw{20'000};
  /// Readings so soon after the relay's opening may still tell of the time before.
  uint32_t settle_time_ms{3'000};
  /// The relay stays open for at least so long.
  uint32_t min_off_time_ms{3'000};
  /// How often the relay may close within an hour.
  uint32_t max_cycles_per_hour{60};
  /// What may flow, and for how long, between two records in flash.
  uint32_t save_energy_mwh{20'000};
  uint32_t save_interval_ms{900'000};
  ReadingKind reading_kind{ReadingKind::MEAN};
  /// Whether energy comes from the meter's own counter.
  bool has_counter{false};
};

}  // namespace esphome::charging_outlet
