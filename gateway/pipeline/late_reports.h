// What readings that came late make of the reports of their station: those are what the readings say in the order of
// their own times, and what was told otherwise is told again.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "drivers/api/reading.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_registry.h"

namespace carbongate::pipeline {

// A station of whose told minutes readings came late.
struct LateStation {
  model::StationId station{};
  model::LateReports late;
  Instant told{};  // its minutes up to here are
  std::optional<Instant> begun;
  friend bool operator==(const LateStation&, const LateStation&) = default;
};

// Of one calendar day, from its readings.
struct PlayedReports {
  std::vector<model::Report> reports;     // its minutes that are told, hours, and the day where all of it is
  std::optional<model::OpenReport> hour;  // that go on
  std::optional<model::OpenReport> day;
};

struct LateReportJudgement {
  LateStation of;
  std::vector<model::Report> changes;  // to be told, in their order, with their revisions
  Span last_day;                       // that was played, and what is open of it by `of.told`
  std::optional<model::OpenReport> hour;
  std::optional<model::OpenReport> day;
};

// From when on reports may be others: from the readings before on amounts are parted otherwise.
Instant affected_from(const model::Site& site, const LateStation& late);

// The days from then on that late readings lie in.
std::vector<Span> days_of(const model::Site& site, const LateStation& late, Calendar& calendar);

// Plays the readings of the station's points of one day. Not thread-safe; throws as Pipeline.
class ReportPlay {
 public:
  // `factors` outlives it: of the site's time zone.
  ReportPlay(const model::Site& site, const FactorRegistry& factors, const LateStation& late, const Span& day);
  ~ReportPlay();
  ReportPlay(const ReportPlay&) = delete;
  ReportPlay& operator=(const ReportPlay&) = delete;

  // The readings that take() is to get: from so long before the day and behind it, too.
  const std::vector<PointId>& points() const;
  Span wanted() const;

  // `reading`: as it was said when it was heard, of one of the points; ascending.
  void take(const Reading& reading);

  PlayedReports finish();  // once

 private:
  struct Playing;
  std::unique_ptr<Playing> playing_;
};

// What of the played reports is to be told: what begins, or goes on, behind `from` and differs from what was told, by
// more values or by other amounts. `told`: all that was, of the same time, in any order.
std::vector<model::Report> differences(std::span<const model::Report> told, std::span<const model::Report> played,
                                       Instant from);

}  // namespace carbongate::pipeline
