#include "gateway/ops/access/sessions.h"

#include <gtest/gtest.h>

#include "known_randomness.h"

namespace carbongate::access {
namespace {

using namespace std::chrono_literals;

const User kLi{.name = "li", .role = Role::operator_, .password = {.salt = {1}}};
const User kWang{.name = "wang", .role = Role::viewer, .password = {.salt = {2}}};
constexpr SessionLimits kLimits{.idle = 10min, .age = 1h, .all = 3, .per_user = 2};

TEST(Sessions, AreKnownByTheirIdAlone) {
  Sessions sessions(kLimits, KnownRandomness());
  const auto one = sessions.begin(kLi, 0s);
  const std::string csrf = one.session->csrf;
  const auto two = sessions.begin(kWang, 0s);
  EXPECT_EQ(one.id.size(), 64U);
  EXPECT_NE(one.id, two.id);
  EXPECT_NE(csrf, one.id);
  EXPECT_NE(csrf, two.session->csrf);
  EXPECT_EQ(sessions.use(one.id, 1s)->user, kLi);
  EXPECT_EQ(sessions.use(two.id, 1s)->user, kWang);
  EXPECT_EQ(sessions.use("", 1s), nullptr);
  EXPECT_EQ(sessions.use(one.id.substr(1), 1s), nullptr);
  EXPECT_EQ(sessions.use(csrf, 1s), nullptr);
}

TEST(Sessions, EndWhenTheyAreIdleOrOld) {
  Sessions sessions(kLimits, KnownRandomness());
  const std::string id = sessions.begin(kLi, 0min).id;
  for (int minute = 9; minute < 60; minute += 9) {
    ASSERT_NE(sessions.use(id, minute * 1min), nullptr) << minute;
  }
  EXPECT_EQ(sessions.time_left(*sessions.use(id, 55min), 55min), 5min);
  EXPECT_EQ(sessions.use(id, 60min), nullptr) << "an hour after the login";
  EXPECT_EQ(sessions.count(), 0U);

  const std::string idle = sessions.begin(kLi, 0min).id;
  EXPECT_EQ(sessions.time_left(*sessions.use(idle, 1min), 1min), 10min);
  EXPECT_EQ(sessions.use(idle, 11min), nullptr);
  EXPECT_EQ(sessions.use(idle, 1min), nullptr) << "what has ended stays ended";
}

TEST(Sessions, MakeRoomOfTheirUsersOldest) {
  Sessions sessions(kLimits, KnownRandomness());
  const std::string first = sessions.begin(kLi, 1s).id;
  const std::string second = sessions.begin(kLi, 2s).id;
  const std::string other = sessions.begin(kWang, 0s).id;
  sessions.use(first, 3s);
  const std::string third = sessions.begin(kLi, 4s).id;
  EXPECT_NE(sessions.use(first, 5s), nullptr);
  EXPECT_EQ(sessions.use(second, 5s), nullptr) << "not used for longest";
  EXPECT_NE(sessions.use(third, 5s), nullptr);
  EXPECT_NE(sessions.use(other, 5s), nullptr) << "one user's logins do not push out another";
  EXPECT_EQ(sessions.pushed_out(), 1U);
}

TEST(Sessions, AreNeverMoreThanTheLimitOfAll) {
  Sessions sessions(kLimits, KnownRandomness());
  const std::string oldest = sessions.begin(kLi, 1s).id;
  sessions.begin(kLi, 2s);
  sessions.begin(kWang, 3s);
  sessions.begin(kWang, 4s);
  EXPECT_EQ(sessions.count(), 3U);
  EXPECT_EQ(sessions.use(oldest, 5s), nullptr);
}

TEST(Sessions, EndWhenTheirUserChanges) {
  Sessions sessions(kLimits, KnownRandomness());
  const std::string id = sessions.begin(kLi, 0s).id;
  sessions.keep_only(std::vector{kWang, kLi});
  EXPECT_NE(sessions.use(id, 1s), nullptr);
  User changed = kLi;
  changed.role = Role::administrator;
  sessions.keep_only(std::vector{changed});
  EXPECT_EQ(sessions.use(id, 1s), nullptr) << "another role";

  const std::string before = sessions.begin(kLi, 0s).id;
  changed = kLi;
  changed.password.salt = {9};
  sessions.keep_only(std::vector{changed});
  EXPECT_EQ(sessions.use(before, 1s), nullptr) << "another password";

  const std::string gone = sessions.begin(kLi, 0s).id;
  sessions.keep_only({});
  EXPECT_EQ(sessions.use(gone, 1s), nullptr) << "no user any more";
}

TEST(Sessions, EndAtALogout) {
  Sessions sessions(kLimits, KnownRandomness());
  const std::string one = sessions.begin(kLi, 0s).id;
  const std::string two = sessions.begin(kLi, 0s).id;
  sessions.end(Sessions::key_of(one));
  EXPECT_EQ(sessions.use(one, 1s), nullptr);
  EXPECT_NE(sessions.use(two, 1s), nullptr);
}

}  // namespace
}  // namespace carbongate::access
