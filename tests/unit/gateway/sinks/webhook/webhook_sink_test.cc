#include "gateway/sinks/webhook/webhook_sink.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/sinks/registry.h"
#include "gateway/sinks/webhook/webhook_sink_type.h"
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
    start(std::make_unique<WebhookSink>(config_, "store", loop_.get_executor(), clock_, &store_, nullptr));
  }
  void start(std::unique_ptr<ports::Sink> sink) {
    sink_ = std::move(sink);
    tasks_.spawn(sink_->attend());
    run();
  }
  void stop() {
    tasks_.cancel();
    run();
  }
  void restart() {
    stop();
    start();
  }
  // As configured, where these rules are there, about nothing but themselves.
  void restart(const std::string& keys, const std::map<std::string, model::Severity>& rules) {
    stop();
    std::map<std::string, model::Severity> alerts;
    for (const auto& [rule, severity] : rules) alerts.emplace("works " + rule + " ", severity);
    SelectableNames names;
    for (const auto& [rule, severity] : rules) names.rules.push_back(rule);
    names.alerts = std::make_shared<const std::map<std::string, model::Severity>>(std::move(alerts));
    config::Problems problems;
    const std::string text =
        "type: webhook\nname: duty\nformat: alertmanager\nurl: http://127.0.0.1:" + std::to_string(peer_.port()) +
        "\n" + keys;
    const config::Node node = config::parse_text(text, "site.yaml", problems);
    const config::Node root = config::parse_text("site: {timezone: UTC}", "site.yaml", problems);
    config::Reader in(node, problems);
    in.required<std::string>("type");
    const auto plan = read_sink(webhook_type(), in, root, &names);
    ASSERT_EQ(problems.to_text(), "");
    start(plan->make({loop_.get_executor(), clock_, &store_}));
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
  model::StoredRow of_rule(const std::string& rule, model::StoredRow row) {
    auto series = std::make_shared<model::Series>(*series_);
    series->rule = rule;
    row.series = series;
    return row;
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
  std::unique_ptr<ports::Sink> sink_;
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

// Its end is not offered either.
TEST_F(ToAlertmanager, WhatIsNoLongerConfiguredOrSelectedIsNotToldAgain) {
  using model::Severity;
  for (int i = 0; i < 6; ++i) peer_.answer(200);
  std::uint64_t sequence = 0;
  for (const char* rule : {"mild", "bad", "gone"}) {
    deliver({of_rule(rule, row(++sequence, rule, model::AlertStage::firing))});
  }
  restart("", {{"mild", Severity::warning}, {"bad", Severity::critical}});
  pass(10s);
  EXPECT_EQ(last(), "bad 09:12:10, mild 09:12:10");
  restart("select: {severity: critical}\n", {{"mild", Severity::warning}, {"bad", Severity::critical}});
  pass(10s);
  EXPECT_EQ(last(), "bad 09:12:20");
  // Meanwhile they may have ended.
  restart("", {{"mild", Severity::warning}, {"bad", Severity::critical}, {"gone", Severity::critical}});
  pass(10s);
  EXPECT_EQ(last(), "bad 09:12:30");
}

// A kill before the delivery was noted, and a start without its rule: it is delivered, and ends there by itself.
TEST_F(ToAlertmanager, WhatIsDeliveredOnceMoreWithoutItsRuleIsNotToldAgain) {
  for (int i = 0; i < 2; ++i) peer_.answer(200);
  restart("", {{"bad", model::Severity::critical}});
  deliver({of_rule("bad", row(1, "bad", model::AlertStage::firing)),
           of_rule("gone", row(2, "gone", model::AlertStage::firing))});
  EXPECT_EQ(last(), "gone 09:12:00");
  peer_.answer(200);
  pass(10s);
  EXPECT_EQ(last(), "bad 09:12:10");
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
