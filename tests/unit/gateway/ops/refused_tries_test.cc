#include "gateway/ops/refused_tries.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace carbongate::ops {
namespace {

using namespace std::chrono_literals;

class RefusedTriesTest : public ::testing::Test {
 protected:
  void refuse(std::string outcome, std::string address = "192.0.2.7", std::string action = "GET /api/v1/configuration",
              std::string user = "prometheus") {
    tries_.add({.at = Instant(1'790'000'000'000ms + now_),
                .user = std::move(user),
                .by = "",
                .address = std::move(address),
                .action = std::move(action),
                .outcome = std::move(outcome),
                .detail = ""},
               now_);
  }
  std::vector<access::AuditEntry> written() {
    std::vector<access::AuditEntry> all;
    for (; !tries_.is_empty(); tries_.pop()) all.push_back(tries_.front());
    return all;
  }
  std::vector<access::AuditEntry> written_after(access::Steady time) {
    now_ += time;
    tries_.tick(now_);
    return written();
  }
  static std::map<std::string, int> outcomes(const std::vector<access::AuditEntry>& entries) {
    std::map<std::string, int> counted;
    for (const access::AuditEntry& entry : entries) ++counted[entry.outcome];
    return counted;
  }

  RefusedTries tries_;
  access::Steady now_{1h};
};

TEST_F(RefusedTriesTest, WrongPasswordsAreNotedHoweverManyOtherRequestsWereRefused) {
  for (int i = 0; i < 60; ++i) refuse("role");
  refuse("wrong_password", "192.0.2.7", "log in", "admin");
  refuse("wrong_password", "192.0.2.7", "log in", "admin");
  refuse("too_many_tries", "192.0.2.7", "log in", "admin");
  EXPECT_EQ(outcomes(written()),
            (std::map<std::string, int>{{"role", 20}, {"wrong_password", 2}, {"too_many_tries", 1}}));
  EXPECT_EQ(tries_.counted(), 40U);
}

TEST_F(RefusedTriesTest, WhatHasNoEntryOfItsOwnIsCountedInOneAMinute) {
  for (int i = 0; i < 60; ++i) refuse("role");
  EXPECT_EQ(written().size(), 20U);
  EXPECT_TRUE(written_after(59s).empty());
  const auto told = written_after(1s);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].outcome, "role");
  EXPECT_EQ(told[0].action, "GET /api/v1/configuration");
  EXPECT_EQ(told[0].user, "prometheus");
  EXPECT_EQ(told[0].address, "192.0.2.7");
  EXPECT_EQ(told[0].detail, "40 more from 192.0.2.7 since 2026-09-21T15:13:20Z");
  EXPECT_TRUE(written_after(2min).empty()) << "told once";
}

TEST_F(RefusedTriesTest, AddressesAndOutcomesAreToldApart) {
  for (int i = 0; i < 25; ++i) refuse("role");
  for (int i = 0; i < 23; ++i)
    refuse("unknown_token", "2001:db8::" + std::to_string(i + 1), "GET /" + std::to_string(i), "");
  EXPECT_EQ(written().size(), 40U);
  const auto told = written_after(1min);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].detail.substr(0, 21), "5 more from 192.0.2.7");
  EXPECT_EQ(told[1].detail.substr(0, 26), "3 more from 2001:db8::/64 ") << "one machine has a /64";
  EXPECT_EQ(told[1].action, "several");
}

TEST_F(RefusedTriesTest, ManyAddressesFillNeitherDiskNorMemoryAndAreCountedAll) {
  for (int i = 0; i < 5'000; ++i)
    refuse("unknown_token", "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256));
  refuse("wrong_password", "192.0.2.7", "log in", "admin");
  const auto own = written();
  EXPECT_EQ(outcomes(own), (std::map<std::string, int>{{"unknown_token", 200}, {"wrong_password", 1}}));
  const auto told = written_after(1min);
  EXPECT_EQ(told.size(), RefusedTries::kCountedMax + 1);
  std::uint64_t sum = 0;
  for (const auto& entry : told) sum += std::stoull(entry.detail);
  EXPECT_EQ(sum, 4'800U);
  EXPECT_EQ(sum, tries_.counted());
}

TEST_F(RefusedTriesTest, WhatFindsNoPlaceWhileNothingCanBeWrittenIsCountedOn) {
  for (int minute = 0; minute < 2'000; ++minute) {
    for (int i = 0; i < 3; ++i) refuse("role");
    tries_.tick(now_ += 1min);
  }
  EXPECT_EQ(outcomes(written())["role"], static_cast<int>(RefusedTries::kWaitingMax));
  tries_.close();
  std::uint64_t sum = 0;
  for (const auto& entry : written()) sum += std::stoull(entry.detail);
  EXPECT_GT(sum, 1'000U);
  refuse("wrong_password", "192.0.2.7", "log in", "admin");
  EXPECT_EQ(outcomes(written())["wrong_password"], 1);
}

TEST_F(RefusedTriesTest, WrongPasswordsHavePlacesThatOthersDoNotTake) {
  for (int minute = 0; minute < 600; ++minute) {
    for (int i = 0; i < 2; ++i) refuse("role");
    now_ += 1min;
  }
  refuse("wrong_password", "192.0.2.7", "log in", "admin");
  const auto all = written();
  EXPECT_EQ(all.size(), RefusedTries::kWaitingMax + 1);
  EXPECT_EQ(all.back().outcome, "wrong_password");
}

}  // namespace
}  // namespace carbongate::ops
