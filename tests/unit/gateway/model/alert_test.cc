#include "gateway/model/alert.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <set>

namespace carbongate::model {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNine{std::chrono::milliseconds(1'700'000'100'000)};

TEST(Alert, HasTheSameNameForEver) {
  EXPECT_EQ(alert_id("edz-1", "overload", "incomer.power", kNine), "68393ce6c826dfc0");
}

TEST(Alert, HasANameOfItsOwnForEachSiteRuleSubjectAndTime) {
  std::set<std::string> ids;
  std::size_t count = 0;
  for (const char* site : {"a", "ab"}) {
    for (const char* rule : {"b", "", "bc"}) {
      for (const char* subject : {"c", "bc", ""}) {
        for (int ms = 0; ms < 200; ++ms, ++count) ids.insert(alert_id(site, rule, subject, kNine + ms * 1ms));
      }
    }
  }
  EXPECT_EQ(ids.size(), count);
  EXPECT_EQ(ids.begin()->size(), 16U);
}

TEST(Alert, NamesItsSubject) {
  EXPECT_EQ(subject_name("incomer", "power", "", ""), "incomer.power");
  EXPECT_EQ(subject_name("gateway-2", "", "", ""), "gateway-2");
  EXPECT_EQ(subject_name("", "", "press-shop", ""), "press-shop");
  EXPECT_EQ(subject_name("", "", "press-shop", "electricity"), "press-shop/electricity");
}

TEST(Alert, ShowsItsFiguresAsPlainDecimalsThatTellThemApart) {
  const auto texts = [](double value, double limit, std::string_view unit) {
    const AlertFigures text = figures_text(value, limit, unit);
    return text.value + " | " + text.limit;
  };
  EXPECT_EQ(texts(812.5, 800, "kW"), "812.5 kW | 800 kW");
  EXPECT_EQ(texts(1'234'567.8, 1'000'000.5, "mg/m3"), "1234567.8 mg/m3 | 1000000.5 mg/m3");
  EXPECT_EQ(texts(1'234'567.81, 1'234'567.8, "kWh"), "1234567.81 kWh | 1234567.8 kWh") << "apart";
  EXPECT_EQ(texts(0.0000012, 0.00001, "m3/s"), "0.0000012 m3/s | 0.00001 m3/s");
  EXPECT_EQ(texts(33.4501234567, 30, "%"), "33.4501 % | 30 %");
  EXPECT_EQ(texts(3, 0, "1"), "3 | 0");
  EXPECT_EQ(texts(-0.0, 5, ""), "0 | 5");
  EXPECT_EQ(texts(-1e-17, 5, ""), "0 | 5");
  EXPECT_EQ(texts(0.1 + 0.2, 0.3, "kWh"), "0.30000000000000004 kWh | 0.3 kWh");
  EXPECT_EQ(texts(1e18, std::nan(""), "W"), "1e+18 W | ");
}

TEST(Alert, IsEqualBitByBit) {
  const Alert alert;
  Alert other;
  EXPECT_EQ(alert, other) << "no value is no value";
  other.value = 1;
  EXPECT_FALSE(alert == other);
  other = alert;
  other.note = "seen";
  EXPECT_FALSE(alert == other);
}

TEST(Alert, HasWordsInBothLanguages) {
  std::set<std::string_view> words;
  for (std::uint8_t i = 0; i < kSeverityCount; ++i) {
    words.insert(to_string(static_cast<Severity>(i)));
    words.insert(to_string_zh(static_cast<Severity>(i)));
  }
  for (std::uint8_t i = 1; i <= kAlertStageCount; ++i) {
    words.insert(to_string(static_cast<AlertStage>(i)));
    words.insert(to_string_zh(static_cast<AlertStage>(i)));
  }
  EXPECT_EQ(words.size(), 2 * (kSeverityCount + kAlertStageCount));
  EXPECT_FALSE(words.contains("unknown"));
  EXPECT_FALSE(words.contains("未知"));
}

}  // namespace
}  // namespace carbongate::model
