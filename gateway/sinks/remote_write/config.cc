#include "gateway/sinks/remote_write/config.h"

#include <algorithm>
#include <string_view>

namespace carbongate::sinks::remote_write {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatchRowsMax = 10'000;

std::string objection(const boost::urls::url_view& url) {
  if (!url.encoded_path().empty() && url.encoded_path() != "/") return {};
  return "has no path; write the address that takes remote write, such as /api/v1/write (Prometheus, VictoriaMetrics), "
         "/api/v1/push (Mimir) or /api/v1/receive (Thanos)";
}

}  // namespace

Config Config::from(config::Reader& in) {
  Config config;
  static_cast<shared::HttpEndpoint&>(config) =
      shared::read_http_endpoint(in, "http://127.0.0.1:8428/api/v1/write", &objection);
  config.tenant = in.value_or("tenant", "");
  const auto is_visible = [](char c) { return c > 0x20 && c < 0x7F; };
  if (!std::ranges::all_of(config.tenant, is_visible)) in.error("tenant", "must be of visible ASCII characters");
  config.batch_rows = in.in_range<std::size_t>("batch_rows", config.batch_rows, 1, kBatchRowsMax);
  config.timeout = in.in_range<std::chrono::milliseconds>("timeout", config.timeout, 100ms, 5min);
  return config;
}

}  // namespace carbongate::sinks::remote_write
