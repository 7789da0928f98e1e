// Words by which the API names what the model has as numbers, and the lists of a site's names.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/driver.h"
#include "gateway/model/rows.h"
#include "gateway/model/site.h"

namespace carbongate::ops {

std::string_view word_of(model::Period period);       // "quarter_hour", "hour", "day", "month", "year"
std::string_view word_of(model::Category category);   // "electricity", "working_medium"
std::string_view word_of(Kind kind);                  // "cumulative"
std::string_view word_of(DeviceStatus::State state);  // "online"
boost::json::value scope_number(model::Scope scope);  // 1, 2 or null

struct UserText {
  std::string id;
  std::string name;
  std::string part_of;  // "": of none
};
std::vector<UserText> users_of(const model::Site& site);  // in the order of the configuration

// A source of energy, as GET /site lists it.
struct SourceText {
  std::string id;
  std::string carrier;
  std::string_view kind;  // "grid", "own", "purchased", "fuel", "other"
  std::string name;
  std::string name_zh;
  bool renewable = false;
};
SourceText source_text(const model::Account& account);

}  // namespace carbongate::ops
