#include "gateway/sinks/parallel_sink.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <map>
#include <random>
#include <string>

#include "protocols/io/event.h"
#include "tests/support/fake_sink.h"
#include "tests/support/rounds.h"

namespace carbongate::sinks {
namespace {

using carbongate::testing::FakeSink;

class ParallelSinkTest : public ::testing::Test {
 protected:
  void make(std::size_t number, std::size_t batch_rows = 100) {
    std::vector<std::unique_ptr<ports::Sink>> sinks;
    inner_.clear();
    for (std::size_t i = 0; i < number; ++i) {
      auto sink = std::make_unique<FakeSink>("tsdb", batch_rows);
      inner_.push_back(sink.get());
      sinks.push_back(std::move(sink));
    }
    sink_ = std::make_unique<ParallelSink>(std::move(sinks));
  }

  std::shared_ptr<model::Series> series(const std::string& point) {
    auto series = std::make_shared<model::Series>();
    series->device = "m";
    series->point = point;
    return series;
  }

  // A reading of each point in turn, with sequences from 1.
  void write(std::size_t points, std::size_t rows) {
    std::vector<std::shared_ptr<model::Series>> all;
    for (std::size_t i = 0; i < points; ++i) all.push_back(series("p" + std::to_string(i)));
    rows_.clear();
    for (std::uint64_t s = 1; s <= rows; ++s) {
      rows_.push_back({s, all[s % points], model::JudgedReading{Instant(std::chrono::seconds(s)), 1, {}}});
    }
  }

  model::Result<ports::Delivery> deliver(std::span<const model::StoredRow> rows) {
    asio_.restart();
    auto done = boost::asio::co_spawn(asio_, sink_->deliver(rows), boost::asio::use_future);
    asio_.run();
    return done.get();
  }

  // One that has rows, but not the first one: call it when all are delivered.
  FakeSink& one_behind() {
    for (FakeSink* sink : inner_) {
      if (!sink->accepted().empty() && sink->accepted().front().sequence != 1) return *sink;
    }
    throw std::logic_error("one sink has everything");
  }

  // Which of the sinks has rows of the point.
  FakeSink& of(const std::string& point) {
    for (FakeSink* sink : inner_) {
      for (const model::StoredRow& row : sink->accepted()) {
        if (row.series->point == point) return *sink;
      }
    }
    throw std::logic_error("nobody has " + point);
  }

  boost::asio::io_context asio_;
  std::vector<FakeSink*> inner_;
  std::unique_ptr<ParallelSink> sink_;
  std::vector<model::StoredRow> rows_;
};

TEST_F(ParallelSinkTest, PartsRowsByWhatTheyAreAbout) {
  make(4);
  write(40, 400);
  EXPECT_EQ(sink_->batch_rows(), 4 * 400U) << "several batches for each";
  EXPECT_EQ(deliver(rows_)->settled_through, 400U);
  std::map<std::string, const FakeSink*> owner;
  std::size_t rows = 0;
  for (const FakeSink* sink : inner_) {
    EXPECT_FALSE(sink->accepted().empty());
    std::uint64_t before = 0;
    for (const model::StoredRow& row : sink->accepted()) {
      EXPECT_LT(std::exchange(before, row.sequence), row.sequence);
      EXPECT_TRUE(owner.try_emplace(row.series->point, sink).first->second == sink) << row.series->point;
      ++rows;
    }
  }
  EXPECT_EQ(rows, 400U);
  EXPECT_EQ(sink_->status().rows_accepted, 400U);
  EXPECT_TRUE(sink_->status().healthy);
}

TEST_F(ParallelSinkTest, SendsEachShareInBatchesUntilOneIsOpen) {
  make(1, 10);
  write(1, 35);
  inner_[0]->next([](auto rows) { return ports::Delivery{rows.back().sequence, {{3, "bad"}}}; });
  inner_[0]->next([](auto rows) { return ports::Delivery{rows.back().sequence, {{12, "bad"}}}; });
  inner_[0]->fail_next("connection refused");
  const auto delivered = deliver(rows_);
  ASSERT_TRUE(delivered);
  EXPECT_EQ(inner_[0]->offers(), 3U);
  EXPECT_EQ(delivered->settled_through, 20U);
  ASSERT_EQ(delivered->rejected.size(), 2U);
  EXPECT_EQ(delivered->rejected[1].sequence, 12U);
  EXPECT_EQ(deliver(std::span(rows_).subspan(20))->settled_through, 35U);
  EXPECT_EQ(inner_[0]->offers(), 5U);
}

TEST_F(ParallelSinkTest, GoesTheSameWayUnderAnotherDescription) {
  make(8);
  const auto before = series("energy");
  const auto after = series("energy");
  after->user_name = "renamed";
  rows_ = {{1, before, model::JudgedReading{}}, {2, after, model::JudgedReading{}}};
  ASSERT_TRUE(deliver(rows_));
  EXPECT_EQ(of("energy").accepted().size(), 2U);
}

TEST_F(ParallelSinkTest, SettlesUpToTheFirstRowThatIsOpen) {
  make(3);
  write(3, 30);
  ASSERT_TRUE(deliver(rows_));
  FakeSink& slow = one_behind();
  std::vector<std::uint64_t> its;
  for (const model::StoredRow& row : slow.accepted()) its.push_back(row.sequence);
  slow.next([&](auto) { return ports::Delivery{its[3], {}}; });
  EXPECT_EQ(deliver(rows_)->settled_through, its[4] - 1);
}

TEST_F(ParallelSinkTest, AFaultOfOneLeavesWhatComesBeforeSettled) {
  make(3);
  write(3, 30);
  ASSERT_TRUE(deliver(rows_));
  FakeSink& broken = one_behind();
  broken.fail_next("connection refused");
  const auto delivered = deliver(rows_);
  ASSERT_TRUE(delivered);
  EXPECT_EQ(delivered->settled_through, broken.accepted().front().sequence - 1);
  EXPECT_FALSE(sink_->status().healthy);
  EXPECT_EQ(sink_->status().detail, "connection refused");

  broken.fail_next("connection refused");
  const auto nothing = deliver(std::span(rows_).subspan(broken.accepted().front().sequence - 1));
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().text, "connection refused");
  EXPECT_TRUE(deliver(rows_));
  EXPECT_TRUE(sink_->status().healthy);
}

TEST_F(ParallelSinkTest, TellsRefusedRowsOnceTheyAreSettled) {
  make(3);
  write(3, 30);
  ASSERT_TRUE(deliver(rows_));
  FakeSink& refusing = one_behind();
  const std::uint64_t first = refusing.accepted()[0].sequence;
  const std::uint64_t late = refusing.accepted()[5].sequence;
  FakeSink* stuck = nullptr;
  for (FakeSink* sink : inner_) {
    if (sink != &refusing && !sink->accepted().empty()) stuck = sink;
  }
  ASSERT_NE(stuck, nullptr);
  const std::uint64_t open = stuck->accepted()[2].sequence;
  refusing.next([&](std::span<const model::StoredRow> rows) {
    return ports::Delivery{rows.back().sequence, {{first, "bad"}, {late, "bad"}}};
  });
  stuck->next([&](auto) { return ports::Delivery{open - 1, {}}; });
  const auto delivered = deliver(rows_);
  ASSERT_TRUE(delivered);
  ASSERT_EQ(delivered->settled_through, open - 1);
  ASSERT_EQ(delivered->rejected.size(), 1U);
  EXPECT_EQ(delivered->rejected[0].sequence, first);
  EXPECT_EQ(sink_->status().rows_rejected, 1U);
}

TEST_F(ParallelSinkTest, TellsWhatWasLeftOutOnceItIsSettled) {
  make(3);
  write(3, 30);
  ASSERT_TRUE(deliver(rows_));
  FakeSink& leaving = one_behind();
  const std::uint64_t first = leaving.accepted()[0].sequence;
  const std::uint64_t late = leaving.accepted()[5].sequence;
  FakeSink* stuck = nullptr;
  for (FakeSink* sink : inner_) {
    if (sink != &leaving && !sink->accepted().empty()) stuck = sink;
  }
  ASSERT_NE(stuck, nullptr);
  const std::uint64_t open = stuck->accepted()[2].sequence;
  leaving.next([&](std::span<const model::StoredRow> rows) {
    return ports::Delivery{.settled_through = rows.back().sequence, .rejected = {}, .skipped = {first, late}};
  });
  stuck->next([&](auto) { return ports::Delivery{open - 1, {}}; });
  const auto delivered = deliver(rows_);
  ASSERT_TRUE(delivered);
  ASSERT_EQ(delivered->settled_through, open - 1);
  EXPECT_EQ(delivered->skipped, std::vector<std::uint64_t>{first});
  EXPECT_EQ(sink_->status().rows_skipped, 1U);
  EXPECT_EQ(sink_->status().rows_accepted, 30 + open - 2)
      << "all of the first time, and of the second what was settled";
}

// Whatever fails, everything arrives in the end, that of one point in its order.
TEST_F(ParallelSinkTest, DeliversEverythingWhateverFails) {
  std::mt19937_64 random(7);
  for (int round = 0; round < rounds(200); ++round) {
    make(1 + random() % 8, 1 + random() % 100);
    write(1 + random() % 20, 1 + random() % 200);
    std::size_t settled = 0;
    while (settled < rows_.size()) {
      for (FakeSink* sink : inner_) {
        if (random() % 3 == 0) sink->fail_next("broken");
        if (random() % 3 == 0) {
          sink->next([&](std::span<const model::StoredRow> rows) {
            return ports::Delivery{rows[random() % rows.size()].sequence, {}};
          });
        }
      }
      const auto delivered = deliver(std::span(rows_).subspan(settled));
      if (delivered) settled = std::max<std::size_t>(settled, delivered->settled_through);
    }
    EXPECT_EQ(sink_->status().rows_accepted, rows_.size());
    std::map<std::uint64_t, std::size_t> seen;
    for (const FakeSink* sink : inner_) {
      std::map<std::string, std::uint64_t> newest;
      for (const model::StoredRow& row : sink->accepted()) {
        if (++seen[row.sequence] > 1) continue;
        EXPECT_LT(std::exchange(newest[row.series->point], row.sequence), row.sequence);
      }
    }
    EXPECT_EQ(seen.size(), rows_.size());
  }
}

}  // namespace
}  // namespace carbongate::sinks
