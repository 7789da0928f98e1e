#include "gateway/cli/tokens.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <vector>

#include "config/reader/reader.h"
#include "config/reader/text.h"
#include "gateway/cli/option_word.h"
#include "gateway/cli/page.h"
#include "gateway/cli/people_change.h"
#include "gateway/cli/time_text.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/table_writer.h"
#include "protocols/io/system_clock.h"

namespace carbongate::cli {
namespace {

using access::People;
using access::Token;

struct Expiry {
  std::optional<Instant> at;
  bool is_understood = false;
};

Expiry read_expiry(const std::string& text, Instant now, const std::string& zone) {
  if (text == "never") return {.at = std::nullopt, .is_understood = true};
  if (const auto after = config::parse_duration(text)) return {.at = now + *after, .is_understood = true};
  const auto at = parse_time(text, zone);
  return {.at = at, .is_understood = at.has_value()};
}

}  // namespace

int run_tokens_list(const TokensOptions& options, std::ostream& out, std::ostream& err) {
  if (!is_one_of("--format", options.format, {"table", "csv", "jsonl"}, err)) return EX_USAGE;
  const auto config = load_for_access(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const auto people = load_people(config->store.path, err);
  if (!people) return EX_CANTCREAT;
  tables::LocalTime local(config->site.time_zone);
  const Instant now = io::SystemClock().now();
  const auto state = [now](const Token& token) { return token.expires && *token.expires <= now ? "expired" : "valid"; };
  const auto expires = [&local](const Token& token) { return token.expires ? local(*token.expires) : "never"; };
  if (options.format == "table") {
    if (people->tokens.empty()) {
      out << "no tokens\n";
      return 0;
    }
    std::vector<std::vector<std::string>> rows;
    for (const Token& token : people->tokens) {
      rows.push_back(
          {token.id, token.name, std::string(name_of(token.role)), local(token.created), expires(token), state(token)});
    }
    Page page;
    page.table({{.title = "id"},
                {.title = "name"},
                {.title = "role"},
                {.title = "created"},
                {.title = "expires"},
                {.title = "state"}},
               rows);
    out << std::move(page).text();
    return 0;
  }
  constexpr auto kColumns =
      std::to_array<tables::TableWriter::Column>({{"id"}, {"name"}, {"role"}, {"created"}, {"expires"}, {"state"}});
  using Format = tables::TableWriter::Format;
  tables::TableWriter writer(out, options.format == "csv" ? Format::csv : Format::jsonl, kColumns);
  for (const Token& token : people->tokens) {
    writer.cell(token.id).cell(token.name).cell(name_of(token.role));
    writer.cell(local(token.created)).cell(expires(token)).cell(state(token));
  }
  return writer.flush() ? 0 : EX_IOERR;
}

int run_tokens_add(const TokensOptions& options, std::ostream& out, std::ostream& err) {
  if (!is_one_of("--role", options.role, {"metrics", "viewer", "operator", "administrator"}, err)) return EX_USAGE;
  if (const std::string why = access::why_no_name(options.name); !why.empty()) {
    err << why << "\n";
    return EX_DATAERR;
  }
  const auto config = load_for_access(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const Instant now = io::SystemClock().now();
  const Expiry expiry = read_expiry(options.expires, now, config->site.time_zone);
  if (!expiry.is_understood || (expiry.at && *expiry.at <= now)) {
    err << fmt::format("--expires: '{}' is no time to come; write 90d, 2027-01-01 or never\n",
                       config::printable(options.expires));
    return EX_DATAERR;
  }
  access::NewToken made;
  const int status = change_people(
      config->store.path, "add token", options.name + " as " + options.role + ", expires " + options.expires,
      [&](People& people) -> std::string {
        if (people.tokens.size() >= access::kTokensMax) {
          return fmt::format("there are {} tokens, and there cannot be more; revoke some", access::kTokensMax);
        }
        do {
          made = access::make_token(options.name, *access::find_role(options.role), now, expiry.at,
                                    access::system_randomness);
        } while (std::ranges::find(people.tokens, made.token.id, &Token::id) != people.tokens.end());
        people.tokens.push_back(made.token);
        return "";
      },
      err);
  if (status != 0) return status;
  out << made.text << "\n";
  err << "it is shown this once; programs send it as 'Authorization: Bearer TOKEN'. To take it back: tokens CONFIG "
         "revoke "
      << made.token.id << "\n";
  return 0;
}

int run_tokens_revoke(const TokensOptions& options, std::ostream& out, std::ostream& err) {
  const auto config = load_for_access(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const int status = change_people(
      config->store.path, "revoke token", options.id,
      [&](People& people) -> std::string {
        if (std::erase_if(people.tokens, [&](const Token& token) { return token.id == options.id; }) != 0) return "";
        std::vector<std::string> ids;
        for (const Token& token : people.tokens) ids.push_back(token.id);
        return fmt::format("there is no token '{}'{}", config::printable(options.id),
                           config::suggestion(options.id, ids));
      },
      err);
  if (status == 0) out << options.id << " is worth nothing any more\n";
  return status;
}

}  // namespace carbongate::cli
