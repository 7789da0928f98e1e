#include "gateway/sinks/shared/offer.h"

#include <gtest/gtest.h>

namespace carbongate::sinks::shared {
namespace {

std::vector<model::StoredRow> rows(std::uint64_t first, std::uint64_t last) {
  std::vector<model::StoredRow> made;
  for (std::uint64_t n = first; n <= last; ++n) made.push_back({n, nullptr, model::JudgedReading{}});
  return made;
}

const model::Fault kFault{make_error_code(boost::system::errc::timed_out), "gone"};

TEST(Offer, SettlesEverythingThatWasAccepted) {
  const auto offered = rows(5, 8);
  Offer offer(offered);
  for (const auto& row : offered) offer.add(row.sequence);
  offer.begin();
  ASSERT_EQ(offer.next(), (Offer::Range{0, 4}));
  offer.accepted();
  EXPECT_EQ(offer.next(), std::nullopt);
  ports::SinkStatus status;
  const auto delivery = offer.finish(std::nullopt, status);
  EXPECT_EQ(delivery->settled_through, 8U);
  EXPECT_TRUE(delivery->rejected.empty());
  EXPECT_EQ(status.rows_accepted, 4U);
}

TEST(Offer, RejectsWithTheWordsOfWhoeverRefusedInTheOrderOfTheRows) {
  const auto offered = rows(1, 4);
  Offer offer(offered);
  offer.add(3);
  offer.add(1);
  offer.refuse(2, "no such carrier");
  offer.leave_out(4);
  offer.begin();
  offer.refused("partly");
  ASSERT_EQ(offer.next(), (Offer::Range{0, 1}));
  offer.refused("out of range");
  offer.accepted();
  ports::SinkStatus status;
  const auto delivery = offer.finish(std::nullopt, status);
  ASSERT_EQ(delivery->rejected.size(), 2U);
  EXPECT_EQ(delivery->rejected[0].sequence, 2U);
  EXPECT_EQ(delivery->rejected[0].reason, "no such carrier");
  EXPECT_EQ(delivery->rejected[1].sequence, 3U);
  EXPECT_EQ(delivery->rejected[1].reason, "out of range");
  EXPECT_EQ(status.rows_accepted, 1U);
  EXPECT_EQ(status.rows_rejected, 2U);
}

TEST(Offer, LeavesTheBeginningSettledWhenAFaultEndsItHalfWay) {
  const auto offered = rows(1, 4);
  Offer offer(offered);
  for (const auto& row : offered) offer.add(row.sequence);
  offer.begin();
  offer.refused("some of them");
  offer.accepted();
  ports::SinkStatus status;
  const auto delivery = offer.finish(kFault, status);
  EXPECT_EQ(delivery->settled_through, 2U);
  EXPECT_EQ(status.rows_accepted, 2U);
}

TEST(Offer, TellsWhatWasLeftOutOfWhatIsSettled) {
  const auto offered = rows(1, 5);
  Offer offer(offered);
  offer.leave_out(5);
  offer.leave_out(2);
  for (const std::uint64_t sent : {1, 3, 4}) offer.add(sent);
  offer.begin();
  offer.refused("some of them");
  offer.accepted();
  ports::SinkStatus status;
  const auto delivery = offer.finish(kFault, status);
  EXPECT_EQ(delivery->settled_through, 2U);
  EXPECT_EQ(delivery->skipped, std::vector<std::uint64_t>{2});
  EXPECT_EQ(status.rows_accepted, 1U);
  EXPECT_EQ(status.rows_skipped, 1U) << "the other one is offered again";
}

TEST(Offer, IsAFaultWhenNothingIsSettled) {
  const auto offered = rows(1, 2);
  Offer offer(offered);
  offer.add(1);
  offer.refuse(2, "never mind");
  offer.begin();
  ports::SinkStatus status;
  EXPECT_EQ(offer.finish(kFault, status).error().text, "gone");
  EXPECT_EQ(status.rows_rejected, 0U);
}

}  // namespace
}  // namespace carbongate::sinks::shared
