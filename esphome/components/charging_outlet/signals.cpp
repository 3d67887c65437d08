#include "signals.h"

namespace esphome::charging_outlet {

bool lit(Light light, uint64_t now_ms) {
  switch (light) {
    case Light::SUPPLYING:
      return true;
    case Light::SUSPENDED:
      return now_ms % 1'600 < 800;
    case Light::FAULT: {
      const uint64_t phase = now_ms % 1'600;
      return phase < 150 || (phase >= 300 && phase < 450);
    }
    case Light::IDENTIFY:
      return now_ms % 500 < 250;
    case Light::FREE:
      return now_ms % 3'000 < 60;
    default:
      return false;
  }
}

bool sounding(Sound sound, uint64_t elapsed_ms) {
  switch (sound) {
    case Sound::STARTED:
      return elapsed_ms < 120;
    case Sound::ENDED:
      return elapsed_ms < 360 && elapsed_ms % 240 < 120;
    case Sound::FAULT:
      return elapsed_ms < 2'600 && elapsed_ms % 900 < 600;
    default:
      return false;
  }
}

}  // namespace esphome::charging_outlet
