#include "gateway/app/site_section.h"

#include <date/tz.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <exception>
#include <optional>

#include "config/reader/text.h"
#include "gateway/app/names.h"
#include "gateway/pipeline/calendar.h"

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

// The sets of one kind that a list names; false: one of them does not exist.
bool read_sets(config::Reader& in, const config::DataFiles& data, pipeline::SetKind kind,
               std::vector<std::string>& sets) {
  const auto named = in.optional<std::vector<std::string>>("sets");
  if (!named) return true;
  bool complete = true;
  std::vector<std::string> known;
  for (const std::string& name : data.names("factors")) {
    if (const auto file = data.find("factors", name); file && pipeline::kind_of(*file) == kind) known.push_back(name);
  }
  sets.clear();
  for (const std::string& name : *named) {
    if (std::ranges::find(sets, name) != sets.end()) {
      in.error("sets", "'" + config::printable(name) + "' is named twice");
    } else if (std::ranges::find(known, name) != known.end()) {
      sets.push_back(name);
    } else {
      const auto file = data.find("factors", name);
      const bool other_kind = file && pipeline::kind_of(*file) != kind;
      in.error("sets", other_kind
                           ? "'" + name + "' is a set of the kind " +
                                 std::string(pipeline::to_string(pipeline::kind_of(*file))) + ", not " +
                                 std::string(pipeline::to_string(kind))
                           : "unknown factor set '" + config::printable(name) + "'" + config::suggestion(name, known));
      complete = false;
    }
  }
  return complete;
}

void read_factors(const config::Node& node, config::Problems& problems, const config::DataFiles& data,
                  SiteSection& section) {
  config::Reader in(node, problems);
  section.factor_sets_complete = read_sets(in, data, pipeline::SetKind::emission, section.factor_sets);
  in.items("live");  // read when the points are known: live_factors_section.h
  section.factor_method = in.value_or("method", section.factor_method);
  in.finish();
}

void read_standard_coal(const config::Node& node, config::Problems& problems, const config::DataFiles& data,
                        SiteSection& section) {
  config::Reader in(node, problems);
  read_sets(in, data, pipeline::SetKind::standard_coal, section.coal_sets);
  if (!pipeline::Calendar::knows(section.site.time_zone)) return;  // reported: there are no dates without it
  pipeline::Calendar calendar(section.site.time_zone);
  section.own_factors =
      pipeline::read_electricity_equivalent(in.items("electricity_equivalent"), {data, calendar, nullptr, problems});
  static const SiteSection kDefaults;
  const bool sets_of_its_own = section.coal_sets != kDefaults.coal_sets;
  const bool states_equivalent = in.has("electricity_equivalent");
  const auto chosen =
      in.one_of("electricity", {pipeline::kCalorific, pipeline::kEquivalent}, states_equivalent ? 1 : 0);
  section.electricity_coal_method = chosen == 1 ? pipeline::kEquivalent : pipeline::kCalorific;
  if (chosen == 1 && !states_equivalent && !sets_of_its_own) {
    in.error("electricity",
             "there is no constant for the equivalent value: state the national coal consumption of power "
             "supply in 'electricity_equivalent: [{from: 2024-01-01, kgce_per_kwh: ..., source: ...}]'");
  }
  if (!section.own_factors.empty()) section.coal_sets.emplace(section.coal_sets.begin(), pipeline::kSiteCoalSet);
  in.finish();
}

void read_gwp(config::Reader& in, const config::DataFiles& data, SiteSection& section) {
  const std::string name = in.value_or("gwp", section.gwp);
  const auto known = pipeline::gwp_names(data);
  const auto same = [&](const std::string& candidate) {
    return std::ranges::equal(name, candidate, [](unsigned char a, unsigned char b) { return std::toupper(a) == b; });
  };
  if (const auto found = std::ranges::find_if(known, same); found != known.end()) {
    section.gwp = *found;
  } else {
    in.error("gwp", "unknown set of global warming potentials '" + config::printable(name) + "'" +
                        config::suggestion(name, known));
  }
}

}  // namespace

pipeline::FactorSources SiteSection::factor_sources() const {
  pipeline::FactorSources sources{.sets = factor_sets, .gwp = gwp, .own = own_factors};
  for (const std::string& set : coal_sets) {
    if (set != pipeline::kSiteCoalSet) sources.sets.push_back(set);
  }
  return sources;
}

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
  if (const config::Node* coal = in.child("standard_coal")) read_standard_coal(*coal, root.problems(), data, section);
  read_gwp(in, data, section);
  in.finish();
  return section;
}

}  // namespace carbongate::app
