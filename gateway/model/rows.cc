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

}  // namespace carbongate::model
