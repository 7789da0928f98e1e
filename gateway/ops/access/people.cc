#include "gateway/ops/access/people.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <set>
#include <utility>

#include "config/reader/text.h"

namespace carbongate::access {
namespace {

constexpr std::string_view kUsersHeader = "carbongate-users-1";
constexpr std::string_view kTokensHeader = "carbongate-tokens-1";
constexpr std::string_view kTokenPrefix = "cgt_";
constexpr std::size_t kIdDigits = 8;
constexpr std::size_t kSecretDigits = 64;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// One CJK unified ideograph (U+3400 to U+4DBF, U+4E00 to U+9FFF) at the front of valid UTF-8.
bool starts_with_ideograph(std::string_view text) {
  if (text.size() < 3 || (static_cast<unsigned char>(text[0]) & 0xf0) != 0xe0) return false;
  const auto low = [&](std::size_t i) { return static_cast<unsigned char>(text[i]) & 0x3fu; };
  const unsigned code = (static_cast<unsigned char>(text[0]) & 0x0fu) << 12 | low(1) << 6 | low(2);
  return (code >= 0x3400 && code <= 0x4dbf) || (code >= 0x4e00 && code <= 0x9fff);
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// Exactly `count` words with one space between each; empty: it has not.
std::vector<std::string_view> words(std::string_view line, std::size_t count) {
  std::vector<std::string_view> out;
  while (out.size() < count) {
    const auto end = std::min(line.find(' '), line.size());
    out.push_back(line.substr(0, end));
    if (end == line.size()) break;
    line.remove_prefix(end + 1);
    if (out.size() == count) return {};
  }
  return out.size() == count ? out : std::vector<std::string_view>();
}

// Calls `take` with each line and its number, and reports what keeps the file from being one.
template <class Take>
void for_lines(std::string_view text, std::string_view header, const std::string& file, config::Problems& problems,
               Take take) {
  int number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const config::Place place{.file = file, .line = number, .column = 1};
    if (number == 1) {
      if (line == header) continue;
      problems.error(
          place, "'" + config::printable(line) + "' is not '" + std::string(header) + "'; is it of a newer version?");
      return;
    }
    if (end == std::string_view::npos) {
      problems.error(place, "the line does not end; the file is cut off");
      return;
    }
    if (line.empty() || line.starts_with('#')) continue;
    if (const std::string why = take(line); !why.empty()) problems.error(place, why);
  }
  if (number == 0) problems.error({.file = file}, "empty; the first line must be '" + std::string(header) + "'");
}

std::string bad_role(std::string_view word, bool of_token) {
  return "'" + config::printable(word) + "' is no role of a " + (of_token ? "token" : "user") +
         "; known: " + (of_token ? "metrics, " : "") + "viewer, operator, administrator";
}

}  // namespace

std::string why_no_name(std::string_view name) {
  const std::string shown = "'" + config::printable(name) + "'";
  if (name.empty()) return "the name is empty";
  if (name.size() > kNameBytesMax) return shown + " is longer than " + std::to_string(kNameBytesMax) + " bytes";
  const std::string allowed = "; letters, digits, Chinese characters, and . _ - @ between them make a name";
  if (config::find_invalid_text(name)) return shown + " is not UTF-8 text" + allowed;
  bool between = false;  // what stands at the front and at the end is a letter, a digit or a character
  for (std::string_view rest = name; !rest.empty();) {
    if (is_letter_or_digit(rest[0])) {
      between = true;
      rest.remove_prefix(1);
    } else if (starts_with_ideograph(rest)) {
      between = true;
      rest.remove_prefix(3);
    } else if (between && rest.size() > 1 && std::string_view("._-@").find(rest[0]) != std::string_view::npos) {
      rest.remove_prefix(1);
    } else {
      return shown + " is no name" + allowed;
    }
  }
  return "";
}

std::string to_text(std::span<const User> users) {
  std::string text(kUsersHeader);
  text += '\n';
  for (const User& user : users) {
    text.append(user.name).append(" ").append(name_of(user.role)).append(" ").append(to_text(user.password)) += '\n';
  }
  return text;
}

std::string to_text(std::span<const Token> tokens) {
  std::string text(kTokensHeader);
  text += '\n';
  for (const Token& token : tokens) {
    text.append(token.id).append(" ").append(name_of(token.role)).append(" ");
    text.append(std::to_string(token.created.time_since_epoch().count())).append(" ");
    text.append(token.expires ? std::to_string(token.expires->time_since_epoch().count()) : "-").append(" ");
    text.append(ledger::to_hex(token.hash)).append(" ").append(token.name) += '\n';
  }
  return text;
}

std::vector<User> parse_users(std::string_view text, const std::string& file, config::Problems& problems) {
  std::vector<User> users;
  std::set<std::string, std::less<>> names;
  for_lines(text, kUsersHeader, file, problems, [&](std::string_view line) -> std::string {
    const auto parts = words(line, 3);
    if (parts.empty()) return "not NAME ROLE PASSWORD; 'carbongate users' writes this file";
    if (auto why = why_no_name(parts[0]); !why.empty()) return why;
    const auto role = find_role(parts[1]);
    if (!role || *role == Role::metrics) return bad_role(parts[1], false);
    const auto password = parse_password_hash(parts[2]);
    if (!password) return "the password of '" + std::string(parts[0]) + "' is none that this version can check";
    if (!names.emplace(parts[0]).second) return "'" + std::string(parts[0]) + "' is there twice";
    if (users.size() == kUsersMax) return "more than " + std::to_string(kUsersMax) + " users";
    users.push_back({.name = std::string(parts[0]), .role = *role, .password = *password});
    return "";
  });
  return users;
}

std::vector<Token> parse_tokens(std::string_view text, const std::string& file, config::Problems& problems) {
  std::vector<Token> tokens;
  std::set<std::string, std::less<>> ids;
  for_lines(text, kTokensHeader, file, problems, [&](std::string_view line) -> std::string {
    const auto parts = words(line, 6);
    if (parts.empty()) return "not ID ROLE CREATED EXPIRES HASH NAME; 'carbongate tokens' writes this file";
    if (parts[0].size() != kIdDigits || !is_hex(parts[0])) return "'" + config::printable(parts[0]) + "' is no id";
    const auto role = find_role(parts[1]);
    if (!role) return bad_role(parts[1], true);
    const auto created = number(parts[2]);
    const auto expires = number(parts[3]);
    if (!created || (!expires && parts[3] != "-")) return "a time is not in milliseconds since 1970";
    const auto hash = ledger::from_hex<32>(parts[4]);
    if (!hash) return "'" + config::printable(parts[4]) + "' is no SHA-256 in hex";
    if (auto why = why_no_name(parts[5]); !why.empty()) return why;
    if (!ids.emplace(parts[0]).second) return "'" + std::string(parts[0]) + "' is there twice";
    if (tokens.size() == kTokensMax) return "more than " + std::to_string(kTokensMax) + " tokens";
    tokens.push_back({.id = std::string(parts[0]),
                      .name = std::string(parts[5]),
                      .role = *role,
                      .created = Instant(Duration(*created)),
                      .expires = expires ? std::optional(Instant(Duration(*expires))) : std::nullopt,
                      .hash = *hash});
    return "";
  });
  return tokens;
}

NewToken make_token(std::string name, Role role, Instant created, std::optional<Instant> expires,
                    const Randomness& randomness) {
  std::array<std::uint8_t, kIdDigits / 2> id{};
  randomness(id);
  NewToken made;
  made.token = {
      .id = ledger::to_hex(id), .name = std::move(name), .role = role, .created = created, .expires = expires};
  made.text.append(kTokenPrefix).append(made.token.id).append("_").append(random_secret(randomness));
  made.token.hash = ledger::sha256(made.text);
  return made;
}

const Token* find_token(std::span<const Token> tokens, std::string_view text) {
  if (text.size() != kTokenPrefix.size() + kIdDigits + 1 + kSecretDigits || !text.starts_with(kTokenPrefix)) {
    return nullptr;
  }
  const std::string_view id = text.substr(kTokenPrefix.size(), kIdDigits);
  const std::string hash = ledger::to_hex(ledger::sha256(text));
  const auto found = std::ranges::find(tokens, id, &Token::id);
  if (found == tokens.end() || !are_equal_in_constant_time(hash, ledger::to_hex(found->hash))) return nullptr;
  return &*found;
}

}  // namespace carbongate::access
