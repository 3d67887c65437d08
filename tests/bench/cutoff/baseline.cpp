#include "baseline.h"

#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

namespace bench {

namespace {

constexpr int64_t NS_PER_US = 1'000;
/// 2026-01-01, noon.
constexpr time_t NOON = 1'767'268'800;

/// The program's only clock. It moves when the program sleeps.
int64_t clock_us = 10 * US_PER_S;

const char *setting(const char *name) {
  const char *text = std::getenv(name);
  if (text == nullptr) {
    std::fprintf(stderr, "%s is not set\n", name);
    std::exit(2);
  }
  return text;
}

void sleep_until_something_happens() { clock_us = std::max(clock_us + US_PER_MS, baseline.next_us()); }

}  // namespace

Baseline::Baseline()
    : sessions_(static_cast<uint32_t>(std::atoi(setting("CUTOFF_SESSIONS")))),
      world_(std::strtoull(setting("CUTOFF_SEED"), nullptr, 10), Meter::MEAN) {}

void Baseline::begin() {
  print_header();
  this->plug_in_();
}

void Baseline::plug_in_() {
  this->world_.plug_in(this->session_);
  this->start_at_us_ = this->world_.now_us() + this->world_.plan().pause_us;
  this->phase_ = Phase::PAUSE;
}

int64_t Baseline::next_us() const {
  const int64_t reading = this->world_.next_reading_us();
  return this->phase_ == Phase::START ? std::min(reading, this->start_at_us_) : reading;
}

void Baseline::command(bool closed) {
  this->world_.advance(clock_us);
  this->world_.command(closed);
}

void Baseline::look(esphome::switch_::Switch *relay, esphome::sensor::Sensor *power) {
  this->world_.advance(clock_us);
  if (this->phase_ == Phase::START && clock_us >= this->start_at_us_) {
    this->phase_ = Phase::SUPPLY;
    this->began_us_ = clock_us;
    this->missed_ = false;
    relay->turn_on();
  }
  if (clock_us < this->world_.next_reading_us())
    return;
  power->publish_state(this->world_.read().power_w);
  switch (this->phase_) {
    case Phase::PAUSE:
      if (clock_us >= this->start_at_us_) {
        this->start_at_us_ = clock_us + this->world_.plan().start_us;
        this->phase_ = Phase::START;
      }
      break;
    case Phase::SUPPLY:
      this->missed_ = this->world_.taken_wh() > 2.0 * this->world_.plan().limit_wh + 5.0;
      if (this->missed_)
        relay->turn_off();
      if (!this->world_.commanded()) {
        this->ended_us_ = clock_us;
        this->phase_ = Phase::OPENING;
      }
      break;
    case Phase::OPENING:
      print_session(this->session_, this->world_, 0.0, this->missed_ ? "Missed" : "EnergyLimitReached", 1,
                    this->began_us_, this->ended_us_);
      if (++this->session_ == this->sessions_) {
        std::fflush(stdout);
        _exit(0);
      }
      this->plug_in_();
      break;
    default:
      break;
  }
}

Baseline baseline;

}  // namespace bench

// The C library's clocks and the ways to sleep, for ESPHome and all below it.
extern "C" {

int clock_gettime(clockid_t, struct timespec *now) noexcept {
  now->tv_sec = bench::clock_us / bench::US_PER_S;
  now->tv_nsec = bench::clock_us % bench::US_PER_S * bench::NS_PER_US;
  return 0;
}

time_t time(time_t *now) noexcept {
  if (now != nullptr)
    *now = bench::NOON;
  return bench::NOON;
}

int nanosleep(const struct timespec *, struct timespec *) {
  bench::sleep_until_something_happens();
  return 0;
}

int select(int, fd_set *readable, fd_set *, fd_set *, struct timeval *) {
  if (readable != nullptr)
    FD_ZERO(readable);
  bench::sleep_until_something_happens();
  return 0;
}

int sched_yield() noexcept { return 0; }
}
