#include "gateway/sinks/energy_platform/dialect_file.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "config/reader/data_files.h"
#include "config/reader/text.h"
#include "gateway/model/quality.h"

namespace carbongate::sinks::energy_platform {
namespace {

namespace codec = carbongate::energy_platform;
using config::printable;

constexpr std::string_view kPlatforms = "platforms";
constexpr int kExtendsMax = 4;

// Without a scheme and a host: below the server of the registration.
void check_path(config::Reader& in, std::string_view key, const std::string& path) {
  if (!path.empty() && !path.starts_with('/')) in.error(key, "is no path: it begins with '/'");
}

void read_places(config::Reader& in, codec::Dialect& dialect) {
  const config::Node* operations = in.child("operations");
  if (!operations) return;
  config::Reader places(*operations, in.problems());
  for (std::size_t i = 0; i < codec::kOperationCount; ++i) {
    const config::Node* node = places.child(to_string(static_cast<codec::Operation>(i)));
    if (!node) continue;
    config::Reader place(*node, in.problems());
    codec::Place& to = dialect.places.at(i);
    to.field = place.value_or("field", "");
    to.path = place.value_or("path", "");
    check_path(place, "path", to.path);
    place.finish();
  }
  places.finish();
}

void read_token_rules(config::Reader& in, codec::Dialect& dialect) {
  const config::Node* node = in.child("token");
  if (!node) return;
  config::Reader token(*node, in.problems());
  dialect.token.path = token.required<std::string>("path");
  check_path(token, "path", dialect.token.path);
  dialect.token.header = token.value_or("header", "");
  dialect.token.field = token.required<std::string>("field");
  dialect.token.expires = token.value_or("expires", "");
  dialect.token.secret = token.value_or("secret", "secret");
  token.finish();
}

void read_json(config::Reader& in, std::string_view key, std::string& to) {
  to = in.value_or(key, to);
  boost::system::error_code error;
  const auto value = boost::json::parse(to, error);
  if (error || value.is_object() || value.is_array()) in.error(key, "is no JSON: true, false, 0, or \"\\\"0\\\"\"");
}

// What is missing has no value that could be valid.
void read_valid_origins(config::Reader& in, codec::Dialect& dialect) {
  dialect.valid_origins = in.value_or("valid_origins", dialect.valid_origins);
  using enum model::Origin;
  std::vector<std::string> known;
  for (const model::Origin origin : {measured, late, estimated, substituted, manual}) {
    known.emplace_back(to_string(origin));
  }
  for (const std::string& word : dialect.valid_origins) {
    if (std::ranges::find(known, word) != known.end()) continue;
    in.error("valid_origins", "'" + printable(word) + "' is not one of measured, late, estimated, substituted, manual" +
                                  config::suggestion(word, known));
  }
}

void read_names(config::Reader& in, codec::Dialect& dialect) {
  const config::Node* names = in.child("names");
  if (!names) return;
  if (!names->is_map()) return in.error("names", "is a map: {maker: manufacturer}");
  for (const config::Node::Member& member : names->members()) {
    if (member.value->is_scalar()) dialect.names[member.key] = member.value->scalar();
  }
}

// Over what `dialect` is already.
void read_file(const config::DataFiles& data, const std::string& name, config::Reader& from, std::string_view key,
               codec::Dialect& dialect, int depth) {
  const auto file = data.find(kPlatforms, name);
  if (!file || depth > kExtendsMax) {
    return from.error(
        key, file ? "extends itself"
                  : "there is no dialect '" + printable(name) + "'" + config::suggestion(name, data.names(kPlatforms)));
  }
  const config::Node root = config::parse_text(file->text, file->where, from.problems());
  config::Reader in(root, from.problems());
  if (const auto base = in.optional<std::string>("extends")) {
    read_file(data, *base, in, "extends", dialect, depth + 1);
  }
  dialect.name = in.value_or("name", file->name);
  in.value_or("note", "");
  dialect.success = in.value_or("success", dialect.success);
  dialect.code_field = in.value_or("code_field", dialect.code_field);
  dialect.message_field = in.value_or("message_field", dialect.message_field);
  dialect.register_path = in.value_or("register_path", dialect.register_path);
  check_path(in, "register_path", dialect.register_path);
  read_places(in, dialect);
  read_token_rules(in, dialect);
  dialect.encrypts = in.one_of("encryption", {"none", "sm4-ecb"}, dialect.encrypts ? 1 : 0) == 1;
  dialect.dashes = in.value_or("dashes", dialect.dashes);
  dialect.numbers_as_text = in.one_of("numbers", {"number", "text"}, dialect.numbers_as_text ? 1 : 0) == 1;
  read_json(in, "valid", dialect.valid);
  read_json(in, "invalid", dialect.invalid);
  read_valid_origins(in, dialect);
  dialect.valid_watched_percent =
      in.in_range<std::uint32_t>("valid_watched_percent", dialect.valid_watched_percent, 0, 100);
  dialect.month_day = in.in_range<std::uint32_t>("month_day", dialect.month_day, 1, 28);
  read_names(in, dialect);
  in.finish();
}

}  // namespace

codec::Dialect read_dialect(config::Reader& in) {
  codec::Dialect dialect;
  const config::DataFiles data(std::filesystem::path(in.node().place().file).parent_path());
  read_file(data, in.value_or("dialect", "base"), in, "dialect", dialect, 0);
  return dialect;
}

}  // namespace carbongate::sinks::energy_platform
