#include "gateway/tables/row_about.h"

#include <fmt/format.h>

#include <string_view>

namespace carbongate::tables {
namespace {

std::string_view zh_of(model::ReportKind kind) {
  switch (kind) {
    case model::ReportKind::real_time: return "实时数据";
    case model::ReportKind::minute: return "分钟数据";
    case model::ReportKind::hour: return "小时数据";
    case model::ReportKind::day: return "日数据";
  }
  return "?";
}

}  // namespace

RowAbout row_about(const model::StoredRow& row, bool zh) {
  const model::Series& series = *row.series;
  if (const auto* alert = row.body.get_if<model::Alert>()) {
    return {zh ? "告警" : "alert", alert->at,
            fmt::format("{} {} {}", series.rule,
                        model::subject_name(series.device, series.point, series.user, series.carrier),
                        zh ? to_string_zh(alert->stage) : to_string(alert->stage))};
  }
  if (const auto* report = row.body.get_if<model::Report>()) {
    return {zh ? "报告" : "report", report->begin,
            fmt::format("{} {}", series.device, zh ? zh_of(report->kind) : to_string(report->kind))};
  }
  if (const auto* rollup = row.body.get_if<model::RollupRow>()) {
    return {zh ? "数据" : "data", rollup->begin,
            fmt::format("{} {} {}", series.user, series.carrier, to_string(rollup->period))};
  }
  return {};
}

}  // namespace carbongate::tables
