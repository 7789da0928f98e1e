#include "drivers/mqtt/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace carbongate::mqtt_driver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::unique_ptr<MqttPlan> plan(std::string filter, std::vector<Member> members = {},
                               std::optional<std::size_t> wildcard = {}) {
  auto p = std::make_unique<MqttPlan>("d");
  p->filter = std::move(filter);
  p->members = members.empty() ? std::vector<Member>{{.id = "d", .level = ""}} : std::move(members);
  p->device_wildcard = wildcard;
  return p;
}

struct RouterTest : ::testing::Test {
  RouterTest() {
    plans.push_back(plan("a/power"));
    plans.push_back(plan("a/power"));
    plans.push_back(plan("tele/+/SENSOR", {{.id = "press", .level = "P1"}, {.id = "paint", .level = "P2"}}, 0));
    plans.push_back(plan("+/gw/+/data", {{.id = "m1", .level = "0001"}}, 1));
    plans.push_back(plan("$share/group/shared/x"));
    plans.push_back(plan("any/#"));
    router.emplace(plans);
  }
  std::vector<std::unique_ptr<MqttPlan>> plans;
  std::optional<Router> router;
};

TEST_F(RouterTest, FindsEveryDeviceOfATopic) {
  EXPECT_THAT(router->find("a/power").targets, ElementsAre(Target{0, 0}, Target{1, 0}));
  EXPECT_THAT(router->find("shared/x").targets, ElementsAre(Target{4, 0}));
  EXPECT_THAT(router->find("any").targets, ElementsAre(Target{5, 0}));
}

TEST_F(RouterTest, TakesTheDeviceFromItsLevel) {
  EXPECT_THAT(router->find("tele/P1/SENSOR").targets, ElementsAre(Target{2, 0}));
  EXPECT_THAT(router->find("tele/P2/SENSOR").targets, ElementsAre(Target{2, 1}));
  EXPECT_THAT(router->find("site/gw/0001/data").targets, ElementsAre(Target{3, 0}));
}

TEST_F(RouterTest, NamesADeviceThatWasNotDeclared) {
  const auto route = router->find("tele/P3/SENSOR");
  EXPECT_THAT(route.targets, IsEmpty());
  EXPECT_EQ(route.undeclared, "P3");
  EXPECT_EQ(router->find("nobody/asked").undeclared, "");
  EXPECT_THAT(router->find("nobody/asked").targets, IsEmpty());
}

}  // namespace
}  // namespace carbongate::mqtt_driver
