// Who may do what over HTTP. Knows plain texts of requests and nothing of servers or files; time and randomness are
// handed in, so that tests are exact. The loop thread owns it; only PasswordCheck::is_right() may run elsewhere.
//
// A request:   authenticate() says who asks, admit() whether he may.
// A login:     begin_login(), then check.is_right() on a thread that may be kept busy, then finish_login().
// A stream:    is_still_valid() before each event, for the session may have ended since.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/reader/secret.h"
#include "gateway/ops/access/counters.h"
#include "gateway/ops/access/identity.h"
#include "gateway/ops/access/login_limit.h"
#include "gateway/ops/access/people.h"
#include "gateway/ops/access/random.h"
#include "gateway/ops/access/request.h"
#include "gateway/ops/access/role.h"
#include "gateway/ops/access/sessions.h"

namespace carbongate::access {

// Both kinds of time: what is written down is wall time, what is waited for is not.
struct Now {
  Instant wall{};
  Steady steady{};
};

struct Settings {
  bool logins = true;                     // false: whoever reaches the server is administrator; for loopback alone
  std::vector<std::string> origins = {};  // "https://park.example": further ones that pages may come from
  SessionLimits sessions = {};
  LoginTries tries = {};
};

// A password that waits to be checked. A value: may be moved to another thread.
class PasswordCheck {
 public:
  bool is_right() const;  // takes a tenth of a second and 32 MiB
  const std::string& user() const { return user_.name; }

 private:
  friend class Access;
  User user_;
  bool is_known_ = false;
  config::Secret password_;
  std::string address_;
  bool is_secure_ = false;
  std::optional<Sessions::Key> replaces_;
};

struct Login {
  Identity identity;
  std::string cookie;  // the whole Set-Cookie
};

class Access {
 public:
  static constexpr std::size_t kChecksAtOnceMax = 2;  // of passwords: each takes 32 MiB

  Access(Settings settings, Randomness randomness);

  // What the files say now: sessions of users who are gone, or have another role or password, end.
  void take_up(std::vector<User> users, std::vector<Token> tokens);

  std::variant<Identity, Refusal> authenticate(const Request& request, Now now);

  // nullopt: he may. `needed`: the role of the route.
  std::optional<Refusal> admit(const Identity& who, Role needed);

  // Whether what began as this may go on. A stream that is read keeps its session from being idle.
  bool is_still_valid(const Identity& who, Now now);

  std::variant<PasswordCheck, Refusal> begin_login(const Request& request, std::string user, config::Secret password,
                                                   Now now);
  // Must be called for each check that began, whatever came of it.
  std::variant<Login, Refusal> finish_login(PasswordCheck check, bool is_right, Now now);

  // The Set-Cookie that takes the cookie away. A token cannot log out: it is revoked.
  std::string log_out(const Identity& who, bool secure);

  bool has_logins() const { return settings_.logins; }
  const Counters& counters() const { return counters_; }
  std::size_t sessions() const { return sessions_.count(); }
  std::uint64_t sessions_pushed_out() const { return sessions_.pushed_out(); }

 private:
  std::variant<Identity, Refusal> by_token(std::string_view text, Now now);
  std::variant<Identity, Refusal> by_session(std::string_view id, const Request& request, Now now);
  std::optional<Refusal> refuse_from_elsewhere(const Request& request);
  Identity identity_of(const Session& session, const Sessions::Key& key, Now now) const;

  Settings settings_;
  std::vector<User> users_;
  std::vector<Token> tokens_;
  Sessions sessions_;
  LoginLimit limit_;
  std::size_t checks_ = 0;  // under way
  Counters counters_;
};

}  // namespace carbongate::access
