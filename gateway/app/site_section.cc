#include "gateway/app/site_section.h"

#include <date/tz.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>

#include "config/reader/text.h"
#include "gateway/app/names.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> known_zones() {
  std::vector<std::string> names;
  for (const auto& zone : date::get_tzdb().zones) {
    const std::string& name = zone.name();
    if (!name.empty() && !name.starts_with("posix") && !name.starts_with("right/")) names.push_back(name);
  }
  return names;
}

bool check_time_zone(config::Reader& in, const std::string& name) {
  try {
    date::locate_zone(name);
    return true;
  } catch (const std::exception&) {
    // Not found, or no data base at all: told apart below.
  }
  try {
    const std::string near = config::nearest(name, known_zones());
    in.error("timezone",
             "unknown time zone '" + config::printable(name) + "'" +
                 (near.empty() ? "; write an IANA name such as Asia/Shanghai" : "; did you mean '" + near + "'?"));
  } catch (const std::exception&) {
    in.error("timezone", "this machine has no time zone data base; run: apt-get install tzdata");
  }
  return false;
}

void read_factors(const config::Node& node, config::Problems& problems, const config::DataFiles& data,
                  SiteSection& section) {
  config::Reader in(node, problems);
  if (const auto sets = in.optional<std::vector<std::string>>("sets")) {
    const auto known = data.names("factors");
    section.factor_sets.clear();
    for (const std::string& name : *sets) {
      if (std::ranges::find(section.factor_sets, name) != section.factor_sets.end()) {
        in.error("sets", "'" + config::printable(name) + "' is named twice");
      } else if (std::ranges::find(known, name) == known.end()) {
        in.error("sets", "unknown factor set '" + config::printable(name) + "'" + config::suggestion(name, known));
        section.factor_sets_complete = false;
      } else {
        section.factor_sets.push_back(name);
      }
    }
  }
  section.factor_method = in.value_or("method", section.factor_method);
  in.finish();
}

}  // namespace

SiteSection read_site(config::Reader& root, const config::DataFiles& data) {
  SiteSection section;
  section.factor_sets_complete = root.node().is_complete();
  model::Site& site = section.site;
  const config::Node* node = root.child("site");
  if (!node) {
    root.missing("site", "missing; write 'site: {id: my-park, timezone: Asia/Shanghai, grid_region: CN}'");
    return section;
  }
  config::Reader in(*node, root.problems());
  site.id = read_id(in, "id");
  site.name = in.value_or("name", site.id);
  const std::string zone = in.value_or("timezone", site.time_zone);
  if (check_time_zone(in, zone)) site.time_zone = zone;        // else the default: what depends on it is read on
  site.grid_region = in.required<std::string>("grid_region");  // known regions: see energy_users.cc
  site.future_tolerance = in.in_range<Duration>("future_tolerance", site.future_tolerance, 0s, 24h);
  site.live_every = in.in_range<Duration>("live_every", site.live_every, 1s, 15min);

  if (const config::Node* validity = in.child("validity")) {
    config::Reader rules(*validity, root.problems());
    site.validity.hour_covered = rules.in_range<Duration>("hour_covered", site.validity.hour_covered, 0s, 1h);
    site.validity.day_hours = rules.in_range<std::uint32_t>("day_hours", site.validity.day_hours, 0, 25);
    rules.finish();
  }
  if (const config::Node* factors = in.child("factors")) read_factors(*factors, root.problems(), data, section);
  in.finish();
  return section;
}

}  // namespace carbongate::app
