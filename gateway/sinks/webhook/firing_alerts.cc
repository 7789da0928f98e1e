#include "gateway/sinks/webhook/firing_alerts.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "gateway/model/entry_name.h"

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

void FiringAlerts::read(std::string_view text) {
  if (text.empty()) return;
  const json::value kept = json::parse(text);
  for (const json::value& one : kept.as_array()) {
    alerts_.insert_or_assign(json::value_to<std::string>(one.at("labels").at("id")), one.as_object());
  }
}

}  // namespace carbongate::sinks::webhook
