#include "gateway/sinks/escalating_sink.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_sink.h"
#include "tests/support/fake_store.h"

namespace carbongate::sinks {
namespace {

using namespace std::chrono_literals;
using Outcome = ports::Attempt::Outcome;
using Sequences = std::vector<std::uint64_t>;

const Escalation kEscalation{.of = "mail", .after = 10min};

class EscalatingSinkTest : public ::testing::Test {
 protected:
  EscalatingSinkTest() { rows_.reserve(10); }  // what is being delivered stays where it is

  void TearDown() override { cancel(); }  // what waits still looks at the clock

  // Alerts "aab": sequence 1 and 2 of alert a, 3 of alert b.
  void write(std::string_view alerts) {
    for (const char id : alerts) {
      model::Alert alert;
      alert.id = id;
      rows_.push_back({rows_.size() + 1, std::make_shared<model::Series>(), alert});
    }
    store_.set_last_sequence(rows_.size());
  }

  void deliver(std::size_t first = 1) {
    outcome_.reset();
    boost::asio::co_spawn(
        loop_, sink_->deliver(std::span(rows_).subspan(first - 1)),
        boost::asio::bind_cancellation_slot(
            cancel_.slot(), [this](const std::exception_ptr& error, model::Result<ports::Delivery> delivery) {
              if (!error) outcome_ = std::move(delivery);
            }));
    poll();
  }
  void pass(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 1s) {
      clock_.advance(std::min<std::chrono::milliseconds>(time, 1s));
      poll();
    }
  }
  void poll() {
    loop_.restart();
    loop_.poll();
  }
  void other_has(std::uint64_t sequence, Outcome outcome) {
    disk_.recorded["mail"].push_back({.sequence = sequence, .first_sent = clock_.now(), .outcome = outcome});
  }
  void other_passed(std::uint64_t sequence) {
    boost::asio::co_spawn(loop_, store_.peek("mail", 1), boost::asio::detached);  // it is there
    poll();
    disk_.cursors["mail"].settled = sequence;
  }

  void cancel() {
    cancel_.emit(boost::asio::cancellation_type::terminal);
    poll();
  }
  void restart() {
    cancel();
    inner_ = new testing::FakeSink("boss");
    sink_.emplace(std::unique_ptr<ports::Sink>(inner_), kEscalation, store_, clock_);
  }

  Sequences told() const {
    Sequences sequences;
    for (const model::StoredRow& row : inner_->accepted()) sequences.push_back(row.sequence);
    return sequences;
  }

  boost::asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  testing::FakeDisk disk_;
  model::Site site_;
  testing::FakeStore store_{disk_, site_};
  testing::FakeSink* inner_ = new testing::FakeSink("boss");
  std::optional<EscalatingSink> sink_{std::in_place, std::unique_ptr<ports::Sink>(inner_), kEscalation, store_, clock_};
  boost::asio::cancellation_signal cancel_;
  std::vector<model::StoredRow> rows_;
  std::optional<model::Result<ports::Delivery>> outcome_;
};

TEST_F(EscalatingSinkTest, SaysNothingWhereReceiptsCome) {
  write("ab");
  deliver();
  EXPECT_FALSE(outcome_) << "it waits";
  pass(5min);
  other_has(1, Outcome::received);
  other_has(2, Outcome::received);
  pass(2s);
  ASSERT_TRUE(outcome_);
  EXPECT_EQ((*outcome_)->settled_through, 2U);
  EXPECT_EQ((*outcome_)->skipped.size(), 2U);
  EXPECT_EQ(told(), Sequences{});
  EXPECT_TRUE(sink_->status().healthy);
  EXPECT_EQ(sink_->status().rows_skipped, 2U);
}

TEST_F(EscalatingSinkTest, PassesOnWhatHasNoReceiptInTime) {
  write("ab");
  deliver();
  pass(10min - 2s);
  EXPECT_FALSE(outcome_);
  pass(4s);
  ASSERT_TRUE(outcome_);
  EXPECT_EQ(told(), (Sequences{1, 2}));
}

// However long the rows before them waited.
TEST_F(EscalatingSinkTest, CountsForEachSinceItWasThere) {
  write("ab");
  deliver();
  pass(4min);
  EXPECT_TRUE(sink_->status().is_waiting_for_time);
  write("c");  // while the first two wait
  pass(6min + 2s);
  ASSERT_TRUE(outcome_);
  EXPECT_EQ(told(), (Sequences{1, 2}));
  EXPECT_FALSE(sink_->status().is_waiting_for_time);
  deliver(3);
  pass(4min - 4s);
  EXPECT_FALSE(outcome_);
  pass(6s);
  EXPECT_EQ(told(), (Sequences{1, 2, 3}));
}

// The other sink settles while this one asks.
TEST_F(EscalatingSinkTest, DoesNotTakeWhatIsRefusedMeanwhileForPassedBy) {
  write("a");
  other_passed(0);
  disk_.before_recorded = [this] {
    other_has(1, Outcome::refused);
    disk_.cursors["mail"].settled = 1;
  };
  deliver();
  ASSERT_TRUE(outcome_);
  EXPECT_EQ(told(), Sequences{1});
}

// A restart does not begin the wait again for what was sent before.
TEST_F(EscalatingSinkTest, CountsFromTheFirstTimeItWasSent) {
  write("a");
  other_has(1, Outcome::open);
  pass(9min);
  deliver();
  pass(59s);
  EXPECT_FALSE(outcome_);
  pass(3s);
  EXPECT_EQ(told(), Sequences{1});
}

// Also for what was never tried, such as what stands behind something that is.
TEST_F(EscalatingSinkTest, CountsOverRestartsWhatWasNotSentYet) {
  write("ab");
  other_has(1, Outcome::open);
  std::chrono::milliseconds passed{};
  std::size_t at_restarts = 0;
  for (; passed < 9min; passed += 50s) {
    if (passed == 100s) write("c");
    restart();
    deliver();
    pass(50s);
    at_restarts += inner_->accepted().size();
  }
  EXPECT_EQ(at_restarts, 0U);
  restart();
  deliver();
  pass(10min - passed + 2s);
  ASSERT_TRUE(outcome_);
  EXPECT_EQ(told(), (Sequences{1, 2})) << "and the third, which came later, waits";
  deliver(3);
  pass(95s);
  EXPECT_EQ(told(), (Sequences{1, 2}));
  pass(5s);
  EXPECT_EQ(told(), (Sequences{1, 2, 3}));
}

// The time of an alert may be of years ago.
TEST_F(EscalatingSinkTest, DoesNotTakeOldDataForOldRows) {
  write("a");
  rows_[0].body.get<model::Alert>().at = clock_.now() - std::chrono::days(400);
  restart();
  deliver();
  pass(9min);
  EXPECT_FALSE(outcome_);
}

TEST_F(EscalatingSinkTest, PassesOnAtOnceWhatWasRefused) {
  write("ab");
  other_has(1, Outcome::refused);
  deliver();
  ASSERT_TRUE(outcome_);
  EXPECT_EQ((*outcome_)->settled_through, 1U) << "the second one waits";
  EXPECT_EQ(told(), Sequences{1});
}

TEST_F(EscalatingSinkTest, LeavesOutWhatWasNotForTheOtherOne) {
  write("ab");
  other_passed(1);
  deliver();
  ASSERT_TRUE(outcome_);
  EXPECT_EQ((*outcome_)->settled_through, 1U);
  EXPECT_EQ(told(), Sequences{});
}

TEST_F(EscalatingSinkTest, TellsTheEndOfWhatItHasTold) {
  write("a");
  other_has(1, Outcome::refused);
  deliver();
  write("ba");
  other_has(2, Outcome::received);
  other_has(3, Outcome::received);
  deliver(2);
  ASSERT_TRUE(outcome_);
  EXPECT_EQ((*outcome_)->settled_through, 3U);
  EXPECT_EQ((*outcome_)->skipped.size(), 1U);
  EXPECT_EQ(told(), (Sequences{1, 3}));
}

// Offered together, after the first one has waited for its receipt.
TEST_F(EscalatingSinkTest, TellsTheEndOfWhatItTellsBesideIt) {
  write("bacab");
  other_has(2, Outcome::refused);
  other_has(3, Outcome::refused);
  for (const std::uint64_t s : {4, 5}) other_has(s, Outcome::received);
  deliver();
  EXPECT_FALSE(outcome_);
  disk_.recorded["mail"].insert(disk_.recorded["mail"].begin(),
                                {.sequence = 1, .first_sent = clock_.now(), .outcome = Outcome::received});
  pass(2s);
  ASSERT_TRUE(outcome_);
  EXPECT_EQ((*outcome_)->settled_through, 5U);
  EXPECT_EQ((*outcome_)->skipped.size(), 2U) << "alert b, which nobody was told of";
  EXPECT_EQ(told(), (Sequences{2, 3, 4}));
}

TEST_F(EscalatingSinkTest, TellsTheEndAfterARestart) {
  write("a");
  other_has(1, Outcome::refused);
  deliver();
  restart();
  write("ba");
  other_has(2, Outcome::received);
  other_has(3, Outcome::received);
  deliver(2);
  ASSERT_TRUE(outcome_);
  EXPECT_EQ((*outcome_)->settled_through, 3U);
  EXPECT_EQ(told(), Sequences{3});
}

// Done is not received: nobody knows who has it.
TEST_F(EscalatingSinkTest, PassesOnWhatWasSentWithoutAReceipt) {
  write("ab");
  other_has(1, Outcome::sent);
  other_passed(1);
  pass(4min);
  deliver();
  pass(6min - 2s);
  EXPECT_FALSE(outcome_);
  pass(4s);
  ASSERT_TRUE(outcome_);
  EXPECT_EQ((*outcome_)->settled_through, 1U) << "the second one is there for six minutes";
  EXPECT_EQ(told(), Sequences{1});
}

TEST_F(EscalatingSinkTest, OffersAgainWhatItsDestinationDidNotTake) {
  write("abc");
  for (const std::uint64_t s : {1, 2, 3}) other_has(s, s == 2 ? Outcome::received : Outcome::refused);
  inner_->next([](auto rows) { return ports::Delivery{rows.front().sequence, {}}; });
  deliver();
  ASSERT_TRUE(outcome_);
  EXPECT_EQ((*outcome_)->settled_through, 2U);
  EXPECT_EQ((*outcome_)->skipped.size(), 1U);
  inner_->fail_next("nobody there");
  deliver(3);
  EXPECT_FALSE(outcome_->has_value());
  deliver(3);
  EXPECT_EQ(told(), (Sequences{1, 3}));
}

}  // namespace
}  // namespace carbongate::sinks
