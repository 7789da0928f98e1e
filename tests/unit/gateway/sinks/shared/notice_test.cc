#include "gateway/sinks/shared/notice.h"

#include <gtest/gtest.h>

#include <limits>

namespace carbongate::sinks::shared {
namespace {

using namespace std::chrono_literals;

model::StoredRow alert_row() {
  auto series = std::make_shared<model::Series>();
  series->site = "works";
  series->rule = "overload";
  series->device = "incomer";
  series->point = "power";
  model::Alert alert;
  alert.since = Instant(std::chrono::seconds(1'767'225'600));
  alert.at = alert.since + 1h;
  alert.severity = model::Severity::critical;
  alert.id = "68393ce6c826dfc0";
  alert.name = "Overload";
  alert.name_zh = "变压器过载";
  alert.value = 900.1;
  alert.limit = 800;
  alert.unit = "kW";
  return {42, series, alert};
}

struct Read {
  NoticeConfig config;
  std::string problems;
};

Read read(const std::string& keys) {
  config::Problems problems;
  const config::Node node = config::parse_text("type: mail\n" + keys, "site.yaml", problems);
  const config::Node root = config::parse_text("site: {timezone: Asia/Shanghai}", "site.yaml", problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  Read result{NoticeConfig::from(in, root), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

TEST(Notice, SaysWhatIsKnownOfAnAlert) {
  NoticeWriter writer(read("").config);
  const Notice notice = writer.write(alert_row());
  EXPECT_EQ(notice.headline, "[严重] 触发: 变压器过载 incomer.power: 900.1 > 800 kW");
  EXPECT_EQ(
      notice.text,
      "变压器过载: 触发\n级别: 严重\n站点: works\n对象: incomer.power\n数值: 900.1 > 800 kW\n"
      "起始: 2026-01-01T08:00:00+08:00\n变更: 2026-01-01T09:00:00+08:00\n规则: overload\n编号: 68393ce6c826dfc0-0\n");
  EXPECT_TRUE(notice.is_urgent);
}

TEST(Notice, SpeaksEnglishToo) {
  NoticeWriter writer(read("lang: en").config);
  model::StoredRow row = alert_row();
  model::Alert alert = row.body.get<model::Alert>();
  alert.stage = model::AlertStage::acknowledged;
  alert.by = "Li Wei";
  alert.revision = 1;
  row.body = alert;
  const Notice notice = writer.write(row);
  EXPECT_EQ(notice.headline, "[critical] acknowledged: Overload, incomer.power: 900.1 > 800 kW");
  EXPECT_NE(notice.text.find("\nAcknowledged by: Li Wei\n"), std::string::npos);
  EXPECT_TRUE(notice.text.ends_with("Id: 68393ce6c826dfc0-1\n"));
  EXPECT_FALSE(notice.is_urgent);
}

TEST(Notice, SaysHowMuchOfASumWasWatched) {
  NoticeWriter zh(read("").config), en(read("lang: en").config), own(read("text: '{period}'").config);
  model::StoredRow row = alert_row();
  EXPECT_EQ(own.write(row).text, "\n");
  model::Alert alert = row.body.get<model::Alert>();
  alert.of = model::SummedTime{.begin = alert.since - 8h, .end = alert.since + 16h, .coverage = 8750};
  alert.unit = "kWh";
  row.body = alert;
  EXPECT_EQ(zh.write(row).headline, "[严重] 触发: 变压器过载 incomer.power: 900.1 > 800 kWh (覆盖率 87.5%)");
  EXPECT_NE(zh.write(row).text.find("\n数值: 900.1 > 800 kWh (覆盖率 87.5%)\n"
                                    "时段: 2026-01-01T00:00:00+08:00 至 2026-01-02T00:00:00+08:00\n起始: "),
            std::string::npos)
      << zh.write(row).text;
  EXPECT_EQ(en.write(row).headline, "[critical] firing: Overload, incomer.power: 900.1 > 800 kWh (87.5 % watched)");
  EXPECT_NE(en.write(row).text.find("\nPeriod: 2026-01-01T00:00:00+08:00 to 2026-01-02T00:00:00+08:00\nSince: "),
            std::string::npos)
      << en.write(row).text;
  EXPECT_EQ(own.write(row).text, "2026-01-01T00:00:00+08:00 至 2026-01-02T00:00:00+08:00\n");
  alert.of->coverage.reset();
  row.body = alert;
  EXPECT_TRUE(en.write(row).headline.ends_with(": 900.1 > 800 kWh")) << "not known";
}

TEST(Notice, HasNoFiguresWhereThereAreNone) {
  NoticeWriter zh(read("").config), en(read("lang: en").config);
  model::StoredRow row = alert_row();
  model::Alert alert = row.body.get<model::Alert>();
  alert.value = std::numeric_limits<double>::quiet_NaN();
  alert.unit = "s";
  alert.limit = 600;
  row.body = alert;
  EXPECT_EQ(zh.write(row).headline, "[严重] 触发: 变压器过载 incomer.power: 600 秒无数据");
  EXPECT_EQ(en.write(row).headline, "[critical] firing: Overload, incomer.power: nothing for 600 s");
  alert.limit = std::numeric_limits<double>::quiet_NaN();
  row.body = alert;
  EXPECT_EQ(zh.write(row).headline, "[严重] 触发: 变压器过载 incomer.power");
  EXPECT_EQ(en.write(row).headline, "[critical] firing: Overload, incomer.power");
}

TEST(Notice, EndsInNothingThatIsAboutNothing) {
  model::StoredRow row = alert_row();
  model::Alert alert = row.body.get<model::Alert>();
  alert.stage = model::AlertStage::acknowledged;
  alert.value = std::numeric_limits<double>::quiet_NaN();
  row.body = alert;
  NoticeWriter own(read(R"(headline: "{name} {state}: {value}"
text: "{name} {state}:\n确认：{by}\n{state}: {value}\nSee:\nnote: {note}\n")")
                       .config);
  Notice notice = own.write(row);
  EXPECT_EQ(notice.headline, "变压器过载 已确认");
  EXPECT_EQ(notice.text, "变压器过载 已确认:\nSee:\n") << "these are about what follows";
  auto series = std::make_shared<model::Series>(*row.series);  // of a group
  series->device.clear();
  series->point.clear();
  row.series = series;
  NoticeWriter zh(read("").config), en(read("lang: en").config);
  EXPECT_EQ(zh.write(row).headline, "[严重] 已确认: 变压器过载");
  EXPECT_EQ(en.write(row).headline, "[critical] acknowledged: Overload");
  alert.value = 2;
  alert.limit = 1;
  alert.unit = "1";
  row.body = alert;
  EXPECT_EQ(en.write(row).headline, "[critical] acknowledged: Overload: 2 > 1");
}

TEST(Notice, FillsTemplates) {
  const Read got = read(R"(headline: "{name:>8}|{user}|{{}}"
text: "{device}.{point} {value}")");
  EXPECT_EQ(got.problems, "");
  NoticeWriter writer(got.config);
  const Notice notice = writer.write(alert_row());
  EXPECT_EQ(notice.headline, "变压器过载||{}");
  EXPECT_EQ(notice.text, "incomer.power 900.1 > 800 kW\n");
}

NoticeConfig escalated(const std::string& keys) {
  NoticeConfig config = read(keys).config;
  config.escalated_from = "duty-mail";
  return config;
}

TEST(Notice, SaysFirstInWhosePlaceItIsTold) {
  const Notice zh = NoticeWriter(escalated("")).write(alert_row());
  EXPECT_EQ(zh.headline, "[升级自 duty-mail] [严重] 触发: 变压器过载 incomer.power: 900.1 > 800 kW");
  EXPECT_TRUE(zh.text.starts_with("升级自: duty-mail\n变压器过载: 触发\n")) << zh.text;
  const Notice en = NoticeWriter(escalated("lang: en")).write(alert_row());
  EXPECT_EQ(en.headline, "[escalated from duty-mail] [critical] firing: Overload, incomer.power: 900.1 > 800 kW");
  EXPECT_TRUE(en.text.starts_with("Escalated from: duty-mail\nOverload: firing\n")) << en.text;
}

TEST(Notice, SaysInWhosePlaceItIsToldWhereATemplateHasIt) {
  const std::string keys = R"(headline: "{name}|{escalated_from}"
text: "{id}\n代: {escalated_from}\n"
)";
  const Notice own = NoticeWriter(escalated(keys)).write(alert_row());
  EXPECT_EQ(own.headline, "变压器过载|duty-mail");
  EXPECT_EQ(own.text, "68393ce6c826dfc0\n代: duty-mail\n");
  const Notice usual = NoticeWriter(read(keys).config).write(alert_row());
  EXPECT_EQ(usual.text, "68393ce6c826dfc0\n");
  const Notice silent = NoticeWriter(escalated("headline: \"{name}\"\ntext: \"{id}\"\n")).write(alert_row());
  EXPECT_EQ(silent.headline, "[升级自 duty-mail] 变压器过载") << "a template that does not say it";
  EXPECT_EQ(silent.text, "升级自: duty-mail\n68393ce6c826dfc0\n");
}

TEST(Notice, SaysOfAReportInWhosePlaceItIsTold) {
  model::StoredRow row{7, std::make_shared<model::Series>(), model::Report{}};
  const Notice usual = NoticeWriter(read("lang: en").config).write(row);
  const Notice notice = NoticeWriter(escalated("lang: en\nheadline: \"{escalated_from}\"\n")).write(row);
  EXPECT_EQ(notice.headline, "[escalated from duty-mail] " + usual.headline);
  EXPECT_EQ(notice.text, "Escalated from: duty-mail\n" + usual.text);
}

TEST(Notice, SaysWhatIsWrongWithATemplate) {
  EXPECT_NE(read(R"(text: "{nmae}")").problems.find("site.yaml:2"), std::string::npos);
  EXPECT_NE(read(R"(text: "{nmae}")").problems.find("argument not found"), std::string::npos);
  EXPECT_NE(read(R"(headline: "{name")").problems.find("cannot be filled in"), std::string::npos);
  EXPECT_NE(read(R"(headline: "{name:d}")").problems.find("cannot be filled in"), std::string::npos);
  EXPECT_NE(read("lang: fr").problems.find("zh"), std::string::npos);
}

TEST(Notice, ListsTheValuesOfAReport) {
  auto series = std::make_shared<model::Series>();
  series->device = "stack";
  model::Report report;
  report.kind = model::ReportKind::hour;
  report.begin = Instant(std::chrono::seconds(1'767'225'600));
  report.values = {{.code = "a05001",
                    .figures = {.value = 12.345, .min = 10, .max = 20},
                    .reduced = {},
                    .amount = 7.5,
                    .decimals = 1}};
  NoticeWriter writer(read("").config);
  const Notice notice = writer.write({1, series, report});
  EXPECT_EQ(notice.headline, "stack 小时数据 2026-01-01T08:00:00+08:00");
  EXPECT_EQ(notice.text, notice.headline + "\na05001  均值 12.3  最小 10.0  最大 20.0  总量 7.50  N\n");
}

TEST(Notice, IsEmptyOfOtherRows) {
  NoticeWriter writer(read("").config);
  EXPECT_EQ(writer.write({1, std::make_shared<model::Series>(), model::JudgedReading{}}).headline, "");
}

}  // namespace
}  // namespace carbongate::sinks::shared
