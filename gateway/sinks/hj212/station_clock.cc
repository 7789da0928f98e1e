#include "gateway/sinks/hj212/station_clock.h"

#include <date/tz.h>

#include <stdexcept>

namespace carbongate::sinks::hj212 {
namespace {

const date::time_zone* find_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

}  // namespace

bool knows_zone(const std::string& zone) {
  return find_zone(zone) != nullptr;
}

StationClock::StationClock(const std::string& zone) : zone_(find_zone(zone)) {
  if (!zone_) zone_ = find_zone("UTC");
}

carbongate::hj212::LocalTime StationClock::local(Instant at) const {
  return carbongate::hj212::LocalTime(zone_->to_local(at).time_since_epoch());
}

Instant StationClock::instant(carbongate::hj212::LocalTime at) const {
  const date::local_time<Duration> there(at.time_since_epoch());
  return std::chrono::time_point_cast<Duration>(zone_->to_sys(there, date::choose::earliest));
}

}  // namespace carbongate::sinks::hj212
