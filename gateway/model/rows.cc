#include "gateway/model/rows.h"

namespace carbongate::model {

std::string_view to_string(Period period) {
  switch (period) {
    case Period::quarter_hour: return "15min";
    case Period::hour: return "hour";
    case Period::day: return "day";
    case Period::month: return "month";
    case Period::year: return "year";
  }
  return "unknown";
}

std::string_view to_string(Validity validity) {
  switch (validity) {
    case Validity::not_judged: return "";
    case Validity::valid: return "valid";
    case Validity::invalid: return "invalid";
  }
  return "unknown";
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::late_data: return "late-data";
    case Cause::configuration: return "configuration";
    case Cause::factor: return "factor";
    case Cause::substitution: return "substitution";
    case Cause::certificate: return "certificate";
    case Cause::manual: return "manual";
  }
  return "unknown";
}

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::none: return "";
    case Scope::direct: return "1";
    case Scope::energy: return "2";
  }
  return "unknown";
}

std::string_view to_string(Flow flow) {
  switch (flow) {
    case Flow::consumed: return "consumed";
    case Flow::exported: return "exported";
    case Flow::produced: return "produced";
    case Flow::emitted: return "emitted";
    case Flow::measured: return "measured";
  }
  return "unknown";
}

}  // namespace carbongate::model
