#include "gateway/sinks/sink_pump.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <numeric>
#include <set>

#include "drivers/api/unit.h"
#include "gateway/sinks/shared/under_way.h"
#include "protocols/io/task_group.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_sink.h"
#include "tests/support/fake_store.h"

namespace carbongate::sinks {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// A journal in memory with one cursor.
class Journal final : public ports::Store {
 public:
  void append(std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) {
      rows_.push_back({rows_.size() + 1, std::make_shared<model::Series>(), model::JudgedReading{}});
    }
  }
  void append(std::shared_ptr<const model::Series> series, model::RowBody body) {
    rows_.push_back({rows_.size() + 1, std::move(series), std::move(body)});
  }
  void append_alert() {
    rows_.push_back({rows_.size() + 1, std::make_shared<model::Series>(), model::Alert{}});
    last_notice_ = rows_.size();
  }
  void fail_next_settle() { fail_settle_ = true; }
  void fail_next_peek() { fail_peek_ = true; }
  void fail_next_peek_behind() { fail_peek_behind_ = true; }
  std::function<void()> during_peek;  // what happens between asking and the answer

  std::uint64_t settled() const { return settled_; }
  const std::vector<ports::RejectedRow>& dead_letters() const { return dead_letters_; }

  model::Checkpoint checkpoint() override { return {}; }
  asio::awaitable<model::Result<std::vector<ports::SinkAccount>>> audit(std::uint64_t) override {
    co_return std::vector<ports::SinkAccount>{};
  }
  asio::awaitable<model::Result<void>> commit(model::Effects) override { co_return model::Result<void>(); }
  asio::awaitable<model::Result<void>> keep(std::string, std::string, std::string) override {
    co_return model::Result<void>();
  }
  asio::awaitable<model::Result<std::optional<std::string>>> kept(std::string, std::string) override {
    co_return std::optional<std::string>();
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> reports(ports::ReportQuery) override {
    co_return std::vector<model::StoredRow>{};
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek(std::string, std::size_t limit) override {
    if (std::exchange(fail_peek_, false)) co_return fault();
    std::vector<model::StoredRow> oldest(rows_.begin() + std::int64_t(settled_), rows_.end());
    if (oldest.size() > limit) oldest.resize(limit);
    if (during_peek) std::exchange(during_peek, nullptr)();
    co_return oldest;
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_behind(std::string, std::uint64_t after,
                                                                            std::size_t limit) override {
    if (std::exchange(fail_peek_behind_, false)) co_return fault();
    std::vector<model::StoredRow> next(rows_.begin() + std::int64_t(after), rows_.end());
    if (next.size() > limit) next.resize(limit);
    co_return next;
  }
  asio::awaitable<model::Result<void>> open_live(std::string, std::uint64_t) override {
    co_return model::Result<void>();
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_live(std::string, std::size_t) override {
    co_return std::vector<model::StoredRow>{};
  }
  void retry(std::uint64_t sequence) { retries_.insert(sequence); }
  const std::set<std::uint64_t>& retries() const { return retries_; }
  const std::vector<ports::RejectedRow>& refused_again() const { return refused_again_; }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> peek_retries(std::string, std::size_t limit) override {
    std::vector<model::StoredRow> oldest;
    for (const auto s : retries_) {
      if (oldest.size() < limit) oldest.push_back(rows_[s - 1]);
    }
    co_return oldest;
  }
  asio::awaitable<model::Result<void>> settle_retries(std::string, ports::Retried outcome) override {
    if (std::exchange(fail_settle_, false)) co_return fault();
    keep_attempts(outcome.attempts, "!");
    for (const auto s : outcome.accepted) retries_.erase(s);
    for (const auto& row : outcome.rejected) retries_.erase(row.sequence);
    refused_again_.insert(refused_again_.end(), outcome.rejected.begin(), outcome.rejected.end());
    co_return model::Result<void>();
  }
  asio::awaitable<model::Result<std::vector<model::StoredRow>>> readings_before(std::uint64_t before,
                                                                                std::uint64_t rows) override {
    const std::uint64_t first = before - std::min(rows, before - 1);
    co_return std::vector<model::StoredRow>(rows_.begin() + std::int64_t(first) - 1,
                                            rows_.begin() + std::int64_t(before) - 1);
  }
  asio::awaitable<model::Result<void>> seal(Instant) override { co_return model::Result<void>(); }

  // "3 HTTP 503", and "!" behind it if something was settled with it.
  const std::vector<std::string>& attempts() const { return attempts_; }
  void keep_attempts(const std::vector<ports::Attempt>& attempts, const char* mark) {
    for (const auto& one : attempts) attempts_.push_back(std::to_string(one.sequence) + " " + one.answer + mark);
  }
  asio::awaitable<model::Result<void>> record(std::string, std::vector<ports::Attempt> attempts) override {
    keep_attempts(attempts, "");
    if (attempts.empty()) ++saved_;
    if (during_save) std::exchange(during_save, nullptr)();
    co_return model::Result<void>();
  }
  int saved() const { return saved_; }  // how far it is, without an attempt
  std::function<void()> during_save;

  asio::awaitable<model::Result<void>> settle(std::string, ports::Delivery delivery) override {
    if (std::exchange(fail_settle_, false)) co_return fault();
    settled_ = delivery.settled_through;
    keep_attempts(delivery.attempts, "!");
    dead_letters_.insert(dead_letters_.end(), delivery.rejected.begin(), delivery.rejected.end());
    co_return model::Result<void>();
  }
  ports::StoreStatus status() const override {
    ports::StoreStatus status;
    status.last_sequence = rows_.size();
    status.last_notice = last_notice_;
    return status;
  }

 private:
  static model::Fault fault() { return {make_error_code(boost::system::errc::no_space_on_device), "disk full"}; }

  std::vector<model::StoredRow> rows_;
  std::vector<ports::RejectedRow> dead_letters_;
  std::set<std::uint64_t> retries_;
  std::vector<ports::RejectedRow> refused_again_;
  std::vector<std::string> attempts_;
  std::uint64_t last_notice_ = 0;
  std::uint64_t settled_ = 0;
  int saved_ = 0;
  bool fail_settle_ = false;
  bool fail_peek_ = false;
  bool fail_peek_behind_ = false;
};

class SinkPump : public ::testing::Test {
 protected:
  ~SinkPump() override {  // before the clock that it waits by is gone
    tasks_.cancel();
    poll();
  }
  void start(Pace pace = {}, std::size_t rows_max = SIZE_MAX) {
    tasks_.spawn(pump(sink_, journal_, committed_, clock_, pace, rows_max), [this](std::exception_ptr error) {
      ended_ = true;
      if (error) std::rethrow_exception(error);
    });
    poll();
  }
  void poll() {
    loop_.restart();
    loop_.poll();
  }
  void commit(std::size_t rows) {
    journal_.append(rows);
    committed_.notify_all();
    poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    poll();
  }
  // Lets the pump wake up once, however long it wanted to wait; returns how long that was.
  std::chrono::milliseconds wake() {
    const auto wait = clock_.next_deadline().value() - clock_.ticks();
    pass(wait);
    return wait;
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  io::Event committed_{loop_.get_executor()};
  io::TaskGroup tasks_{loop_.get_executor()};
  testing::FakeSink sink_{"tsdb", 10};
  Journal journal_;
  bool ended_ = false;
};

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

TEST_F(SinkPump, OffersDeadLettersAgainBeforeTheJournal) {
  journal_.append(20);
  for (const std::uint64_t s : {2, 5, 9}) journal_.retry(s);
  sink_.next([](auto rows) { return ports::Delivery{rows.back().sequence, {{5, "still bad"}}}; });
  start();
  ASSERT_EQ(sink_.accepted().size(), 3U + 20U);
  EXPECT_EQ(sink_.accepted()[0].sequence, 2U);
  EXPECT_EQ(sink_.accepted()[3].sequence, 1U);
  EXPECT_TRUE(journal_.retries().empty());
  ASSERT_EQ(journal_.refused_again().size(), 1U);
  EXPECT_EQ(journal_.refused_again()[0].reason, "still bad");
  EXPECT_EQ(journal_.settled(), 20U);
}

TEST_F(SinkPump, HoldsADeadLetterUntilTheNewestRevisionHasFollowedIt) {
  const auto account = std::make_shared<model::Series>();
  model::RollupRow rollup;
  journal_.append(account, rollup);
  rollup.revision = 1;
  journal_.append(account, rollup);
  rollup.period = model::Period::hour;
  journal_.append(account, rollup);
  for (const std::uint64_t s : {1, 2, 3}) journal_.retry(s);
  sink_.next([](auto) { return ports::Delivery{1, {}}; });  // the old one is there, and the new one is not
  start();
  EXPECT_EQ(journal_.retries().size(), 3U);
  sink_.next([](auto) { return ports::Delivery{2, {}}; });
  wake();
  EXPECT_TRUE(journal_.retries().empty());
  std::vector<std::uint64_t> sent;
  for (const auto& row : sink_.accepted()) sent.push_back(row.sequence);
  EXPECT_EQ(sent, (std::vector<std::uint64_t>{1, 1, 2, 3, 1, 2, 3}));
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

TEST_F(SinkPump, TheJournalDoesNotWaitForDeadLettersThatAreStuck) {
  journal_.append(3);
  journal_.retry(1);
  sink_.fail_next("HTTP 500");
  start();
  EXPECT_EQ(journal_.settled(), 3U);
  EXPECT_EQ(journal_.retries().size(), 1U);
  for (int i = 0; i < 5; ++i) {
    sink_.fail_next("HTTP 500");
    wake();
  }
  EXPECT_EQ(sink_.offers(), 1U + 1U + 5U) << "it is offered again, after longer and longer pauses";
  EXPECT_GT(clock_.ticks(), io::SteadyTime(5 * kRetryFirst));
  wake();
  EXPECT_TRUE(journal_.retries().empty());
  EXPECT_EQ(clock_.next_deadline(), std::nullopt);
}

TEST_F(SinkPump, TheJournalHasAsMuchTimeAsDeadLettersThatAreRefusedAgain) {
  journal_.append(40);
  for (std::uint64_t s = 1; s <= 20; ++s) journal_.retry(s);
  sink_.next([this](auto rows) {
    clock_.advance(40s);
    ports::Delivery delivery{rows.back().sequence, {}};
    for (const auto& row : rows) delivery.rejected.push_back({row.sequence, "not answered again"});
    return delivery;
  });
  start();
  EXPECT_EQ(journal_.settled(), 40U);
  EXPECT_EQ(journal_.retries().size(), 10U);
  pass(39s);
  EXPECT_EQ(journal_.retries().size(), 10U);
  pass(1s);
  EXPECT_TRUE(journal_.retries().empty());
}

TEST_F(SinkPump, OffersDeadLettersUntilWhatBecameOfThemIsKept) {
  journal_.append(3);
  journal_.retry(1);
  journal_.retry(3);
  sink_.fail_next("nobody there");
  start();
  EXPECT_EQ(journal_.retries().size(), 2U);
  sink_.next([](auto) { return ports::Delivery{2, {}}; });  // one of them
  journal_.fail_next_settle();
  wake();
  EXPECT_EQ(journal_.retries().size(), 2U) << "accepted, but the store could not keep that";
  sink_.next([](auto) { return ports::Delivery{2, {}}; });
  wake();
  EXPECT_TRUE(journal_.retries().empty());
  EXPECT_EQ(journal_.settled(), 3U);
}

TEST_F(SinkPump, SurvivesAStoreInTrouble) {
  journal_.append(5);
  journal_.fail_next_peek();
  start();
  EXPECT_EQ(sink_.offers(), 0U);
  journal_.fail_next_settle();
  wake();
  EXPECT_EQ(sink_.offers(), 1U);
  EXPECT_EQ(journal_.settled(), 0U);
  wake();
  EXPECT_EQ(sink_.offers(), 2U) << "what was not settled is offered again";
  EXPECT_EQ(journal_.settled(), 5U);
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

TEST_F(SinkPumpAhead, OffersAgainWhatTheStoreCouldNotSettle) {
  journal_.append(30);
  start();
  journal_.fail_next_settle();
  answer(10);
  answer(20);
  wake();
  EXPECT_EQ(journal_.settled(), 0U);
  EXPECT_EQ(slow_.offers(), (std::vector<std::uint64_t>{1, 11, 1}));
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

// The pump on a store with lanes.
class SinkPumpLanes : public ::testing::Test {
 protected:
  void TearDown() override {
    tasks_.cancel();
    poll();
  }
  void commit(std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) {
      disk_.rows.push_back({disk_.rows.size() + 1, series_, model::JudgedReading{}});
    }
    store_ = std::make_unique<testing::FakeStore>(disk_, site_);
  }
  void start(Pace pace) {
    tasks_.spawn(pump(sink_, *store_, committed_, clock_, pace));
    poll();
  }
  void poll() {
    loop_.restart();
    loop_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    const auto until = clock_.ticks() + time;
    while (clock_.ticks() < until) {
      const auto next = std::min(clock_.next_deadline().value_or(until), until);
      clock_.advance(std::max<std::chrono::milliseconds>(next - clock_.ticks(), 1ms));
      poll();
    }
  }
  void append(std::size_t rows) {
    model::Effects effects;
    for (std::size_t i = 0; i < rows; ++i) effects.rows.push_back({PointId{0}, model::JudgedReading{}});
    asio::co_spawn(loop_, store_->commit(std::move(effects)), asio::detached);
    poll();
    committed_.notify_all();
    poll();
  }
  const ports::StoreStatus::Cursor& cursor() { return disk_.cursors.at("tsdb"); }
  static model::Site site() {
    model::Site site;
    site.points.push_back({.id = PointId{0},
                           .device = "m",
                           .name = "e",
                           .kind = Kind::cumulative,
                           .unit = *find_unit("kWh"),
                           .limits = {}});
    return site;
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  io::Event committed_{loop_.get_executor()};
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  model::Site site_ = site();
  testing::FakeDisk disk_;
  std::unique_ptr<testing::FakeStore> store_;
  testing::FakeSink sink_{"tsdb", 10};
  io::TaskGroup tasks_{loop_.get_executor()};
};

constexpr Pace kLive{.order = Order::live_first, .live_after = 100, .backfill_rate = 50};

TEST_F(SinkPumpLanes, SendsTheNewestFirstAndTheBacklogAtItsRate) {
  commit(1'000);
  start(kLive);
  ASSERT_GE(sink_.accepted().size(), 20U);
  EXPECT_EQ(sink_.accepted()[0].sequence, 1U) << "whether the far end is there";
  EXPECT_EQ(sink_.accepted()[10].sequence, 991U);
  EXPECT_EQ(cursor().live(), 1'000U);
  pass(1s);
  EXPECT_NEAR(double(cursor().settled), 60, 11) << "50 rows in a second";
  append(3);
  pass(kGatherTime);
  EXPECT_EQ(cursor().live(), 1'003U) << "at once, whatever the backlog does";
  EXPECT_LT(cursor().settled, 100U);
  pass(20s);
  EXPECT_TRUE(cursor().ahead.empty());
  EXPECT_EQ(cursor().settled, 1'003U);
  EXPECT_EQ(sink_.accepted().size(), 1'003U) << "each row once";
  const auto offers = sink_.offers();
  pass(10s);
  EXPECT_EQ(sink_.offers(), offers);
}

TEST_F(SinkPumpLanes, LeaveTheBacklogItsShareWhereTheLiveLaneIsNeverDone) {
  commit(1'000);
  std::uint64_t of_the_backlog = 0;
  std::uint64_t of_the_live_lane = 0;
  for (int i = 0; i < 101; ++i) {
    sink_.next([&](auto rows) {
      ++(rows.front().sequence <= 990 ? of_the_backlog : of_the_live_lane);
      model::Effects effects;  // as many as were taken
      for (std::size_t row = 0; row < rows.size(); ++row) effects.rows.push_back({PointId{0}, model::JudgedReading{}});
      asio::co_spawn(loop_, store_->commit(std::move(effects)), asio::detached);
      return ports::Delivery{rows.back().sequence, {}};
    });
  }
  start({.order = Order::live_first, .live_after = 100, .backfill_rate = 1'000'000});
  EXPECT_EQ(of_the_backlog, 1U + 20U) << "the first of all, and every fifth";
  EXPECT_EQ(of_the_live_lane, 80U);
  EXPECT_EQ(sink_.accepted().size(), 1'000U + 1'010U) << "and all of it in the end";
}

TEST_F(SinkPumpLanes, KeepToTheJournalIfToldSo) {
  commit(1'000);
  start({.order = Order::journal, .live_after = 100, .backfill_rate = 50});
  ASSERT_EQ(sink_.accepted().size(), 1'000U) << "without a rate";
  for (std::size_t i = 0; i < 1'000; ++i) EXPECT_EQ(sink_.accepted()[i].sequence, i + 1);
}

TEST_F(SinkPumpLanes, DoNotPartForAFewRows) {
  commit(110);
  start(kLive);
  EXPECT_EQ(cursor().settled, 110U);
}

TEST_F(SinkPumpLanes, DoNotPartWhileTheFarEndIsAway) {
  commit(1'000);
  for (int i = 0; i < 50; ++i) sink_.fail_next("nobody there");
  start(kLive);
  pass(5min);
  EXPECT_TRUE(cursor().ahead.empty());
  EXPECT_EQ(cursor().settled, 0U);
}

TEST_F(SinkPumpLanes, PartOnceMoreAfterAnotherOutage) {
  commit(1'000);
  start(kLive);
  pass(1s);
  for (int i = 0; i < 4; ++i) sink_.fail_next("nobody there");
  append(500);
  pass(30s);
  EXPECT_EQ(cursor().live(), 1'500U);
  pass(60s);
  EXPECT_TRUE(cursor().ahead.empty());
  EXPECT_EQ(cursor().settled, 1'500U);
  EXPECT_EQ(sink_.accepted().size(), 1'500U);
}

TEST_F(SinkPumpLanes, ABacklogThatIsNotTakenDoesNotHoldTheLiveLaneUp) {
  commit(1'000);
  start(kLive);
  pass(1s);
  const std::uint64_t settled = cursor().settled;
  for (int i = 0; i < 5; ++i) {
    sink_.next([](auto rows) -> model::Result<ports::Delivery> {
      if (rows.back().sequence > 990) return ports::Delivery{rows.back().sequence, {}};
      return model::Fault{make_error_code(boost::system::errc::timed_out), "a body that it does not like"};
    });
  }
  pass(1s);
  EXPECT_EQ(cursor().settled, settled);
  append(1);
  pass(kGatherTime);
  EXPECT_EQ(cursor().live(), 1'001U);
  pass(60s);
  EXPECT_EQ(cursor().settled, 1'001U);
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
