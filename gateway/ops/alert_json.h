// An alert as the API shows it: of a change that was just committed, or as it stands.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "gateway/model/alert.h"

namespace carbongate::ops {

// What it is about, by names.
struct AlertSubject {
  std::string rule;
  std::string subject;  // "incomer.power"
  std::string user_name;
};

// `state`: "pending", or the word of its stage.
boost::json::object alert_json(const AlertSubject& about, const model::Alert& alert, std::string_view state);

}  // namespace carbongate::ops
