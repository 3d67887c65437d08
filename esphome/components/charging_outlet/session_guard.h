#pragma once

#include "energy_counter.h"
#include "energy_meter.h"
#include "flash_record.h"
#include "guard_settings.h"
#include "meter_watch.h"
#include "overload_curve.h"
#include "relay_contact.h"
#include "session_words.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

/// The session guard: decides whether the relay may be closed. It knows no hardware, no network and no clock: what
/// happens is told to it, with the time in ms since boot, and it allocates nothing.
namespace esphome::charging_outlet {

inline constexpr int32_t MAX_ENERGY_LIMIT_WH = 100'000;
inline constexpr int32_t MAX_TIME_LIMIT_S = 86'400;
inline constexpr int32_t MAX_LEASE_S = 300;

/// What a session may take from its start on; 0 where there is no such limit.
struct Limits {
  uint32_t energy_wh{0};
  uint32_t time_s{0};

  bool operator==(const Limits &) const = default;
};

class SessionGuard {
 public:
  explicit SessionGuard(const GuardSettings &settings);

  /// Begin at boot with an open relay. Returns false when `record` is none of ours and everything starts from zero.
  bool restore(const FlashRecord &record, uint64_t now_ms);

  // --- flash

  /// What to write. The energy since the last reading is not in it, but in its reserve.
  FlashRecord record() const;
  /// Whether it has to be written before anything else happens: what the last record covers is used up, or something
  /// has changed that must not be forgotten.
  bool save_due(uint64_t now_ms) const;
  /// Whether a power cut would still doubt what a new record, with the relay open, settles.
  bool save_useful() const;
  /// The record was written.
  void saved();
  /// The record could not be written: nothing flows that a power cut would make forgotten, and limits that have changed
  /// since the last one are as before.
  void save_failed(uint64_t now_ms);

  // --- what others ask for. A refusal changes nothing.

  /// With a lease of 0 the session begins suspended, and a renewal with a longer one closes the relay.
  Answer session_start(std::string_view session_id, int32_t energy_limit_wh, int32_t time_limit_s,
                       std::string_view timer_start, int32_t lease_s, uint64_t now_ms);
  /// A lease of 0 opens the relay and lets the session wait anew.
  Answer session_renew(std::string_view session_id, int32_t seq, int32_t lease_s, uint64_t now_ms);
  /// Other limits for the running session. They hold when the record is written; one that is reached already ends it.
  Answer session_limit(std::string_view session_id, int32_t energy_limit_wh, int32_t time_limit_s, uint64_t now_ms);
  Answer session_stop(std::string_view session_id, std::string_view reason, uint64_t now_ms);
  void outlet_enable(bool enabled, uint64_t now_ms);
  Answer fault_clear(std::string_view code, uint64_t now_ms);
  /// Somebody at the outlet wants the session to end.
  void stop_by_hand(uint64_t now_ms);

  // --- what happens

  /// A reading of the meter, in W; not a number when it could not measure.
  void power_reading(float power_w, uint64_t now_ms);
  /// The meter's own counter, in Wh since some moment of the past.
  void energy_reading(double energy_wh, uint64_t now_ms);
  /// In A.
  void current_reading(float current_a, uint64_t now_ms);
  /// In °C.
  void temperature_reading(float temperature, uint64_t now_ms);
  /// Time has passed. To be called often: the limits are kept to the length of the pause between two calls.
  void tick(uint64_t now_ms);
  /// The relay was opened by something else than this guard.
  void relay_opened_by_others(uint64_t now_ms);
  /// The guard will not be called for a while, for instance because the device restarts: the relay opens until a renewal.
  void suspend(uint64_t now_ms);

  // --- what is so

  const GuardSettings &settings() const { return this->settings_; }
  /// Whether the relay is to be closed. Everything else follows from it.
  bool relay_closed() const { return this->supplying_; }
  SessionState state() const;
  /// Of the running or the last session, empty before the first.
  /// Whether there is a session that has not ended, supplying or not.
  bool running() const { return this->running_(); }
  const char *session_id() const { return this->session_id_.data(); }
  /// Of that session.
  const Limits &limits() const { return this->limits_; }
  EndReason end_reason() const { return this->end_reason_; }
  /// Energy of that session up to its last reading or its end, µJ. Never falls within a session.
  uint64_t energy_uj() const { return this->energy_uj_; }
  uint64_t lifetime_uj() const { return this->lifetime_uj_; }
  /// What counts against the session's energy limit besides, although it was not measured, µJ.
  uint64_t doubtful_uj() const { return this->doubtful_uj_; }
  /// The session's clock, ms: stands still while supply is suspended.
  uint64_t supply_ms() const { return this->supply_ms_; }
  /// How long the relay stays closed without a renewal, or may close as soon as it has rested, ms; 0 while it is open.
  uint64_t lease_left_ms(uint64_t now_ms) const;
  /// The gravest fault.
  Fault fault() const;
  bool enabled() const { return this->enabled_; }
  /// Several sessions in a row got no power at all.
  bool without_power() const { return this->contact_.without_power(); }
  uint32_t relay_cycles() const { return this->contact_.cycles(); }
  uint16_t relay_delay_us() const { return this->contact_.delay_us(); }
  /// Counts the changes that must be in flash before anything else happens: sessions, faults, enabling.
  uint32_t durable_changes() const { return this->durable_changes_; }

 protected:
  /// A clock that steps back would turn differences into centuries.
  uint64_t forward_(uint64_t now_ms);
  bool running_() const { return this->session_id_[0] != '\0' && this->end_reason_ == EndReason::NONE; }
  bool is_session_(std::string_view session_id) const { return session_id == this->session_id_.data(); }
  bool has_ended_(std::string_view session_id) const;
  bool has_(Fault fault) const { return (this->faults_ & static_cast<uint8_t>(fault)) != 0; }
  /// End the session: neither its energy nor its wires can be trusted.
  void latch_(Fault fault, EndReason reason, uint64_t now_ms);
  /// Suspend it, until that has gone away.
  void set_(Fault fault, bool present, uint64_t now_ms);
  void forget_(Fault fault);
  /// Wait or supply, as the lease says.
  void follow_lease_(int32_t lease_s, uint64_t now_ms);
  /// Open the relay until a renewal, which somebody has announced.
  void wait_(uint64_t now_ms);
  /// Close the relay under this lease, at once or as soon as its contact has rested.
  void supply_(int32_t lease_s, uint64_t now_ms);
  void close_relay_(uint64_t now_ms);
  void open_relay_(uint64_t now_ms);
  void end_(EndReason reason, uint64_t now_ms);
  void count_(const Flow &flow);
  void run_clock_(uint64_t now_ms);
  uint64_t pending_uj_(uint64_t now_ms) const;
  /// What counts against the energy limit, with what has flowed since the last reading, µJ.
  uint64_t spent_uj_(uint64_t now_ms) const;
  /// ENERGY_LIMIT, TIME_LIMIT or NONE.
  EndReason limit_reached_(uint64_t now_ms) const;
  /// How much may flow, or how long, between two records.
  uint64_t energy_reserve_uj_() const;
  uint64_t time_reserve_ms_() const;
  void follow_load_(uint32_t power_mw, uint64_t now_ms);
  void watch_load_(float power_w, uint64_t now_ms);
  void watch_meter_(uint64_t now_ms);
  void watch_temperature_(uint64_t now_ms);
  void watch_limits_(uint64_t now_ms);
  void watch_suspension_(uint64_t now_ms);
  void watch_contact_(uint32_t power_mw, uint64_t now_ms);

  GuardSettings settings_;
  EnergyMeter meter_;
  EnergyCounter counter_;
  MeterWatch meter_watch_;
  OverloadCurve overload_;
  RelayContact contact_;

  // The running or the last session
  uint64_t energy_uj_{0};
  uint64_t supply_ms_{0};
  uint64_t doubtful_uj_{0};
  uint64_t doubtful_ms_{0};
  Limits limits_;
  /// What the last record has, where the limits have changed since.
  std::optional<Limits> limits_in_flash_;
  /// How long it has waited for its renewal.
  uint32_t suspended_ms_{0};
  int32_t last_seq_{-1};
  std::array<char, SESSION_ID_LENGTH + 1> session_id_{};
  TimerStart timer_start_{TimerStart::RELAY};
  EndReason end_reason_{EndReason::NONE};
  bool clock_started_{false};
  /// Whether it has used power.
  bool used_{false};
  /// Whether the outlet lost its power while it ran, and it was not renewed since.
  bool power_lost_{false};
  bool supplying_{false};
  /// Renewed, but the contact still has to rest.
  bool resting_{false};
  /// Suspended because somebody wants it to wait, not because nobody has renewed it.
  bool held_{false};

  // The outlet
  uint64_t lifetime_uj_{0};
  std::array<uint64_t, REMEMBERED_SESSIONS> ended_{};
  uint32_t durable_changes_{0};
  uint8_t next_ended_{0};
  uint8_t faults_{0};
  bool enabled_{true};
  float current_a_{0.0f};

  // Flash covers what happens up to here
  uint64_t covered_uj_{0};
  uint64_t covered_ms_{0};
  uint32_t saved_changes_{0};
  bool reserve_in_flash_{false};

  // Moments, ms since boot
  uint64_t now_ms_{0};
  uint64_t clock_ms_{0};
  uint64_t lease_until_ms_{0};
  uint64_t in_use_ms_{0};
  uint64_t suspension_ms_{0};
  uint64_t current_ms_{0};
  uint64_t temperature_ms_{0};
  uint64_t counter_ms_{0};
};

}  // namespace esphome::charging_outlet
