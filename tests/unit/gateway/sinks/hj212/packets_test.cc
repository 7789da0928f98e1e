#include "gateway/sinks/hj212/packets.h"

#include <gtest/gtest.h>

#include <limits>

namespace carbongate::sinks::hj212 {
namespace {

using carbongate::hj212::to_text;
using model::Report;
using model::ReportKind;
using model::ReportValue;
using namespace std::chrono_literals;

const Instant kTen = std::chrono::sys_days(std::chrono::year(2026) / 8 / 1) + 2h;  // 10:00 in Shanghai

std::string area(const Data& data) {
  std::vector<carbongate::hj212::Item> all = data.repeated;
  all.insert(all.end(), data.items.begin(), data.items.end());
  return to_text(all);
}

ReportValue value(std::string code, model::ReportFigures figures, std::uint8_t decimals = 1) {
  ReportValue made;
  made.code = std::move(code);
  made.figures = figures;
  made.decimals = decimals;
  return made;
}

TEST(Hj212Packets, AnInstantIsAsInTheReference) {
  const Report report{.kind = ReportKind::real_time,
                      .begin = kTen,
                      .end = kTen,
                      .values = {value("a05001", {235'000, {}, {}}), value("a05002", {12.5, {}, {}}),
                                 value("a19001", {6.2, {}, {}}, 2), value("a01013", {-0.15, {}, {}}, 2)}};
  const Data data = data_of(report, StationClock("Asia/Shanghai"), false);
  EXPECT_EQ(data.command, "2011");
  EXPECT_EQ(area(data),
            "DataTime=20260801100000;a05001-Rtd=235000.0,a05001-Flag=N;a05002-Rtd=12.5,a05002-Flag=N;"
            "a19001-Rtd=6.20,a19001-Flag=N;a01013-Rtd=-0.15,a01013-Flag=N");
}

TEST(Hj212Packets, AFactorThatWasSilentHasItsFlagAlone) {
  ReportValue silent = value("a05001", {});
  silent.flag = 'B';
  silent.valid = silent.total = 0;
  silent.has_reduced = true;
  const Report report{.kind = ReportKind::minute, .begin = kTen, .end = kTen + 1min, .values = {silent}};
  for (const bool marks_unknown : {false, true}) {
    const Data data = data_of(report, StationClock("Asia/Shanghai"), marks_unknown);
    EXPECT_EQ(data.command, "2051");
    EXPECT_EQ(area(data), "DataTime=20260801100000;a05001-Flag=B");
  }
}

TEST(Hj212Packets, AnHourIsAsInTheReferenceAndHasTheTimeOfItsBegin) {
  ReportValue flow = value("a00000", {});
  flow.amount = 357'120.0;
  flow.amount_decimals = 1;
  flow.total = 0;  // an amount alone
  ReportValue co2 = value("a05001", {235'000, 228'000, 241'000});
  co2.amount = 83'923.2;
  co2.amount_decimals = 1;
  const Report report{.kind = ReportKind::hour, .begin = kTen, .end = kTen + 1h, .values = {flow, co2}};
  const Data data = data_of(report, StationClock("Asia/Shanghai"), false);
  EXPECT_EQ(data.command, "2061");
  EXPECT_EQ(area(data),
            "DataTime=20260801100000;a00000-Cou=357120.0;a05001-Cou=83923.2,a05001-Min=228000.0,a05001-Avg=235000.0,"
            "a05001-Max=241000.0,a05001-Flag=N");
  EXPECT_EQ(command_of(ReportKind::minute), "2051");
  EXPECT_EQ(command_of(ReportKind::day), "2031");
}

TEST(Hj212Packets, AnAmountThatCameTogetherOverASilenceHasItsFlag) {
  ReportValue energy = value("i33201", {});
  energy.amount = 42.1;
  energy.amount_decimals = 3;
  energy.valid = energy.total = 0;
  energy.flag = 'D';
  const Report report{.kind = ReportKind::minute, .begin = kTen, .end = kTen + 5min, .values = {energy}};
  EXPECT_EQ(area(data_of(report, StationClock("Asia/Shanghai"), false)),
            "DataTime=20260801100000;i33201-Cou=42.100,i33201-Flag=D");
}

TEST(Hj212Packets, WhatIsNotKnownIsLeftOutAndMarkedIn2025) {
  ReportValue co2 = value("a05001", {std::numeric_limits<double>::infinity(), {}, {}});
  co2.has_reduced = true;
  co2.flag = 'D';
  const Report report{.kind = ReportKind::real_time, .begin = kTen, .end = kTen, .values = {co2}};
  const StationClock clock("Asia/Shanghai");
  EXPECT_EQ(area(data_of(report, clock, false)), "DataTime=20260801100000;a05001-Flag=D");
  EXPECT_EQ(area(data_of(report, clock, true)), "DataTime=20260801100000;a05001-ZsRtd=9999.99,a05001-Flag=D");
}

TEST(Hj212Packets, ZeroHasNoSign) {
  const Report report{
      .kind = ReportKind::real_time, .begin = kTen, .end = kTen, .values = {value("a05001", {-0.04, {}, {}})}};
  EXPECT_EQ(area(data_of(report, StationClock("UTC"), false)), "DataTime=20260801020000;a05001-Rtd=0.0,a05001-Flag=N");
}

TEST(Hj212Packets, AnAlertIsATextThatCannotEndEarly) {
  model::Alert alert;
  alert.at = kTen;
  alert.since = kTen - 1min;
  alert.severity = model::Severity::critical;
  alert.id = "0123456789abcdef";
  alert.name_zh = "碳排放//超限&&;CN=1";
  alert.value = 241'000;
  alert.limit = 240'000;
  alert.unit = "mg/m3";
  model::Series series;
  series.device = "stack";
  series.point = "co2";
  const Data data = data_of(alert, series, StationClock("Asia/Shanghai"));
  EXPECT_EQ(data.command, "3020");
  const std::string text = area(data);
  EXPECT_EQ(text,
            "DataTime=20260801100000;i11001-Info=//[严重][触发] 碳排放/ /超限& &;CN=1 stack.co2, 当前值 241000 mg/m3, "
            "限值 240000 mg/m3, 起始 20260801095900, 编号 0123456789abcdef-0//");
  const auto read = carbongate::hj212::parse_segment("CN=3020;CP=&&" + text + "&&");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->area->size(), 2u) << "one item, whatever stands in it";
  alert.name_zh = std::string(3'000, '/');
  for (int i = 0; i < 500; ++i) alert.name_zh += "超";
  const std::string cut = area(data_of(alert, series, StationClock("UTC")));
  EXPECT_LT(cut.size(), 890u);
  EXPECT_TRUE(
      cut.ends_with(" stack.co2, 当前值 241000 mg/m3, 限值 240000 mg/m3, 起始 20260801015900, "
                    "编号 0123456789abcdef-0//"))
      << "the name is cut, not what tells the alert: " << cut;
}

TEST(Hj212Packets, AnAlertSaysHowMuchOfASumWasWatched) {
  model::Alert alert;
  alert.since = kTen;
  alert.name_zh = "日电量";
  alert.value = 60;
  alert.limit = 50;
  alert.unit = "kWh";
  alert.id = "0123456789abcdef";
  alert.of = model::SummedTime{.begin = kTen - 10h, .end = kTen + 14h, .coverage = 8750};
  const auto text = [&] { return area(data_of(alert, {}, StationClock("Asia/Shanghai"))); };
  EXPECT_NE(text().find(", 限值 50 kWh, 时段 20260801000000-20260802000000, 覆盖率 87.5%, 起始 20260801100000, "),
            std::string::npos)
      << text();
  alert.of->coverage.reset();
  EXPECT_NE(text().find("-20260802000000, 起始 "), std::string::npos) << text();
}

TEST(Hj212Packets, AnAlertSaysWhatItStandsFor) {
  model::Alert alert;
  alert.name_zh = "组";
  alert.value = 2;
  alert.limit = 0;
  alert.unit = "1";
  alert.id = "0123456789abcdef";
  alert.note = "overload incomer.power 68393ce6c826dfc0; overload press.power 0000000000000000";
  const std::string text = area(data_of(alert, {}, StationClock("UTC")));
  EXPECT_TRUE(text.ends_with("编号 0123456789abcdef-0, 备注 " + alert.note + "//")) << text;
}

TEST(Hj212Packets, ATextIsNotCutSoThatItEndsInASlash) {
  model::Alert alert;
  const model::Series series;
  for (std::size_t before = 700; before < 800; ++before) {  // wherever it is cut
    alert.name = std::string(before, 'x') + "/" + std::string(200, 'y');
    const std::string text = area(data_of(alert, series, StationClock("UTC")));
    EXPECT_FALSE(text.ends_with("///")) << text.substr(text.size() - 20);
  }
}

TEST(StationClock, TellsLocalTimesAndFindsThemAgain) {
  const StationClock shanghai("Asia/Shanghai");
  EXPECT_EQ(carbongate::hj212::to_data_time(shanghai.local(kTen)), "20260801100000");
  EXPECT_EQ(shanghai.instant(shanghai.local(kTen)), kTen);
  const StationClock berlin("Europe/Berlin");  // 2026-10-25: 02:30 comes twice, 2026-03-29: never
  EXPECT_EQ(berlin.instant(*carbongate::hj212::read_data_time("20261025023000")),
            Instant(std::chrono::sys_days(std::chrono::year(2026) / 10 / 25) + 30min));
  EXPECT_NO_THROW(berlin.instant(*carbongate::hj212::read_data_time("20260329023000")));
  EXPECT_FALSE(knows_zone("Mars/North"));
}

}  // namespace
}  // namespace carbongate::sinks::hj212
