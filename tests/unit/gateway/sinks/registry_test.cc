#include "gateway/sinks/registry.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "config/reader/node.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_sink.h"
#include "tests/support/fake_store.h"

namespace carbongate::sinks {

namespace asio = boost::asio;

namespace {

// Tells with what it was to be made.
class ToldPlan final : public SinkPlan {
 public:
  static inline std::function<bool(const model::StoredRow&)> may_go_ahead;
  static inline std::string escalated_from;

  const std::string& name() const override { return name_; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    may_go_ahead = context.may_go_ahead;
    escalated_from = context.escalated_from;
    return std::make_unique<testing::FakeSink>();
  }

 private:
  std::string name_ = "told";
};

std::function<bool(const model::StoredRow&)> made_with(std::string_view yaml) {
  static constexpr SinkType kType{"told", [](config::Reader&, const config::Node&) -> std::unique_ptr<SinkPlan> {
                                    return std::make_unique<ToldPlan>();
                                  }};
  config::Problems problems;
  const config::Node node = config::parse_text(yaml, "site.yaml", problems);
  config::Reader in(node, problems);
  asio::io_context loop;
  testing::FakeClock clock(loop.get_executor());
  testing::FakeDisk disk;
  testing::FakeStore store(disk, model::Site{});
  ToldPlan::may_go_ahead = nullptr;
  read_sink(kType, in, node, nullptr)->make({loop.get_executor(), clock, &store});
  EXPECT_EQ(problems.to_text(), "");
  return std::exchange(ToldPlan::may_go_ahead, nullptr);
}

model::StoredRow alert_of(const std::string& rule) {
  auto series = std::make_shared<model::Series>();
  series->rule = rule;
  return {1, series, model::Alert{}};
}

// What a sink reads of the journal by itself does not pass through those before it.
TEST(SinkRegistry, LetsThoseAlertsGoAheadThatASinkWouldBeOffered) {
  const auto may = made_with("select: {rows: [alerts, reports], rules: [over-*]}\n");
  ASSERT_TRUE(may);
  EXPECT_TRUE(may(alert_of("over-limit")));
  EXPECT_FALSE(may(alert_of("silent")));
}

TEST(SinkRegistry, LetsNoAlertGoAheadThatWaitsForTheReceiptOfAnotherSink) {
  EXPECT_FALSE(made_with("select: {rows: [alerts]}\nescalates: {of: other, after: 5min}\n"));
}

TEST(SinkRegistry, TellsASinkInWhosePlaceItIs) {
  made_with("select: {rows: [alerts]}\nescalates: {of: other, after: 5min}\n");
  EXPECT_EQ(ToldPlan::escalated_from, "other");
  made_with("select: {rows: [alerts]}\n");
  EXPECT_EQ(ToldPlan::escalated_from, "");
}

}  // namespace
}  // namespace carbongate::sinks
