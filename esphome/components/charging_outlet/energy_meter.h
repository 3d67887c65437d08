#pragma once

#include <cstdint>

/// From power readings to energy. Energy is an integer of microjoules: mW × ms, exact, and 1 mWh = 3,600,000 µJ.
namespace esphome::charging_outlet {

inline constexpr uint64_t MICROJOULES_PER_MWH = 3'600'000;
inline constexpr uint64_t MICROJOULES_PER_WH = 1'000 * MICROJOULES_PER_MWH;

/// What one reading of the meter says.
enum class ReadingKind : uint8_t {
  /// The mean power since the reading before (meters that count pulses: BL0937, HLW8012). Energy is reading × time.
  MEAN,
  /// The power at that moment. Energy is the trapezoid between two readings, beginning with 0 W at the relay's closing.
  MOMENTARY,
};

class EnergyMeter {
 public:
  /// @param longest_gap_ms over a longer silence only the lower of the two readings around it is counted
  /// @param max_power_mw never expect more than this between two readings
  EnergyMeter(ReadingKind kind, uint32_t longest_gap_ms, uint32_t max_power_mw)
      : longest_gap_ms_(longest_gap_ms), max_power_mw_(max_power_mw), kind_(kind) {}

  /// The relay has closed.
  void begin(uint64_t now_ms);

  /// Take a reading; returns the energy in µJ that it adds. With the relay open it adds nothing.
  uint64_t reading(uint64_t now_ms, uint32_t power_mw);

  /// The energy in µJ that has probably flowed since the last reading, as if the load had stayed.
  uint64_t pending(uint64_t now_ms) const;

  /// The relay has opened; returns the pending energy in µJ, over at most `longest_ms` since the last reading.
  uint64_t end(uint64_t now_ms, uint64_t longest_ms);

  uint32_t longest_gap_ms() const { return this->longest_gap_ms_; }

 protected:
  /// How much of the time since the last reading the relay was closed.
  uint64_t closed_for_(uint64_t now_ms) const;
  /// What the load has drawn while the relay was closed, if it was `mean_mw` over the whole interval.
  uint32_t load_of_mean_(uint32_t mean_mw, uint64_t interval_ms, uint64_t closed_ms) const;

  /// Energy is accounted for up to here.
  uint64_t counted_until_ms_{0};
  uint64_t last_reading_ms_{0};
  uint64_t closed_ms_{0};
  /// Since the last reading: energy that an opening has already counted, and time closed before it. A mean tells of all
  /// of it once more.
  uint64_t counted_uj_{0};
  uint64_t closed_before_ms_{0};
  uint32_t last_power_mw_{0};
  uint32_t load_mw_{0};
  uint32_t longest_gap_ms_;
  uint32_t max_power_mw_;
  ReadingKind kind_;
  bool closed_{false};
  bool any_reading_{false};
  /// Whether there was a reading since the relay closed: before it nothing is known about the load.
  bool seen_load_{false};
};

}  // namespace esphome::charging_outlet
