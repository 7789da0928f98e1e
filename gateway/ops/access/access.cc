#include "gateway/ops/access/access.h"

#include <algorithm>
#include <utility>

namespace carbongate::access {
namespace {

// A token that was made later than now: the clock has fallen back, and what has expired cannot be told.
constexpr Duration kClockSlack = std::chrono::minutes(5);

int whole_seconds(Steady time) {
  return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(time).count());
}

Refusal wrong_password() {
  return {.status = 401, .code = "wrong_password", .text = "There is no such user, or the password is wrong."};
}

}  // namespace

bool PasswordCheck::is_right() const {
  return is_password(password_.reveal(), user_.password) && is_known_;
}

Access::Access(Settings settings, Randomness randomness)
    : settings_(std::move(settings)), sessions_(settings_.sessions, std::move(randomness)), limit_(settings_.tries) {}

void Access::take_up(std::vector<User> users, std::vector<Token> tokens) {
  users_ = std::move(users);
  tokens_ = std::move(tokens);
  sessions_.keep_only(users_);
}

std::optional<Refusal> Access::refuse_from_elsewhere(const Request& request) {
  if (!is_from_elsewhere(request, settings_.origins)) return std::nullopt;
  ++counters_.from_elsewhere;
  return Refusal{.status = 403,
                 .code = "from_elsewhere",
                 .text = "The request comes from a page of another origin; only the gateway's own may change things."};
}

std::variant<Identity, Refusal> Access::authenticate(const Request& request, Now now) {
  if (!settings_.logins) {
    if (!is_asked_as_loopback(request.host)) {
      ++counters_.from_elsewhere;
      return Refusal{.status = 421,
                     .code = "unknown_host",
                     .text = "Without logins the gateway answers only as localhost, 127.0.0.1 or [::1]."};
    }
    if (changes_something(request.method)) {
      if (auto refusal = refuse_from_elsewhere(request)) return *std::move(refusal);
    }
    return Identity{.expires = Instant::max()};
  }
  if (!request.authorization.empty()) {
    const auto token = bearer_of(request.authorization);
    return by_token(token.value_or(""), now);
  }
  if (const auto id = session_id_of(request.cookie)) return by_session(*id, request, now);
  ++counters_.no_credentials;
  return Refusal{.status = 401, .code = "no_credentials", .text = "Log in, or show a token."};
}

std::variant<Identity, Refusal> Access::by_token(std::string_view text, Now now) {
  const Token* const token = find_token(tokens_, text);
  if (token == nullptr) {
    ++counters_.bad_credentials;
    return Refusal{.status = 401, .code = "unknown_token", .text = "There is no such token, or it was revoked."};
  }
  if (token->expires && now.wall >= *token->expires) {
    ++counters_.bad_credentials;
    return Refusal{.status = 401, .code = "expired_token", .text = "The token has expired."};
  }
  if (token->expires && now.wall + kClockSlack < token->created) {
    ++counters_.bad_credentials;
    return Refusal{.status = 401,
                   .code = "clock_behind",
                   .text =
                       "The gateway's clock is behind the time at which the token was made; whether it has "
                       "expired cannot be told."};
  }
  return Identity{.kind = Identity::Kind::token,
                  .name = token->name,
                  .role = token->role,
                  .token_id = token->id,
                  .expires = token->expires.value_or(Instant::max())};
}

Identity Access::identity_of(const Session& session, const Sessions::Key& key, Now now) const {
  return {.kind = Identity::Kind::session,
          .name = session.user.name,
          .role = session.user.role,
          .csrf = session.csrf,
          .session = key,
          .expires = now.wall + sessions_.time_left(session, now.steady)};
}

std::variant<Identity, Refusal> Access::by_session(std::string_view id, const Request& request, Now now) {
  const Sessions::Key key = Sessions::key_of(id);
  const Session* const session = sessions_.use(key, now.steady);
  if (session == nullptr) {
    ++counters_.bad_credentials;
    return Refusal{.status = 401, .code = "session_ended", .text = "The session has ended; log in again."};
  }
  if (changes_something(request.method)) {
    if (auto refusal = refuse_from_elsewhere(request)) return *std::move(refusal);
    if (!are_equal_in_constant_time(request.csrf_token, session->csrf)) {
      ++counters_.from_elsewhere;
      return Refusal{.status = 403,
                     .code = "csrf_token",
                     .text = "The field X-CSRF-Token is missing or not the session's; GET /api/v1/session tells it."};
    }
  }
  return identity_of(*session, key, now);
}

std::optional<Refusal> Access::admit(const Identity& who, Role needed) {
  if (covers(who.role, needed)) return std::nullopt;
  ++counters_.not_allowed;
  return Refusal{.status = 403,
                 .code = "role",
                 .text = "This needs the role " + std::string(name_of(needed)) + "; '" + who.name + "' is " +
                         std::string(name_of(who.role)) + "."};
}

bool Access::is_still_valid(const Identity& who, Now now) {
  switch (who.kind) {
    case Identity::Kind::anyone: return !settings_.logins;
    case Identity::Kind::session: return who.session && sessions_.use(*who.session, now.steady) != nullptr;
    case Identity::Kind::token: {
      const auto found = std::ranges::find(tokens_, who.token_id, &Token::id);
      return found != tokens_.end() && found->role == who.role && (!found->expires || now.wall < *found->expires);
    }
  }
  return false;
}

std::variant<PasswordCheck, Refusal> Access::begin_login(const Request& request, std::string user,
                                                         config::Secret password, Now now) {
  if (!settings_.logins) {
    return Refusal{.status = 403, .code = "no_logins", .text = "Logins are off: nobody needs to log in."};
  }
  if (auto refusal = refuse_from_elsewhere(request)) return *std::move(refusal);
  if (checks_ >= kChecksAtOnceMax) {
    ++counters_.logins_limited;
    return Refusal{.status = 503, .code = "busy", .text = "Others log in just now; try again.", .retry_after_s = 1};
  }
  if (const Steady wait = limit_.take(request.address, user, now.steady); wait > Steady::zero()) {
    ++counters_.logins_limited;
    return Refusal{.status = 429,
                   .code = "too_many_tries",
                   .text = "Too many tries to log in; wait a while.",
                   .retry_after_s = whole_seconds(wait)};
  }
  ++checks_;
  PasswordCheck check;
  const auto found = std::ranges::find(users_, user, &User::name);
  check.is_known_ = found != users_.end();
  check.user_ = check.is_known_ ? *found : User{.name = std::move(user), .role = Role::viewer, .password = decoy()};
  check.password_ = std::move(password);
  check.address_ = request.address;
  check.is_secure_ = request.secure;
  if (const auto id = session_id_of(request.cookie)) check.replaces_ = Sessions::key_of(*id);
  return check;
}

std::variant<Login, Refusal> Access::finish_login(PasswordCheck check, bool is_right, Now now) {
  if (checks_ > 0) --checks_;
  // The files may have changed while the password was checked.
  const bool is_there = std::ranges::find(users_, check.user_) != users_.end();
  if (!is_right || !check.is_known_ || !is_there) {
    ++counters_.logins_wrong;
    return wrong_password();
  }
  ++counters_.logins;
  limit_.succeeded(check.address_, check.user_.name, now.steady);
  if (check.replaces_) sessions_.end(*check.replaces_);
  const auto begun = sessions_.begin(check.user_, now.steady);
  return Login{.identity = identity_of(*begun.session, Sessions::key_of(begun.id), now),
               .cookie = set_cookie(begun.id, check.is_secure_)};
}

std::string Access::log_out(const Identity& who, bool secure) {
  if (who.session) sessions_.end(*who.session);
  return clear_cookie(secure);
}

}  // namespace carbongate::access
