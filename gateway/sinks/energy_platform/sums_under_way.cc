#include "gateway/sinks/energy_platform/sums_under_way.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace carbongate::sinks::energy_platform {

namespace json = boost::json;
namespace codec = carbongate::energy_platform;

SumsUnderWay::Key SumsUnderWay::key_of(const codec::Record& record) {
  return {record.code.digits + " " + std::string(to_string(record.stat_type)), record.stat_date};
}

void SumsUnderWay::put(Sum sum) {
  Key key = key_of(sum.record);
  const auto known = sums_.find(key);
  if (known != sums_.end() && known->second.sequence >= sum.sequence) return;
  sums_.insert_or_assign(std::move(key), std::move(sum));
  is_changed_ = true;
}

void SumsUnderWay::drop(const codec::Record& record, std::uint64_t sequence) {
  const auto known = sums_.find(key_of(record));
  if (known == sums_.end() || known->second.sequence > sequence) return;
  sums_.erase(known);
  is_changed_ = true;
}

std::vector<SumsUnderWay::Sum> SumsUnderWay::all() const {
  std::vector<Sum> all;
  for (const auto& [key, sum] : sums_) all.push_back(sum);
  std::ranges::sort(all, {}, &Sum::sequence);
  return all;
}

// [{"sequence": 17, "period": 3, "end": 1788192000000, "code": "0000000002330011", "value": "3.5", "input": 5,
//   "type": 2, "date": "2026-08-01 00:00:00", "scope": 1, "valid": true}]
std::string SumsUnderWay::to_text() {
  json::array sums;
  for (const auto& [key, sum] : sums_) {
    const codec::Record& record = sum.record;
    sums.push_back({{"sequence", sum.sequence},
                    {"period", static_cast<int>(sum.period)},
                    {"end", sum.end.time_since_epoch().count()},
                    {"code", record.code.digits},
                    {"value", record.value},
                    {"input", record.input_type},
                    {"type", static_cast<int>(record.stat_type)},
                    {"date", record.stat_date},
                    {"scope", record.scope},
                    {"valid", record.is_valid}});
  }
  is_changed_ = false;
  return json::serialize(sums);
}

void SumsUnderWay::read(std::string_view text, const std::vector<Item>& items) {
  if (text.empty()) return;
  const json::value kept = json::parse(text);
  for (const json::value& one : kept.as_array()) {
    Sum sum{.sequence = json::value_to<std::uint64_t>(one.at("sequence")),
            .period = static_cast<model::Period>(json::value_to<int>(one.at("period"))),
            .end = Instant(Duration(json::value_to<std::int64_t>(one.at("end")))),
            .record = {}};
    codec::Record& record = sum.record;
    const auto code = json::value_to<std::string>(one.at("code"));
    record.stat_type = static_cast<codec::StatType>(json::value_to<int>(one.at("type")));
    const auto item = std::ranges::find_if(items, [&](const Item& item) {
      return item.code.digits == code && std::ranges::find(item.periods, record.stat_type) != item.periods.end();
    });
    if (item == items.end()) continue;
    record.code = item->code;
    record.value = json::value_to<std::string>(one.at("value"));
    record.input_type = json::value_to<int>(one.at("input"));
    record.stat_date = json::value_to<std::string>(one.at("date"));
    record.scope = json::value_to<int>(one.at("scope"));
    record.is_valid = json::value_to<bool>(one.at("valid"));
    put(std::move(sum));
  }
  is_changed_ = false;
}

}  // namespace carbongate::sinks::energy_platform
