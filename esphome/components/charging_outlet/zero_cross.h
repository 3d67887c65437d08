#pragma once

#include <cstdint>

namespace esphome::charging_outlet {

/// How long to wait with a command, µs, so that a contact that follows it `delay_us` later moves where the mains' voltage
/// crosses zero: its contacts wear least there. 0 without a mains frequency (45..65 Hz) or a recent crossing. All
/// moments are of one clock that may overflow.
constexpr uint32_t zero_cross_wait_us(uint32_t now_us, uint32_t crossing_us, uint32_t half_period_us, uint32_t delay_us) {
  constexpr uint32_t SHORTEST_US = 7'692;
  constexpr uint32_t LONGEST_US = 11'111;
  constexpr uint32_t STALE_US = 100'000;
  if (half_period_us < SHORTEST_US || half_period_us > LONGEST_US || now_us - crossing_us > STALE_US)
    return 0;
  const uint32_t phase_us = (now_us - crossing_us + delay_us) % half_period_us;
  return phase_us == 0 ? 0 : half_period_us - phase_us;
}

}  // namespace esphome::charging_outlet
