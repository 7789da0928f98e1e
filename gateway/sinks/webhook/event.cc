#include "gateway/sinks/webhook/event.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"
#include "gateway/model/entry_name.h"

namespace carbongate::sinks::webhook {
namespace {

namespace json = boost::json;

void add(json::object& labels, std::string_view name, std::string_view value) {
  if (!value.empty()) labels[name] = value;
}

}  // namespace

bool write_cloud_event(const model::StoredRow& row, const std::string& store, shared::JsonRow& json, Event& out) {
  std::string data;
  if (!json.write(row, data)) {
    out.body = std::move(data);
    return false;
  }
  const model::Series& series = *row.series;
  out.id = shared::row_key(store, row.sequence);
  json::object event{{"specversion", "1.0"},
                     {"id", out.id},
                     {"source", "urn:carbongate:" + series.site},
                     {"datacontenttype", "application/json"}};
  if (const model::Alert* alert = row.body.get_if<model::Alert>()) {
    event["type"] = "cn.carbongate.alert." + std::string(to_string(alert->stage));
    const std::string subject = model::subject_name(series.device, series.point, series.user, series.carrier);
    if (!subject.empty()) event["subject"] = subject;  // of a group of all alerts there is none
    event["time"] = model::format_utc(alert->at);
  } else if (const model::Report* report = row.body.get_if<model::Report>()) {
    event["type"] = "cn.carbongate.report";
    event["subject"] = series.device;
    event["time"] = model::format_utc(report->begin);
  } else {
    out.body = "is neither an alert nor a report";
    return false;
  }
  out.body = json::serialize(event);
  out.body.pop_back();  // the brace: numbers of `data` stay as they are written
  out.body += ",\"data\":" + data + "}";
  return true;
}

Event alertmanager_event(const model::StoredRow& row, const std::string& store, Instant ends,
                         const std::string& escalated_from) {
  Event out{.id = shared::row_key(store, row.sequence), .body = {}};
  const model::Alert* alert = row.body.get_if<model::Alert>();
  if (alert == nullptr) return out;
  const model::Series& series = *row.series;
  json::object labels{{"alertname", series.rule}, {"severity", to_string(alert->severity)}, {"id", alert->id}};
  add(labels, "site", series.site);
  add(labels, "device", series.device);
  add(labels, "point", series.point);
  add(labels, "user", series.user);
  add(labels, "carrier", series.carrier);
  json::object annotations;
  add(annotations, "summary", alert->name);
  add(annotations, "summary_zh", alert->name_zh);
  add(annotations, "state", to_string(alert->stage));
  add(annotations, "state_zh", to_string_zh(alert->stage));
  const auto [value, limit] = model::figures_text(alert->value, alert->limit, alert->unit);
  if (std::isfinite(alert->value)) add(annotations, "value", value);
  if (std::isfinite(alert->limit)) add(annotations, "threshold", limit);
  if (alert->of) {
    add(annotations, "period", model::format_utc(alert->of->begin) + "/" + model::format_utc(alert->of->end));
    if (alert->of->coverage) {
      add(annotations, "coverage_percent", model::format_fixed(*alert->of->coverage, model::kPerPercent));
    }
  }
  add(annotations, "note", alert->note);
  add(annotations, "by", alert->by);
  add(annotations, "escalated_from", escalated_from);
  const Instant end = model::is_active(alert->stage) ? ends : alert->at;
  json::object body{{"labels", std::move(labels)},
                    {"annotations", std::move(annotations)},
                    {"startsAt", model::format_utc(alert->since)},
                    {"endsAt", model::format_utc(std::max(end, alert->since))}};
  out.body = json::serialize(json::array{std::move(body)});
  return out;
}

model::Series series_of(const json::object& labels) {
  const auto label = [&labels](std::string_view name) {
    const json::value* value = labels.if_contains(name);
    return value ? std::string(value->as_string()) : std::string();
  };
  model::Series series;
  series.site = label("site");
  series.rule = label("alertname");
  series.device = label("device");
  series.point = label("point");
  series.user = label("user");
  series.carrier = label("carrier");
  return series;
}

}  // namespace carbongate::sinks::webhook
