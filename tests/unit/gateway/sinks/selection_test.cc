#include "gateway/sinks/selection.h"

#include <gtest/gtest.h>

namespace carbongate::sinks {
namespace {

using namespace std::chrono_literals;

struct Read {
  Selection selection;
  std::string problems;
};

const SelectableNames kNames{.points = {"press-1.energy", "press-2.energy", "press-1.power", "oven.energy"},
                             .users = {"press-shop", "hall-a"}};

Read read(std::string_view yaml, const SelectableNames* names = &kNames) {
  config::Problems problems;
  const config::Node node = config::parse_text(yaml, "site.yaml", problems);
  config::Reader in(node, problems);
  in.required<std::string>("type");
  Read result{Selection::from(in, names), {}};
  in.finish();
  result.problems = problems.to_text();
  return result;
}

std::string complaint(std::string_view yaml, const SelectableNames* names = &kNames) {
  return read("type: x\n" + std::string(yaml), names).problems;
}

model::StoredRow row(std::string device, std::string user, model::RowBody body) {
  auto series = std::make_shared<model::Series>();
  series->device = std::move(device);
  series->point = "energy";
  series->user = std::move(user);
  return {1, std::move(series), std::move(body)};
}

TEST(Patterns, FitWholeTexts) {
  EXPECT_TRUE(fits("press-1.energy", "press-1.energy"));
  EXPECT_FALSE(fits("press-1.energy", "press-1.energy2"));
  EXPECT_FALSE(fits("press-1.energy", "press-1.energ"));
  EXPECT_TRUE(fits("*", ""));
  EXPECT_TRUE(fits("press-*.energy", "press-1.energy"));
  EXPECT_TRUE(fits("press-*.energy", "press-.energy"));
  EXPECT_FALSE(fits("press-*.energy", "press-1.power"));
  EXPECT_TRUE(fits("*.energy", "a.energy.energy")) << "a star takes more when the rest does not fit";
  EXPECT_TRUE(fits("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(fits("*a*b*", "xxbxxaxx"));
  EXPECT_TRUE(fits("hall-?", "hall-a"));
  EXPECT_FALSE(fits("hall-?", "hall-"));
  EXPECT_FALSE(fits("hall-?", "hall-ab"));
  EXPECT_TRUE(fits("冲?.energy", "冲压.energy")) << "one character, not one byte";
  EXPECT_FALSE(fits("", "a"));
  EXPECT_TRUE(fits("", ""));
}

TEST(Selection, IsEverythingByDefault) {
  const Read got = read("type: x\n");
  EXPECT_EQ(got.problems, "");
  EXPECT_TRUE(got.selection.is_everything());
}

TEST(Selection, IsReadFromTheConfiguration) {
  const Read got = read(
      "type: x\nselect: {rows: [readings, entries], points: ['press-*.energy', oven.energy], users: ['hall-?'], "
      "every: 1min}\n");
  EXPECT_EQ(got.problems, "");
  EXPECT_EQ(got.selection.rows.to_ulong(), 0b00101U);
  EXPECT_EQ(got.selection.points, (std::vector<std::string>{"press-*.energy", "oven.energy"}));
  EXPECT_EQ(got.selection.users, std::vector<std::string>{"hall-?"});
  EXPECT_EQ(got.selection.every, 1min);
  EXPECT_EQ(read("type: x\nrows: [entries, rollups]\n").selection.rows.to_ulong(), 0b01100U);
}

TEST(Selection, TakesAlertsByTheirRule) {
  SelectableNames names = kNames;
  names.rules = {"silent", "many-silent"};
  const Selection selection = read("type: x\nselect: {rules: [many-*]}\n", &names).selection;
  const auto alert_of = [](std::string rule) {
    auto series = std::make_shared<model::Series>();
    series->device = "press-1";
    series->rule = std::move(rule);
    return model::StoredRow{1, std::move(series), model::Alert{}};
  };
  EXPECT_TRUE(selection.takes(alert_of("many-silent")));
  EXPECT_FALSE(selection.takes(alert_of("silent")));
  EXPECT_TRUE(selection.takes(row("press-1", "", model::JudgedReading{}))) << "it is about alerts alone";
  EXPECT_NE(complaint("select: {rules: [sillent]}\n", &names)
                .find("there is no rule of alerts 'sillent'; did you mean 'silent'?"),
            std::string::npos);
}

TEST(Selection, SaysWhatIsWrong) {
  EXPECT_NE(complaint("rows: [entrys]").find("did you mean 'entries'"), std::string::npos);
  EXPECT_NE(complaint("select: {rows: [readngs]}").find("did you mean 'readings'"), std::string::npos);
  EXPECT_NE(complaint("select: {rows: []}").find("nothing would be sent"), std::string::npos);
  EXPECT_NE(complaint("select: {points: []}").find("nothing would be sent"), std::string::npos);
  EXPECT_NE(complaint("rows: [entries]\nselect: {rows: [entries]}").find("exclude each other"), std::string::npos);
  EXPECT_NE(complaint("select: {point: [a]}").find("did you mean 'points'"), std::string::npos);
  EXPECT_NE(complaint("select: {every: 10ms}").find("allowed: 1s to 31d"), std::string::npos);
  EXPECT_NE(complaint("select: {points: [oven.enrgy]}")
                .find("error: select.points: there is no point 'oven.enrgy'; did you mean 'oven.energy'?"),
            std::string::npos);
  EXPECT_NE(complaint("select: {users: [hall-b]}").find("did you mean 'hall-a'"), std::string::npos);
  EXPECT_NE(complaint("select: {points: ['lathe-*']}").find("warning: select.points: 'lathe-*' fits no point"),
            std::string::npos);
  EXPECT_NE(complaint("select: {rows: [entries], every: 1min}").find("warning: select.every: thins readings"),
            std::string::npos);
}

TEST(Selection, DoesNotGuessWhenNamesAreMissing) {
  SelectableNames partial = kNames;
  partial.complete = false;
  EXPECT_EQ(complaint("select: {points: [oven.enrgy, 'lathe-*']}", &partial), "");
  EXPECT_EQ(complaint("select: {points: [oven.enrgy, 'lathe-*']}", nullptr), "");
}

TEST(Selection, TakesAnAccountsRowsByItsUserAndByTheirPoint) {
  Selection selection;
  selection.points = {"press-*"};
  selection.users = {"press-shop"};
  EXPECT_TRUE(selection.takes(row("press-1", "press-shop", model::EmissionEntry{})));
  EXPECT_FALSE(selection.takes(row("press-1", "hall-a", model::EmissionEntry{})));
  EXPECT_FALSE(selection.takes(row("oven", "press-shop", model::RollupRow{})));
  EXPECT_TRUE(selection.takes(row("press-1", "", model::JudgedReading{}))) << "a reading has no user";
  EXPECT_FALSE(selection.takes(row("oven", "", model::EnergyInterval{})));
  selection.rows.reset(static_cast<std::size_t>(shared::RowKind::reading));
  EXPECT_FALSE(selection.takes(row("press-1", "", model::JudgedReading{})));
}

}  // namespace
}  // namespace carbongate::sinks
