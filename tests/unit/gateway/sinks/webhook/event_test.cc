#include "gateway/sinks/webhook/event.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace carbongate::sinks::webhook {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

model::StoredRow alert_row(model::AlertStage stage) {
  auto series = std::make_shared<model::Series>();
  series->site = "works";
  series->rule = "overload";
  series->device = "incomer";
  series->point = "power";
  model::Alert alert;
  alert.since = Instant(std::chrono::seconds(1'767'225'600));
  alert.at = alert.since + 1h;
  alert.stage = stage;
  alert.id = "68393ce6c826dfc0";
  alert.name = "A \"quoted\" name";
  alert.name_zh = "变压器过载";
  alert.value = 900.1;
  alert.limit = 800;
  alert.unit = "kW";
  return {42, series, alert};
}

model::Alert summed(model::Alert alert) {
  alert.of = model::SummedTime{.begin = alert.since, .end = alert.since + 24h, .coverage = 8750};
  return alert;
}

TEST(CloudEvent, SaysWhatHappenedToWhat) {
  shared::JsonRow rows("Asia/Shanghai", "store");
  Event event;
  ASSERT_TRUE(write_cloud_event(alert_row(model::AlertStage::resolved), "store", rows, event));
  EXPECT_EQ(event.id, "store-42");
  const json::value got = json::parse(event.body);
  EXPECT_EQ(got.at("specversion").as_string(), "1.0");
  EXPECT_EQ(got.at("id").as_string(), "store-42");
  EXPECT_EQ(got.at("source").as_string(), "urn:carbongate:works");
  EXPECT_EQ(got.at("type").as_string(), "cn.carbongate.alert.resolved");
  EXPECT_EQ(got.at("subject").as_string(), "incomer.power");
  EXPECT_EQ(got.at("time").as_string(), "2026-01-01T01:00:00Z");
  EXPECT_EQ(got.at("data").at("name").as_string(), "A \"quoted\" name");
  EXPECT_EQ(got.at("data").at("value").to_number<double>(), 900.1);
  EXPECT_EQ(got.at("data").at("key").as_string(), "store-42");
}

TEST(CloudEvent, SaysHowMuchOfASumWasWatched) {
  shared::JsonRow rows("Asia/Shanghai", "store");
  Event event;
  model::StoredRow row = alert_row(model::AlertStage::firing);
  ASSERT_TRUE(write_cloud_event(row, "store", rows, event));
  json::value data = json::parse(event.body).at("data");
  EXPECT_EQ(data.at("period_begin").as_string(), "");
  EXPECT_EQ(data.at("period_end").as_string(), "");
  EXPECT_TRUE(data.at("coverage_percent").is_null());
  row.body = summed(row.body.get<model::Alert>());
  ASSERT_TRUE(write_cloud_event(row, "store", rows, event));
  data = json::parse(event.body).at("data");
  EXPECT_EQ(data.at("period_begin").as_string(), "2026-01-01T08:00:00+08:00");
  EXPECT_EQ(data.at("period_end").as_string(), "2026-01-02T08:00:00+08:00");
  EXPECT_EQ(data.at("coverage_percent").to_number<double>(), 87.5);
}

TEST(AlertmanagerEvent, SaysHowMuchOfASumWasWatched) {
  model::StoredRow row = alert_row(model::AlertStage::firing);
  const auto annotations = [&] {
    return json::parse(alertmanager_event(row, "store", {}, "").body).at(0).at("annotations").as_object();
  };
  EXPECT_FALSE(annotations().contains("period"));
  EXPECT_FALSE(annotations().contains("coverage_percent"));
  row.body = summed(row.body.get<model::Alert>());
  EXPECT_EQ(annotations().at("period").as_string(), "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z");
  EXPECT_EQ(annotations().at("coverage_percent").as_string(), "87.5");
}

TEST(CloudEvent, SaysInWhosePlaceItIsTold) {
  shared::JsonRow rows("UTC", "store", "duty-mail");
  Event event;
  ASSERT_TRUE(write_cloud_event(alert_row(model::AlertStage::firing), "store", rows, event));
  EXPECT_EQ(json::parse(event.body).at("data").at("escalated_from").as_string(), "duty-mail");
  shared::JsonRow usual("UTC", "store");
  ASSERT_TRUE(write_cloud_event(alert_row(model::AlertStage::firing), "store", usual, event));
  EXPECT_FALSE(json::parse(event.body).at("data").as_object().contains("escalated_from"));
}

TEST(CloudEvent, IsOfAlertsAndReportsAlone) {
  shared::JsonRow rows("UTC", "store");
  Event event;
  const model::StoredRow reading{1, std::make_shared<model::Series>(), model::JudgedReading{}};
  EXPECT_FALSE(write_cloud_event(reading, "store", rows, event));
  EXPECT_EQ(event.body, "is neither an alert nor a report");
  EXPECT_EQ(alertmanager_event(reading, "store", {}, "").body, "");
}

TEST(AlertmanagerEvent, EndsWithTheAlertAndElseWhenItIsNotToldAgain) {
  const Instant end = std::chrono::sys_days(std::chrono::year(2026) / 1 / 2);
  const auto ends = [end](model::AlertStage stage) {
    const json::value got = json::parse(alertmanager_event(alert_row(stage), "store", end, "").body);
    EXPECT_FALSE(got.at(0).at("annotations").as_object().contains("escalated_from"));
    EXPECT_EQ(got.at(0).at("labels").at("alertname").as_string(), "overload");
    EXPECT_EQ(got.at(0).at("startsAt").as_string(), "2026-01-01T00:00:00Z");
    EXPECT_FALSE(got.at(0).at("labels").as_object().contains("user")) << "empty labels are none";
    return std::string(got.at(0).at("endsAt").as_string());
  };
  EXPECT_EQ(ends(model::AlertStage::firing), "2026-01-02T00:00:00Z");
  EXPECT_EQ(ends(model::AlertStage::acknowledged), "2026-01-02T00:00:00Z");
  EXPECT_EQ(ends(model::AlertStage::resolved), "2026-01-01T01:00:00Z");
  EXPECT_EQ(ends(model::AlertStage::withdrawn), "2026-01-01T01:00:00Z");
}

TEST(AlertmanagerEvent, SaysInWhosePlaceItIsTold) {
  const Event event = alertmanager_event(alert_row(model::AlertStage::firing), "store", {}, "duty-mail");
  EXPECT_EQ(json::parse(event.body).at(0).at("annotations").at("escalated_from").as_string(), "duty-mail");
}

}  // namespace
}  // namespace carbongate::sinks::webhook
