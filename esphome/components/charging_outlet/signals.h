#pragma once

#include "session_words.h"

#include <cstdint>

/// What an outlet's LED and buzzer say, as functions of the time; see docs/firmware.md.
namespace esphome::charging_outlet {

/// What the LED tells.
enum class Light : uint8_t {
  FREE,       ///< a short flash now and then: plugged in and ready
  SUPPLYING,  ///< on
  SUSPENDED,  ///< slow blinking
  FAULT,      ///< two flashes, again and again
  DISABLED,   ///< dark
  IDENTIFY,   ///< quick blinking
};

/// What the buzzer tells, once.
enum class Sound : uint8_t {
  NONE,
  STARTED,  ///< a short tone
  ENDED,    ///< two short tones
  FAULT,    ///< three long tones
};

constexpr Light light_of(SessionState state, Fault fault, bool enabled) {
  if (fault != Fault::NONE)
    return Light::FAULT;
  if (state == SessionState::SUPPLYING)
    return Light::SUPPLYING;
  if (state == SessionState::SUSPENDED)
    return Light::SUSPENDED;
  return enabled ? Light::FREE : Light::DISABLED;
}

/// Whether the LED is on at this moment.
bool lit(Light light, uint64_t now_ms);

/// Whether the buzzer is on so long after what it tells.
bool sounding(Sound sound, uint64_t elapsed_ms);

}  // namespace esphome::charging_outlet
