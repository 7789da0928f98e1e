#include "gateway/sinks/remote_write/answer.h"

#include <array>

#include "protocols/http/phrases.h"

namespace carbongate::sinks::remote_write {
namespace {

// What stores say of samples and series that they will not take, however often. VictoriaMetrics and GreptimeDB refuse
// none: they drop them, or have room for all.
constexpr auto kSampleWords = std::to_array<std::string_view>({
    "out of order sample",             // Prometheus, Thanos, Cortex
    "out of bounds",                   // Prometheus, Thanos, Cortex: too old, or too far ahead
    "too old sample",                  // Prometheus, Thanos, Cortex: beyond the window for samples out of order
    "duplicate sample for timestamp",  // Prometheus, Thanos, Cortex
    "invalid sample",                  // Prometheus: a label twice
    "invalid metric name or labels",   // Prometheus
    "timestamp too old",               // Cortex
    "timestamp too new",               // Cortex
    "label name too long",             // Cortex
    "label value too long",            // Cortex
    "series has too many labels",      // Cortex
    "sample invalid ",                 // Cortex: label, metric name
    "(err-mimir-sample-",              // out-of-order, timestamp-too-old, duplicate-timestamp
    "(err-mimir-too-far-in-",          // past, future
    "(err-mimir-label-",               // name-too-long, value-too-long, invalid
    "(err-mimir-max-label-",           // names-per-series
    "(err-mimir-metric-name-",         // invalid
    "too far in past",                 // M3
    "too far in future",               // M3
    "points beyond retention policy",  // InfluxDB 1.x
    "field type conflict",             // InfluxDB 1.x
});

// VictoriaMetrics, with 400: "too big packed request; mustn't exceed `-maxInsertRequestSize=1024` bytes"
constexpr auto kSizeWords = std::to_array<std::string_view>({"too big packed request", "too big unpacked request"});

}  // namespace

http::WriteAnswer read_answer(int status, std::string_view body) {
  http::WriteAnswer answer = http::answer_by_status(status, body);
  if (status == 409 && answer.words == "conflict") answer.verdict = http::Verdict::refused;  // Thanos, of samples
  if (status != 400 && status != 409 && status != 422) return answer;
  if (http::has_one_of(body, kSampleWords)) answer.verdict = http::Verdict::refused;
  if (http::has_one_of(body, kSizeWords)) answer.verdict = http::Verdict::too_large;
  if (body.find("unsupported path") != body.npos) answer.verdict = http::Verdict::not_found;  // VictoriaMetrics
  return answer;
}

}  // namespace carbongate::sinks::remote_write
