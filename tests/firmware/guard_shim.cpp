// The session guard for tests: a C interface that ctypes can call. Built by guard.py.
#include "../../esphome/components/charging_outlet/session_guard.h"

#include <cstddef>
#include <cstring>

using namespace esphome::charging_outlet;

namespace {

struct View {
  uint64_t energy_uj;
  uint64_t lifetime_uj;
  uint64_t supply_ms;
  uint64_t lease_left_ms;
  uint64_t doubtful_uj;
  uint32_t durable_changes;
  uint32_t energy_limit_wh;
  uint32_t time_limit_s;
  uint32_t relay_cycles;
  uint16_t relay_delay_us;
  uint8_t relay_closed;
  uint8_t enabled;
  uint8_t without_power;
  char state[16];
  char end_reason[24];
  char fault[24];
  char session_id[SESSION_ID_LENGTH + 1];
};

std::string_view view_of(const char *text, size_t length) { return {text, length}; }

}  // namespace

extern "C" {

SessionGuard *guard_new(const GuardSettings *settings) { return new SessionGuard(*settings); }
void guard_delete(SessionGuard *guard) { delete guard; }
size_t guard_settings_size() { return sizeof(GuardSettings); }
size_t guard_view_size() { return sizeof(View); }
size_t guard_record_size() { return sizeof(FlashRecord); }

void guard_empty_record(void *record) { *static_cast<FlashRecord *>(record) = FlashRecord{}; }
bool guard_restore(SessionGuard *guard, const void *record, uint64_t now_ms) {
  return guard->restore(*static_cast<const FlashRecord *>(record), now_ms);
}
void guard_record(const SessionGuard *guard, void *record) { *static_cast<FlashRecord *>(record) = guard->record(); }

const char *guard_refusal(uint8_t refusal) { return name_of(static_cast<Refusal>(refusal)); }

uint8_t guard_start(SessionGuard *guard, const char *id, size_t id_length, int32_t energy_wh, int32_t time_s,
                    const char *timer, size_t timer_length, int32_t lease_s, uint64_t now_ms) {
  return static_cast<uint8_t>(guard
                                  ->session_start(view_of(id, id_length), energy_wh, time_s,
                                                  view_of(timer, timer_length), lease_s, now_ms)
                                  .refusal);
}
uint8_t guard_renew(SessionGuard *guard, const char *id, size_t id_length, int32_t seq, int32_t lease_s,
                    uint64_t now_ms) {
  return static_cast<uint8_t>(guard->session_renew(view_of(id, id_length), seq, lease_s, now_ms).refusal);
}
uint8_t guard_limit(SessionGuard *guard, const char *id, size_t id_length, int32_t energy_wh, int32_t time_s,
                    uint64_t now_ms) {
  return static_cast<uint8_t>(guard->session_limit(view_of(id, id_length), energy_wh, time_s, now_ms).refusal);
}
uint8_t guard_stop(SessionGuard *guard, const char *id, size_t id_length, const char *reason, size_t reason_length,
                   uint64_t now_ms) {
  return static_cast<uint8_t>(
      guard->session_stop(view_of(id, id_length), view_of(reason, reason_length), now_ms).refusal);
}
uint8_t guard_fault_clear(SessionGuard *guard, const char *code, size_t code_length, uint64_t now_ms) {
  return static_cast<uint8_t>(guard->fault_clear(view_of(code, code_length), now_ms).refusal);
}
void guard_enable(SessionGuard *guard, bool enabled, uint64_t now_ms) { guard->outlet_enable(enabled, now_ms); }
void guard_stop_by_hand(SessionGuard *guard, uint64_t now_ms) { guard->stop_by_hand(now_ms); }
void guard_power(SessionGuard *guard, float power_w, uint64_t now_ms) { guard->power_reading(power_w, now_ms); }
void guard_energy(SessionGuard *guard, double energy_wh, uint64_t now_ms) { guard->energy_reading(energy_wh, now_ms); }
void guard_current(SessionGuard *guard, float current_a, uint64_t now_ms) { guard->current_reading(current_a, now_ms); }
void guard_temperature(SessionGuard *guard, float temperature, uint64_t now_ms) {
  guard->temperature_reading(temperature, now_ms);
}
bool guard_save_due(const SessionGuard *guard, uint64_t now_ms) { return guard->save_due(now_ms); }
bool guard_save_useful(const SessionGuard *guard) { return guard->save_useful(); }
void guard_saved(SessionGuard *guard) { guard->saved(); }
void guard_save_failed(SessionGuard *guard, uint64_t now_ms) { guard->save_failed(now_ms); }
void guard_tick(SessionGuard *guard, uint64_t now_ms) { guard->tick(now_ms); }
void guard_suspend(SessionGuard *guard, uint64_t now_ms) { guard->suspend(now_ms); }
void guard_relay_opened_by_others(SessionGuard *guard, uint64_t now_ms) { guard->relay_opened_by_others(now_ms); }
bool guard_relay_closed(const SessionGuard *guard) { return guard->relay_closed(); }

void guard_view(const SessionGuard *guard, uint64_t now_ms, View *view) {
  std::memset(view, 0, sizeof(View));
  view->energy_uj = guard->energy_uj();
  view->lifetime_uj = guard->lifetime_uj();
  view->supply_ms = guard->supply_ms();
  view->lease_left_ms = guard->lease_left_ms(now_ms);
  view->doubtful_uj = guard->doubtful_uj();
  view->durable_changes = guard->durable_changes();
  view->energy_limit_wh = guard->limits().energy_wh;
  view->time_limit_s = guard->limits().time_s;
  view->relay_cycles = guard->relay_cycles();
  view->relay_delay_us = guard->relay_delay_us();
  view->without_power = guard->without_power();
  view->relay_closed = guard->relay_closed();
  view->enabled = guard->enabled();
  std::strcpy(view->state, name_of(guard->state()));
  std::strcpy(view->end_reason, name_of(guard->end_reason()));
  std::strcpy(view->fault, name_of(guard->fault()));
  std::strcpy(view->session_id, guard->session_id());
}
}
