#include "gateway/sinks/energy_platform/energy_platform_sink.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <memory>

#include "protocols/io/task_group.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/scripted_http_peer.h"

namespace carbongate::sinks::energy_platform {
namespace {

namespace asio = boost::asio;
namespace codec = carbongate::energy_platform;
using namespace std::chrono_literals;

const Instant kMidnight = std::chrono::sys_days(std::chrono::year(2026) / 7 / 31) + 16h;  // 2026-08-01 in Shanghai
constexpr const char* kGood = R"({"responseCode":"0","responseMessage":""})";

// Nobody knows the time until somebody says so.
class Clock final : public io::Clock {
 public:
  explicit Clock(testing::FakeClock& clock) : clock_(clock) {}
  io::WallTime now() const override { return clock_.now(); }
  io::SteadyTime ticks() const override { return clock_.ticks(); }
  bool is_known() const override { return is_set; }
  asio::awaitable<void> sleep_until(io::SteadyTime deadline) override { return clock_.sleep_until(deadline); }
  bool is_set = true;

 private:
  testing::FakeClock& clock_;
};

// Over a real loopback socket; the platform follows a script, a connection for each request.
class EnergyPlatformSinkTest : public ::testing::Test {
 protected:
  EnergyPlatformSinkTest() {
    config_.name = "province";
    config_.server = {.host = "127.0.0.1", .port = peer_.port(), .tls = false, .ca_file = ""};
    config_.target = "/register";
    config_.dialect.places[static_cast<std::size_t>(codec::Operation::data)] = {"", "/data"};
    config_.enterprise_code = "91510800MA62000000";
    config_.region = "510800";
    config_.time_zone = "Asia/Shanghai";
    config_.upload_time = 8h;
    config_.check_every = 1h;
    config_.timeout = 5s;
    Item item;
    item.user = "hall";
    item.point = "incomer.import";
    item.carrier = model::find_carrier("electricity");
    item.code = *codec::parse_data_code("0000000002330011");
    item.periods = {codec::StatType::real_time, codec::StatType::day};
    item.quanta_per_unit = 1'000'000;
    config_.items = {item};
    series_->device = "incomer";
    series_->point = "import";
    series_->user = "hall";
    series_->carrier = "electricity";
    fake_.set_wall(kMidnight + 1h);
  }

  ~EnergyPlatformSinkTest() override {  // before what they use is gone
    tasks_.cancel();
    run();
  }

  void answer(const std::string& body, int status = 200) {
    peer_.raw_and_close("HTTP/1.1 " + std::to_string(status) + " Reason\r\nContent-Length: " +
                        std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body);
  }
  void answer_registration() { answer(R"({"responseCode":"0","deviceId":"d1","uploadTime":"08:30:00"})"); }

  void start(Cadence cadence) {
    enrolment_ = std::make_shared<Enrolment>(config_, loop_.get_executor(), clock_, nullptr);
    sink_ =
        std::make_unique<EnergyPlatformSink>("province", enrolment_, cadence, loop_.get_executor(), clock_, &store_);
    tasks_.spawn(enrolment_->run());
    if (cadence != Cadence::real_time) tasks_.spawn(sink_->attend());
  }
  void restart(Cadence cadence) {
    tasks_.cancel();
    run();
    answer_registration();
    start(cadence);
    enrol();
  }
  void run() {  // what can be done now
    loop_.restart();
    loop_.run_for(30ms);
  }
  bool is_delivered() {
    const auto end = std::chrono::steady_clock::now() + 10s;
    loop_.restart();
    while (!result_ && std::chrono::steady_clock::now() < end) loop_.run_one_for(100ms);
    return result_.has_value();
  }
  void enrol() {
    const auto end = std::chrono::steady_clock::now() + 10s;
    loop_.restart();
    while (!enrolment_->is_ready() && std::chrono::steady_clock::now() < end) loop_.run_one_for(100ms);
  }

  model::StoredRow row(std::uint64_t sequence, model::Period period, Instant begin, std::int64_t kwh) {
    model::RollupRow rollup;
    rollup.period = period;
    rollup.begin = begin;
    rollup.end = begin + (period == model::Period::day ? Duration(24h) : Duration(15min));
    rollup.amount = model::Activity::of(kwh * 1'000'000);
    return {sequence, series_, rollup};
  }

  void offer(std::vector<model::StoredRow> rows) {
    rows_ = std::move(rows);
    result_.reset();
    tasks_.spawn(deliver());
  }
  void retry(std::vector<model::StoredRow> rows) {
    rows_ = std::move(rows);
    result_.reset();
    tasks_.spawn(deliver_again());
  }
  asio::awaitable<void> deliver_again() { result_.emplace(co_await sink_->deliver_again(rows_)); }
  // A day whose sum was entered by hand so far.
  model::StoredRow typed(std::uint64_t sequence, Instant begin, std::int64_t kwh) {
    auto day = row(sequence, model::Period::day, begin, kwh);
    auto& rollup = day.body.get<model::RollupRow>();
    rollup.revision = static_cast<std::uint32_t>(sequence);
    rollup.quality.origin = model::Origin::manual;
    return day;
  }
  // Of the request that follows `requests` of them.
  boost::json::array data_behind(std::size_t requests) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    loop_.restart();
    while (peer_.requests().size() <= requests && std::chrono::steady_clock::now() < end) loop_.run_one_for(100ms);
    run();
    return boost::json::parse(peer_.requests().at(requests).body).at("data").as_array();
  }
  asio::awaitable<void> deliver() { result_.emplace(co_await sink_->deliver(rows_)); }

  asio::io_context loop_;
  testing::FakeClock fake_{loop_.get_executor()};
  Clock clock_{fake_};
  testing::FakeDisk disk_;
  model::Site site_;
  testing::FakeStore store_{disk_, site_};
  testing::ScriptedHttpPeer peer_{loop_.get_executor()};
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  Config config_;
  std::shared_ptr<Enrolment> enrolment_;
  std::unique_ptr<EnergyPlatformSink> sink_;
  io::TaskGroup tasks_{loop_.get_executor()};
  std::vector<model::StoredRow> rows_;
  std::optional<model::Result<ports::Delivery>> result_;
};

TEST_F(EnergyPlatformSinkTest, LabelsNothingWhileNobodyKnowsTheTime) {
  clock_.is_set = false;
  answer_registration();
  answer(kGood);
  start(Cadence::real_time);
  offer({row(1, model::Period::quarter_hour, kMidnight, 5)});
  run();
  fake_.advance(6s);
  ASSERT_TRUE(is_delivered() && !*result_);
  EXPECT_EQ(result_->error().text, "nobody knows the time yet");
  EXPECT_EQ(peer_.requests().size(), 0u);
  clock_.is_set = true;
  offer(rows_);
  fake_.advance(1s);
  ASSERT_TRUE(is_delivered() && *result_) << "now it is known";
  EXPECT_EQ((*result_)->settled_through, 1u);
  ASSERT_EQ(peer_.requests().size(), 2u);
  EXPECT_EQ(peer_.requests()[0].body, R"({"enterpriseCode":"91510800MA62000000","region":"510800"})");
  const auto record = boost::json::parse(peer_.requests()[1].body).at("data").at(0);
  EXPECT_EQ(record.at("statDate"), "2026-08-01 00:00:00");
  EXPECT_EQ(record.at("uploadDate"), "2026-08-01 01:00:07");
}

TEST_F(EnergyPlatformSinkTest, ADayWaitsForTheSlotThatThePlatformAssigned) {
  answer_registration();
  start(Cadence::days);
  enrol();
  // Yesterday's day and, behind it, what is none of this queue's business.
  offer({row(1, model::Period::quarter_hour, kMidnight, 5), row(2, model::Period::day, kMidnight - 24h, 100),
         row(3, model::Period::quarter_hour, kMidnight + 15min, 5)});
  ASSERT_TRUE(is_delivered() && *result_);
  EXPECT_EQ((*result_)->settled_through, 1u) << "what comes before it is done";
  EXPECT_EQ((*result_)->skipped.size(), 1u);
  offer({rows_[1], rows_[2]});
  fake_.advance(7h);  // 08:00, as the configuration has it
  run();
  EXPECT_FALSE(result_);
  EXPECT_TRUE(sink_->status().is_waiting_for_time);
  EXPECT_EQ(peer_.requests().size(), 1u);
  answer(kGood);
  fake_.advance(30min);
  ASSERT_TRUE(is_delivered() && *result_);
  EXPECT_EQ((*result_)->settled_through, 3u);
  EXPECT_FALSE(sink_->status().is_waiting_for_time);
}

TEST_F(EnergyPlatformSinkTest, OfOneKeyTheNewestIsSent) {
  answer_registration();
  answer(kGood);
  start(Cadence::real_time);
  enrol();
  auto revised = row(3, model::Period::quarter_hour, kMidnight, 7);
  offer({row(1, model::Period::quarter_hour, kMidnight, 5), row(2, model::Period::quarter_hour, kMidnight + 15min, 6),
         revised});
  ASSERT_TRUE(is_delivered() && *result_);
  EXPECT_EQ((*result_)->settled_through, 3u);
  const auto body = boost::json::parse(peer_.requests().at(1).body);
  const auto& data = body.at("data").as_array();
  ASSERT_EQ(data.size(), 2u);
  EXPECT_EQ(data[0].at("dataValue").to_number<double>(), 7);
}

TEST_F(EnergyPlatformSinkTest, RegistersAnewAfterARefusal) {
  answer_registration();
  answer(R"({"responseCode":"1","responseMessage":"解密失败"})");
  start(Cadence::real_time);
  enrol();
  offer({row(1, model::Period::quarter_hour, kMidnight, 5)});
  ASSERT_TRUE(is_delivered() && !*result_);
  EXPECT_EQ(result_->error().text, "/data: responseCode 1: 解密失败");
  answer_registration();
  answer(kGood);
  offer(rows_);
  ASSERT_TRUE(is_delivered() && *result_);
  EXPECT_EQ(peer_.requests().size(), 4u);
  EXPECT_EQ(peer_.requests()[2].head.substr(0, 15), "POST /register ");
}

TEST_F(EnergyPlatformSinkTest, WhatIsRetriedAndRefusedAgainGoesBackAfterOneRegistration) {
  answer_registration();
  constexpr const char* kRefusal = R"({"responseCode":"1","responseMessage":"编码错误"})";
  answer(kRefusal);
  answer_registration();
  answer(kRefusal);
  answer(kRefusal);
  answer(kGood);
  start(Cadence::real_time);
  enrol();
  retry({row(1, model::Period::quarter_hour, kMidnight, 5), row(4, model::Period::quarter_hour, kMidnight + 15min, 6)});
  ASSERT_TRUE(is_delivered() && !*result_) << "it may be the registration";
  retry(rows_);
  ASSERT_TRUE(is_delivered() && *result_);
  EXPECT_EQ((*result_)->settled_through, 4u);
  ASSERT_EQ((*result_)->rejected.size(), 1u);
  EXPECT_EQ((*result_)->rejected[0].sequence, 1u);
  EXPECT_EQ((*result_)->rejected[0].reason, "/data: responseCode 1: 编码错误");
  EXPECT_EQ(peer_.requests().size(), 6u) << "both, each of them";
}

TEST_F(EnergyPlatformSinkTest, WhereNothingThatIsRetriedIsTakenAllOfItGoesBack) {
  answer_registration();
  constexpr const char* kRefusal = R"({"responseCode":"1","responseMessage":"编码错误"})";
  answer(kRefusal);
  answer_registration();
  answer(kRefusal);
  start(Cadence::real_time);
  enrol();
  retry({row(1, model::Period::quarter_hour, kMidnight, 5)});
  ASSERT_TRUE(is_delivered() && !*result_);
  retry(rows_);
  ASSERT_TRUE(is_delivered() && *result_);
  ASSERT_EQ((*result_)->rejected.size(), 1u);
  answer(kGood);
  offer({row(7, model::Period::quarter_hour, kMidnight + 30min, 7)});
  ASSERT_TRUE(is_delivered() && *result_) << "and the journal goes on, without another registration";
  EXPECT_EQ(peer_.requests().size(), 5u);
}

TEST_F(EnergyPlatformSinkTest, ASumThatIsNotOverYetHoldsUpNothing) {
  answer_registration();
  answer(kGood);
  start(Cadence::days);
  enrol();
  fake_.advance(8h);
  offer({typed(1, kMidnight, 3), row(2, model::Period::day, kMidnight - 24h, 100)});
  ASSERT_TRUE(is_delivered() && *result_);
  EXPECT_EQ((*result_)->settled_through, 2u);
  const auto body = boost::json::parse(peer_.requests().at(1).body);
  EXPECT_EQ(body.at("data").as_array().size(), 1u);
}

TEST_F(EnergyPlatformSinkTest, TheLastSumOfWhatWasEnteredIsSentWhenItIsDueAlsoAfterARestart) {
  answer_registration();
  start(Cadence::days);
  enrol();
  offer({typed(1, kMidnight, 3), typed(2, kMidnight, 5), typed(3, kMidnight + 24h, 9)});  // a batch at 01:00
  ASSERT_TRUE(is_delivered() && *result_);
  EXPECT_EQ((*result_)->settled_through, 3u);
  EXPECT_EQ((*result_)->skipped.size(), 3u);
  offer({typed(4, kMidnight, 7)});  // the last one that comes
  ASSERT_TRUE(is_delivered() && *result_);
  restart(Cadence::days);
  EXPECT_EQ(peer_.requests().size(), 2u) << "two registrations";
  answer(R"({"responseCode":"1","responseMessage":"busy"})");
  answer_registration();
  answer(kGood);
  fake_.advance(31h + 30min);  // 08:30 of the next day, the slot
  const auto refused = data_behind(2);
  ASSERT_EQ(refused.size(), 1u) << "tomorrow's is not over yet";
  enrol();
  fake_.advance(30s);
  run();
  const auto data = data_behind(4);
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(data[0].at("dataValue").to_number<double>(), 7);
  EXPECT_EQ(data[0].at("inputType").to_number<int>(), codec::kHandFilled);
  EXPECT_EQ(data[0].at("statDate"), "2026-08-01 00:00:00");
  EXPECT_EQ(data[0].at("uploadDate"), "2026-08-02 08:30:30");
  const auto attempts = sink_->take_attempts();
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_EQ(attempts[1].sequence, 4u);
  EXPECT_EQ(attempts[1].outcome, ports::Attempt::Outcome::received);
  restart(Cadence::days);
  answer(kGood);
  fake_.advance(24h);
  EXPECT_EQ(data_behind(6).size(), 1u);
  EXPECT_EQ(boost::json::parse(peer_.requests().back().body).at("data").at(0).at("statDate"), "2026-08-02 00:00:00");
}

TEST_F(EnergyPlatformSinkTest, ARevisionOfAPeriodThatIsOverTakesThePlaceOfWhatWasKept) {
  answer_registration();
  start(Cadence::days);
  enrol();
  offer({typed(1, kMidnight, 3)});
  ASSERT_TRUE(is_delivered() && *result_);
  fake_.set_wall(kMidnight + 24h + 8h);
  offer({typed(2, kMidnight, 4)});  // it is over, and not due yet
  run();
  EXPECT_FALSE(result_);
  answer(kGood);
  answer(kGood);
  fake_.advance(30min);
  ASSERT_TRUE(is_delivered() && *result_);
  fake_.advance(5min);
  run();
  const auto last = boost::json::parse(peer_.requests().back().body).at("data").as_array();
  EXPECT_EQ(last.at(0).at("dataValue").to_number<double>(), 4);
  EXPECT_EQ(disk_.kept.at({"province", EnergyPlatformSink::kUnderWayName}), "[]");
}

}  // namespace
}  // namespace carbongate::sinks::energy_platform
