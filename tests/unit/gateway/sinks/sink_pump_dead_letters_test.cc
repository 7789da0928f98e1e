#include <cstdint>
#include <memory>
#include <vector>

#include "tests/unit/gateway/sinks/sink_pump_fixture.h"

namespace carbongate::sinks {
namespace {

using namespace std::chrono_literals;

class SinkPumpDeadLetters : public SinkPump {};

TEST_F(SinkPumpDeadLetters, OffersDeadLettersAgainBeforeTheJournal) {
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

TEST_F(SinkPumpDeadLetters, HoldsADeadLetterUntilTheNewestRevisionHasFollowedIt) {
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

TEST_F(SinkPumpDeadLetters, TheJournalDoesNotWaitForDeadLettersThatAreStuck) {
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

TEST_F(SinkPumpDeadLetters, TheJournalHasAsMuchTimeAsDeadLettersThatAreRefusedAgain) {
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

TEST_F(SinkPumpDeadLetters, AreNotOfferedOnceMoreWhileTheStoreCannotKeepWhatBecameOfThem) {
  journal_.append(3);
  journal_.retry(1);
  journal_.retry(3);
  sink_.fail_next("nobody there");
  start();
  EXPECT_EQ(journal_.retries().size(), 2U);
  EXPECT_EQ(journal_.settled(), 3U);
  sink_.next([](auto) { return ports::Delivery{2, {}}; });  // one of them
  journal_.fail_next_settles(5);
  for (int i = 0; i < 5; ++i) {
    wake();
    EXPECT_EQ(journal_.retries().size(), 2U) << "accepted, but the store could not keep that";
  }
  EXPECT_EQ(sink_.offers(), 3U);
  wake();
  EXPECT_TRUE(journal_.retries().empty());
  EXPECT_EQ(sink_.offers(), 4U) << "the other one";
}

}  // namespace
}  // namespace carbongate::sinks
