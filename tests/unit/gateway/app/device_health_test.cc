// What drivers report of their devices becomes readings, and alerts follow from these.
#include "gateway/app/device_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/gateway/app/gateway_fixture.h"

namespace carbongate::app {
namespace {

using model::Health;
using State = DeviceStatus::State;
using ::testing::ElementsAre;

class DeviceHealthTest : public ::testing::Test {
 protected:
  DeviceHealthTest() {
    for (const Health what : {Health::connected, Health::answering, Health::failed_requests, Health::answer_age}) {
      Point point;
      point.id = static_cast<PointId>(site_.points.size());
      point.device = "meter";
      point.name = model::text_of(what).point;
      site_.points.push_back(point);
      site_.health.push_back({point.id, what});
    }
    driver_.connected = true;
    driver_.devices = {{.device = "another", .state = State::online, .detail = {}, .heard = {}},
                       {.device = "meter", .detail = {}, .heard = {}}};
    health_.emplace(site_);
  }

  // "answering 1, answer_age 0.5"
  std::string look(Duration later) {
    now_ += later;
    std::string text;
    for (const Reading& one : health_->look({&driver_, 1}, now_)) {
      EXPECT_EQ(one.at, now_);
      std::string value = std::to_string(one.value);
      value.erase(value.find_last_not_of('0') + 1);
      if (value.ends_with('.')) value.pop_back();
      text += (text.empty() ? "" : ", ") + site_.points[index(one.point)].name.substr(7) + " " + value;
    }
    return text;
  }
  DeviceStatus& meter() { return driver_.devices[1]; }

  model::Site site_;
  DriverStatus driver_;
  std::optional<DeviceHealth> health_;
  Instant now_ = Instant(std::chrono::hours(24 * 365 * 50));
};

TEST_F(DeviceHealthTest, ADeviceMayHaveAConnectionOfItsOwn) {
  meter().state = State::online;
  meter().heard = now_;
  meter().connected = false;
  EXPECT_EQ(look(1s), "connected 0, answering 1, answer_age 1") << "though its driver has one";
  meter().connected = true;
  EXPECT_EQ(look(1s), "connected 1");
}

TEST_F(DeviceHealthTest, SaysWhatChangesAtOnceAndAllEachMinute) {
  EXPECT_EQ(look(1s), "") << "nobody knows yet";
  meter().state = State::online;
  meter().heard = now_;
  meter().polls = 1;
  EXPECT_EQ(look(1s), "connected 1, answering 1, answer_age 1");
  EXPECT_EQ(look(1s), "");
  meter().state = State::offline;
  meter().polls = 10;
  meter().errors = 5;
  EXPECT_EQ(look(3s), "answering 0, answer_age 5");
  driver_.connected = false;
  EXPECT_EQ(look(1s), "connected 0");
  EXPECT_EQ(look(54s), "") << "not a minute yet";
  meter().polls = 40;
  meter().errors = 20;
  EXPECT_EQ(look(1s), "failed_requests 50") << "of the first minute, which began when it answered";
  EXPECT_EQ(look(4s), "answering 0, answer_age 65");
  EXPECT_EQ(look(1s), "connected 0");
  EXPECT_EQ(look(55s), "") << "of no request none has failed";
  meter().polls = 44;
  meter().errors = 30;
  EXPECT_EQ(look(1s), "failed_requests 100") << "answers to requests of before were given up, too";
}

TEST_F(DeviceHealthTest, CountsFromTheFirstFailureWhereNothingWasEverHeard) {
  meter().state = State::offline;
  meter().since = now_;
  EXPECT_EQ(look(2s), "connected 1, answering 0, answer_age 2");
  EXPECT_EQ(look(60s), "connected 1, answering 0, answer_age 62");
}

TEST_F(DeviceHealthTest, SaysAnAgeWhenItGoesBeyondTheLimitOfARuleAndBack) {
  for (const double limit : {5.0, 20.0}) {
    model::Watch watch;
    watch.rule_place = site_.alert_rules.size();
    watch.points = {site_.health.back().point};
    site_.alert_rules.emplace_back().above = limit;
    site_.watches.push_back(watch);
  }
  health_.emplace(site_);
  meter().state = State::online;
  meter().heard = now_;
  EXPECT_EQ(look(1s), "connected 1, answering 1, answer_age 1");
  EXPECT_EQ(look(4s), "");
  EXPECT_EQ(look(1s), "answer_age 6");
  EXPECT_EQ(look(14s), "");
  EXPECT_EQ(look(1s), "answer_age 21");
  meter().heard = now_ - 1s;
  EXPECT_EQ(look(1s), "answer_age 2") << "it is over";
  EXPECT_EQ(look(4s), "answer_age 6");
}

TEST_F(DeviceHealthTest, BeginsAnewAfterAClockWasSetBack) {
  meter().state = State::online;
  meter().heard = now_;
  look(1s);
  EXPECT_EQ(look(-1h), "connected 1, answering 1, answer_age 0");
}

class GatewayHealthTest : public GatewayTest {
 protected:
  GatewayHealthTest() {
    const PointId answering = add_point("health_answering", Kind::instantaneous, "1");
    site_.points[index(answering)].limits.interval = model::kHealthEvery;
    site_.health = {{answering, Health::answering}};
    model::AlertRule rule;
    rule.id = "lost";
    rule.below = 1;
    rule.hold_for = 2min;
    rule.health = Health::answering;
    site_.alert_rules = {rule};
    model::Watch watch;
    watch.rule = rule.id;
    watch.device = "meter";
    watch.points = {answering};
    site_.watches = {watch};
  }
  std::vector<model::AlertStage> stages() const {
    std::vector<model::AlertStage> found;
    for (const model::StoredRow& row : disk_.rows) {
      if (const auto* alert = row.body.get_if<model::Alert>()) found.push_back(alert->stage);
    }
    return found;
  }
};

TEST_F(GatewayHealthTest, ADeviceThatDoesNotAnswerIsTold) {
  State state = State::starting;
  add_driver([this](Inbox&) -> asio::awaitable<void> { co_await until_cancelled(); },
             [&state](DriverStatus& status) {
               status.devices = {{.device = "meter", .state = state, .detail = {}, .heard = {}}};
             });
  start();
  pass(5min);
  EXPECT_THAT(values_on_disk(), ElementsAre()) << "nothing is known";
  state = State::online;
  pass(90s);
  EXPECT_THAT(values_on_disk(), ElementsAre(1, 1));
  state = State::offline;
  pass(118s);
  EXPECT_THAT(stages(), ElementsAre()) << "not long enough";
  pass(10s);
  EXPECT_THAT(stages(), ElementsAre(model::AlertStage::firing));
  state = State::online;
  pass(2s);
  EXPECT_THAT(stages(), ElementsAre(model::AlertStage::firing, model::AlertStage::resolved));
  const std::size_t told = values_on_disk().size();
  state = State::offline;
  stop();
  EXPECT_EQ(values_on_disk().size(), told) << "drivers that end are not devices that are gone";
}

}  // namespace
}  // namespace carbongate::app
