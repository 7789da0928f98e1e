#include "gateway/sinks/webhook/webhook_sink.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocols/io/task_group.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/scripted_http_peer.h"

namespace carbongate::sinks::webhook {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Outcome = ports::Attempt::Outcome;

const Instant kNow = std::chrono::sys_days(std::chrono::year(2026) / 8 / 1) + 9h;

// Over a real loopback socket; Alertmanager follows a script.
class ToAlertmanager : public ::testing::Test {
 protected:
  ToAlertmanager() {
    config_.name = "duty";
    config_.format = Format::alertmanager;
    config_.server = {.host = "127.0.0.1", .port = peer_.port(), .tls = false, .ca_file = ""};
    config_.target = "/api/v2/alerts";
    config_.time_zone = "UTC";
    config_.repeat_every = 3min;
    series_->site = "works";
    series_->rule = "overload";
    clock_.set_wall(kNow);
    start();
  }
  ~ToAlertmanager() override {  // before what they use is gone
    tasks_.cancel();
    run();
  }

  void start() {
    sink_ = std::make_unique<WebhookSink>(config_, "store", loop_.get_executor(), clock_, &store_);
    tasks_.spawn(sink_->attend());
    run();
  }
  void restart() {
    tasks_.cancel();
    run();
    start();
  }
  void run() {
    loop_.restart();
    loop_.run_for(30ms);
  }

  model::StoredRow row(std::uint64_t sequence, std::string id, model::AlertStage stage) {
    model::Alert alert;
    alert.id = std::move(id);
    alert.stage = stage;
    alert.since = alert.at = kNow - 1h;
    return {sequence, series_, alert};
  }
  asio::awaitable<void> offer(bool again) {
    result_.emplace(again ? co_await sink_->deliver_again(rows_) : co_await sink_->deliver(rows_));
  }
  void deliver(std::vector<model::StoredRow> rows, bool again = false) {
    rows_ = std::move(rows);
    result_.reset();
    tasks_.spawn(offer(again));
    const auto end = std::chrono::steady_clock::now() + 10s;
    loop_.restart();
    while (!result_ && std::chrono::steady_clock::now() < end) loop_.run_one_for(100ms);
    ASSERT_TRUE(result_ && *result_);
  }

  // "a 09:12:00, b 09:12:00": ids and ends of the last request.
  std::string last() const {
    std::string text;
    const auto told = boost::json::parse(peer_.requests().back().body);
    for (const auto& alert : told.as_array()) {
      if (!text.empty()) text += ", ";
      text += std::string(alert.at("labels").at("id").as_string()) + " " +
              std::string(alert.at("endsAt").as_string()).substr(11, 8);
    }
    return text;
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    run();
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  testing::FakeDisk disk_;
  model::Site site_;
  testing::FakeStore store_{disk_, site_};
  testing::ScriptedHttpPeer peer_{loop_.get_executor()};
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  Config config_;
  std::unique_ptr<WebhookSink> sink_;
  io::TaskGroup tasks_{loop_.get_executor()};
  std::vector<model::StoredRow> rows_;
  std::optional<model::Result<ports::Delivery>> result_;
};

TEST_F(ToAlertmanager, WhatFiresIsToldAgainUntilItsEnd) {
  for (int i = 0; i < 5; ++i) peer_.answer(200);
  deliver({row(1, "a", model::AlertStage::firing), row(2, "b", model::AlertStage::firing)});
  EXPECT_EQ(last(), "b 09:12:00") << "four intervals ahead";
  EXPECT_EQ(peer_.requests().size(), 2u);
  pass(10s);
  EXPECT_EQ(last(), "a 09:12:10, b 09:12:10") << "after the start";
  EXPECT_EQ(peer_.requests().size(), 3u) << "in one request";
  deliver({row(3, "a", model::AlertStage::resolved)});
  EXPECT_EQ(last(), "a 08:00:00");
  pass(3min);
  EXPECT_EQ(last(), "b 09:15:10");
  EXPECT_EQ(peer_.requests().size(), 5u);
  EXPECT_EQ(sink_->status().requests, 3u) << "repeats are no deliveries";
  EXPECT_EQ(sink_->status().rows_accepted, 3u);
  EXPECT_EQ(sink_->take_attempts().size(), 3u);
}

TEST_F(ToAlertmanager, WhatFiresIsToldAgainAfterARestart) {
  for (int i = 0; i < 3; ++i) peer_.answer(200);
  auto fires = row(1, "a", model::AlertStage::firing);
  auto taken = row(2, "a", model::AlertStage::acknowledged);
  taken.body.get<model::Alert>().by = "wang";
  deliver({fires, taken});
  restart();
  EXPECT_EQ(peer_.requests().size(), 2u);
  pass(10s);
  EXPECT_EQ(last(), "a 09:12:10");
  EXPECT_NE(peer_.requests().back().body.find("\"by\":\"wang\""), std::string::npos) << "its last change";
}

TEST_F(ToAlertmanager, WhatWasNotToldAgainIsAtTheNextTime) {
  peer_.answer(200);
  deliver({row(1, "a", model::AlertStage::firing)});
  peer_.answer(503);
  pass(10s);
  peer_.answer(400);
  pass(3min);
  peer_.answer(200);
  pass(3min);
  EXPECT_EQ(last(), "a 09:18:10");
}

// Its end may have come before.
TEST_F(ToAlertmanager, ADeadLetterIsToldOnce) {
  peer_.answer(200);
  deliver({row(1, "a", model::AlertStage::firing)}, true);
  EXPECT_EQ(last(), "a 09:12:00");
  pass(10s);
  pass(3min);
  EXPECT_EQ(peer_.requests().size(), 1u);
}

TEST_F(ToAlertmanager, WhatIsRefusedIsNotToldAgain) {
  peer_.answer(400);
  deliver({row(1, "a", model::AlertStage::firing)});
  pass(10s);
  EXPECT_EQ(peer_.requests().size(), 1u);
  EXPECT_EQ((*result_)->rejected.size(), 1u);
}

}  // namespace
}  // namespace carbongate::sinks::webhook
