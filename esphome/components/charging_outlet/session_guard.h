#pragma once

#include "energy_meter.h"
#include "flash_record.h"
#include "session_words.h"

#include <array>
#include <cstdint>
#include <string_view>

/// The session guard: decides whether the relay may be closed. It knows no hardware, no network and no clock: what
/// happens is told to it, with the time in ms since boot, and it allocates nothing.
namespace esphome::charging_outlet {

inline constexpr int32_t MAX_ENERGY_LIMIT_WH = 100'000;
inline constexpr int32_t MAX_TIME_LIMIT_S = 86'400;
inline constexpr int32_t MAX_LEASE_S = 300;

struct GuardSettings {
  /// Below this nothing is charging: starts the clock of `timer_start: current`, and the idle end.
  uint32_t idle_power_mw{10'000};
  /// Below the idle power for so long ends the session with EVDisconnected.
  uint32_t idle_time_ms{600'000};
  /// What the outlet and its wires may carry for hours.
  uint32_t max_power_mw{1'500'000};
  /// How long the power may be above it (a motor's or charger's inrush is shorter).
  uint32_t overload_time_ms{5'000};
  /// Without a usable reading for so long the relay opens: what can't be measured can't be limited.
  uint32_t meter_timeout_ms{5'000};
  /// See EnergyMeter.
  uint32_t longest_gap_ms{2'500};
  /// Power while the relay is open that means a welded contact.
  uint32_t welded_power_mw{20'000};
  /// Readings so soon after the relay's opening may still tell of the time before.
  uint32_t settle_time_ms{3'000};
  ReadingKind reading_kind{ReadingKind::MEAN};
};

class SessionGuard {
 public:
  explicit SessionGuard(const GuardSettings &settings)
      : settings_(settings), meter_(settings.reading_kind, settings.longest_gap_ms, settings.max_power_mw) {}

  /// Begin at boot with an open relay. Returns false when `record` is none of ours and everything starts from zero.
  bool restore(const FlashRecord &record, uint64_t now_ms);
  /// What to write to flash. The energy since the last reading is not in it.
  FlashRecord record() const;

  // --- what others ask for. A refusal changes nothing.

  Answer session_start(std::string_view session_id, int32_t energy_limit_wh, int32_t time_limit_s,
                       std::string_view timer_start, int32_t lease_s, uint64_t now_ms);
  Answer session_renew(std::string_view session_id, int32_t seq, int32_t lease_s, uint64_t now_ms);
  Answer session_stop(std::string_view session_id, std::string_view reason, uint64_t now_ms);
  void outlet_enable(bool enabled, uint64_t now_ms);
  Answer fault_clear(std::string_view code, uint64_t now_ms);

  // --- what happens

  /// A reading of the meter, in W; not a number when it could not measure.
  void reading(float power_w, uint64_t now_ms);
  /// Time has passed. To be called often: the limits are kept to the length of the pause between two calls.
  void tick(uint64_t now_ms);
  /// The relay was opened by something else than this guard.
  void relay_opened_by_others(uint64_t now_ms);
  /// The guard will not be called for a while, for instance because the device restarts: the relay opens until a renewal.
  void suspend(uint64_t now_ms);

  // --- what is so

  /// Whether the relay is to be closed. Everything else follows from it.
  bool relay_closed() const { return this->supplying_; }
  SessionState state() const;
  /// Of the running or the last session, empty before the first.
  const char *session_id() const { return this->session_id_.data(); }
  EndReason end_reason() const { return this->end_reason_; }
  /// Energy of that session up to its last reading or its end, µJ. Never falls within a session.
  uint64_t energy_uj() const { return this->energy_uj_; }
  uint64_t lifetime_uj() const { return this->lifetime_uj_; }
  /// The session's clock, ms: stands still while supply is suspended.
  uint64_t supply_ms() const { return this->supply_ms_; }
  /// How long the relay stays closed without a renewal, ms; 0 while it is open.
  uint64_t lease_left_ms(uint64_t now_ms) const;
  /// The gravest fault.
  Fault fault() const;
  bool enabled() const { return this->enabled_; }
  /// Counts the changes that must be in flash before anything else happens: sessions, faults, enabling.
  uint32_t durable_changes() const { return this->durable_changes_; }

 protected:
  /// A clock that steps back would turn differences into centuries.
  uint64_t forward_(uint64_t now_ms);
  bool running_() const { return this->session_id_[0] != '\0' && this->end_reason_ == EndReason::NONE; }
  bool is_session_(std::string_view session_id) const { return session_id == this->session_id_.data(); }
  bool has_ended_(std::string_view session_id) const;
  bool has_(Fault fault) const { return (this->faults_ & static_cast<uint8_t>(fault)) != 0; }
  void latch_(Fault fault, EndReason reason, uint64_t now_ms);
  void forget_(Fault fault);
  void close_relay_(int32_t lease_s, uint64_t now_ms);
  void open_relay_(uint64_t longest_pending_ms, uint64_t now_ms);
  void end_(EndReason reason, uint64_t now_ms);
  void count_(uint64_t energy_uj);
  void run_clock_(uint64_t now_ms);
  bool energy_limit_reached_(uint64_t now_ms) const;
  bool time_limit_reached_() const;
  void watch_limits_(uint64_t now_ms);
  void watch_meter_(uint64_t now_ms);
  void watch_contact_(uint32_t power_mw, uint64_t now_ms);

  GuardSettings settings_;
  EnergyMeter meter_;

  // The running or the last session
  uint64_t energy_uj_{0};
  uint64_t supply_ms_{0};
  uint32_t energy_limit_wh_{0};
  uint32_t time_limit_s_{0};
  int32_t last_seq_{-1};
  std::array<char, SESSION_ID_LENGTH + 1> session_id_{};
  TimerStart timer_start_{TimerStart::RELAY};
  EndReason end_reason_{EndReason::NONE};
  bool clock_started_{false};
  bool supplying_{false};

  // The outlet
  uint64_t lifetime_uj_{0};
  std::array<uint64_t, REMEMBERED_SESSIONS> ended_{};
  uint32_t durable_changes_{0};
  uint8_t next_ended_{0};
  uint8_t faults_{0};
  uint8_t welded_readings_{0};
  bool enabled_{true};
  bool overloaded_{false};

  // Moments, ms since boot
  uint64_t now_ms_{0};
  uint64_t clock_ms_{0};
  uint64_t lease_until_ms_{0};
  uint64_t in_use_ms_{0};
  uint64_t overloaded_since_ms_{0};
  uint64_t usable_reading_ms_{0};
  uint64_t opened_ms_{0};
};

}  // namespace esphome::charging_outlet
