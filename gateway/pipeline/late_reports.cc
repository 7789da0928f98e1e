#include "gateway/pipeline/late_reports.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "gateway/pipeline/pipeline.h"
#include "gateway/pipeline/quality.h"

namespace carbongate::pipeline {

using model::Report;
using model::ReportKind;
using model::ReportValue;
using namespace std::chrono_literals;

namespace {

constexpr Duration kLeadMin = 1h;
constexpr Duration kLeadMax = 48h;
constexpr Duration kNeverDue = 24h * 400;       // of a played station: it is closed at the end
constexpr std::size_t kReadingsAtOnce = 1'024;  // that the pipeline is given

// A site with the station and its points alone, as they are counted: what is derived was stored.
struct Alone {
  model::Site site;
  std::vector<PointId> points;  // of the whole site, by its own ids
};

Alone alone(const model::Site& whole, const LateStation& late, const Span& day) {
  Alone alone;
  alone.site.id = whole.id;
  alone.site.time_zone = whole.time_zone;
  alone.site.future_tolerance = whole.future_tolerance;
  model::Station station = whole.stations.at(model::index(late.station));
  station.id = model::StationId{};
  station.wait = kNeverDue;
  station.from = day.begin;
  station.until = std::min(day.end, late.told);
  const auto take = [&](std::optional<PointId>& point) {
    if (!point) return;
    auto known = std::ranges::find(alone.points, *point);
    if (known == alone.points.end()) {
      alone.site.points.push_back(whole.points.at(carbongate::index(*point)));
      alone.site.points.back().id = static_cast<PointId>(alone.points.size());
      known = alone.points.insert(alone.points.end(), *point);
    }
    point = static_cast<PointId>(known - alone.points.begin());
  };
  for (model::StationFactor& factor : station.factors) {
    take(factor.point);
    take(factor.reduced);
    take(factor.amount);
  }
  alone.site.stations.push_back(std::move(station));
  return alone;
}

bool is_same(std::optional<double> a, std::optional<double> b, std::uint8_t decimals) {
  if (!a || !b) return a.has_value() == b.has_value();
  return std::abs(*a - *b) < 0.51 * std::pow(10.0, -decimals);
}

bool is_same(const model::ReportFigures& a, const model::ReportFigures& b, std::uint8_t decimals) {
  return is_same(a.value, b.value, decimals) && is_same(a.min, b.min, decimals) && is_same(a.max, b.max, decimals);
}

// As it is told.
bool is_same(const ReportValue& a, const ReportValue& b) {
  return a.code == b.code && a.flag == b.flag && is_same(a.figures, b.figures, a.decimals) &&
         is_same(a.reduced, b.reduced, a.decimals) && is_same(a.amount, b.amount, a.amount_decimals);
}

// Nothing was heard.
bool is_without(const ReportValue& value) {
  return value.total == 0 && !value.amount;
}

// That nothing was heard of a factor that comes more seldom than minutes do, was known then and not by what came since.
void keep_silent(const Report& told, Report& played) {
  for (std::size_t i = 0; i < told.values.size(); ++i) {
    const ReportValue& value = told.values[i];
    if (!is_without(value) || std::ranges::find(played.values, value.code, &ReportValue::code) != played.values.end()) {
      continue;
    }
    const std::size_t place = std::min(i, played.values.size());
    played.values.insert(played.values.begin() + static_cast<std::ptrdiff_t>(place), value);
  }
}

// What came late is added to what was there: less is what is no longer stored, or another configuration.
bool has_less(const Report& told, const Report& played) {
  return std::ranges::any_of(told.values, [&](const ReportValue& value) {
    const auto found = std::ranges::find(played.values, value.code, &ReportValue::code);
    if (found == played.values.end()) return true;
    return found->total < value.total || (value.amount && !found->amount);
  });
}

}  // namespace

struct ReportPlay::Playing {
  Playing(Alone made, const FactorRegistry& factors, model::Checkpoint begin)
      : of(std::move(made)), pipeline(of.site, factors, std::move(begin)) {}

  void keep(const model::Effects& effects) {
    for (const model::JournalRow& row : effects.rows) {
      if (const auto* report = row.body.get_if<Report>()) found.reports.push_back(*report);
    }
  }
  void play() {
    if (!batches.empty()) keep(pipeline.ingest(batches, batches.back().received));
    batches.clear();
  }

  Alone of;
  Pipeline pipeline;
  std::vector<Batch> batches;
  PlayedReports found;
};

Instant affected_from(const model::Site& site, const LateStation& late) {
  Duration most{};
  for (const model::StationFactor& factor : site.stations.at(model::index(late.station)).factors) {
    if (factor.amount) most = std::max(most, gap_max(site.points.at(carbongate::index(*factor.amount)).limits));
  }
  return late.late.from - std::min(most, kLeadMax);
}

std::vector<Span> days_of(const model::Site& site, const LateStation& late, Calendar& calendar) {
  std::vector<Span> days;
  const Instant until = std::min(late.late.until, late.told - Duration(1));
  for (Instant at = affected_from(site, late); at <= until;) {
    days.push_back(calendar.period(model::Period::day, at));
    at = days.back().end;
  }
  return days;
}

ReportPlay::ReportPlay(const model::Site& site, const FactorRegistry& factors, const LateStation& late,
                       const Span& day) {
  model::Checkpoint begin;
  Alone of = alone(site, late, day);
  begin.stations.resize(1);
  begin.stations.front().latest.resize(3 * of.site.stations.front().factors.size());
  begin.stations.front().minutes_until = day.begin;
  begin.stations.front().begun = late.begun;
  playing_ = std::make_unique<Playing>(std::move(of), factors, std::move(begin));
}

ReportPlay::~ReportPlay() = default;

const std::vector<PointId>& ReportPlay::points() const {
  return playing_->of.points;
}

Span ReportPlay::wanted() const {
  Duration lead = kLeadMin;
  for (const Point& point : playing_->of.site.points) lead = std::max(lead, 3 * gap_max(point.limits));
  lead = std::min(lead, kLeadMax);
  const model::Station& station = playing_->of.site.stations.front();
  return {station.from - lead, station.until + lead};
}

void ReportPlay::take(const Reading& reading) {
  Reading own = reading;
  own.point = static_cast<PointId>(std::ranges::find(playing_->of.points, reading.point) - playing_->of.points.begin());
  playing_->batches.push_back({.source = {}, .received = reading.at, .readings = {own}, .settled = {}});
  if (playing_->batches.size() == kReadingsAtOnce) playing_->play();
}

PlayedReports ReportPlay::finish() {
  playing_->play();
  const model::Station& station = playing_->of.site.stations.front();
  const Instant late = station.until + 2 * kNeverDue;
  playing_->keep(playing_->pipeline.pass(late));
  playing_->keep(playing_->pipeline.pass(late + station.minute + station.wait));
  const model::StationState& state = playing_->pipeline.state().stations.front();
  playing_->found.hour = state.hour;
  playing_->found.day = state.day;
  return std::move(playing_->found);
}

std::vector<Report> differences(std::span<const Report> told, std::span<const Report> played, Instant from) {
  struct Newest {
    const Report* report = nullptr;
    std::uint32_t revisions = 0;
  };
  std::map<std::pair<ReportKind, Instant>, Newest> known;
  for (const Report& report : told) {
    Newest& newest = known[{report.kind, report.begin}];
    if (!newest.report || report.revision >= newest.report->revision) newest.report = &report;
    newest.revisions = std::max(newest.revisions, report.revision + 1);
  }
  std::vector<Report> changes;
  for (const Report& report : played) {
    if (report.end <= from) continue;
    const auto before = known.find({report.kind, report.begin});
    if (before == known.end()) {
      if (!std::ranges::all_of(report.values, is_without)) changes.push_back(report);
      continue;
    }
    const Report& was = *before->second.report;
    Report now = report;
    keep_silent(was, now);
    const bool is_as_told =
        std::ranges::equal(was.values, now.values, [](const auto& a, const auto& b) { return is_same(a, b); });
    if (was.end != now.end || is_as_told || has_less(was, now)) continue;
    now.revision = before->second.revisions;
    changes.push_back(std::move(now));
  }
  return changes;
}

}  // namespace carbongate::pipeline
