#include "gateway/sinks/pace.h"

#include <gtest/gtest.h>

#include "gateway/sinks/registry.h"

namespace carbongate::sinks {
namespace {

struct Read {
  Pace pace;
  std::string problems;
};

Read read(const std::string& yaml) {
  config::Problems problems;
  const config::Node node = config::parse_text(yaml, "site.yaml", problems);
  config::Reader in(node, problems);
  const std::string name = in.required<std::string>("type");
  for (const SinkType& type : sink_types()) {
    if (type.name != name) continue;
    const auto plan = read_sink(type, in, node, nullptr);
    in.finish();
    return {plan->pace(), problems.to_text()};
  }
  throw std::logic_error("no such type: " + name);
}

constexpr const char* kLineProtocol = "type: line-protocol\nurl: http://127.0.0.1/write\n";
constexpr const char* kRemoteWrite = "type: prometheus-remote-write\nurl: http://127.0.0.1/write\n";

TEST(PaceConfig, IsLiveFirstWhereOldRowsAreWelcome) {
  EXPECT_EQ(read(kLineProtocol).pace.order, Order::live_first);
  EXPECT_EQ(read(kLineProtocol).pace.live_after, 20'000U);
  EXPECT_EQ(read(kLineProtocol).pace.backfill_rate, 10'000U);
  EXPECT_EQ(read("type: postgresql\nurl: postgresql://gateway@127.0.0.1/carbon\n").pace.order, Order::live_first);
}

TEST(PaceConfig, IsTheOrderOfTheJournalWhereThatMatters) {
  EXPECT_EQ(read(kRemoteWrite).pace.order, Order::journal);
  EXPECT_EQ(read("type: kafka\nbootstrap: 127.0.0.1:9092\n").pace.order, Order::journal);
  EXPECT_EQ(read("type: file\npath: files\n").pace.order, Order::journal);
  EXPECT_EQ(read("type: mqtt\nbroker: plant\nretain: true\n").pace.order, Order::journal);
  EXPECT_EQ(read("type: mqtt\nbroker: plant\n").pace.order, Order::live_first);
}

TEST(PaceConfig, OfAlertsAndReportsAloneTheLastWordComesLast) {
  constexpr const char* kHj212 =
      "type: hj212\naddress: 127.0.0.1:9003\nstation: stack\nmn: A1\npassword_env: PW\nalerts: true\n";
  EXPECT_EQ(read(kHj212).pace.order, Order::journal);
  EXPECT_EQ(read("type: webhook\nurl: http://127.0.0.1/alerts\n").pace.order, Order::journal);
  EXPECT_EQ(read("type: mqtt\nbroker: plant\nselect: {rows: [alerts]}\n").pace.order, Order::journal);
  EXPECT_NE(read(std::string(kHj212) + "order: live-first\n").problems.find("keeps the order of the journal"),
            std::string::npos);
}

TEST(PaceConfig, CanBeChosen) {
  const Read chosen = read(std::string(kRemoteWrite) + "order: live-first\nlive_after: 500\nbackfill_rate: 1\n");
  EXPECT_EQ(chosen.problems, "");
  EXPECT_EQ(chosen.pace.order, Order::live_first);
  EXPECT_EQ(chosen.pace.live_after, 500U);
  EXPECT_EQ(chosen.pace.backfill_rate, 1U);
  EXPECT_EQ(read(std::string(kLineProtocol) + "order: journal\n").pace.order, Order::journal);
}

TEST(PaceConfig, SaysWhatIsWrong) {
  const auto complaint = [](const std::string& yaml) { return read(yaml).problems; };
  EXPECT_NE(complaint("type: file\npath: files\norder: live-first\n").find("keeps the order of the journal"),
            std::string::npos);
  EXPECT_EQ(complaint("type: file\npath: files\norder: journal\n").find("order"), std::string::npos);
  EXPECT_NE(
      complaint("type: mqtt\nbroker: plant\nretain: true\norder: live-first\n").find("keeps the order of the journal"),
      std::string::npos);
  EXPECT_NE(complaint(std::string(kLineProtocol) + "order: newest\n").find("unknown order 'newest'"),
            std::string::npos);
  EXPECT_NE(complaint(std::string(kLineProtocol) + "live_after: 5\n").find("live_after"), std::string::npos);
  EXPECT_NE(complaint(std::string(kLineProtocol) + "backfill_rate: 0\n").find("backfill_rate"), std::string::npos);
  EXPECT_NE(complaint(std::string(kRemoteWrite) + "backfill_rate: 10\n").find("no effect in the order of the journal"),
            std::string::npos);
}

}  // namespace
}  // namespace carbongate::sinks
