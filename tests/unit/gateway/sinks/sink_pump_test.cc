#include <algorithm>
#include <boost/system/system_error.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/sinks/shared/under_way.h"
#include "tests/unit/gateway/sinks/sink_pump_fixture.h"

namespace carbongate::sinks {
namespace {

using namespace std::chrono_literals;

TEST_F(SinkPump, DeliversWhatIsThereInBatches) {
  journal_.append(25);
  start();
  EXPECT_EQ(journal_.settled(), 25U);
  EXPECT_EQ(sink_.accepted().size(), 25U);
  EXPECT_EQ(sink_.offers(), 3U);
}

TEST_F(SinkPump, WaitsForCommitsAndGathersThemForAMoment) {
  start();
  EXPECT_EQ(clock_.next_deadline(), std::nullopt) << "nothing to do, nothing to wait for but a commit";
  commit(1);
  commit(2);
  EXPECT_EQ(sink_.offers(), 0U);
  pass(kGatherTime);
  EXPECT_EQ(sink_.offers(), 1U);
  EXPECT_EQ(journal_.settled(), 3U);
}

TEST_F(SinkPump, DoesNotLetAnAlertWaitForMore) {
  start({.is_prompt = true});
  commit(1);
  EXPECT_EQ(sink_.offers(), 0U) << "a reading";
  journal_.append_alert();
  commit(0);
  EXPECT_EQ(sink_.offers(), 1U);
  EXPECT_EQ(journal_.settled(), 2U);
}

TEST_F(SinkPump, HasWrittenHowFarItIsWhereNoCommitDoesSo) {
  journal_.append(3);
  start({.is_prompt = true});
  EXPECT_EQ(journal_.settled(), 3U);
  pass(1'999ms);
  EXPECT_EQ(journal_.saved(), 0);
  pass(1ms);
  EXPECT_EQ(journal_.saved(), 1);
  pass(1h);
  EXPECT_EQ(journal_.saved(), 1) << "once";
  commit(1);
  pass(kGatherTime);
  pass(1s);
  commit(1);  // which writes it, too
  pass(kGatherTime);
  EXPECT_EQ(journal_.settled(), 5U);
  pass(1s);
  EXPECT_EQ(journal_.saved(), 1);
  journal_.during_save = [this] { journal_.append(1); };  // nobody waits for commits just then
  pass(1s);
  EXPECT_EQ(journal_.saved(), 2);
  pass(kGatherTime);
  EXPECT_EQ(journal_.settled(), 6U);
}

TEST_F(SinkPump, LetsAnAlertWaitWithReadingsThatGoTheSameWay) {
  start();
  journal_.append_alert();
  commit(1);
  EXPECT_EQ(sink_.offers(), 0U);
  pass(kGatherTime);
  EXPECT_EQ(sink_.offers(), 1U);
}

TEST_F(SinkPump, SeesRowsThatAreCommittedWhileItLooks) {
  journal_.during_peek = [this] { journal_.append(1); };  // after the answer was made, before the pump waits
  start();
  EXPECT_EQ(journal_.settled(), 1U);
}

TEST_F(SinkPump, HasWhatWasSentRecordedAlsoIfNothingIsSettled) {
  journal_.append(5);
  const auto sends = [this](std::uint64_t sequence, std::string answer, model::Result<ports::Delivery> outcome) {
    sink_.next([=, this](auto) {
      sink_.has_sent({.sequence = sequence, .id = "id", .answer = answer});
      return outcome;
    });
  };
  sends(1, "no route", model::Fault{make_error_code(boost::system::errc::connection_refused), "no route"});
  sends(1, "HTTP 503", ports::Delivery{0, {}});
  sends(1, "HTTP 204", ports::Delivery{2, {}});
  sends(3, "HTTP 200", ports::Delivery{5, {}});
  start();
  wake();
  wake();
  EXPECT_EQ(journal_.settled(), 5U);
  EXPECT_EQ(journal_.attempts(), (std::vector<std::string>{"1 no route", "1 HTTP 503", "1 HTTP 204!", "3 HTTP 200!"}));
}

TEST_F(SinkPump, TriesAgainWithoutEndAndWithoutHaste) {
  journal_.append(5);
  for (int i = 0; i < 100; ++i) sink_.fail_next("nobody there");
  start();
  std::chrono::milliseconds longest{};
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(journal_.settled(), 0U);
    const auto waited = wake();
    EXPECT_GE(waited, kRetryFirst / 2);
    longest = std::max(longest, waited);
  }
  EXPECT_GT(longest, kRetryCap / 2);
  EXPECT_LE(longest, kRetryCap);
  EXPECT_EQ(sink_.offers(), 101U);
  EXPECT_EQ(journal_.settled(), 5U);
}

// A far end that takes a second for each row, and at most this many.
void answer_slowly(testing::FakeSink& sink, testing::FakeClock& clock, std::size_t most, int offers,
                   std::vector<std::size_t>& sizes) {
  for (int i = 0; i < offers; ++i) {
    sink.next([=, &clock, &sizes](auto rows) -> model::Result<ports::Delivery> {
      sizes.push_back(rows.size());
      clock.advance(std::chrono::seconds(std::min(rows.size(), most)));
      if (rows.size() <= most) return ports::Delivery{rows.back().sequence, {}};
      return model::Fault{make_error_code(boost::system::errc::timed_out), "no answer within 4000 ms"};
    });
  }
}

TEST_F(SinkPump, OffersHalfOfWhatIsNotTakenInTime) {
  journal_.append(9);
  std::vector<std::size_t> sizes;
  answer_slowly(sink_, clock_, 4, 100, sizes);
  start();
  wake();
  EXPECT_EQ(sizes, (std::vector<std::size_t>{9, 4, 4, 1})) << "and not 8 once more, which would take too long again";
  EXPECT_EQ(journal_.settled(), 9U);
}

TEST_F(SinkPump, OffersHalfOfALaneThatIsNotTakenInTime) {
  journal_.append(9);
  std::vector<std::size_t> sizes;
  answer_slowly(sink_, clock_, 4, 100, sizes);
  start({.order = Order::live_first});
  wake();
  EXPECT_EQ(sizes, (std::vector<std::size_t>{9, 4, 4, 1}));
}

TEST_F(SinkPump, OffersSingleRowsIfNeedBeAndWholeBatchesOnceTheyAreTakenFast) {
  journal_.append(60);
  for (int i = 0; i < 5; ++i) sink_.fail_next("no answer within 10000 ms", boost::system::errc::timed_out);
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 20; ++i) {
    sink_.next([&sizes](auto rows) {
      sizes.push_back(rows.size());
      return ports::Delivery{rows.back().sequence, {}};
    });
  }
  start();
  for (int i = 0; i < 5; ++i) wake();
  EXPECT_EQ(journal_.settled(), 60U);
  EXPECT_EQ(sizes.front(), 1U);
  EXPECT_EQ(std::ranges::max(sizes), 10U);
}

TEST_F(SinkPump, IsQuickAgainAfterASuccess) {
  journal_.append(1);
  for (int i = 0; i < 10; ++i) sink_.fail_next("nobody there");
  start();
  for (int i = 0; i < 10; ++i) wake();
  ASSERT_EQ(journal_.settled(), 1U);
  sink_.fail_next("nobody there");
  commit(1);
  wake();
  EXPECT_LE(wake(), kRetryFirst);
  EXPECT_EQ(journal_.settled(), 2U);
}

TEST_F(SinkPump, KeepsWhatTheSinkRejectsAndGoesOn) {
  journal_.append(3);
  sink_.next([](auto rows) { return ports::Delivery{rows.back().sequence, {{2, "field type conflict"}}}; });
  start();
  EXPECT_EQ(journal_.settled(), 3U);
  ASSERT_EQ(journal_.dead_letters().size(), 1U);
  EXPECT_EQ(journal_.dead_letters()[0].sequence, 2U);
}

TEST_F(SinkPump, OffersTheRestAfterAPartialDelivery) {
  journal_.append(5);
  sink_.next([](auto) { return ports::Delivery{2, {}}; });
  start();
  EXPECT_EQ(sink_.offers(), 2U);
  EXPECT_EQ(sink_.accepted().size(), 5U);
}

TEST_F(SinkPump, ReadsOnceWhatASinkThatAsksForTooMuchLeavesOpen) {
  journal_.append(200);
  for (int i = 0; i < 50; ++i) {
    sink_.next([](auto rows) { return ports::Delivery{rows[std::min<std::size_t>(rows.size(), 8) - 1].sequence, {}}; });
  }
  start();
  EXPECT_EQ(journal_.settled(), 200U);
  EXPECT_EQ(sink_.accepted().size(), 200U);
  EXPECT_LT(journal_.rows_read(), 230U);
}

TEST_F(SinkPump, PausesWhenADeliverySettlesNothing) {
  journal_.append(5);
  sink_.next([](auto) { return ports::Delivery{0, {}}; });
  start();
  EXPECT_EQ(sink_.offers(), 1U);
  wake();
  EXPECT_EQ(journal_.settled(), 5U);
}

TEST_F(SinkPump, OffersWhatIsUnderWayAtOnceWithWhatHasComeBehindIt) {
  journal_.append(2);
  sink_.fail_next("nobody there");
  sink_.next([this](auto) {
    sink_.has_sent({.sequence = 2, .id = "id", .answer = "9014"});
    journal_.append_alert();
    return shared::under_way();
  });
  start();
  wake();
  EXPECT_EQ(sink_.offers(), 3U) << "without a pause";
  EXPECT_EQ(journal_.settled(), 3U);
  EXPECT_EQ(journal_.attempts(), (std::vector<std::string>{"2 9014"})) << "what is answered already is recorded";
}

TEST(SinkPumpRows, AreAPartOfTheMemory) {
  constexpr std::uint64_t kMebibyte = 1 << 20;
  EXPECT_EQ(rows_at_once_max(512 * kMebibyte, 1), 65'536U);
  EXPECT_EQ(rows_at_once_max(512 * kMebibyte, 4), 16'384U);
  EXPECT_EQ(rows_at_once_max(64 * kMebibyte, 1000), 100U);
  EXPECT_EQ(rows_at_once_max(64 * kMebibyte, 0), 8'192U);
}

TEST_F(SinkPump, OffersNoMoreAtOnceThanItMay) {
  journal_.append(20);
  start({}, 7);
  EXPECT_EQ(sink_.offers(), 3U);
  EXPECT_EQ(sink_.accepted().size(), 20U);
}

TEST_F(SinkPump, SurvivesAStoreInTrouble) {
  journal_.append(5);
  journal_.fail_next_peek();
  start();
  EXPECT_EQ(sink_.offers(), 0U);
  journal_.fail_next_settles(20);
  sink_.next([this](auto rows) {
    sink_.has_sent({.sequence = 1, .id = "id", .answer = "HTTP 204"});
    return ports::Delivery{rows.back().sequence, {{2, "field type conflict"}}};
  });
  for (int i = 0; i < 20; ++i) {
    wake();
    EXPECT_EQ(journal_.settled(), 0U);
  }
  wake();
  EXPECT_EQ(sink_.offers(), 1U) << "what was delivered is settled again, not sent again";
  EXPECT_EQ(journal_.settled(), 5U);
  EXPECT_EQ(journal_.dead_letters().size(), 1U);
  EXPECT_EQ(journal_.attempts(), std::vector<std::string>{"1 HTTP 204!"});
}

// A sink whose deliveries end when the test says so.
class SlowSink final : public ports::Sink {
 public:
  explicit SlowSink(const asio::any_io_executor& executor) : go_on_(executor) {}

  const std::vector<std::uint64_t>& offers() const { return offers_; }  // the first row of each
  void answer(std::optional<std::uint64_t> settled_through) {           // nullopt: a fault
    answer_ = settled_through;
    go_on_.notify_all();
  }

  const std::string& name() const override { return name_; }
  std::size_t batch_rows() const override { return 10; }
  ports::SinkStatus status() const override { return {}; }
  asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override {
    offers_.push_back(rows.front().sequence);
    co_await go_on_.wait();
    if (answer_) co_return ports::Delivery{*answer_, {}};
    co_return model::Fault{make_error_code(boost::system::errc::connection_refused), "nobody there"};
  }

 private:
  std::string name_ = "slow";
  io::Event go_on_;
  std::vector<std::uint64_t> offers_;
  std::optional<std::uint64_t> answer_;
};

class SinkPumpAhead : public SinkPump {
 protected:
  void TearDown() override {
    tasks_.cancel();
    poll();
    EXPECT_TRUE(ended_);
  }
  void start() {
    tasks_.spawn(pump(slow_, journal_, committed_, clock_), [this](std::exception_ptr error) {
      ended_ = true;
      if (error) std::rethrow_exception(error);
    });
    poll();
  }
  void answer(std::optional<std::uint64_t> settled_through) {
    slow_.answer(settled_through);
    poll();
  }

  SlowSink slow_{loop_.get_executor()};
};

TEST_F(SinkPumpAhead, TheStoreWorksWhileRowsAreOnTheirWay) {
  journal_.append(25);
  start();
  answer(10);
  EXPECT_EQ(slow_.offers(), (std::vector<std::uint64_t>{1, 11}));
  EXPECT_EQ(journal_.settled(), 10U) << "while those behind are on their way";
  answer(20);
  EXPECT_EQ(journal_.settled(), 20U);
  answer(25);
  EXPECT_EQ(journal_.settled(), 25U);
  EXPECT_EQ(slow_.offers(), (std::vector<std::uint64_t>{1, 11, 21}));
}

TEST_F(SinkPumpAhead, OffersWhatWasFetchedOnlyBehindWhatIsDone) {
  journal_.append(30);
  start();
  answer(4);
  EXPECT_EQ(slow_.offers().back(), 5U);
  EXPECT_EQ(journal_.settled(), 4U);
  answer(14);
  EXPECT_EQ(slow_.offers().back(), 15U);
  answer(std::nullopt);
  EXPECT_EQ(journal_.settled(), 14U);
  wake();
  EXPECT_EQ(slow_.offers().back(), 15U);
  answer(24);
  answer(30);
  EXPECT_EQ(journal_.settled(), 30U);
}

TEST_F(SinkPumpAhead, SettlesAgainWhatTheStoreCouldNotSettle) {
  journal_.append(30);
  start();
  journal_.fail_next_settles(2);
  answer(10);
  answer(20);
  wake();
  EXPECT_EQ(journal_.settled(), 0U) << "nor are those offered that come behind what is not settled";
  wake();
  EXPECT_EQ(journal_.settled(), 20U) << "both batches";
  EXPECT_EQ(slow_.offers(), (std::vector<std::uint64_t>{1, 11, 21}));
}

TEST_F(SinkPumpAhead, SettlesWhatWasDeliveredBeforeATrouble) {
  journal_.append(30);
  start();
  journal_.fail_next_settles(1);
  answer(10);
  answer(std::nullopt);
  EXPECT_EQ(journal_.settled(), 0U);
  wake();
  EXPECT_EQ(journal_.settled(), 10U);
  EXPECT_EQ(slow_.offers(), (std::vector<std::uint64_t>{1, 11, 11}));
}

TEST_F(SinkPumpAhead, GoesOnWithoutRowsThatCouldNotBeFetchedAhead) {
  journal_.append(20);
  journal_.fail_next_peek_behind();
  start();
  answer(10);
  EXPECT_EQ(journal_.settled(), 10U);
  answer(20);
  EXPECT_EQ(journal_.settled(), 20U);
}

// A sink that says what it has sent also when it is cancelled, as Kafka's does.
class PunctualSink final : public ports::Sink {
 public:
  explicit PunctualSink(const asio::any_io_executor& executor) : never_(executor) {}

  std::size_t answered = 0;   // offers that are taken at once
  std::uint64_t through = 0;  // taken of the offer that is cut short

  const std::string& name() const override { return name_; }
  std::size_t batch_rows() const override { return 10; }
  ports::SinkStatus status() const override { return {}; }
  asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override {
    if (answered != 0) {
      --answered;
      co_return ports::Delivery{rows.back().sequence, {}};
    }
    try {
      co_await never_.wait();
    } catch (const boost::system::system_error&) {
    }
    co_return ports::Delivery{through, {}};
  }

 private:
  std::string name_ = "punctual";
  io::Event never_;
};

class SinkPumpStopped : public SinkPump {
 protected:
  void start(Order order) {
    tasks_.spawn(pump(punctual_, journal_, committed_, clock_, {.order = order}),
                 [this](const std::exception_ptr& error) {
                   ended_ = true;
                   EXPECT_EQ(error, nullptr);
                 });
    poll();
  }
  void stop() {
    tasks_.cancel();
    poll();
    EXPECT_TRUE(ended_);
  }

  PunctualSink punctual_{loop_.get_executor()};
};

TEST_F(SinkPumpStopped, SettlesWhatWasDeliveredBeforeAndWhatWasOnItsWay) {
  for (const Order order : {Order::journal, Order::live_first}) {
    journal_.append(40);
    const std::uint64_t before = journal_.settled();
    punctual_.answered = 1;
    punctual_.through = before + 16;
    start(order);
    stop();
    EXPECT_EQ(journal_.settled(), before + 16) << static_cast<int>(order);
  }
}

TEST_F(SinkPumpStopped, SettlesAWholeBatchThatWasOnItsWay) {
  journal_.append(40);
  punctual_.through = 10;
  start(Order::journal);
  stop();
  EXPECT_EQ(journal_.settled(), 10U);
}

TEST_F(SinkPumpStopped, SettlesOnceMoreWhatTheStoreCouldNotSettle) {
  journal_.append(10);
  punctual_.answered = 1;
  journal_.fail_next_settles(1);
  start(Order::live_first);
  EXPECT_EQ(journal_.settled(), 0U);
  stop();
  EXPECT_EQ(journal_.settled(), 10U);
}

TEST_F(SinkPumpStopped, KeepsWhatBecameOfDeadLetters) {
  journal_.append(3);
  journal_.retry(2);
  punctual_.through = 2;
  start(Order::live_first);
  stop();
  EXPECT_TRUE(journal_.retries().empty());
}

TEST_F(SinkPump, EndsByCancellationWhereverItWaits) {
  start();
  tasks_.cancel();
  poll();
  EXPECT_TRUE(ended_);

  ended_ = false;
  journal_.append(1);
  sink_.fail_next("nobody there");
  start();
  tasks_.cancel();
  poll();
  EXPECT_TRUE(ended_);
}

}  // namespace
}  // namespace carbongate::sinks
