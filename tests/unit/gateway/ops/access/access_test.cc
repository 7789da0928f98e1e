#include "gateway/ops/access/access.h"

#include <gtest/gtest.h>

#include "known_randomness.h"

namespace carbongate::access {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPassword = "correct horse battery";

Now at(Steady passed) {
  return {.wall = Instant(Duration(1'790'000'000'000)) + passed, .steady = 1h + passed};
}

// One hash for all tests: it takes a tenth of a second.
const PasswordHash& password_hash() {
  static const PasswordHash hash = hash_password(kPassword, KnownRandomness());
  return hash;
}

class AccessTest : public testing::Test {
 protected:
  AccessTest() { take_up(); }

  void take_up() { access_.take_up(users_, tokens_); }

  std::variant<Login, Refusal> log_in(const std::string& user, std::string_view password, Now now,
                                      std::string_view cookie = "") {
    const Request request{.method = "POST", .host = "box", .cookie = cookie, .secure = true, .address = "192.0.2.7"};
    auto begun = access_.begin_login(request, user, config::Secret(std::string(password)), now);
    if (auto* refusal = std::get_if<Refusal>(&begun)) return std::move(*refusal);
    auto& check = std::get<PasswordCheck>(begun);
    const bool is_right = check.is_right();
    return access_.finish_login(std::move(check), is_right, now);
  }

  // "carbongate_session=..." of a login that must succeed.
  std::string cookie_of(const std::string& user, Now now = at(0s)) {
    auto login = log_in(user, kPassword, now);
    if (!std::holds_alternative<Login>(login)) {
      ADD_FAILURE() << std::get<Refusal>(login).code;
      return "";
    }
    const std::string& cookie = std::get<Login>(login).cookie;
    return cookie.substr(0, cookie.find(';'));
  }

  std::string code_of(const Request& request, Now now = at(1s)) {
    const auto answer = access_.authenticate(request, now);
    const auto* refusal = std::get_if<Refusal>(&answer);
    return refusal != nullptr ? refusal->code : "";
  }

  NewToken add_token(Role role, std::optional<Instant> expires) {
    NewToken made = make_token("erp", role, at(0s).wall, expires, std::ref(randomness_));
    tokens_.push_back(made.token);
    take_up();
    return made;
  }

  KnownRandomness randomness_;
  std::vector<User> users_{{.name = "li", .role = Role::operator_, .password = password_hash()},
                           {.name = "wang", .role = Role::viewer, .password = password_hash()}};
  std::vector<Token> tokens_;
  Access access_{{.sessions = {.idle = 10min, .age = 1h}}, KnownRandomness()};
};

TEST_F(AccessTest, NobodyGetsInWithoutCredentials) {
  const auto answer = access_.authenticate({.host = "box"}, at(0s));
  ASSERT_TRUE(std::holds_alternative<Refusal>(answer));
  EXPECT_EQ(std::get<Refusal>(answer).status, 401);
  EXPECT_EQ(std::get<Refusal>(answer).code, "no_credentials");
  EXPECT_EQ(access_.counters().no_credentials, 1U);
}

TEST_F(AccessTest, ALoginOpensASession) {
  const auto login = log_in("li", kPassword, at(0s));
  ASSERT_TRUE(std::holds_alternative<Login>(login));
  const Identity& who = std::get<Login>(login).identity;
  EXPECT_EQ(who.name, "li");
  EXPECT_EQ(who.role, Role::operator_);
  EXPECT_EQ(who.csrf.size(), 64U);
  EXPECT_EQ(who.expires, at(10min).wall);
  EXPECT_NE(std::get<Login>(login).cookie.find("; Secure"), std::string::npos);

  const std::string cookie = std::get<Login>(login).cookie.substr(0, 19 + 64);
  const auto answer = access_.authenticate({.host = "box", .cookie = cookie}, at(5min));
  ASSERT_TRUE(std::holds_alternative<Identity>(answer));
  EXPECT_EQ(std::get<Identity>(answer).name, "li");
  EXPECT_EQ(std::get<Identity>(answer).csrf, who.csrf);
  EXPECT_EQ(code_of({.host = "box", .cookie = cookie}, at(16min)), "session_ended");
  EXPECT_EQ(access_.counters().logins, 1U);
}

TEST_F(AccessTest, AWrongPasswordAndAnUnknownUserAreToldAlike) {
  const auto wrong = log_in("li", "correct horse batteri", at(0s));
  const auto unknown = log_in("nobody", kPassword, at(0s));
  ASSERT_TRUE(std::holds_alternative<Refusal>(wrong));
  ASSERT_TRUE(std::holds_alternative<Refusal>(unknown));
  EXPECT_EQ(std::get<Refusal>(wrong).code, "wrong_password");
  EXPECT_EQ(std::get<Refusal>(wrong).text, std::get<Refusal>(unknown).text);
  EXPECT_EQ(std::get<Refusal>(wrong).status, std::get<Refusal>(unknown).status);
  EXPECT_EQ(access_.counters().logins_wrong, 2U);
  EXPECT_EQ(access_.sessions(), 0U);
}

TEST_F(AccessTest, ALoginNeverTakesTheIdThatTheBrowserShows) {
  const std::string planted = std::string(kSessionCookie) + "=" + std::string(64, 'a');
  const auto login = log_in("li", kPassword, at(0s), planted);
  ASSERT_TRUE(std::holds_alternative<Login>(login));
  EXPECT_EQ(std::get<Login>(login).cookie.find(std::string(64, 'a')), std::string::npos);
  EXPECT_EQ(code_of({.host = "box", .cookie = planted}), "session_ended");
}

TEST_F(AccessTest, ALoginEndsTheSessionThatTheBrowserHad) {
  const std::string before = cookie_of("li");
  log_in("wang", kPassword, at(1s), before);
  EXPECT_EQ(code_of({.host = "box", .cookie = before}, at(2s)), "session_ended");
  EXPECT_EQ(access_.sessions(), 1U);
}

TEST_F(AccessTest, ChangesNeedTheTokenOfTheSession) {
  const std::string cookie = cookie_of("li");
  const auto looked = access_.authenticate({.host = "box", .cookie = cookie}, at(1s));
  const std::string csrf = std::get<Identity>(looked).csrf;
  const auto post = [&](std::string_view token, std::string_view origin = "", std::string_view site = "") {
    return code_of({.method = "POST",
                    .host = "box",
                    .cookie = cookie,
                    .csrf_token = token,
                    .origin = origin,
                    .fetch_site = site,
                    .secure = true});
  };
  EXPECT_EQ(post(csrf), "");
  EXPECT_EQ(post(csrf, "https://box", "same-origin"), "");
  EXPECT_EQ(post(""), "csrf_token");
  EXPECT_EQ(post(csrf.substr(1)), "csrf_token");
  EXPECT_EQ(post(std::string(64, '0')), "csrf_token");
  EXPECT_EQ(post(csrf, "https://evil.example"), "from_elsewhere");
  EXPECT_EQ(post(csrf, "", "cross-site"), "from_elsewhere");
  EXPECT_EQ(access_.counters().from_elsewhere, 5U);

  std::get<Identity>(access_.authenticate({.host = "box", .cookie = cookie_of("wang")}, at(1s)));
  const auto other = access_.authenticate({.host = "box", .cookie = cookie_of("wang")}, at(1s));
  EXPECT_EQ(post(std::get<Identity>(other).csrf), "csrf_token") << "of another session";
}

TEST_F(AccessTest, ALoginFromAnotherSitesPageIsRefused) {
  const Request request{.method = "POST", .host = "box", .origin = "https://evil.example"};
  const auto begun = access_.begin_login(request, "li", config::Secret(std::string(kPassword)), at(0s));
  ASSERT_TRUE(std::holds_alternative<Refusal>(begun));
  EXPECT_EQ(std::get<Refusal>(begun).code, "from_elsewhere");
}

TEST_F(AccessTest, ALogoutEndsTheSession) {
  const std::string cookie = cookie_of("li");
  const auto who = access_.authenticate({.host = "box", .cookie = cookie}, at(1s));
  EXPECT_TRUE(access_.is_still_valid(std::get<Identity>(who), at(1s)));
  EXPECT_NE(access_.log_out(std::get<Identity>(who), true).find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(code_of({.host = "box", .cookie = cookie}), "session_ended");
  EXPECT_FALSE(access_.is_still_valid(std::get<Identity>(who), at(1s))) << "and the streams that it opened";
}

TEST_F(AccessTest, ANewRoleOrPasswordEndsSessions) {
  const std::string li = cookie_of("li");
  const std::string wang = cookie_of("wang");
  users_[0].role = Role::viewer;
  take_up();
  EXPECT_EQ(code_of({.host = "box", .cookie = li}), "session_ended");
  EXPECT_EQ(code_of({.host = "box", .cookie = wang}), "");
  users_[1].password.salt[0] ^= 1;
  take_up();
  EXPECT_EQ(code_of({.host = "box", .cookie = wang}), "session_ended");
}

TEST_F(AccessTest, AUserWhoGoesWhileHisPasswordIsCheckedStaysOut) {
  auto begun =
      access_.begin_login({.method = "POST", .host = "box"}, "li", config::Secret(std::string(kPassword)), at(0s));
  auto& check = std::get<PasswordCheck>(begun);
  const bool is_right = check.is_right();
  EXPECT_TRUE(is_right);
  users_.erase(users_.begin());
  take_up();
  EXPECT_TRUE(std::holds_alternative<Refusal>(access_.finish_login(std::move(check), is_right, at(0s))));
  EXPECT_EQ(access_.sessions(), 0U);
}

TEST_F(AccessTest, TokensGetInUntilTheyExpireOrAreRevoked) {
  const NewToken token = add_token(Role::viewer, at(1h).wall);
  const std::string field = "Bearer " + token.text;
  const auto answer = access_.authenticate({.method = "POST", .host = "box", .authorization = field}, at(0s));
  ASSERT_TRUE(std::holds_alternative<Identity>(answer)) << "no browser sends it by itself: no CSRF token is needed";
  EXPECT_EQ(std::get<Identity>(answer).name, "erp");
  EXPECT_EQ(std::get<Identity>(answer).role, Role::viewer);
  EXPECT_EQ(std::get<Identity>(answer).expires, at(1h).wall);
  EXPECT_TRUE(access_.is_still_valid(std::get<Identity>(answer), at(59min)));
  EXPECT_FALSE(access_.is_still_valid(std::get<Identity>(answer), at(60min)));
  EXPECT_EQ(code_of({.host = "box", .authorization = field}, at(1h - 1ms)), "");
  EXPECT_EQ(code_of({.host = "box", .authorization = field}, at(1h)), "expired_token");
  tokens_.clear();
  take_up();
  EXPECT_EQ(code_of({.host = "box", .authorization = field}, at(0s)), "unknown_token");
  EXPECT_FALSE(access_.is_still_valid(std::get<Identity>(answer), at(0s)));
}

TEST_F(AccessTest, ATokenIsOfNoUseWhileTheClockIsBehindItsMaking) {
  const std::string expiring = "Bearer " + add_token(Role::viewer, at(1h).wall).text;
  const std::string lasting = "Bearer " + add_token(Role::viewer, std::nullopt).text;
  EXPECT_EQ(code_of({.host = "box", .authorization = expiring}, at(-4min)), "");
  EXPECT_EQ(code_of({.host = "box", .authorization = expiring}, at(-6min)), "clock_behind");
  EXPECT_EQ(code_of({.host = "box", .authorization = lasting}, at(-6min)), "") << "it never expires anyway";
}

TEST_F(AccessTest, ABadTokenIsNotMadeGoodByACookie) {
  const std::string cookie = cookie_of("li");
  EXPECT_EQ(code_of({.host = "box", .cookie = cookie, .authorization = "Bearer cgt_"}), "unknown_token");
  EXPECT_EQ(code_of({.host = "box", .cookie = cookie, .authorization = "Basic bGk6"}), "unknown_token");
}

TEST_F(AccessTest, ARoleThatIsNotEnoughIsRefusedByName) {
  const Identity who{.kind = Identity::Kind::session, .name = "wang", .role = Role::viewer};
  EXPECT_FALSE(access_.admit(who, Role::viewer));
  const auto refusal = access_.admit(who, Role::operator_);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 403);
  EXPECT_EQ(refusal->text, "This needs the role operator; 'wang' is viewer.");
  EXPECT_EQ(access_.counters().not_allowed, 1U);
}

TEST_F(AccessTest, GuessingIsSlowedDown) {
  // Nothing is checked here, so that ten guesses do not take a second: what was begun ends as wrong.
  const Request request{.method = "POST", .host = "box", .address = "192.0.2.7"};
  const auto guess = [&](Now now) -> Refusal {
    auto begun = access_.begin_login(request, "li", config::Secret("guess"), now);
    if (auto* refusal = std::get_if<Refusal>(&begun)) return *refusal;
    return std::get<Refusal>(access_.finish_login(std::move(std::get<PasswordCheck>(begun)), false, now));
  };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(guess(at(0s)).code, "wrong_password");
  const Refusal refusal = guess(at(1s));
  EXPECT_EQ(refusal.status, 429);
  EXPECT_EQ(refusal.code, "too_many_tries");
  EXPECT_EQ(refusal.retry_after_s, 9);
  EXPECT_EQ(access_.counters().logins_limited, 1U);
  EXPECT_EQ(guess(at(10s)).code, "wrong_password");
}

TEST_F(AccessTest, FewPasswordsAreCheckedAtOnce) {
  const Request request{.method = "POST", .host = "box", .address = "192.0.2.7"};
  auto first = access_.begin_login(request, "li", config::Secret("guess"), at(0s));
  const auto second = access_.begin_login(request, "li", config::Secret("guess"), at(0s));
  const auto third = access_.begin_login(request, "li", config::Secret("guess"), at(0s));
  EXPECT_TRUE(std::holds_alternative<PasswordCheck>(second));
  ASSERT_TRUE(std::holds_alternative<Refusal>(third));
  EXPECT_EQ(std::get<Refusal>(third).status, 503);
  access_.finish_login(std::move(std::get<PasswordCheck>(first)), false, at(0s));
  EXPECT_TRUE(
      std::holds_alternative<PasswordCheck>(access_.begin_login(request, "li", config::Secret("guess"), at(0s))));
}

TEST(AccessWithoutLogins, LetsInWhoeverAsksThisMachineByItsOwnName) {
  Access access({.logins = false}, KnownRandomness());
  const auto code_of = [&access](const Request& request) {
    const auto answer = access.authenticate(request, at(0s));
    const auto* refusal = std::get_if<Refusal>(&answer);
    return refusal != nullptr ? refusal->code : "";
  };
  const auto answer = access.authenticate({.host = "127.0.0.1:8080"}, at(0s));
  ASSERT_TRUE(std::holds_alternative<Identity>(answer));
  EXPECT_EQ(std::get<Identity>(answer).role, Role::administrator);
  EXPECT_EQ(std::get<Identity>(answer).name, "");
  EXPECT_EQ(code_of({.host = "evil.example:8080"}), "unknown_host") << "DNS rebinding";
  EXPECT_EQ(code_of({.host = ""}), "unknown_host");
  EXPECT_EQ(code_of({.method = "POST", .host = "localhost:8080", .origin = "http://localhost:8080"}), "");
  EXPECT_EQ(code_of({.method = "POST", .host = "localhost:8080"}), "") << "curl";
  EXPECT_EQ(code_of({.method = "POST", .host = "localhost:8080", .origin = "http://evil.example"}), "from_elsewhere");
  EXPECT_EQ(code_of({.method = "POST", .host = "localhost:8080", .fetch_site = "cross-site"}), "from_elsewhere");
  const auto login = access.begin_login({.host = "localhost"}, "li", config::Secret("x"), at(0s));
  EXPECT_TRUE(std::holds_alternative<Refusal>(login));
}

}  // namespace
}  // namespace carbongate::access
