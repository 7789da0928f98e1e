#include "gateway/ops/access/audit.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "config/reader/text.h"

namespace carbongate::access {
namespace {

namespace json = boost::json;

std::string kept(const std::string& text) {
  return config::printable(text, kAuditTextMax);
}

}  // namespace

std::string to_line(const AuditEntry& entry) {
  const json::object line{{"number", entry.number},         {"at", entry.at.time_since_epoch().count()},
                          {"user", kept(entry.user)},       {"by", kept(entry.by)},
                          {"address", kept(entry.address)}, {"action", kept(entry.action)},
                          {"outcome", kept(entry.outcome)}, {"detail", kept(entry.detail)}};
  return json::serialize(line) + "\n";
}

std::optional<AuditEntry> parse_audit_line(std::string_view line) {
  boost::system::error_code error;
  const json::value parsed = json::parse(line, error);
  if (error || !parsed.is_object()) return std::nullopt;
  const json::object& object = parsed.get_object();
  const auto text = [&](std::string_view key) -> std::optional<std::string> {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->get_string());
  };
  const auto whole = [&](std::string_view key) -> std::optional<std::int64_t> {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_int64()) return std::nullopt;
    return value->get_int64();
  };
  const auto number = whole("number");
  const auto at = whole("at");
  auto user = text("user");
  auto by = text("by");
  auto address = text("address");
  auto action = text("action");
  auto outcome = text("outcome");
  auto detail = text("detail");
  if (!number || *number < 1 || !at || !user || !by || !address || !action || !outcome || !detail) return std::nullopt;
  return AuditEntry{.number = static_cast<std::uint64_t>(*number),
                    .at = Instant(Duration(*at)),
                    .user = *std::move(user),
                    .by = *std::move(by),
                    .address = *std::move(address),
                    .action = *std::move(action),
                    .outcome = *std::move(outcome),
                    .detail = *std::move(detail)};
}

}  // namespace carbongate::access
