#include "gateway/sinks/line_protocol/config.h"

#include <string_view>

namespace carbongate::sinks::line_protocol {
namespace {

namespace urls = boost::urls;
using namespace std::chrono_literals;

constexpr std::size_t kBatchRowsMax = 20'000;

std::string objection(const urls::url_view& url) {
  if (url.encoded_path().empty() || url.encoded_path() == "/") {
    return "has no path; write the address that takes line protocol, such as /write?db=carbon (InfluxDB 1.x), "
           "/api/v2/write?org=park&bucket=carbon (InfluxDB 2.x) or /write (VictoriaMetrics)";
  }
  for (const auto& param : url.params()) {
    if (param.key == "precision" && param.value != "ms") return "must leave out `precision`: times are sent in ms";
    if (param.key == "u" || param.key == "p") {
      return "must not hold a user or password; use `username` and `password_file`";
    }
  }
  return {};
}

}  // namespace

Config Config::from(config::Reader& in) {
  Config config;
  static_cast<shared::HttpEndpoint&>(config) =
      shared::read_http_endpoint(in, "http://127.0.0.1:8428/write", &objection);
  if (config.target.find("precision=ms") == std::string::npos) {
    config.target += config.target.find('?') == std::string::npos ? "?precision=ms" : "&precision=ms";
  }
  config.dialect = static_cast<Dialect>(
      in.one_of("dialect", {"influxdb", "victoriametrics", "questdb", "tdengine", "greptimedb"}, 0));
  if (config.dialect == Dialect::tdengine && (in.has("token_file") || in.has("token_env"))) {
    in.error("dialect", "tdengine knows no tokens; use `username` and `password_file`");
  }
  const bool reads_gzip = config.dialect != Dialect::questdb && config.dialect != Dialect::tdengine;
  config.gzip = in.value_or("gzip", reads_gzip);
  config.batch_rows = in.in_range<std::size_t>("batch_rows", config.batch_rows, 1, kBatchRowsMax);
  config.timeout = in.in_range<std::chrono::milliseconds>("timeout", 10s, 100ms, 5min);
  return config;
}

}  // namespace carbongate::sinks::line_protocol
