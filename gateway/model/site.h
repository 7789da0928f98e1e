// The site: its points, its energy users' accounts, its time zone. Read from the configuration once, then constant.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/api/point.h"
#include "gateway/model/account.h"
#include "gateway/model/alert.h"
#include "gateway/model/alert_rule.h"
#include "gateway/model/derived.h"
#include "gateway/model/device_health.h"
#include "gateway/model/live_factor.h"
#include "gateway/model/station.h"

namespace carbongate::model {

// When the sum of an hour or a day is valid: the defaults are those of HJ 212-2017 appendix D and HJ 75.
struct ValidityRules {
  Duration hour_covered = std::chrono::minutes(45);  // at least so much of an hour was watched
  std::uint32_t day_hours = 20;                      // at least so many hours of a day are valid

  friend bool operator==(const ValidityRules&, const ValidityRules&) = default;
};

// What a stack is measured to emit, beside what follows from the fuel of its users.
struct Comparison {
  std::string measured_by;                 // a user whose accounts have Flow::measured
  std::vector<std::string> calculated_of;  // users
};

// A sub-meter behind another meter: what `user` consumes of the carrier is in what `of` consumes of it. What is
// purchased and what is made on the site are apart: a meter of the grid does not see what the roof delivers behind it.
struct Containment {
  std::string user;
  std::string carrier;
  bool own_supply = false;
  std::string of;  // a user that consumes the carrier from the same supply; the nearest of those that contain it

  friend bool operator==(const Containment&, const Containment&) = default;
};

struct Site {
  std::string id;                           // "edz-1"
  std::string name;                         // 广元经开区一号园区
  std::string time_zone = "Asia/Shanghai";  // IANA name; days, months and years begin there
  std::string grid_region;                  // "CN-SC"
  std::vector<Point> points;                // points[i].id == i
  std::vector<Derived> derived;             // their results are points too, which no device has
  std::vector<HealthPoint> health{};        // points too, which drivers tell of their devices
  std::vector<Account> accounts;            // accounts[i].id == i
  std::vector<LiveFactor> live_factors{};   // at most one a point
  std::vector<Comparison> comparisons{};
  std::vector<AlertRule> alert_rules{};
  std::vector<Watch> watches{};  // watches[i].id == i
  std::vector<Maintenance> maintenance{};
  std::vector<Station> stations{};          // stations[i].id == i
  std::vector<Containment> containments{};  // no circles; at most one of each user, carrier and supply

  Duration future_tolerance = std::chrono::minutes(5);  // a reading may be stamped this far ahead of our clock
  Duration alert_grace = std::chrono::seconds(10);  // what time alone decides waits so long for readings on their way
  ValidityRules validity;
  Duration live_every = std::chrono::seconds(10);  // spacing of RunningTotal rows, in data time
};

// What contains the account; nullptr: nothing does.
const Containment* container_of(const Site& site, const Account& account);

// Whether it makes the totals of the site: what is contained in another account would count twice.
bool in_site_total(const Site& site, const Account& account);

}  // namespace carbongate::model
