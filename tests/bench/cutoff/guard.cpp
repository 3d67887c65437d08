// The session guard in front of the virtual world: guard SEED SESSIONS METER power|counter
// or, without arguments, how long its calls take.

#include "session_guard.h"
#include "world.h"

#include <chrono>
#include <cstdlib>
#include <optional>

using namespace esphome::charging_outlet;

namespace {

using bench::Meter;
using bench::US_PER_S;

/// ESPHome's loop.
constexpr int64_t TICK_US = 16'000;
constexpr int64_t RENEWED_EVERY_US = 60 * US_PER_S;
constexpr const char *SESSION_ID = "0193f5a0-7e1c-7bb8-9c3a-0f9d2c1b4a55";

GuardSettings settings_for(Meter meter, bool has_counter) {
  GuardSettings settings;
  settings.max_power_mw = 4'000'000;
  settings.reading_kind = meter == Meter::MOMENTARY ? ReadingKind::MOMENTARY : ReadingKind::MEAN;
  settings.has_counter = has_counter;
  return settings;
}

bool is_running(const SessionGuard &guard) {
  return guard.state() == SessionState::SUPPLYING || guard.state() == SessionState::SUSPENDED;
}

/// The outlet: what charging_outlet.cpp does around the guard.
class Outlet {
 public:
  Outlet(bench::World &world, const GuardSettings &settings) : world_(world), settings_(settings), guard_(settings) {}

  void boot() {
    this->guard_ = SessionGuard(this->settings_);
    this->guard_.restore(FlashRecord{}, this->world_.now_ms());
  }

  /// Let time pass up to the next reading, or to a moment before it.
  void pass(int64_t until_us) {
    const int64_t end = std::min(until_us, this->world_.next_reading_us());
    const int64_t ticks = (end - this->world_.now_us() - 1) / TICK_US;
    if (ticks > 0) {
      // Between two readings the guard only waits for moments: where the last tick changes nothing, none did.
      SessionGuard last = this->guard_;
      const int64_t last_us = this->world_.now_us() + ticks * TICK_US;
      last.tick(static_cast<uint64_t>(last_us / bench::US_PER_MS));
      if (last.relay_closed() != this->guard_.relay_closed() || last.state() != this->guard_.state()) {
        for (int64_t tick = 0; tick < ticks; tick++) {
          this->world_.advance(this->world_.now_us() + TICK_US);
          this->guard_.tick(this->world_.now_ms());
          this->follow_();
        }
      }
    }
    this->world_.advance(end);
    if (end == this->world_.next_reading_us())
      this->read_();
  }

  void start(uint32_t session) {
    char id[37];
    std::snprintf(id, sizeof(id), "session-%u", session);
    const auto limit_wh = static_cast<int32_t>(this->world_.plan().limit_wh);
    const Answer answer = this->guard_.session_start(id, limit_wh, 0, "relay", MAX_LEASE_S, this->world_.now_ms());
    if (!answer.accepted()) {
      std::fprintf(stderr, "session %u was refused: %s\n", session, answer.sentence);
      std::exit(1);
    }
    this->seq_ = this->openings_ = 0;
    this->renew_at_us_ = this->world_.now_us() + RENEWED_EVERY_US;
    this->follow_();
  }

  /// As the control system does; a refusal means a fault, which may go away until the next time.
  void renew_if_due() {
    if (this->world_.now_us() < this->renew_at_us_)
      return;
    this->renew_at_us_ = this->world_.now_us() + RENEWED_EVERY_US;
    this->guard_.session_renew(this->guard_.session_id(), this->seq_++, MAX_LEASE_S, this->world_.now_ms());
    this->follow_();
  }

  const SessionGuard &guard() const { return this->guard_; }
  int openings() const { return this->openings_; }

 protected:
  void read_() {
    const bench::Reading reading = this->world_.read();
    this->guard_.power_reading(reading.power_w, this->world_.now_ms());
    this->follow_();
    if (this->settings_.has_counter) {
      this->guard_.energy_reading(static_cast<double>(reading.energy_wh), this->world_.now_ms());
      this->follow_();
    }
  }

  void follow_() {
    if (this->guard_.save_due(this->world_.now_ms()))
      this->guard_.saved();
    if (this->guard_.relay_closed() == this->world_.commanded())
      return;
    this->openings_ += this->world_.commanded();
    this->world_.command(this->guard_.relay_closed());
  }

  bench::World &world_;
  GuardSettings settings_;
  SessionGuard guard_;
  int32_t seq_{0};
  int openings_{0};
  int64_t renew_at_us_{0};
};

void run(uint64_t seed, uint32_t sessions, Meter meter, bool has_counter) {
  bench::World world(seed, meter);
  Outlet outlet(world, settings_for(meter, has_counter));
  bench::print_header();
  for (uint32_t session = 0; session < sessions; session++) {
    if (session % bench::SESSIONS_PER_OUTLET == 0)
      outlet.boot();
    world.plug_in(session);
    for (const int64_t until = world.now_us() + world.plan().pause_us; world.now_us() < until;)
      outlet.pass(INT64_MAX);
    outlet.pass(world.now_us() + world.plan().start_us);
    const int64_t began = world.now_us();
    outlet.start(session);
    while (is_running(outlet.guard())) {
      outlet.pass(INT64_MAX);
      outlet.renew_if_due();
    }
    const int64_t ended = world.now_us();
    outlet.pass(INT64_MAX);
    const double counted_wh = static_cast<double>(outlet.guard().energy_uj()) / MICROJOULES_PER_WH;
    bench::print_session(session, world, counted_wh, name_of(outlet.guard().end_reason()), outlet.openings(), began,
                         ended);
  }
}

template<typename F> double nanoseconds(F &&call) {
  constexpr int CALLS = 1'000'000;
  double best = 1e9;
  for (int round = 0; round < 7; round++) {
    const auto began = std::chrono::steady_clock::now();
    for (int index = 0; index < CALLS; index++)
      call();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
    best = std::min(best, took.count() / CALLS);
  }
  return best;
}

/// A guard that supplies, with a limit in front of it, as in most of its calls.
SessionGuard supplying(bool has_counter) {
  SessionGuard guard(settings_for(Meter::MEAN, has_counter));
  guard.restore(FlashRecord{}, 0);
  guard.session_start(SESSION_ID, MAX_ENERGY_LIMIT_WH, 0, "relay", MAX_LEASE_S, 0);
  guard.saved();
  guard.power_reading(100.0f, 0);
  return guard;
}

void measure() {
  SessionGuard guard = supplying(false);
  uint64_t now = 0;
  bool closed = true;
  std::puts("call,ns");
  // What the component asks in every loop in which nothing happens. At one and the same moment: time that goes on
  // without readings would be a silent meter.
  std::printf("tick,%.1f\n", nanoseconds([&] {
                guard.tick(now);
                closed = closed && guard.relay_closed() && !guard.save_due(now);
              }));
  float power_w = 100.0f;
  std::printf("power reading,%.1f\n", nanoseconds([&] {
                power_w = power_w == 100.0f ? 101.0f : 100.0f;
                guard.power_reading(power_w, now += 10);
                if (now % 100'000 == 0)
                  guard.session_renew(SESSION_ID, static_cast<int32_t>(now / 100'000), MAX_LEASE_S, now);
              }));
  closed = closed && guard.relay_closed();
  SessionGuard counting = supplying(true);
  double energy_wh = 0.0;
  now = 0;
  std::printf("energy reading,%.1f\n", nanoseconds([&] { counting.energy_reading(energy_wh += 0.001, now); }));
  std::fprintf(stderr, closed && counting.relay_closed() ? "" : "the relay opened while the calls were timed\n");
  std::printf("SessionGuard bytes,%zu\nFlashRecord bytes,%zu\n", sizeof(SessionGuard), sizeof(FlashRecord));
}

}  // namespace

int main(int count, char **arguments) {
  if (count == 1) {
    measure();
    return 0;
  }
  if (count != 5)
    return 2;
  run(std::strtoull(arguments[1], nullptr, 10), static_cast<uint32_t>(std::atoi(arguments[2])),
      bench::meter_named(arguments[3]), std::strcmp(arguments[4], "counter") == 0);
  return 0;
}
