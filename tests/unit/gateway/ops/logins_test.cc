#include "gateway/ops/logins.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <map>

#include "tests/support/fake_clock.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::ops {
namespace {

io::HttpCall call(std::vector<io::HttpHeader> headers, bool changes = false) {
  return {.method = changes ? "POST" : "GET",
          .target = "/",
          .headers = std::move(headers),
          .body = {},
          .address = "127.0.0.1"};
}

int status_of(std::vector<io::HttpHeader> headers, bool changes) {
  boost::asio::io_context loop;
  carbongate::testing::FakeClock clock(loop.get_executor());
  Logins admission(clock, {.listen = {}, .limits = {}, .logins = false}, "none");
  EXPECT_EQ(admission.open(), "");
  auto admitted = admission.admit(call(std::move(headers), changes), Role::administrator, changes);
  if (const auto* refused = std::get_if<io::HttpAnswer>(&admitted)) return refused->status;
  EXPECT_EQ(std::get<Identity>(admitted).role, Role::administrator);
  return 200;
}

TEST(LoginsThatAreOff, AnswersToNamesOfThisMachineAlone) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.1.2.3:80"}) {
    EXPECT_EQ(status_of({{"Host", host}}, false), 200) << host;
  }
  for (const char* host :
       {"evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]"}) {
    EXPECT_EQ(status_of({{"Host", host}}, false), 421) << host;
  }
}

TEST(LoginsThatAreOff, LetsNoOtherSiteChangeAnything) {
  const io::HttpHeader host{"Host", "127.0.0.1:8080"};
  EXPECT_EQ(status_of({host}, true), 200);
  EXPECT_EQ(status_of({host, {"Origin", "http://127.0.0.1:8080"}}, true), 200);
  EXPECT_EQ(status_of({host, {"Sec-Fetch-Site", "same-origin"}}, true), 200);
  for (const char* origin : {"http://evil.example", "http://127.0.0.1:9090", "null", ""}) {
    EXPECT_EQ(status_of({host, {"Origin", origin}}, true), *origin == '\0' ? 200 : 403) << origin;
  }
  EXPECT_EQ(status_of({host, {"Sec-Fetch-Site", "cross-site"}}, true), 403);
  EXPECT_EQ(status_of({host, {"Sec-Fetch-Site", "same-site"}}, true), 403);
  EXPECT_EQ(status_of({host, {"Origin", "http://evil.example"}}, false),
            200);  // what it gets, the browser keeps from it
}

class LoginsTest : public ::testing::Test {
 protected:
  io::HttpAnswer log_in(std::string body, std::string type = "application/json", Logins* at = nullptr) {
    Request request{.call = {.method = "POST", .target = "/api/v1/session", .headers = {{"Host", "box"}}}, .path = {}};
    request.call.headers.push_back({"Content-Type", std::move(type)});
    request.call.body = std::move(body);
    request.call.address = "192.0.2.7";
    io::HttpAnswer answer;
    boost::asio::co_spawn(loop_, (at != nullptr ? *at : logins_).log_in(request),
                          [&](std::exception_ptr error, io::HttpAnswer got) {
                            try {
                              if (error) std::rethrow_exception(error);
                              answer = std::move(got);
                            } catch (const Refusal& refusal) {
                              answer.status = refusal.status;
                            }
                          });
    loop_.restart();
    loop_.run();
    return answer;
  }

  TemporaryDirectory directory_;
  boost::asio::io_context loop_;
  carbongate::testing::FakeClock clock_{loop_.get_executor()};
  Logins logins_{clock_, {.listen = {}, .limits = {}, .logins = true}, directory_.path()};
};

TEST_F(LoginsTest, NobodyMayAnythingUntilThereIsAUser) {
  EXPECT_NE(logins_.open().find("users CONFIG add"), std::string::npos);
  const auto admitted = logins_.admit(call({{"Host", "box"}}), Role::viewer, false);
  ASSERT_TRUE(std::holds_alternative<io::HttpAnswer>(admitted));
  EXPECT_EQ(std::get<io::HttpAnswer>(admitted).status, 401);
  const auto anyone = logins_.admit(call({{"Host", "box"}}), std::nullopt, false);
  ASSERT_TRUE(std::holds_alternative<Identity>(anyone)) << "what is for everybody";
  EXPECT_FALSE(std::get<Identity>(anyone).role);
}

TEST_F(LoginsTest, AFileThatCannotBeUsedLetsNobodyIn) {
  access::write_private(directory_.path() / access::kUsersFile, "nonsense\n");
  EXPECT_NE(logins_.open().find("carbongate-users-1"), std::string::npos);
  EXPECT_EQ(log_in(R"({"user":"li","password":"correct horse"})").status, 401);
}

TEST_F(LoginsTest, ALoginIsOneJsonObjectOfTwoTexts) {
  for (const char* body : {"", "{", "[]", "null", R"({"user":"li"})", R"({"user":"li","password":1})",
                           R"({"user":"li","password":"x","role":"administrator"})"}) {
    EXPECT_EQ(log_in(body).status, 400) << body;
  }
  EXPECT_EQ(log_in(R"({"user":"li","password":")" + std::string(2'000, 'x') + "\"}").status, 400);
  EXPECT_EQ(log_in(std::string(20'000, '[')).status, 400);
  EXPECT_EQ(log_in(R"({"user":"li","password":"x"})", "application/x-www-form-urlencoded").status, 415);
}

// Sixty cheap refusals, and three tries at a password between them.
TEST_F(LoginsTest, GuessingIsNotedBehindManyRefusedRequests) {
  const access::User user{.name = "li",
                          .role = Role::operator_,
                          .password = access::hash_password("correct horse", access::system_randomness)};
  access::write_private(directory_.path() / access::kUsersFile, access::to_text(std::vector{user}));
  {
    Logins logins(clock_, {.listen = {}, .limits = {}, .logins = true}, directory_.path());
    EXPECT_EQ(logins.open(), "");
    for (int i = 0; i < 60; ++i) {
      io::HttpCall stranger = call({{"Host", "box"}, {"Authorization", "Bearer cgt_nonsense"}});
      stranger.address = "192.0.2.7";
      logins.admit(stranger, Role::administrator, false);
      if (i % 20 == 10)
        EXPECT_EQ(log_in(R"({"user":"li","password":"wrong"})", "application/json", &logins).status, 401);
    }
    EXPECT_EQ(logins.facts().audit_lost, 40U);
  }  // what waits is written at the end
  std::map<std::string, std::vector<access::AuditEntry>> by_outcome;
  const auto page = access::read_audit(directory_.path(), {}, 1'000);
  for (const access::AuditEntry& entry : page->entries) {
    by_outcome[entry.outcome].push_back(entry);
  }
  EXPECT_EQ(by_outcome["wrong_password"].size(), 3U);
  ASSERT_EQ(by_outcome["unknown_token"].size(), 21U);
  EXPECT_EQ(by_outcome["unknown_token"].front().detail.substr(0, 22), "40 more from 192.0.2.7");
}

TEST_F(LoginsTest, ALoginIsNotedWithWhereItCameFrom) {
  const access::User user{.name = "li",
                          .role = Role::operator_,
                          .password = access::hash_password("correct horse", access::system_randomness)};
  access::write_private(directory_.path() / access::kUsersFile, access::to_text(std::vector{user}));
  EXPECT_EQ(logins_.open(), "");
  const auto answer = log_in(R"({"user":"li","password":"correct horse"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.body.find(R"("role":"operator")"), std::string::npos);
  const auto page = access::read_audit(directory_.path(), {}, 10);
  ASSERT_EQ(page->entries.size(), 1U);
  EXPECT_EQ(page->entries[0].user, "li");
  EXPECT_EQ(page->entries[0].address, "192.0.2.7");
  EXPECT_EQ(page->entries[0].action, "log in");
  EXPECT_EQ(page->entries[0].outcome, "done");
  EXPECT_EQ(logins_.facts().counters.logins, 1U);
}

}  // namespace
}  // namespace carbongate::ops
