#pragma once

#include <cstdint>

/// The words of docs/contracts.md §1: states, end reasons, faults and refusals, with their spelling on the wire.
namespace esphome::charging_outlet {

enum class SessionState : uint8_t { IDLE, SUPPLYING, SUSPENDED, ENDED, FAULT };

enum class TimerStart : uint8_t {
  RELAY,    ///< the clock runs from the relay's first closing
  CURRENT,  ///< the clock runs from the first use of power
};

/// Why a session ended, in OCPP's words (ReasonEnumType). The numbers are in flash: never renumber.
enum class EndReason : uint8_t {
  NONE = 0,
  ENERGY_LIMIT = 1,
  TIME_LIMIT = 2,
  REMOTE = 3,
  LOCAL = 4,
  POWER_LOSS = 5,
  EV_DISCONNECTED = 6,
  OVERCURRENT = 7,
  OTHER = 8,
  TIMEOUT = 9,
};

/// Bits, because several faults can be there at once. The numbers are in flash: never renumber.
enum class Fault : uint8_t {
  NONE = 0,
  OVERCURRENT = 1,          ///< the overload curve has tripped; latched, ends the session
  WELDED_CONTACT = 2,       ///< power flows although the relay is open; latched, ends the session
  METER_SILENT = 4,         ///< no reading
  METER_FROZEN = 8,         ///< the same reading over and over, or a counter that stands still while power flows
  METER_IMPLAUSIBLE = 16,   ///< readings below zero or beyond all sense
  OVERTEMPERATURE = 32,     ///< too hot, until it has cooled down
  TEMPERATURE_SILENT = 64,  ///< the temperature sensor that the outlet has does not answer
  STORAGE = 128,            ///< flash could not be written
};

/// Those that stay until they are cleared, also over a reboot.
inline constexpr uint8_t LATCHED_FAULTS =
    static_cast<uint8_t>(Fault::OVERCURRENT) | static_cast<uint8_t>(Fault::WELDED_CONTACT);

constexpr bool is_latched(Fault fault) { return (static_cast<uint8_t>(fault) & LATCHED_FAULTS) != 0; }

enum class Refusal : uint8_t { NONE, BAD_ARGUMENT, BUSY, UNKNOWN_SESSION, ALREADY_ENDED, STALE, DISABLED, FAULT };

/// The answer to an action. `sentence` is for people and lives as long as the program.
struct Answer {
  Refusal refusal{Refusal::NONE};
  const char *sentence{""};

  constexpr bool accepted() const { return this->refusal == Refusal::NONE; }
};

/// From the gravest on: the first of those that are there is shown.
inline constexpr Fault FAULTS[]{
    Fault::WELDED_CONTACT, Fault::OVERCURRENT,       Fault::OVERTEMPERATURE,    Fault::METER_SILENT,
    Fault::METER_FROZEN,   Fault::METER_IMPLAUSIBLE, Fault::TEMPERATURE_SILENT, Fault::STORAGE,
};

constexpr const char *name_of(SessionState state) {
  switch (state) {
    case SessionState::SUPPLYING:
      return "supplying";
    case SessionState::SUSPENDED:
      return "suspended";
    case SessionState::ENDED:
      return "ended";
    case SessionState::FAULT:
      return "fault";
    default:
      return "idle";
  }
}

/// Empty for NONE: the session still runs.
constexpr const char *name_of(EndReason reason) {
  switch (reason) {
    case EndReason::ENERGY_LIMIT:
      return "EnergyLimitReached";
    case EndReason::TIME_LIMIT:
      return "TimeLimitReached";
    case EndReason::REMOTE:
      return "Remote";
    case EndReason::LOCAL:
      return "Local";
    case EndReason::POWER_LOSS:
      return "PowerLoss";
    case EndReason::EV_DISCONNECTED:
      return "EVDisconnected";
    case EndReason::OVERCURRENT:
      return "OvercurrentFault";
    case EndReason::OTHER:
      return "Other";
    case EndReason::TIMEOUT:
      return "Timeout";
    default:
      return "";
  }
}

constexpr const char *name_of(Fault fault) {
  switch (fault) {
    case Fault::OVERCURRENT:
      return "overcurrent";
    case Fault::WELDED_CONTACT:
      return "welded_contact";
    case Fault::METER_SILENT:
      return "meter_silent";
    case Fault::METER_FROZEN:
      return "meter_frozen";
    case Fault::METER_IMPLAUSIBLE:
      return "meter_implausible";
    case Fault::OVERTEMPERATURE:
      return "overtemperature";
    case Fault::TEMPERATURE_SILENT:
      return "temperature_silent";
    case Fault::STORAGE:
      return "storage";
    default:
      return "";
  }
}

constexpr const char *name_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::BAD_ARGUMENT:
      return "bad_argument";
    case Refusal::BUSY:
      return "busy";
    case Refusal::UNKNOWN_SESSION:
      return "unknown_session";
    case Refusal::ALREADY_ENDED:
      return "already_ended";
    case Refusal::STALE:
      return "stale";
    case Refusal::DISABLED:
      return "disabled";
    case Refusal::FAULT:
      return "fault";
    default:
      return "";
  }
}

}  // namespace esphome::charging_outlet
