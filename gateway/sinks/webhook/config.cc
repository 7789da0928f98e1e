#include "gateway/sinks/webhook/config.h"

#include <string>
#include <utility>

#include "gateway/sinks/shared/site_zone.h"
#include "protocols/http/signature.h"

namespace carbongate::sinks::webhook {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatchRowsMax = 1'000;
constexpr std::size_t kSecretBytesMin = 16;
constexpr std::string_view kAlertsPath = "/api/v2/alerts";

std::string no_objection(const boost::urls::url_view&) {
  return {};
}

// What went wrong is told to more people than may know where chat services have their secret: in the path.
std::string without_path(std::string where) {
  const std::size_t scheme = where.find("://");
  if (scheme == std::string::npos) return where;
  return where.substr(0, where.find('/', scheme + 3));
}

}  // namespace

Config Config::from(config::Reader& in, const config::Node& root) {
  Config config;
  static_cast<shared::HttpEndpoint&>(config) =
      shared::read_http_endpoint(in, "https://hooks.park.example/carbon", &no_objection);
  config.format = static_cast<Format>(in.one_of("format", {"cloudevents", "alertmanager"}, 0));
  if (config.format == Format::alertmanager && config.target.ends_with('/')) config.target.pop_back();
  if (config.format == Format::alertmanager && !config.target.ends_with(kAlertsPath)) {
    config.target += kAlertsPath;
    config.where += (config.where.ends_with('/') ? "api/v2/alerts" : kAlertsPath);
  }
  if (config.target.empty()) config.target = "/";
  if (config.format == Format::cloudevents) config.where = without_path(std::move(config.where));
  config.secret = config::read_secret(in, "secret");
  const auto key = http::webhook_key(config.secret.reveal());
  const char* where = in.has("secret_file") ? "secret_file" : "secret_env";
  if (!key) in.error(where, "holds what begins as a secret of Standard Webhooks, but is not base64 behind 'whsec_'");
  if (!config.secret.empty() && key && key->size() < kSecretBytesMin) {
    in.error(where, "holds a secret of less than 16 characters, or of less than 16 bytes behind 'whsec_'");
  }
  config.batch_rows = in.in_range<std::size_t>("batch_rows", config.batch_rows, 1, kBatchRowsMax);
  config.timeout = in.in_range<std::chrono::milliseconds>("timeout", 10s, 100ms, 5min);
  config.repeat_every = in.in_range<std::chrono::milliseconds>("repeat_every", 3min, 1s, 1h);
  if (config.format != Format::alertmanager && in.has("repeat_every")) {
    in.error("repeat_every", "is of `format: alertmanager` alone: who takes CloudEvents is told once");
  }
  config.time_zone = shared::zone_of_site(root);
  return config;
}

}  // namespace carbongate::sinks::webhook
