#include "gateway/app/late_reports.h"

#include <string>
#include <utility>

#include "gateway/app/said_readings.h"

namespace carbongate::app {
namespace {

using store::History;

model::Result<pipeline::PlayedReports> play(History& history, const model::Site& site,
                                            const pipeline::FactorRegistry& factors, const pipeline::LateStation& late,
                                            const pipeline::Span& day, const std::atomic<bool>& stop) {
  pipeline::ReportPlay playing(site, factors, late, day);
  const auto take = [&](const Reading& reading) {
    playing.take(reading);
    return true;
  };
  if (auto read = each_said(history, site, playing.points(), playing.wanted(), stop, take); read.has_error()) {
    return read.error();
  }
  return playing.finish();
}

model::Result<std::vector<model::Report>> told_of(History& history, const std::string& station,
                                                  const pipeline::Span& day, const std::atomic<bool>& stop) {
  std::vector<model::Report> told;
  const auto choose = [&](const model::Series& series) {
    if (stop) return History::Choice::enough;
    return series.device == station ? History::Choice::take : History::Choice::skip;
  };
  const auto read = history.each_of(History::What::reports, {.from = day.begin, .to = day.end}, choose,
                                    [&](const model::StoredRow& row) {
                                      told.push_back(row.body.get<model::Report>());
                                      return true;
                                    });
  if (read.has_error()) return read.error();
  if (stop) return stopped();
  return told;
}

}  // namespace

model::Result<std::vector<pipeline::LateReportJudgement>> judge_late_reports(
    History& history, const model::Site& site, const pipeline::FactorRegistry& factors,
    std::span<const pipeline::LateStation> late, const std::atomic<bool>& stop) {
  pipeline::Calendar calendar(site.time_zone);
  std::vector<pipeline::LateReportJudgement> judgements;
  for (const pipeline::LateStation& one : late) {
    pipeline::LateReportJudgement judgement{.of = one, .changes = {}, .last_day = {}, .hour = {}, .day = {}};
    const Instant from = pipeline::affected_from(site, one);
    for (const pipeline::Span& day : pipeline::days_of(site, one, calendar)) {
      auto played = play(history, site, factors, one, day, stop);
      if (played.has_error()) return played.error();
      const auto told = told_of(history, site.stations.at(model::index(one.station)).name, day, stop);
      if (told.has_error()) return told.error();
      for (model::Report& change : pipeline::differences(*told, played->reports, from)) {
        judgement.changes.push_back(std::move(change));
      }
      judgement.last_day = day;
      judgement.hour = std::move(played->hour);
      judgement.day = std::move(played->day);
    }
    judgements.push_back(std::move(judgement));
  }
  return judgements;
}

}  // namespace carbongate::app
