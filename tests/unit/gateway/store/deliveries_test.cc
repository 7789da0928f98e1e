#include "gateway/store/deliveries.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/store/cursor_table.h"
#include "gateway/store/delivery_table.h"
#include "gateway/store/sqlite_store.h"
#include "store_fixtures.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

using namespace store_test;
using Outcome = ports::Attempt::Outcome;

class Deliveries : public ::testing::Test {
 protected:
  Deliveries() {
    open();
    model::Effects effects;
    for (int i = 0; i < 5; ++i) effects.rows.push_back(reading(kIncomer, kStart + i * 1s, i));
    run(store_->commit(std::move(effects))).value();
  }

  void open() { store_ = SqliteStore::open(config_, site_).value(); }
  void reopen() {
    store_.reset();
    open();
  }

  // Sent `at` after the start, answered a second later unless it is open.
  static ports::Attempt attempt(std::uint64_t sequence, Duration at, Outcome outcome, std::string answer) {
    ports::Attempt attempt{.sequence = sequence,
                           .id = "key-" + std::to_string(sequence),
                           .sent = kStart + at,
                           .outcome = outcome,
                           .answer = std::move(answer)};
    if (outcome != Outcome::open) attempt.answered = attempt.sent + 1s;
    return attempt;
  }
  void settle(const std::string& sink, std::uint64_t through, std::vector<ports::Attempt> attempts) {
    ports::Delivery delivery{through, {}};
    for (const ports::Attempt& attempt : attempts) {
      if (attempt.outcome == Outcome::refused) delivery.rejected.push_back({attempt.sequence, attempt.answer});
    }
    delivery.attempts = std::move(attempts);
    run(store_->settle(sink, std::move(delivery))).value();
  }
  void fail(const std::string& sink, ports::Attempt attempt) {
    run(store_->record(sink, {std::move(attempt)})).value();
  }

  // "hook 2 key-2 open 1x 0-5 (no answer) no route": first and last second, and when it was answered.
  std::vector<std::string> list(const DeliveryQuery& query = {}) {
    const auto second = [](Instant at) { return std::to_string((at - kStart) / 1s); };
    std::vector<std::string> lines;
    const auto visited = each_delivery(config_.path, query, [&](const DeliveryLine& line) {
      const char* states[] = {"open", "received", "refused"};
      lines.push_back(line.sink + " " + std::to_string(line.last.sequence) + " " + line.id + " " +
                      states[static_cast<int>(line.last.outcome)] + " " + std::to_string(line.attempts) + "x " +
                      second(line.first_sent) + "-" + second(line.last.sent) + " (" +
                      (line.last.answered ? second(*line.last.answered) : "no answer") + ") " + line.last.answer);
      return true;
    });
    EXPECT_TRUE(visited.has_value());
    return lines;
  }

  using Lines = std::vector<std::string>;

  TemporaryDirectory directory_;
  StoreConfig config_{.path = directory_.path() / "store"};
  model::Site site_ = small_site();
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(Deliveries, SayWhenItWasSentHowOftenAndWhatWasAnswered) {
  fail("hook", attempt(2, 0s, Outcome::open, "connection refused"));
  EXPECT_EQ(list(), Lines{"hook 2 key-2 open 1x 0-0 (no answer) connection refused"});
  fail("hook", attempt(2, 5s, Outcome::open, "HTTP 503"));
  settle("hook", 3, {attempt(2, 20s, Outcome::received, "HTTP 204"), attempt(3, 21s, Outcome::refused, "HTTP 422")});
  settle("mail", 2, {attempt(2, 1s, Outcome::received, "250 queued")});
  const Lines all{"hook 2 key-2 received 3x 0-20 (21) HTTP 204", "hook 3 key-3 refused 1x 21-21 (22) HTTP 422",
                  "mail 2 key-2 received 1x 1-1 (2) 250 queued"};
  EXPECT_EQ(list(), all);
  reopen();
  EXPECT_EQ(list(), all);
}

TEST_F(Deliveries, AreFoundBySinkStateAndTime) {
  fail("hook", attempt(4, 9s, Outcome::open, "HTTP 503"));
  settle("hook", 3, {attempt(2, 20s, Outcome::received, "204"), attempt(3, 21s, Outcome::refused, "422")});
  settle("mail", 2, {attempt(2, 1s, Outcome::received, "250")});
  const auto count = [this](DeliveryQuery query) { return list(query).size(); };
  EXPECT_EQ(count({.sink = "hook"}), 3U);
  EXPECT_EQ(count({.sink = "other"}), 0U);
  EXPECT_EQ(list({.only_open = true}),
            (Lines{"hook 3 key-3 refused 1x 21-21 (22) 422", "hook 4 key-4 open 1x 9-9 (no answer) HTTP 503"}));
  EXPECT_EQ(count({.from = kStart + 9s}), 3U);
  EXPECT_EQ(count({.from = kStart + 9s, .to = kStart + 21s}), 2U);
}

TEST_F(Deliveries, KeepTheReceiptWhenARowIsSentOnceMore) {
  settle("hook", 2, {attempt(2, 1s, Outcome::received, "HTTP 204")});
  settle("hook", 2, {attempt(2, 60s, Outcome::received, "HTTP 409")});
  fail("hook", attempt(2, 70s, Outcome::open, "connection refused"));
  EXPECT_EQ(list(), Lines{"hook 2 key-2 received 3x 1-70 (2) HTTP 204"});
}

TEST_F(Deliveries, CountAnAttemptOnceThatIsToldBeforeItsAnswer) {
  fail("hook", attempt(2, 1s, Outcome::open, "no receipt yet"));
  fail("hook", attempt(2, 1s, Outcome::open, "no receipt"));
  fail("hook", attempt(2, 6s, Outcome::open, "no receipt yet"));
  EXPECT_EQ(list({.only_open = true}), Lines{"hook 2 key-2 open 2x 1-6 (no answer) no receipt yet"});
  settle("hook", 2, {attempt(2, 6s, Outcome::received, "9014")});
  EXPECT_EQ(list(), Lines{"hook 2 key-2 received 2x 1-6 (7) 9014"});
  fail("hook", attempt(2, 60s, Outcome::open, "no receipt yet"));
  settle("hook", 2, {attempt(2, 60s, Outcome::received, "9014")});
  EXPECT_EQ(list(), Lines{"hook 2 key-2 received 3x 1-60 (7) 9014"});
}

TEST_F(Deliveries, HaveTheRowThatWasSent) {
  settle("hook", 3,
         {attempt(3, 1s, Outcome::received, "HTTP 204"), attempt(99, 1s, Outcome::received, "of a row gone")});
  std::vector<bool> has_row;
  ASSERT_TRUE(each_delivery(config_.path, {}, [&](const DeliveryLine& line) {
                has_row.push_back(line.row.has_value());
                if (line.row) EXPECT_EQ(line.row->body.get<model::JudgedReading>().at, kStart + 2s);
                return true;
              }).has_value());
  EXPECT_EQ(has_row, (std::vector<bool>{true, false}));
}

TEST_F(Deliveries, OfDeadLettersThatAreOfferedAgainAreRecordedToo) {
  settle("hook", 5, {attempt(2, 1s, Outcome::refused, "HTTP 422")});
  run(store_->settle_retries(
          "hook", {.accepted = {2}, .rejected = {}, .attempts = {attempt(2, 9s, Outcome::received, "HTTP 204")}}))
      .value();
  EXPECT_EQ(list(), Lines{"hook 2 key-2 received 2x 1-9 (10) HTTP 204"});
}

TEST_F(Deliveries, HowFarASinkIsCanBeWrittenWithoutOne) {
  const auto waiting = [this](const std::string& sink) {
    const auto accounts = audit_store(config_.path).value();
    return std::ranges::find(accounts, sink, &ports::SinkAccount::sink)->pending;
  };
  fail("duty", attempt(2, 0s, Outcome::open, "no route"));
  run(store_->peek("escalation", 10)).value();
  fail("duty", attempt(2, 1s, Outcome::open, "no route"));
  run(store_->settle("escalation", {.settled_through = 5, .rejected = {}, .skipped = {1, 2, 3, 4, 5}, .rows = 5}))
      .value();
  EXPECT_EQ(waiting("escalation"), 5U) << "as it was written last";
  run(store_->record("escalation", {})).value();
  EXPECT_EQ(waiting("escalation"), 0U);
}

TEST_F(Deliveries, GoWhenTheyAreOld) {
  settle("hook", 3, {attempt(2, 0s, Outcome::received, "old"), attempt(3, 48h, Outcome::received, "newer")});
  settle("mail", 2, {attempt(2, 0s, Outcome::received, "of another sink")});
  settle("hook", 4, {attempt(4, config_.keep_deliveries + 24h, Outcome::received, "now")});
  EXPECT_EQ(list({.sink = "hook"}).size(), 2U);
  EXPECT_EQ(list({.sink = "mail"}).size(), 1U);
}

TEST_F(Deliveries, CutLongAnswersBetweenCharacters) {
  std::string words;
  for (int i = 0; i < 200; ++i) words += "拒";
  settle("hook", 2, {attempt(2, 0s, Outcome::received, words)});
  const std::string line = list().front();
  EXPECT_TRUE(line.ends_with(words.substr(0, DeliveryTable::kAnswerBytesMax))) << line;
}

}  // namespace
}  // namespace carbongate::store
