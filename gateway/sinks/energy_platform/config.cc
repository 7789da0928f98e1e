#include "gateway/sinks/energy_platform/config.h"

#include <algorithm>
#include <charconv>

#include "config/reader/server_keys.h"
#include "config/reader/text.h"
#include "config/reader/time_of_day.h"
#include "gateway/sinks/energy_platform/dialect_file.h"
#include "gateway/sinks/energy_platform/items.h"
#include "gateway/sinks/shared/site_zone.h"

namespace carbongate::sinks::energy_platform {
namespace {

using namespace std::chrono_literals;
using config::printable;

constexpr std::size_t kBatchRecordsMax = 2'000;
constexpr std::size_t kEnterpriseKeysMax = 64;

std::string no_objection(const boost::urls::url_view&) {
  return {};
}

bool are_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// 统一社会信用代码, GB 32100: digits and capitals but for I, O, S, V, Z; the last one checks the others.
bool is_credit_code(std::string_view code) {
  constexpr std::string_view kLetters = "0123456789ABCDEFGHJKLMNPQRTUWXY";
  constexpr int kWeights[] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
  if (code.size() != 18) return false;
  int sum = 0;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const std::size_t worth = kLetters.find(code[i]);
    if (worth == std::string_view::npos) return false;
    if (i < 17) sum += static_cast<int>(worth) * kWeights[i];
  }
  return code.back() == kLetters[static_cast<std::size_t>((31 - sum % 31) % 31)];
}

void read_identity(config::Reader& in, Config& config) {
  config.enterprise_code = in.required<std::string>("enterprise_code");
  if (!config.enterprise_code.empty() && !is_credit_code(config.enterprise_code)) {
    in.error("enterprise_code", "'" + printable(config.enterprise_code) +
                                    "' is no 统一社会信用代码: 18 characters, of which the last checks the others");
  }
  config.region = in.required<std::string>("region");
  if (!config.region.empty() && (config.region.size() != 6 || !are_digits(config.region))) {
    in.error("region", "'" + printable(config.region) + "' is no 行政区划代码 of six digits (GB/T 2260)");
  }
  const config::Node* enterprise = in.child("enterprise");
  if (!enterprise) return;
  if (!enterprise->is_map() || enterprise->members().size() > kEnterpriseKeysMax) {
    return in.error("enterprise", "is a map of at most 64 members, sent as it is: {name: ..., industryCode: \"3110\"}");
  }
  for (const config::Node::Member& member : enterprise->members()) {
    if (!member.value->is_scalar()) {
      in.error("enterprise", "'" + printable(member.key) + "' is neither text nor number");
      continue;
    }
    const std::string& text = member.value->scalar();
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = !member.value->quoted() && error == std::errc() && end == text.data() + text.size();
    if (is_number) {
      config.enterprise[member.key] = number;
    } else {
      config.enterprise[member.key] = text;
    }
  }
}

}  // namespace

Config Config::from(config::Reader& in, const config::Node& root) {
  Config config;
  static_cast<shared::HttpEndpoint&>(config) =
      shared::read_http_endpoint(in, "https://nhjc.province.example/register", &no_objection);
  config.dialect = read_dialect(in);
  if (config.target.empty()) config.target = "/";
  if (!config.dialect.token.path.empty() && !in.has("token_file") && !in.has("token_env")) {
    in.missing("token_file",
               "token_file or token_env is missing: the dialect '" + config.dialect.name + "' asks for a token by it");
  }
  if (!config.server.tls && !config.server.host.empty() && !config::is_loopback(config.server.host)) {
    in.warning("url", "is not encrypted: the specification wants HTTPS");
  }
  read_identity(in, config);
  config.items = read_items(in, root);
  const std::string upload_time = in.value_or("upload_time", "08:30");
  if (const auto time = config::time_of_day(upload_time); time && *time < 24h) {
    config.upload_time = *time;
  } else {
    in.error("upload_time", "'" + printable(upload_time) + "' is no time of day such as 08:30");
  }
  config.check_every = in.in_range<std::chrono::milliseconds>("check_every", 1h, 1s, 24h);
  config.batch_records = in.in_range<std::size_t>("batch_records", config.batch_records, 1, kBatchRecordsMax);
  config.timeout = in.in_range<std::chrono::milliseconds>("timeout", 30s, 100ms, 5min);
  config.time_zone = shared::zone_of_site(root);
  return config;
}

}  // namespace carbongate::sinks::energy_platform
