#include "tests/unit/gateway/pipeline/pipeline_fixture.h"

#include <charconv>
#include <cstdio>
#include <deque>
#include <stdexcept>

namespace carbongate::pipeline {
namespace {

std::string when(Instant at) {
  return std::to_string(at.time_since_epoch().count());
}

std::string number(double value) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

std::string text(model::Quality q) {
  return std::string(to_string(q.origin)) + "/" + std::string(to_string(q.rule));
}

std::string text(const model::Co2eWithin& emitted) {
  return std::to_string(emitted.co2e.quanta()) + "+-" + std::to_string(emitted.u95_activity.quanta()) + "," +
         std::to_string(emitted.u95_factor.quanta());
}

std::string text(const model::Emitted& emitted) {
  std::string out = text(emitted.without_gases());
  emitted.gases.each([&](model::Gas gas, model::GasMass mass) {
    out += " " + std::string(to_string(gas)) + ":" + std::to_string(mass.quanta());
  });
  return out;
}

std::string text(const model::PerBasis<model::Emitted>& emitted) {
  return text(emitted[model::Basis::primary]) + " market " + text(emitted[model::Basis::market]);
}

std::string text(const model::Emission& emission) {
  return text(emission.emitted) + " " + emission.factor_id + " " + emission.factor_version;
}

struct Text {
  std::string operator()(const model::JudgedReading& r) const {
    return "reading " + when(r.at) + " " + number(r.value) + " " + text(r.quality);
  }
  std::string operator()(const model::EnergyInterval& r) const {
    return "interval " + when(r.begin) + ".." + when(r.end) + " " + std::to_string(r.amount.quanta()) + " covered " +
           std::to_string(r.covered.count()) + " " + text(r.quality);
  }
  std::string operator()(const model::EmissionEntry& r) const {
    return "entry " + when(r.begin) + ".." + when(r.end) + " " + std::to_string(r.amount.quanta()) + " " +
           text(r.primary) + (r.market ? " market " + text(*r.market) : "") + " coal " +
           std::to_string(r.coal.quanta()) + " " + r.coal_factor_id + " covered " + std::to_string(r.covered.count()) +
           " " + text(r.quality) + " revision " + std::to_string(r.revision);
  }
  std::string operator()(const model::RollupRow& r) const {
    return "rollup " + std::string(to_string(r.period)) + " " + when(r.begin) + ".." + when(r.end) + " " +
           std::to_string(r.amount.quanta()) + " " + text(r.emitted) + " coal " + std::to_string(r.coal.quanta()) +
           " covered " + std::to_string(r.covered.count()) + " " + std::to_string(r.valid_hours) +
           std::string(to_string(r.validity)) + " " + text(r.quality);
  }
  std::string operator()(const model::RunningTotal& r) const {
    return "total " + when(r.at) + " " + std::to_string(r.amount.quanta()) + " " +
           text(r.emitted[model::Basis::primary]) + " " + text(r.emitted[model::Basis::market]) + " " +
           number(r.amount_per_hour) + " " + number(r.co2e_kg_per_hour) + " since " + (r.since ? when(*r.since) : "-") +
           " covered " + std::to_string(r.covered.count()) + " " + text(r.quality);
  }
  std::string operator()(const model::Alert& a) const {
    return "alert " + std::string(to_string(a.stage)) + " " + when(a.at) + " since " + when(a.since) + " " +
           std::string(to_string(a.severity)) + " " + a.id + " " + a.name + " " + a.name_zh + " " + number(a.value) +
           " " + number(a.limit) + " " + a.unit + " revision " + std::to_string(a.revision) + " " +
           (a.cause ? std::string(to_string(*a.cause)) : "-") + " " + a.by + " " + a.note + " " +
           std::to_string(a.suppressed);
  }
  std::string operator()(const model::Report& r) const {
    std::string out = "report " + std::string(to_string(r.kind)) + " " + when(r.begin) + ".." + when(r.end) +
                      " revision " + std::to_string(r.revision);
    const auto figure = [&out](const std::optional<double>& value) { out += " " + (value ? number(*value) : "-"); };
    for (const model::ReportValue& v : r.values) {
      out += " | " + v.code + " " + v.flag + " " + std::to_string(v.valid) + "/" + std::to_string(v.total);
      for (const model::ReportFigures* f : {&v.figures, &v.reduced}) {
        figure(f->value);
        figure(f->min);
        figure(f->max);
      }
      figure(v.amount);
    }
    return out;
  }
  std::string operator()(PointId id) const { return "point " + std::to_string(index(id)); }
  std::string operator()(model::AccountId id) const { return "account " + std::to_string(model::index(id)); }
  std::string operator()(model::WatchId id) const { return "watch " + std::to_string(model::index(id)); }
  std::string operator()(model::StationId id) const { return "station " + std::to_string(model::index(id)); }
};

template <class Open>
std::string text_of_span(const Open& open) {
  return when(open.begin) + ".." + when(open.end) + " " + std::to_string(open.amount.quanta()) + " " +
         std::to_string(open.covered.count()) + " " + text(open.quality);
}

std::string text(const std::optional<model::OpenInterval>& open) {
  return open ? text_of_span(*open) : "-";
}

std::string text(const std::optional<model::OpenPeriod>& open) {
  if (!open) return "-";
  return text_of_span(*open) + " " + text(open->emitted) + " coal " + std::to_string(open->coal.quanta());
}

std::string text(const model::EmissionState& state) {
  std::string out = text(state.total) + " remainder " + std::to_string(state.co2e_remainder);
  state.gas_remainders.each([&](model::Gas gas, std::int64_t remainder) {
    out += " " + std::string(to_string(gas)) + ":" + std::to_string(remainder);
  });
  return out;
}

std::string text(const std::optional<std::pair<Instant, model::Cumulative<model::Activity>>>& fix) {
  if (!fix) return "-";
  return when(fix->first) + "=" + std::to_string(fix->second.since_zero().quanta());
}

std::string text(const std::vector<model::CourseReading>& course) {
  std::string out;
  for (const model::CourseReading& reading : course) {
    out += " course " + text(reading.shown) + (reading.float32 ? " float32 " : " ") + text(reading.quality);
  }
  return out;
}
std::string text(const std::optional<model::LiveFactorState>& live) {
  if (!live) return "";
  std::string out = " live until " + when(live->decided_until);
  for (const model::LiveValue& value : live->values)
    out += " " + when(value.at) + ".." + when(value.until) + " since " + when(value.since) + "=" + number(value.value);
  return out;
}

}  // namespace

Instant utc(std::string_view text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (std::sscanf(std::string(text).c_str(), "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s) < 5) {
    throw std::invalid_argument(std::string(text));
  }
  const std::chrono::sys_days day = std::chrono::year(y) / mo / d;
  return Instant(day.time_since_epoch()) + std::chrono::hours(h) + std::chrono::minutes(mi) + std::chrono::seconds(s);
}

PointId TestSite::add_point(std::string name, Kind kind, std::string_view unit, PointLimits limits) {
  const auto id = static_cast<PointId>(site.points.size());
  site.points.push_back({.id = id,
                         .device = "device",
                         .name = std::move(name),
                         .kind = kind,
                         .unit = find_unit(unit).value(),
                         .limits = limits});
  return id;
}

model::AccountId TestSite::add_account(PointId source, std::string_view carrier, std::string set, std::string region,
                                       std::string method) {
  const auto id = static_cast<model::AccountId>(site.accounts.size());
  site.accounts.push_back({.id = id,
                           .user = "user" + std::to_string(site.accounts.size()),
                           .user_name = "用户",
                           .carrier = model::find_carrier(carrier),
                           .source = source,
                           .factor = model::FactorChoice{std::move(set), std::move(region), std::move(method)},
                           .market = {},
                           .coal = {}});
  return id;
}

const FactorRegistry& TestSite::factors() {
  // Loaded once per zone for the whole test program; a deque keeps the registries where they are.
  static std::deque<FactorRegistry> registries;
  for (const FactorRegistry& registry : registries) {
    if (registry.time_zone() == site.time_zone) return registry;
  }
  config::Problems problems;
  const std::vector<std::string> sets{"cn-grid", "cn-fuels", "cn-fuels-b", "cn-heat"};
  registries.push_back(FactorRegistry::load(config::DataFiles("."), sets, site.time_zone, problems));
  if (problems.has_errors()) throw std::runtime_error(problems.to_text());
  return registries.back();
}

std::vector<model::JournalRow> feed(Pipeline& pipeline, const std::vector<Reading>& readings) {
  std::vector<model::JournalRow> rows;
  for (const Reading& r : readings) {
    Batch batch{.source = "test", .received = r.at, .readings = {r}, .settled = {}};
    model::Effects effects = pipeline.ingest({&batch, 1}, r.at);
    std::move(effects.rows.begin(), effects.rows.end(), std::back_inserter(rows));
  }
  return rows;
}

std::string to_text(const std::vector<model::JournalRow>& rows) {
  std::string out;
  for (const model::JournalRow& row : rows) {
    out += std::visit(Text{}, row.subject) + ": " + row.body.visit(Text{}) + "\n";
  }
  return out;
}

std::string to_text(const model::Checkpoint& checkpoint) {
  std::string out;
  for (const model::PointState& p : checkpoint.points) {
    out += "point last " + (p.last_at ? when(*p.last_at) : "-") + " " + number(p.last_value) + " baseline " +
           text(p.counter.baseline) + " pending " + text(p.counter.pending) + " since " +
           (p.counter.pending_since ? when(*p.counter.pending_since) : "-") + " doubts " +
           std::to_string(p.counter.doubts) + " abandoned " + text(p.counter.abandoned) + " stands " +
           (p.counter.stands_since ? when(*p.counter.stands_since) : "-") + " settled " +
           (p.counter.settled_until ? when(*p.counter.settled_until) : "-") + " falls " +
           std::to_string(p.counter.falls) + " before " + text(p.counter.before) + text(p.counter.course) +
           " unbooked " + std::to_string(p.counter.unbooked.quanta()) + " remainder " +
           std::to_string(p.integration_remainder) + " open " + text(p.open) + text(p.live) + "\n";
  }
  for (const model::AccountState& a : checkpoint.accounts) {
    out += "account " + std::to_string(a.amount.quanta()) + " coal " + std::to_string(a.coal.quanta()) + " " +
           std::to_string(a.coal_remainder) + " " + text(a.emissions[model::Basis::primary]) + " market " +
           text(a.emissions[model::Basis::market]) + " live " + (a.live_at ? when(*a.live_at) : "-") + " " +
           number(a.amount_per_hour) + " " + number(a.co2e_kg_per_hour);
    for (const auto& open : a.open) out += " | " + text(open);
    out += "\n";
  }
  for (const model::AlertState& a : checkpoint.alerts) {
    const auto time = [](const std::optional<Instant>& at) { return at ? when(*at) : std::string("-"); };
    out += "alert holds " + time(a.holds_since) + " seen " + time(a.seen_at) + " " + number(a.value) + " for " +
           (a.bridged ? std::to_string(a.bridged->count()) : "-") + " held back " + std::to_string(a.held_back) +
           " since " + time(a.since) + " fired " + time(a.fired_at) + " acknowledged " +
           std::to_string(a.acknowledged) + " published " + std::to_string(a.published) + " suppressed " +
           std::to_string(a.suppressed) + " last " + time(a.last_since) + " " + std::to_string(a.last_published) + " " +
           time(a.late_from) + " begun " + time(a.begun);
    for (const model::AlertPeriod& p : a.periods) {
      out += " | " + when(p.begin) + " " + std::to_string(p.sum) + " " + std::to_string(p.per) + " " +
             std::to_string(p.closed) + " " + std::to_string(p.judged) + " " + time(p.since) + " " +
             std::to_string(p.published) + " " + std::to_string(p.withdrawn) + " " +
             (p.sum_then ? std::to_string(*p.sum_then) : "-");
    }
    out += "\n";
  }
  return out;
}

}  // namespace carbongate::pipeline
