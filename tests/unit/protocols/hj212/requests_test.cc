#include "protocols/hj212/requests.h"

#include <gtest/gtest.h>

using namespace carbongate::hj212;
using namespace std::chrono_literals;

namespace {

const LocalTime kNow = *read_data_time("20260801100000") + 123ms;

Head request(std::string cn) {
  return {.qn = "20260801100000001",
          .st = "31",
          .cn = std::move(cn),
          .pw = "123456",
          .mn = "010000A8900016F000169DC0",
          .flag = Flag{5},
          .part = {},
          .deviations = {}};
}

RequestLimits limits(std::vector<std::string> allow = {}) {
  return {.st = "31",
          .mn = "010000A8900016F000169DC0",
          .allow = std::move(allow),
          .serial = "ABC123",
          .minute_intervals = {5min, 10min}};
}

ClientSettings settings() {
  return {.password = "123456"};
}

std::vector<Item> area(std::string_view text) {
  return *parse_segment("CN=1;CP=&&" + std::string(text) + "&&")->area;
}

Verdict verdict(const std::string& cn, std::string_view text, std::vector<std::string> allow = {}) {
  return judge(request(cn), area(text), limits(std::move(allow)), settings(), kNow);
}

}  // namespace

TEST(Requests, TimesAreThoseOfTheStandard) {
  EXPECT_EQ(to_qn(kNow), "20260801100000123");
  EXPECT_EQ(to_data_time(kNow), "20260801100000");
  EXPECT_EQ(to_data_time(*read_data_time("20240229235959")), "20240229235959");
  for (const char* wrong :
       {"", "2026080110000", "20260230000000", "20260801240000", "2026080110000x", "-0260801100000"}) {
    EXPECT_FALSE(read_data_time(wrong)) << wrong;
  }
}

TEST(Requests, EachFieldOfTheHeadIsCheckedInItsOrder) {
  const auto result = [](auto&& change) {
    Head head = request("1061");
    change(head);
    return judge(head, {}, limits(), settings(), kNow).request_result;
  };
  EXPECT_EQ(result([](Head&) {}), 1);
  EXPECT_EQ(result([](Head& h) { h.st = "91"; }), 1);
  EXPECT_EQ(result([](Head& h) {
              h.pw = "654321";
              h.mn = "X";
            }),
            3);
  EXPECT_EQ(result([](Head& h) { h.pw = ""; }), 3);
  EXPECT_EQ(result([](Head& h) { h.mn = "X"; }), 4);
  EXPECT_EQ(result([](Head& h) { h.st = "32"; }), 5);
  EXPECT_EQ(result([](Head& h) { h.flag.reset(); }), 6);
  EXPECT_EQ(result([](Head& h) { h.flag = Flag{7}; }), 6);
  EXPECT_EQ(result([](Head& h) { h.qn = "2026"; }), 7);
  EXPECT_EQ(result([](Head& h) { h.qn = "20269930010000001"; }), 7);
  EXPECT_EQ(result([](Head& h) { h.cn = "4711"; }), 8);
}

TEST(Requests, WhatSetsSomethingIsRefusedUnlessItIsAllowed) {
  for (const char* cn : {"1000", "1012", "1062", "1064", "1072", "2011", "2012"}) {
    EXPECT_EQ(verdict(cn, "").request_result, 2) << cn;
    EXPECT_EQ(verdict(cn, "", {cn}).request_result, 1) << cn;
  }
  for (const char* cn : {"3011", "3012", "3021", "1002", "2041", "9012"}) {
    EXPECT_EQ(verdict(cn, "", {cn}).request_result, 2) << cn << " is never carried out";
  }
}

TEST(Requests, IntervalsAreGivenAndSet) {
  EXPECT_EQ(to_text(std::get<Reply>(verdict("1061", "").work).area), "RtdInterval=30");
  EXPECT_EQ(to_text(std::get<Reply>(verdict("1063", "").work).area), "MinInterval=10");
  EXPECT_EQ(to_text(std::get<Reply>(verdict("1011", "PolId=a05001").work).area),
            "PolId=a05001;SystemTime=20260801100000");
  EXPECT_EQ(std::get<Change>(verdict("1062", "RtdInterval=60", {"1062"}).work).set.real_time_interval, 60s);
  EXPECT_EQ(std::get<Change>(verdict("1064", "MinInterval=5", {"1064"}).work).set.minute_interval, 5min);
  const auto timeouts = std::get<Change>(verdict("1000", "OverTime=5;ReCount=2", {"1000"}).work).set;
  EXPECT_EQ(timeouts.timeout, 5s);
  EXPECT_EQ(timeouts.retries, 2u);
  EXPECT_EQ(std::get<Change>(verdict("1072", "NewPW=abc123", {"1072"}).work).set.password, "abc123");
  EXPECT_EQ(std::get<Change>(verdict("1072", "NewPW=#-/_.!", {"1072"}).work).set.password, "#-/_.!");
  EXPECT_EQ(std::get<Change>(verdict("2012", "", {"2012"}).work).set, (SetByPlatform{.sends_real_time = false}));
  EXPECT_TRUE(verdict("2012", "", {"2012"}).is_notification);
}

TEST(Requests, ValuesThatMayNotBeAreAConditionThatIsWrong) {
  for (const auto& [cn, text] :
       std::vector<std::pair<std::string, std::string>>{{"1062", "RtdInterval=29"},
                                                        {"1062", "RtdInterval=3601"},
                                                        {"1062", "RtdInterval=-60"},
                                                        {"1062", "RtdInterval=99999999999999"},
                                                        {"1062", ""},
                                                        {"1064", "MinInterval=7"},
                                                        {"1064", "MinInterval=15"},
                                                        {"1000", "OverTime=0;ReCount=3"},
                                                        {"1000", "OverTime=10"},
                                                        {"1072", "NewPW=1234567"},
                                                        {"1072", "NewPW="},
                                                        {"1072", "NewPW=a&&b"},
                                                        {"1072", "NewPW=ab&"},
                                                        {"1072", "NewPW=a;b"},
                                                        {"1072", "NewPW=a,b"},
                                                        {"1072", "NewPW=a=b"},
                                                        {"1072", "NewPW=a//b"},
                                                        {"1072", "NewPW=a\nb"},
                                                        {"1072", "NewPW=a\x7F"},
                                                        {"1012", "SystemTime=x"},
                                                        {"2061", "BeginTime=20260801000000"},
                                                        {"2061", "BeginTime=20260801010000;EndTime=20260801000000"}}) {
    const Verdict judged = verdict(cn, text, {cn});
    EXPECT_EQ(judged.request_result, 1) << cn << " " << text;
    EXPECT_EQ(judged.execution_result, 3) << cn << " " << text;
    EXPECT_TRUE(std::holds_alternative<std::monostate>(judged.work));
  }
}

TEST(Requests, TheClockIsNeverSet) {
  const Verdict judged = verdict("1012", "SystemTime=20260801095950", {"1012"});
  EXPECT_EQ(judged.execution_result, 1);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(judged.work));
  EXPECT_NE(judged.remark.find("by 10 s"), std::string::npos) << judged.remark;
}

TEST(Requests, HistoryIsAskedForByTimes) {
  const auto wanted = std::get<HistoryWanted>(verdict("2061", "BeginTime=20260801000000;EndTime=20260801235959").work);
  EXPECT_EQ(wanted.cn, "2061");
  EXPECT_EQ(to_data_time(wanted.begin), "20260801000000");
  EXPECT_EQ(to_data_time(wanted.end), "20260801235959");
}

TEST(Requests, TheSerialNumberIsGivenIfThereIsOne) {
  EXPECT_EQ(to_text(std::get<Reply>(verdict("3019", "PolId=a05001").work).area), "PolId=a05001;a05001-SN=ABC123");
  EXPECT_EQ(verdict("3020", "").execution_result, 100);
}

TEST(Requests, TheStationIsNotAskedForInstantsThatItDoesNotMake) {
  RequestLimits slow = limits({"1062"});
  slow.real_time = 60s;
  const auto set = [&](std::string_view text) { return judge(request("1062"), area(text), slow, settings(), kNow); };
  EXPECT_EQ(set("RtdInterval=30").execution_result, 3);
  EXPECT_EQ(set("RtdInterval=30").remark, "RtdInterval 30 s: the station makes no instants that often");
  EXPECT_EQ(std::get<Change>(set("RtdInterval=60").work).set.real_time_interval, 60s);
}

TEST(Requests, WhatIsSetIsKeptAndNothingElse) {
  SetByPlatform set = std::get<Change>(verdict("1000", "OverTime=5;ReCount=2", {"1000"}).work).set;
  EXPECT_EQ(to_text(set), "OverTime=5;ReCount=2");
  set.add(std::get<Change>(verdict("1072", "NewPW=abc123", {"1072"}).work).set);
  set.add(std::get<Change>(verdict("1000", "OverTime=9;ReCount=2", {"1000"}).work).set);
  EXPECT_EQ(to_text(set), "OverTime=9;ReCount=2;PW=abc123") << "what was set before stays";
  EXPECT_EQ(read_set(to_text(set), {}), set);
  const ClientSettings configured{.real_time_interval = 40s, .minute_interval = 20min, .password = "file"};
  const ClientSettings expected{
      .real_time_interval = 40s, .minute_interval = 20min, .timeout = 9s, .retries = 2, .password = "abc123"};
  EXPECT_EQ(set.over(configured), expected);
  EXPECT_EQ(read_set("", {}), SetByPlatform{});
  EXPECT_EQ(read_set("RtdInterval=x;OverTime=0;PW=", {}), SetByPlatform{});
}

TEST(Requests, OfWhatOlderVersionsKeptThatCountsWhichThePlatformMaySet) {
  const std::string kept = "RtdInterval=60;MinInterval=5;OverTime=5;ReCount=7;RealTime=0;PW=a=b,c";
  EXPECT_EQ(read_set(kept, {"1000"}), (SetByPlatform{.timeout = 5s, .retries = 7}));
  EXPECT_EQ(read_set(kept, {"1062", "2012"}), (SetByPlatform{.real_time_interval = 60s, .sends_real_time = false}));
  EXPECT_EQ(to_text(read_set(kept, {"1000", "1062", "1064", "1072", "2011"})), kept);
}
