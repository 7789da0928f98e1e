// Who may use the gateway: users, who log in, and tokens, which programs show. The text of the files that keep them.
//
//   users    carbongate-users-1                         the first line
//            NAME ROLE PASSWORD                         one line a user; PASSWORD: password.h
//   tokens   carbongate-tokens-1
//            ID ROLE CREATED EXPIRES HASH NAME          one line a token; times in ms since 1970, EXPIRES "-": never;
//                                                       HASH: SHA-256 of the token in hex
//
// A token is "cgt_" ID "_" SECRET: 8 and 64 digits of hex. Only its hash is kept; ID finds its line.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/problem.h"
#include "drivers/api/reading.h"
#include "gateway/ledger/chain.h"
#include "gateway/ops/access/password.h"
#include "gateway/ops/access/random.h"
#include "gateway/ops/access/role.h"

namespace carbongate::access {

struct User {
  std::string name;
  Role role = Role::viewer;
  PasswordHash password;
  friend bool operator==(const User&, const User&) = default;
};

struct Token {
  std::string id;
  std::string name;  // what it is for
  Role role = Role::viewer;
  Instant created{};
  std::optional<Instant> expires;  // from this instant on it is worth nothing
  ledger::Hash hash{};
  friend bool operator==(const Token&, const Token&) = default;
};

inline constexpr std::size_t kUsersMax = 500;
inline constexpr std::size_t kTokensMax = 500;
inline constexpr std::size_t kNameBytesMax = 64;
inline constexpr std::size_t kPeopleFileBytesMax = 512 * 1024;

// Why this is no name of a user or token; "": it is one. Letters, digits, Chinese characters, and . _ - @ between.
std::string why_no_name(std::string_view name);

std::string to_text(std::span<const User> users);
std::string to_text(std::span<const Token> tokens);

// `file`: its name, for messages. With errors in `problems` what is returned is of no use.
std::vector<User> parse_users(std::string_view text, const std::string& file, config::Problems& problems);
std::vector<Token> parse_tokens(std::string_view text, const std::string& file, config::Problems& problems);

// A new token: `text` is shown once.
struct NewToken {
  Token token;
  std::string text;
};
NewToken make_token(std::string name, Role role, Instant created, std::optional<Instant> expires,
                    const Randomness& randomness);

// The one that `text` is, whether or not it has expired; nullptr: none. Takes as long for a wrong secret as for a right
// one.
const Token* find_token(std::span<const Token> tokens, std::string_view text);

}  // namespace carbongate::access
