#include "drivers/meter_history.h"

#include <gtest/gtest.h>

namespace carbongate {
namespace {

using namespace std::chrono_literals;

struct Read {
  explicit Read(std::string_view text, Kind kind = Kind::cumulative, std::string_view site = "{timezone: UTC}") {
    point.name = "value";
    point.kind = kind;
    point.unit = find_unit("kWh").value();
    const config::Node root = config::parse_text("site: " + std::string(site), "a.yaml", problems);
    const config::Node node = config::parse_text(text, "a.yaml", problems);
    config::Reader in(node, problems);
    read_meter_history(in, root, point);
    in.finish();
    said = problems.to_text();
  }
  Point point;
  config::Problems problems;
  std::string said;
};

const Instant kMarch = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1));

TEST(MeterHistory, TellsWhatOldAndNewMeterShowed) {
  const Read r(
      "replaced: [{at: 2026-03-01T10:00, final: 12345.6, initial: 0.2}, "
      "{at: '2026-03-02 10:00:30+08:00', final: 7, initial: 8}]");
  EXPECT_EQ(r.said, "");
  ASSERT_EQ(r.point.history.replaced.size(), 2u);
  EXPECT_EQ(r.point.history.replaced[0].at, kMarch + 10h);
  EXPECT_EQ(r.point.history.replaced[0].final, 12345.6);
  EXPECT_EQ(r.point.history.replaced[0].initial, 0.2);
  EXPECT_EQ(r.point.history.replaced[1].at, kMarch + 26h + 30s);
}

TEST(MeterHistory, TimesAreToldAtTheSite) {
  const auto at = [](std::string_view time, std::string_view site) {
    const Read r("replaced: [{at: " + std::string(time) + ", final: 1, initial: 0}]", Kind::cumulative, site);
    EXPECT_EQ(r.said, "");
    return r.point.history.replaced.at(0).at;
  };
  EXPECT_EQ(at("2026-03-01T10:00", "{timezone: Asia/Shanghai}"), kMarch + 2h);
  EXPECT_EQ(at("2026-03-01", "{id: without}"), kMarch - 8h) << "the site's default";
  EXPECT_EQ(at("2026-03-01T10:00:00Z", "{timezone: Asia/Shanghai}"), kMarch + 10h);
}

TEST(MeterHistory, ARatioIsANumberOrAFraction) {
  const auto of = [](std::string_view text) {
    const Read r("ratio: " + std::string(text));
    EXPECT_EQ(r.said, "");
    const TransformerRatio& ratio = r.point.history.ratios.at(0);
    EXPECT_EQ(ratio.from, Instant::min());
    return std::pair(ratio.numerator, ratio.denominator);
  };
  EXPECT_EQ(of("40"), std::pair(std::int64_t{40}, std::int64_t{1}));
  EXPECT_EQ(of("200/5"), std::pair(std::int64_t{40}, std::int64_t{1}));
  EXPECT_EQ(of("1.5"), std::pair(std::int64_t{3}, std::int64_t{2}));
  EXPECT_EQ(of("100/7.5"), std::pair(std::int64_t{40}, std::int64_t{3}));
}

TEST(MeterHistory, ARatioHoldsFromItsDate) {
  const Read r("ratio: [{value: 40}, {from: 2026-03-01, value: 300/5}]");
  EXPECT_EQ(r.said, "");
  ASSERT_EQ(r.point.history.ratios.size(), 2u);
  EXPECT_EQ(r.point.history.ratios[1].from, kMarch);
  EXPECT_EQ(r.point.history.ratios[1].numerator, 60);
}

TEST(MeterHistory, IsRefusedWhereItMakesNoSense) {
  for (const char* bad :
       {"replaced: [{at: yesterday, final: 1, initial: 0}]", "replaced: [{at: 2026-03-01, final: 1}]",
        "replaced: [{at: 2026-03-02, final: 1, initial: 0}, {at: 2026-03-01, final: 1, initial: 0}]",
        "replaced: [{at: 2026-03-01, final: .nan, initial: 0}]",
        "replaced: [{at: 2026-03-01, final: 1, initial: 0, serial: 7}]", "ratio: 0", "ratio: -40", "ratio: forty",
        "ratio: 40/0", "ratio: 1e3", "ratio: 99999999999/5", "ratio: []", "ratio: [{value: 1}, {value: 2}]",
        "ratio: [{from: 2026-03-02, value: 1}, {from: 2026-03-01, value: 2}]"}) {
    EXPECT_NE(Read(bad).said, "") << bad;
  }
  EXPECT_NE(Read("ratio: 40", Kind::instantaneous).said, "");
  EXPECT_NE(Read("replaced: [{at: 2026-03-01, final: 1, initial: 0}]", Kind::interval).said, "");
}

}  // namespace
}  // namespace carbongate
