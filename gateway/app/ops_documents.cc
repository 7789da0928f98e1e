#include "gateway/app/ops_documents.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "config/reader/node.h"
#include "gateway/cli/explain.h"
#include "gateway/cli/export.h"
#include "gateway/cli/statement.h"
#include "gateway/cli/time_text.h"

namespace carbongate::app {

namespace json = boost::json;

namespace {

constexpr std::string_view kHidden = "***";

bool contains(std::string_view text, std::string_view word) {
  const auto lower = [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); };
  return std::search(text.begin(), text.end(), word.begin(), word.end(),
                     [&](char a, char b) { return lower(static_cast<unsigned char>(a)) == b; }) != text.end();
}

// Names of values that let somebody in. Where a secret lies (`password_file`, `token_env`) is none.
bool names_a_secret(std::string_view key) {
  if (key.ends_with("_file") || key.ends_with("_env")) return false;
  constexpr std::array<std::string_view, 8> kWords{"password", "passwd",     "secret", "token",
                                                   "api_key",  "credential", "apikey", "authorization"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return contains(key, word); });
}

// Of a url what stands before an '@' and the values of its query, for both may let somebody in.
std::string without_credentials(std::string text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const std::size_t begin = scheme + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", begin), text.size());
  const std::size_t at = text.rfind('@', end);
  if (at != std::string::npos && at >= begin) text.replace(begin, at - begin, kHidden);
  std::size_t place = text.find('?');
  while (place != std::string::npos) {
    const std::size_t equals = text.find('=', place);
    if (equals == std::string::npos) break;
    const std::size_t next = text.find('&', equals);
    if (names_a_secret(text.substr(place + 1, equals - place - 1)) ||
        contains(text.substr(place + 1, equals - place - 1), "key")) {
      text.replace(equals + 1, (next == std::string::npos ? text.size() : next) - equals - 1, kHidden);
    }
    place = text.find('&', equals);
  }
  return text;
}

// Chat services have the secret in the path: https://chat.example/services/T000/B000/SECRET.
std::string host_alone(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return std::string(kHidden);
  const std::size_t end = url.find_first_of("/?#", scheme + 3);
  const bool has_more = end != std::string::npos && end + 1 < url.size();
  return without_credentials(url.substr(0, end)) + (has_more ? "/" + std::string(kHidden) : "");
}

// What of a tree is hidden: of a header its value, not its name, nor where its value lies.
enum class Hide : std::uint8_t { nothing, everything, headers, header };

Hide hide_in(Hide outer, std::string_view key) {
  if (outer == Hide::header) {
    const bool is_told = key == "name" || key.ends_with("_file") || key.ends_with("_env");
    return is_told ? Hide::nothing : Hide::everything;
  }
  if (outer != Hide::nothing || names_a_secret(key)) return Hide::everything;
  // Headers are sent to a server as they stand: whatever their names, one of them is its key.
  return key == "headers" ? Hide::headers : Hide::nothing;
}

bool is_webhook(const config::Node& map) {
  const config::Node* type = map.find("type");
  return type != nullptr && type->type() == config::Node::Type::scalar && type->scalar() == "webhook";
}

json::value to_json(const config::Node& node, Hide hide) {
  switch (node.type()) {
    case config::Node::Type::null: return nullptr;
    case config::Node::Type::scalar:
      return json::string(hide == Hide::nothing ? without_credentials(node.scalar()) : std::string(kHidden));
    case config::Node::Type::sequence: {
      json::array list;
      const Hide inner = hide == Hide::headers ? Hide::header : hide;
      for (const config::Node& item : node.items()) list.push_back(to_json(item, inner));
      return list;
    }
    case config::Node::Type::map: {
      json::object object;
      const bool hides_path = is_webhook(node);
      for (const auto& member : node.members()) {
        const bool is_url = member.key == "url" && member.value->type() == config::Node::Type::scalar;
        object[member.key] = hides_path && is_url ? json::value(host_alone(member.value->scalar()))
                                                  : to_json(*member.value, hide_in(hide, member.key));
      }
      return object;
    }
  }
  return nullptr;
}

// What a command says of its options, in the words of the API.
std::string in_words_of_api(std::string text) {
  constexpr auto kWords = std::to_array<std::pair<std::string_view, std::string_view>>({{"--user", "energy_user"},
                                                                                        {"--point", "point"},
                                                                                        {"--every", "every"},
                                                                                        {"--what", "kind"},
                                                                                        {"--from", "from"},
                                                                                        {"--to", "until"},
                                                                                        {"--of", "period"}});
  for (const auto& [option, parameter] : kWords) {
    for (std::size_t at = text.find(option); at != std::string::npos; at = text.find(option, at)) {
      text.replace(at, option.size(), parameter);
    }
  }
  return text;
}

// Runs a command, whose complaints are in the words of the API.
template <class Command>
int run(std::ostream& err, const Command& command) {
  std::ostringstream said;
  const int status = command(said);
  err << in_words_of_api(std::move(said).str());
  return status;
}

}  // namespace

OpsDocuments::OpsDocuments(const std::filesystem::path& file) : file_(file) {
  config::Problems problems;
  config_ = load_config(file, problems);
  if (problems.has_errors()) throw std::runtime_error(problems.to_text());
}

std::optional<Instant> OpsDocuments::parse_time(std::string_view text) const {
  return cli::parse_time(text, config_.site.time_zone);
}

int OpsDocuments::statement(const StatementAsk& ask, std::ostream& out, std::ostream& err) const {
  const auto parts = std::ranges::count(ask.period, '-');
  const cli::StatementOptions options{.period = parts == 2   ? "day"
                                                : parts == 1 ? "month"
                                                             : "year",
                                      .of = ask.period,
                                      .user = ask.user,
                                      .by = ask.by,
                                      .format = ask.format,
                                      .lang = ask.lang};
  return run(err,
             [&](std::ostream& said) { return cli::run_statement(config_, file_.parent_path(), options, out, said); });
}

int OpsDocuments::export_rows(const ExportAsk& ask, std::ostream& out, std::ostream& err) const {
  cli::ExportOptions options{.store = config_.store.path,
                             .what = ask.what,
                             .format = ask.format,
                             .from = ask.from,
                             .to = ask.until,
                             .time_zone = config_.site.time_zone};
  if (!ask.point.empty()) options.points.push_back(ask.point);
  options.every = ask.every;
  return run(err, [&](std::ostream& said) { return cli::run_export(options, out, said); });
}

int OpsDocuments::explanation(const ExplanationAsk& ask, std::ostream& out, std::ostream& err) const {
  const cli::ExplainOptions options{
      .entry = ask.name, .json = true, .readings = ask.readings, .entries = ask.entries, .result = ask.result};
  return cli::run_explain(config_, file_.parent_path(), options, out, err);
}

json::object OpsDocuments::configuration() const {
  config::Problems problems;
  const config::Node root = config::parse_file(file_, problems);
  json::value tree = to_json(root, Hide::nothing);
  return tree.is_object() ? std::move(tree.get_object()) : json::object();
}

}  // namespace carbongate::app
