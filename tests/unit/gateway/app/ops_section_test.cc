#include "gateway/app/ops_section.h"

#include <gtest/gtest.h>

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;

struct Read {
  ops::Config config;
  std::string problems;
};

Read read(const std::string& keys) {
  config::Problems problems;
  const config::Node root = config::parse_text("ops: {" + keys + "}\n", "site.yaml", problems);
  config::Reader in(root, problems);
  Read result{read_ops(in).value(), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

TEST(OpsSection, LimitsSessionsAndTriesAsTheyAlwaysWereUnlessItIsTold) {
  const Read got = read("logins: true");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.sessions.idle, 8h);
  EXPECT_EQ(got.config.sessions.age, 7 * 24h);
  EXPECT_EQ(got.config.sessions.per_user, 16U);
  EXPECT_EQ(got.config.sessions.all, 512U);
  EXPECT_EQ(got.config.login_tries.per_address.tries, 10U);
  EXPECT_EQ(got.config.login_tries.per_user.tries, 20U);
  EXPECT_EQ(got.config.login_tries.per_address.each, 10s);
  EXPECT_EQ(got.config.login_tries.per_user.each, 10s);
  EXPECT_TRUE(got.config.origins.empty());
}

TEST(OpsSection, TakesOtherLimits) {
  const Read got = read(
      "logins: true, sessions: {idle: 15min, life: 12h, per_user: 2, total: 40}, "
      "login_tries: {per_address: 3, per_user: 5, another_after: 1min}");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.sessions.idle, 15min);
  EXPECT_EQ(got.config.sessions.age, 12h);
  EXPECT_EQ(got.config.sessions.per_user, 2U);
  EXPECT_EQ(got.config.sessions.all, 40U);
  EXPECT_EQ(got.config.login_tries.per_address.tries, 3U);
  EXPECT_EQ(got.config.login_tries.per_user.tries, 5U);
  EXPECT_EQ(got.config.login_tries.per_address.each, 1min);
  EXPECT_EQ(got.config.login_tries.per_user.each, 1min);
}

TEST(OpsSection, SaysWhichLimitCannotBeAndWhatToWrite) {
  const auto problem_of = [](const std::string& keys) { return read("logins: true, " + keys).problems; };
  EXPECT_EQ(problem_of("sessions: {idle: 2d, life: 1d}"),
            "site.yaml:1:38: error: ops.sessions.idle: 2d is longer than a session lives, 1d; shorten it, or write a "
            "longer 'life'\n");
  EXPECT_EQ(problem_of("sessions: {per_user: 9, total: 8}"),
            "site.yaml:1:42: error: ops.sessions.per_user: 9 sessions of one user are more than all together, 8; lower "
            "it, or raise 'total'\n");
  for (const char* keys :
       {"sessions: {idle: 8}", "sessions: {idle: 0s}", "sessions: {life: 366d}", "sessions: {per_user: 0}",
        "sessions: {total: 1e9}", "sessions: {age: 1d}", "sessions: 8h", "login_tries: {per_address: 0}",
        "login_tries: {per_user: -1}", "login_tries: {another_after: 10ms}", "login_tries: {another_after: 2h}"}) {
    EXPECT_NE(problem_of(keys).find("site.yaml:1"), std::string::npos) << keys;
  }
}

TEST(OpsSection, WarnsOfLimitsOfLoginsThatAreOff) {
  const std::string problems = read("logins: false, sessions: {idle: 15min}").problems;
  EXPECT_NE(problems.find("ops.sessions: has no effect: logins are off"), std::string::npos) << problems;
}

TEST(OpsSection, KeepsOriginsAsBrowsersWriteThem) {
  const Read got = read(
      "logins: true, origins: [https://park.example, 'HTTPS://Energy.Park.example:443/', 'http://10.0.0.7:8081', "
      "'https://[2001:db8::1]:8443']");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.config.origins, (std::vector<std::string>{"https://park.example", "https://energy.park.example",
                                                          "http://10.0.0.7:8081", "https://[2001:db8::1]:8443"}));
}

TEST(OpsSection, RefusesWhatIsNoOrigin) {
  for (const char* text : {"park.example", "*", "null", "ftp://park.example", "https://",
                           "https://park.example/gateway", "https://park.example?x=1", "https://who@park.example",
                           "https://*.park.example", "https://park.example#x", "https://园区.example", ""}) {
    const std::string problems = read("logins: true, origins: ['" + std::string(text) + "']").problems;
    EXPECT_NE(problems.find("is no origin; write the scheme"), std::string::npos) << text << ": " << problems;
  }
}

}  // namespace
}  // namespace carbongate::app
