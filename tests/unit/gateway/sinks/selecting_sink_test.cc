#include "gateway/sinks/selecting_sink.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/support/fake_sink.h"
#include "tests/support/fake_store.h"

namespace carbongate::sinks {
namespace {

using namespace std::chrono_literals;

std::vector<std::uint64_t> sequences(const std::vector<model::StoredRow>& rows) {
  std::vector<std::uint64_t> result;
  for (const model::StoredRow& row : rows) result.push_back(row.sequence);
  return result;
}

using Sequences = std::vector<std::uint64_t>;

class SelectingSinkTest : public ::testing::Test {
 protected:
  SelectingSinkTest() {
    selection_.points = {"press.*"};
    press_->device = "press";
    oven_->device = "oven";
    press_->point = oven_->point = "energy";
  }

  void make(std::size_t batch_rows = 100) {
    auto inner = std::make_unique<carbongate::testing::FakeSink>("tsdb", batch_rows);
    inner_ = inner.get();
    sink_ = std::make_unique<SelectingSink>(std::move(inner), selection_, &store_);
  }

  // "popo": sequence 1 of the press, 2 of the oven, ...; a second apart.
  void write(std::string_view devices) {
    for (const char device : devices) {
      const std::uint64_t s = disk_.rows.size() + 1;
      disk_.rows.push_back(
          {s, device == 'p' ? press_ : oven_, model::JudgedReading{Instant(std::chrono::seconds(s)), 1, {}}});
    }
  }

  model::Result<ports::Delivery> deliver(std::size_t first, std::size_t count) {
    asio_.restart();
    auto done =
        boost::asio::co_spawn(asio_, sink_->deliver({disk_.rows.data() + first - 1, count}), boost::asio::use_future);
    asio_.run();
    return done.get();
  }

  Selection selection_;
  std::shared_ptr<model::Series> press_ = std::make_shared<model::Series>();
  std::shared_ptr<model::Series> oven_ = std::make_shared<model::Series>();
  boost::asio::io_context asio_;
  model::Site site_;
  carbongate::testing::FakeDisk disk_;
  carbongate::testing::FakeStore store_{disk_, site_};
  carbongate::testing::FakeSink* inner_ = nullptr;
  std::unique_ptr<SelectingSink> sink_;
};

TEST_F(SelectingSinkTest, OffersWhatIsSelectedAndSettlesTheRestWithIt) {
  write("opoopo");
  make();
  EXPECT_EQ(deliver(1, 6)->settled_through, 6U);
  EXPECT_EQ(sequences(inner_->accepted()), (Sequences{2, 5}));
  EXPECT_EQ(sink_->status().rows_skipped, 4U);
  EXPECT_EQ(sink_->status().rows_accepted, 2U);
}

TEST_F(SelectingSinkTest, AsksNobodyWhenNothingIsSelected) {
  write("ooo");
  make();
  EXPECT_EQ(deliver(1, 3)->settled_through, 3U);
  EXPECT_EQ(inner_->offers(), 0U);
  EXPECT_EQ(sink_->status().rows_skipped, 3U);
}

TEST_F(SelectingSinkTest, SettlesUpToTheFirstSelectedRowThatIsOpen) {
  write("poopoopo");
  make();
  inner_->next([](auto) { return ports::Delivery{4, {{1, "no"}}}; });
  const auto delivery = deliver(1, 8);
  EXPECT_EQ(delivery->settled_through, 6U);
  ASSERT_EQ(delivery->rejected.size(), 1U);
  EXPECT_EQ(delivery->rejected[0].sequence, 1U);
  EXPECT_EQ(sink_->status().rows_skipped, 4U) << "the last one is offered again, and counted then";
}

TEST_F(SelectingSinkTest, CountsWhatTheSinkItselfLeavesOut) {
  write("poop");
  make();
  inner_->next([](auto) { return ports::Delivery{.settled_through = 4, .rejected = {}, .skipped = {4}}; });
  const auto delivery = deliver(1, 4);
  EXPECT_EQ(delivery->settled_through, 4U);
  EXPECT_EQ(delivery->skipped, (Sequences{4, 2, 3})) << "one by the sink, two by the selection";
}

TEST_F(SelectingSinkTest, HandsAFaultOnAndSettlesNothing) {
  write("opo");
  make();
  inner_->fail_next("connection refused");
  EXPECT_EQ(deliver(1, 3).error().text, "connection refused");
  EXPECT_EQ(sink_->status().rows_skipped, 0U);
  EXPECT_EQ(deliver(1, 3)->settled_through, 3U);
}

TEST_F(SelectingSinkTest, IsNotOutOfReachForHavingNothingToOffer) {
  write("oop");
  make();
  inner_->be_out_of_reach();
  inner_->fail_next("connection refused");
  EXPECT_FALSE(sink_->status().healthy) << "nothing is known yet";
  deliver(1, 2);
  EXPECT_TRUE(sink_->status().healthy);
  deliver(3, 1);
  EXPECT_FALSE(sink_->status().healthy);
}

TEST_F(SelectingSinkTest, CountsARowThatIsOfferedAgainOnce) {
  write("oopoo");
  make();
  deliver(1, 3);
  deliver(1, 5);  // the store could not keep how far it was
  EXPECT_EQ(sink_->status().rows_skipped, 4U);
}

TEST_F(SelectingSinkTest, AsksForMoreWhereLittleIsSelectedAndOffersNoMoreThanTheSinkLikes) {
  std::string devices;
  for (int i = 0; i < 40; ++i) devices += "pooooooooo";
  write(devices);
  make(10);
  std::size_t settled = 0;
  std::size_t calls = 0;
  while (settled < devices.size()) {
    const std::size_t count = std::min(sink_->batch_rows(), devices.size() - settled);
    settled = deliver(settled + 1, count)->settled_through;
    ++calls;
  }
  EXPECT_EQ(inner_->accepted().size(), 40U);
  EXPECT_LT(calls, 15U) << "ten rows at a time would be forty";
  EXPECT_LE(inner_->status().requests, calls);
}

TEST_F(SelectingSinkTest, OffersDeadLettersInBatchesOfTheSinksSize) {
  write(std::string(25, 'o'));  // selected once, whatever is selected now
  make(10);
  std::vector<std::size_t> sizes;
  const auto refuse_the_first = [&](auto rows) {
    sizes.push_back(rows.size());
    return ports::Delivery{rows.back().sequence, {{rows.front().sequence, "still bad"}}};
  };
  const auto again = [&] {
    asio_.restart();
    auto done = boost::asio::co_spawn(asio_, sink_->deliver_again(disk_.rows), boost::asio::use_future);
    asio_.run();
    return done.get();
  };
  for (int i = 0; i < 3; ++i) inner_->next(refuse_the_first);
  auto delivery = again();
  EXPECT_EQ(sizes, (std::vector<std::size_t>{10, 10, 5}));
  EXPECT_EQ(delivery->settled_through, 25U);
  EXPECT_EQ(delivery->rejected.size(), 3U);

  inner_->next(refuse_the_first);
  inner_->fail_next("HTTP 500");
  delivery = again();
  EXPECT_EQ(delivery->settled_through, 10U) << "what is done is done";
  inner_->fail_next("HTTP 500");
  EXPECT_EQ(again().error().text, "HTTP 500");
}

TEST_F(SelectingSinkTest, ThinsAlikeAfterARestartAndWhenOfferedAgain) {
  selection_.every = 4s;
  write("pppppppppp");  // at 1 s to 10 s: slots begin at 4 and 8
  make();
  deliver(1, 6);
  EXPECT_EQ(sequences(inner_->accepted()), (Sequences{1, 4}));
  deliver(3, 4);  // the store could not keep how far it was
  EXPECT_EQ(sequences(inner_->accepted()), (Sequences{1, 4, 4})) << "the same row, not another one of its slot";
  make();  // a restart
  deliver(7, 4);
  EXPECT_EQ(sequences(inner_->accepted()), Sequences{8});
}

TEST_F(SelectingSinkTest, ThinsAlikeInTwoLanes) {
  selection_.every = 4s;
  write("pppppppppppp");  // at 1 s to 12 s: slots begin at 4, 8 and 12
  disk_.cursors["tsdb"] = {.sink = "tsdb", .settled = 2, .ahead = {{9, 9}}};
  make();
  boost::asio::co_spawn(asio_, store_.peek("tsdb", 1), boost::asio::use_future);
  asio_.run();
  deliver(10, 3);
  EXPECT_EQ(sequences(inner_->accepted()), Sequences{12}) << "8 is of the backlog, and the first of its slot";
  disk_.cursors["tsdb"].ahead[0].settled = 12;
  deliver(3, 7);
  EXPECT_EQ(sequences(inner_->accepted()), (Sequences{12, 4, 8}));
  disk_.cursors["tsdb"] = {.sink = "tsdb", .settled = 12};
  write("pppp");
  deliver(13, 4);
  EXPECT_EQ(sequences(inner_->accepted()), (Sequences{12, 4, 8, 16}));
  EXPECT_EQ(sink_->status().rows_skipped, 10U);
}

TEST_F(SelectingSinkTest, WaitsWhenTheStoreCannotBeAskedWhatCameBefore) {
  selection_.every = 4s;
  write("ppp");
  make();
  store_.fail({make_error_code(boost::system::errc::io_error), "disk on fire"}, 1);
  EXPECT_EQ(deliver(3, 1).error().text, "disk on fire");
  EXPECT_EQ(deliver(3, 1)->settled_through, 3U);
  EXPECT_EQ(inner_->offers(), 0U) << "one of its slot was sent before";
}

}  // namespace
}  // namespace carbongate::sinks
