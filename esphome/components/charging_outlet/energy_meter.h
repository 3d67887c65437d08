#pragma once

#include <cstdint>
#include <optional>

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

/// Energy in µJ that has flowed.
struct Flow {
  /// As measured.
  uint64_t counted_uj{0};
  /// What may have flowed besides, where the meter was silent: not billed, but not supplied again either.
  uint64_t doubtful_uj{0};
};

class EnergyMeter {
 public:
  /// @param longest_gap_ms over a longer silence only the lower of the two readings around it is counted
  /// @param max_power_mw never expect more than this between two readings
  EnergyMeter(ReadingKind kind, uint32_t longest_gap_ms, uint32_t max_power_mw)
      : longest_gap_ms_(longest_gap_ms), max_power_mw_(max_power_mw), kind_(kind) {}

  /// The relay has closed.
  void begin(uint64_t now_ms);

  /// Take a reading; returns what it adds. With the relay open nothing is counted any more.
  Flow reading(uint64_t now_ms, uint32_t power_mw);

  /// The energy in µJ that has probably flowed since the last reading, as if the load had stayed.
  uint64_t pending(uint64_t now_ms) const;

  /// Count the pending energy in µJ now; the next reading adds only what it says beyond.
  uint64_t settle(uint64_t now_ms);

  /// The energy in µJ that will flow until a contact opens that takes so long.
  uint64_t tail(uint16_t delay_us) const;

  /// The relay is told to open; returns the pending energy with its tail.
  Flow end(uint64_t now_ms, uint16_t delay_us);

  /// How late the relay opened, µs, as far as the reading just taken tells it by what flowed after the command.
  std::optional<int32_t> observed_delay_us() const { return this->observed_delay_us_; }

 protected:
  /// How much of the time since the last reading the relay was closed.
  uint64_t closed_for_(uint64_t now_ms) const;
  /// What the load has drawn while the relay was closed, if it was `mean_mw` over the whole interval.
  uint32_t load_of_mean_(uint32_t mean_mw, uint64_t interval_ms, uint64_t closed_ms) const;
  /// Compare what the interval of an opening has brought with what was counted at the opening.
  std::optional<int32_t> delay_of_(uint64_t energy_uj) const;

  /// Energy is accounted for up to here.
  uint64_t counted_until_ms_{0};
  uint64_t last_reading_ms_{0};
  uint64_t closed_ms_{0};
  /// Since the last reading: energy that is counted already, and time closed before an opening. A mean tells of all of
  /// it once more.
  uint64_t counted_uj_{0};
  uint64_t closed_before_ms_{0};
  std::optional<int32_t> observed_delay_us_;
  uint32_t last_power_mw_{0};
  uint32_t load_mw_{0};
  uint32_t load_before_mw_{0};
  uint32_t longest_gap_ms_;
  uint32_t max_power_mw_;
  /// The delay that was reckoned with at the last opening.
  uint16_t delay_us_{0};
  ReadingKind kind_;
  bool closed_{false};
  bool any_reading_{false};
  /// Whether there was a reading since the relay closed: before it nothing is known about the load.
  bool seen_load_{false};
  /// Whether the relay opened since the last reading.
  bool opened_{false};
  /// Whether it opened only once, after a steady load.
  bool opened_from_steady_{false};
};

}  // namespace esphome::charging_outlet
