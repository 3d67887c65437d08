#include "load_model.h"

#include <algorithm>
#include <cmath>

namespace esphome::simulated_load {

static constexpr double NS_PER_S = 1e9;
static constexpr double NS_PER_MS = 1e6;
static constexpr double S_PER_H = 3600.0;

void LoadModel::command_relay(bool closed) {
  if (closed == this->commanded_)
    return;
  this->commanded_ = closed;
  const double chance = std::uniform_real_distribution<double>(0.0, 1.0)(this->random_);
  const double delay_ms = this->settings_.relay_delay_ms + chance * this->settings_.relay_jitter_ms;
  this->switch_at_ns_ = this->now_ns_ + static_cast<int64_t>(delay_ms * NS_PER_MS);
}

void LoadModel::set_plugged(bool plugged) {
  if (plugged && !this->settings_.plugged)
    this->battery_wh_ = 0.0;  // another car
  this->settings_.plugged = plugged;
}

bool LoadModel::set_curve(const float *seconds, const float *watts, size_t points) {
  if (points > MOST_POINTS)
    return false;
  for (size_t i = 0; i < points; i++) {
    // Also false for what is no number.
    const bool rises = seconds[i] >= 0.0f && std::isfinite(seconds[i]) && (i == 0 || seconds[i] > seconds[i - 1]);
    if (!rises || !(watts[i] >= 0.0f) || !std::isfinite(watts[i]))
      return false;
  }
  for (size_t i = 0; i < points; i++)
    this->curve_[i] = {seconds[i], watts[i]};
  this->points_ = points;
  return true;
}

void LoadModel::advance(int64_t now_ns) {
  if (!this->started_) {
    this->started_ = true;
    this->now_ns_ = now_ns;
  }
  while (this->now_ns_ < now_ns) {
    const bool closed = this->contact_closed_();
    if (closed && !this->was_closed_)
      this->closed_ns_ = this->now_ns_;
    this->was_closed_ = closed;
    const bool switching = this->commanded_ != this->contact_;
    const int64_t step_end = switching ? std::clamp(this->switch_at_ns_, this->now_ns_, now_ns) : now_ns;
    this->pass_(static_cast<double>(step_end - this->now_ns_) / NS_PER_S);
    this->now_ns_ = step_end;
    if (switching && this->now_ns_ >= this->switch_at_ns_)
      this->contact_ = this->commanded_;
  }
}

void LoadModel::pass_(double seconds) {
  const LoadSettings &load = this->settings_;
  float power_w = 0.0f;
  if (this->contact_closed_() && load.plugged) {
    const double middle_s = static_cast<double>(this->now_ns_ - this->closed_ns_) / NS_PER_S + seconds / 2;
    power_w = this->power_at_(middle_s);
    const double energy_wh = power_w * seconds / S_PER_H;
    this->energy_wh_ += energy_wh;
    this->battery_wh_ += energy_wh;
  }
  if (load.temperature_held)
    return;
  const double kilowatts = power_w / 1000.0;
  const double in_the_end_c = load.ambient_c + load.heat_k_per_kw2 * kilowatts * kilowatts;
  this->contacts_c_ += (in_the_end_c - this->contacts_c_) * -std::expm1(-seconds / load.heat_time_s);
}

float LoadModel::power_at_(double closed_s) {
  const LoadSettings &load = this->settings_;
  float power = this->points_ > 0 ? this->curve_at_(static_cast<float>(closed_s)) : load.power_w;
  if (load.ramp_s > 0.0f)
    power *= static_cast<float>(std::min(1.0, closed_s / load.ramp_s));
  if (load.taper_after_wh > 0.0f) {
    const float beyond_wh = static_cast<float>(this->battery_wh_) - load.taper_after_wh;
    power *= std::clamp(1.0f - beyond_wh / load.taper_wh, 0.0f, 1.0f);
  }
  if (load.noise_w > 0.0f && power > 0.0f)
    power += load.noise_w * this->noise_(this->random_);
  return std::max(power, 0.0f);
}

float LoadModel::curve_at_(float closed_s) const {
  const Point *begin = this->curve_.data();
  const Point *end = begin + this->points_;
  const Point *next = std::find_if(begin, end, [closed_s](const Point &point) { return point.seconds > closed_s; });
  if (next == begin)
    return next->watts;
  const Point &last = next[-1];
  if (next == end)
    return last.watts;
  return last.watts + (next->watts - last.watts) * (closed_s - last.seconds) / (next->seconds - last.seconds);
}

}  // namespace esphome::simulated_load
