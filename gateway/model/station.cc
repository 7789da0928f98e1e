#include "gateway/model/station.h"

namespace carbongate::model {

std::string_view to_string(ReportKind kind) {
  switch (kind) {
    case ReportKind::real_time: return "real-time";
    case ReportKind::minute: return "minute";
    case ReportKind::hour: return "hour";
    case ReportKind::day: return "day";
  }
  return "unknown";
}

}  // namespace carbongate::model
