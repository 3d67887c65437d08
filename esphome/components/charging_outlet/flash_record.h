#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

/// What outlives a power cut. One record, so that a cut between two writes never mixes two moments.
namespace esphome::charging_outlet {

/// A session id as on the wire: 1 to 36 characters of A-Z a-z 0-9 and '-', and a terminating zero.
inline constexpr uint8_t SESSION_ID_LENGTH = 36;

constexpr bool is_session_id(std::string_view text) {
  return !text.empty() && text.size() <= SESSION_ID_LENGTH && std::ranges::all_of(text, [](char character) {
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') ||
           (character >= '0' && character <= '9') || character == '-';
  });
}

/// How many ended sessions are remembered, by the 64 bit FNV-1a hash of their id: eight ids would not fit.
inline constexpr uint8_t REMEMBERED_SESSIONS = 8;

struct FlashRecord {
  static constexpr uint32_t LAYOUT = 0x4B4F4E32;  // "KON2"; another layout is another number

  uint32_t layout{LAYOUT};
  uint32_t energy_limit_wh{0};
  uint64_t lifetime_uj{0};
  uint64_t energy_uj{0};
  uint64_t supply_ms{0};
  /// Energy and time that count against the limits but were not measured.
  uint64_t doubtful_uj{0};
  uint64_t doubtful_ms{0};
  /// How much may have flowed, and for how long, since this record was written.
  uint64_t reserve_uj{0};
  uint64_t reserve_ms{0};
  std::array<uint64_t, REMEMBERED_SESSIONS> ended{};
  uint32_t time_limit_s{0};
  int32_t last_seq{-1};
  uint32_t suspended_ms{0};
  uint32_t relay_cycles{0};
  uint16_t relay_delay_us{0};
  std::array<char, SESSION_ID_LENGTH + 1> session_id{};
  uint8_t timer_start{0};
  uint8_t used{0};
  uint8_t clock_started{0};
  uint8_t end_reason{0};
  uint8_t enabled{1};
  uint8_t faults{0};
  uint8_t next_ended{0};
};

// ESPHome keeps the length of a preference in one byte, and an ESP8266 has 256 bytes for all of them.
static_assert(sizeof(FlashRecord) <= 240);

}  // namespace esphome::charging_outlet
