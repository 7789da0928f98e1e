#include "gateway/sinks/webhook/firing_alerts.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "gateway/model/entry_name.h"
#include "gateway/sinks/webhook/event.h"

namespace carbongate::sinks::webhook {

namespace json = boost::json;

void FiringAlerts::put(const std::string& id, std::string_view body) {
  alerts_.insert_or_assign(id, json::parse(body).as_array().at(0).as_object());
  is_changed_ = true;
}

void FiringAlerts::drop(const std::string& id) {
  if (alerts_.erase(id) != 0) is_changed_ = true;
}

std::string FiringAlerts::told_again(std::string& after, std::size_t most, Instant ends) const {
  json::array told;
  for (auto next = alerts_.upper_bound(after); next != alerts_.end() && told.size() < most; ++next) {
    json::object alert = next->second;
    alert["endsAt"] = model::format_utc(ends);
    told.push_back(std::move(alert));
    after = next->first;
  }
  return told.empty() ? std::string() : json::serialize(told);
}

std::string FiringAlerts::to_text() {
  json::array all;
  for (const auto& [id, alert] : alerts_) all.push_back(alert);
  is_changed_ = false;
  return json::serialize(all);
}

std::size_t FiringAlerts::read(std::string_view text, const std::function<bool(const model::Series&)>& is_offered) {
  if (text.empty()) return 0;
  std::size_t left_out = 0;
  const json::value kept = json::parse(text);
  for (const json::value& one : kept.as_array()) {
    const json::object& labels = one.at("labels").as_object();
    if (is_offered && !is_offered(series_of(labels))) {
      ++left_out;
      is_changed_ = true;
    } else {
      alerts_.insert_or_assign(json::value_to<std::string>(labels.at("id")), one.as_object());
    }
  }
  return left_out;
}

}  // namespace carbongate::sinks::webhook
