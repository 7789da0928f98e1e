#include "drivers/mqtt/mqtt_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/scripted_session.h"

namespace carbongate::mqtt_driver {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// Keeps what it is given; says "committed" when told to.
class KeepingInbox final : public Inbox {
 public:
  asio::awaitable<bool> push(Batch batch) override {
    if (closed) {
      if (batch.settled) batch.settled(false);
      co_return false;
    }
    batches.push_back(std::move(batch));
    co_return true;
  }
  void commit_all() {
    for (Batch& batch : batches) {
      if (auto settled = std::exchange(batch.settled, nullptr)) settled(true);
    }
  }
  std::vector<Batch> batches;
  bool closed = false;
};

std::unique_ptr<MqttPlan> plan(const std::string& id, const std::string& filter, std::vector<Member> members = {}) {
  auto p = std::make_unique<MqttPlan>(id);
  p->broker = "plant";
  p->filter = filter;
  p->session.client_id = "carbongate-edz-1";
  p->members = members.empty() ? std::vector<Member>{{.id = id, .level = ""}} : std::move(members);
  if (filter.find('+') != std::string::npos) p->device_wildcard = 0;
  p->map.points.push_back({.json = "/e", .time = std::nullopt, .error = std::nullopt});
  p->interval = 1min;
  for (const Member& member : p->members) {
    Point point;
    point.device = member.id;
    point.name = "energy";
    p->points().push_back(point);
  }
  return p;
}

struct MqttDriverTest : ::testing::Test {
  MqttDriver& make(std::vector<std::unique_ptr<MqttPlan>> plans) {
    std::uint32_t next = 0;
    for (auto& p : plans) {
      for (Point& point : p->points()) point.id = PointId{next++};
    }
    driver.emplace(std::move(plans), DriverContext{loop.get_executor(), clock}, [this](mqtt::SessionOptions options) {
      return std::make_unique<testing::ScriptedSession>(broker, std::move(options));
    });
    return *driver;
  }
  MqttDriver& make_one() {
    std::vector<std::unique_ptr<MqttPlan>> plans;
    plans.push_back(plan("press", "tele/press"));
    return make(std::move(plans));
  }

  void start() {
    asio::co_spawn(loop, driver->run(inbox),
                   asio::bind_cancellation_slot(stop.slot(), [this](std::exception_ptr) { ended = true; }));
    turn();
  }
  void turn() {
    loop.restart();
    loop.poll();
  }
  ~MqttDriverTest() override {
    stop.emit(asio::cancellation_type::terminal);
    turn();
  }

  asio::io_context loop;
  testing::FakeClock clock{loop.get_executor()};
  testing::ScriptedBroker broker{loop.get_executor()};
  KeepingInbox inbox;
  asio::cancellation_signal stop;
  bool ended = false;
  std::optional<MqttDriver> driver;
};

TEST_F(MqttDriverTest, AcknowledgesAMessageOnlyWhenItsReadingsAreCommitted) {
  make_one();
  start();
  broker.publish("tele/press", R"({"e":5})", 1, clock.now());
  turn();
  ASSERT_EQ(inbox.batches.size(), 1u);
  EXPECT_EQ(inbox.batches[0].source, "mqtt plant");
  ASSERT_EQ(inbox.batches[0].readings.size(), 1u);
  EXPECT_EQ(inbox.batches[0].readings[0].value, 5);
  EXPECT_EQ(inbox.batches[0].readings[0].at, clock.now());
  EXPECT_THAT(broker.settled, IsEmpty());
  inbox.commit_all();
  EXPECT_THAT(broker.settled, ElementsAre(Pair("tele/press", true)));
}

TEST_F(MqttDriverTest, ADevicesStampIsItsOwnThoughItArrivesInTheSameMillisecond) {
  std::vector<std::unique_ptr<MqttPlan>> plans;
  plans.push_back(plan("press", "tele/press"));
  plans[0]->map.timestamp = {.json = "/t", .format = json_payload::TimeFormat::epoch_ms, .arrival_if_missing = true};
  make(std::move(plans));
  start();
  const std::string now = std::to_string(clock.now().time_since_epoch().count());
  broker.publish("tele/press", R"({"e":5,"t":)" + now + "}", 1, clock.now());
  broker.publish("tele/press", R"({"e":5})", 1, clock.now());
  turn();
  std::vector<StampedBy> stamped_by;
  for (const Batch& batch : inbox.batches) {
    for (const Reading& reading : batch.readings) stamped_by.push_back(reading.stamped_by);
  }
  EXPECT_THAT(stamped_by, ElementsAre(StampedBy::device, StampedBy::gateway));
}

TEST_F(MqttDriverTest, HandsWaitingMessagesOverTogether) {
  make_one();
  for (int i = 0; i < 10; ++i) broker.publish("tele/press", R"({"e":5})", 0, clock.now());
  start();
  ASSERT_EQ(inbox.batches.size(), 1u);
  EXPECT_EQ(inbox.batches[0].readings.size(), 10u);
  EXPECT_FALSE(inbox.batches[0].settled);
}

TEST_F(MqttDriverTest, PutsWhatComesAgainAndWhatDoesNotIntoBatchesOfTheirOwn) {
  make_one();
  start();
  for (const int qos : {0, 0, 1, 1, 0}) broker.publish("tele/press", R"({"e":5})", qos, clock.now());
  turn();
  std::vector<std::pair<std::size_t, bool>> batches;  // readings, and whether somebody waits for them to be committed
  for (const Batch& batch : inbox.batches) batches.emplace_back(batch.readings.size(), bool(batch.settled));
  EXPECT_THAT(batches, ElementsAre(Pair(2, false), Pair(2, true), Pair(1, false)));
  inbox.commit_all();
  EXPECT_EQ(broker.settled.size(), 2u);
}

TEST_F(MqttDriverTest, AcknowledgesAPoisonMessage) {
  make_one();
  start();
  broker.publish("tele/press", "{not json", 1, clock.now());
  turn();
  inbox.commit_all();
  EXPECT_THAT(broker.settled, ElementsAre(Pair("tele/press", true)));
  const DeviceStatus status = driver->status().devices.at(0);
  EXPECT_EQ(status.errors, 1u);
  EXPECT_THAT(status.detail, HasSubstr("not JSON"));
  EXPECT_NE(status.state, DeviceStatus::State::online);
}

TEST_F(MqttDriverTest, LeavesAMessageWithTheBrokerWhenTheInboxIsClosed) {
  make_one();
  start();
  inbox.closed = true;
  broker.publish("tele/press", R"({"e":5})", 1, clock.now());
  turn();
  EXPECT_THAT(broker.settled, ElementsAre(Pair("tele/press", false)));
}

TEST_F(MqttDriverTest, TellsDevicesApartByTheirLevel) {
  std::vector<std::unique_ptr<MqttPlan>> plans;
  plans.push_back(plan("plugs", "tele/+/SENSOR", {{.id = "press", .level = "P1"}, {.id = "paint", .level = "P2"}}));
  make(std::move(plans));
  start();
  broker.publish("tele/P2/SENSOR", R"({"e":2})", 1, clock.now());
  broker.publish("tele/P1/SENSOR", R"({"e":1})", 1, clock.now());
  broker.publish("tele/P9/SENSOR", R"({"e":9})", 1, clock.now());
  broker.publish("tele/P9/SENSOR", R"({"e":9})", 1, clock.now());
  turn();
  ASSERT_EQ(inbox.batches.size(), 1u);
  ASSERT_EQ(inbox.batches[0].readings.size(), 2u);
  EXPECT_EQ(inbox.batches[0].readings[0].point, PointId{1});
  EXPECT_EQ(inbox.batches[0].readings[1].point, PointId{0});
  EXPECT_EQ(driver->status().unclaimed, 2u);
  inbox.commit_all();
  EXPECT_EQ(broker.settled.size(), 4u) << "an undeclared device must not stop the others";
  EXPECT_EQ(driver->status().devices.size(), 2u);
}

TEST_F(MqttDriverTest, SubscribesToEveryFilterOnceWithTheHighestQoS) {
  std::vector<std::unique_ptr<MqttPlan>> plans;
  for (const char* id : {"a", "b", "c"}) plans.push_back(plan(id, "shared/topic"));
  plans[1]->qos = 2;
  plans[2]->qos = 0;
  make(std::move(plans));
  start();
  ASSERT_EQ(broker.sessions.size(), 1u);
  ASSERT_EQ(broker.sessions[0].subscriptions.size(), 1u);
  EXPECT_EQ(broker.sessions[0].subscriptions[0].qos, 2);
  broker.publish("shared/topic", R"({"e":1})", 1, clock.now());
  turn();
  EXPECT_EQ(inbox.batches.at(0).readings.size(), 3u);
}

TEST_F(MqttDriverTest, IgnoresARetainedValueOfUnknownAge) {
  make_one();
  start();
  broker.publish("tele/press", R"({"e":5})", 1, clock.now(), true);
  turn();
  inbox.commit_all();
  EXPECT_THAT(broker.settled, ElementsAre(Pair("tele/press", true)));
  EXPECT_THAT(inbox.batches.at(0).readings, IsEmpty());
}

TEST_F(MqttDriverTest, TakesARetainedValueThatHasItsTime) {
  std::vector<std::unique_ptr<MqttPlan>> plans;
  plans.push_back(plan("press", "tele/press"));
  plans[0]->map.timestamp = {.json = "/ts", .format = json_payload::TimeFormat::epoch_s};
  make(std::move(plans));
  start();
  broker.publish("tele/press", R"({"e":5,"ts":1700000000})", 1, clock.now(), true);
  turn();
  EXPECT_EQ(inbox.batches.at(0).readings.at(0).at, Instant(1'700'000'000s));
}

TEST_F(MqttDriverTest, CountsAPayloadThatWasTooLarge) {
  make_one();
  start();
  broker.publish("tele/press", R"({"e":5})", 1, clock.now());
  broker.waiting.back().payload.clear();
  turn();
  EXPECT_THAT(driver->status().devices.at(0).detail, HasSubstr("payload_max"));
}

TEST_F(MqttDriverTest, SaysWhyADeviceIsSilent) {
  make_one();
  EXPECT_EQ(driver->status().devices.at(0).state, DeviceStatus::State::starting);
  start();
  EXPECT_THAT(driver->status().devices.at(0).detail, HasSubstr("no message yet on tele/press"));
  broker.publish("tele/press", R"({"other":5})", 0, clock.now());
  turn();
  EXPECT_THAT(driver->status().devices.at(0).detail, HasSubstr("json"));
  broker.publish("tele/press", R"({"e":5})", 0, clock.now());
  turn();
  EXPECT_EQ(driver->status().devices.at(0).state, DeviceStatus::State::online);
  const Instant heard = clock.now();
  clock.advance(3min + 1s);
  EXPECT_EQ(driver->status().devices.at(0).state, DeviceStatus::State::offline);
  EXPECT_EQ(driver->status().devices.at(0).since, heard + 3min);
  broker.publish("tele/press", R"({"e":6})", 0, clock.now());
  turn();
  EXPECT_EQ(driver->status().devices.at(0).state, DeviceStatus::State::online);
  EXPECT_EQ(driver->status().devices.at(0).since, clock.now());
  broker.status.connected = false;
  broker.status.detail = "Connection refused";
  EXPECT_EQ(driver->status().devices.at(0).state, DeviceStatus::State::offline);
  EXPECT_THAT(driver->status().devices.at(0).detail, HasSubstr("Connection refused"));
}

TEST_F(MqttDriverTest, EndsWhenItIsCancelled) {
  make_one();
  start();
  EXPECT_FALSE(ended);
  stop.emit(asio::cancellation_type::terminal);
  turn();
  EXPECT_TRUE(ended);
}

struct ReadOnceTest : MqttDriverTest {
  ReadOnceTest() {
    std::vector<std::unique_ptr<MqttPlan>> plans;
    plans.push_back(plan("press", "tele/press"));
    plans.push_back(plan("paint", "tele/paint"));
    make(std::move(plans));
  }
  void read(std::vector<std::string> devices) {
    asio::co_spawn(loop, driver->read_once(std::move(devices), 5s),
                   [this](std::exception_ptr, std::vector<Reading> all) {
                     readings = std::move(all);
                     done = true;
                   });
    turn();
  }
  bool done = false;
  std::vector<Reading> readings;
};

TEST_F(ReadOnceTest, WaitsForEveryNamedDevice) {
  read({});
  broker.publish("tele/press", R"({"e":1})", 1, clock.now(), true);
  turn();
  EXPECT_FALSE(done);
  broker.publish("tele/paint", R"({"e":2})", 1, clock.now());
  turn();
  EXPECT_TRUE(done);
  EXPECT_EQ(readings.size(), 2u);
}

TEST_F(ReadOnceTest, AsksForTheNamedDeviceOnlyAndDisturbsNoOtherSession) {
  read({"paint"});
  ASSERT_EQ(broker.sessions.at(0).subscriptions.size(), 1u);
  EXPECT_EQ(broker.sessions[0].subscriptions[0].filter, "tele/paint");
  EXPECT_TRUE(broker.sessions[0].clean_start);
  EXPECT_NE(broker.sessions[0].client_id, "carbongate-edz-1");
  broker.publish("tele/paint", R"({"e":2})", 1, clock.now());
  turn();
  EXPECT_TRUE(done);
  EXPECT_THAT(readings, ::testing::SizeIs(1));
}

TEST_F(ReadOnceTest, GivesUpWhenPatienceEnds) {
  read({});
  broker.publish("tele/press", R"({"e":1})", 0, clock.now());
  turn();
  clock.advance(5s);
  turn();
  EXPECT_TRUE(done);
  EXPECT_EQ(readings.size(), 1u);
}

TEST_F(ReadOnceTest, DoesNotBlameTheBrokerForAQuietDevice) {
  read({});
  broker.publish("tele/press", R"({"e":1})", 0, clock.now());
  turn();
  clock.advance(5s);
  turn();
  ASSERT_TRUE(done);
  ASSERT_FALSE(broker.status.connected) << "its session is closed";
  EXPECT_EQ(driver->status().devices.at(0).detail, "");
  EXPECT_EQ(driver->status().devices.at(1).detail, "no message arrived on tele/paint within 5 s");
}

TEST_F(ReadOnceTest, BlamesABrokerThatIsNotThere) {
  broker.status.connected = false;
  broker.status.detail = "Connection refused";
  read({"paint"});
  clock.advance(5s);
  turn();
  ASSERT_TRUE(done);
  EXPECT_EQ(driver->status().devices.at(1).detail, "broker plant: Connection refused");
}

TEST_F(MqttDriverTest, ShowsTheLastMessagesOfADevice) {
  make_one();
  start();
  broker.publish("tele/press", R"({"e":5})", 1, clock.now());
  broker.publish("tele/press", "{not json", 1, clock.now());
  broker.publish("tele/press", std::string(1'000, 'x'), 0, clock.now());
  turn();
  const FrameLog* frames = driver->frames("press");
  ASSERT_NE(frames, nullptr);
  ASSERT_EQ(frames->size(), 3u);
  EXPECT_EQ((*frames)[0].about, "tele/press");
  EXPECT_EQ((*frames)[0].bytes.size(), 7u);
  EXPECT_EQ((*frames)[0].trouble, "");
  EXPECT_TRUE((*frames)[0].is_text);
  EXPECT_THAT((*frames)[1].trouble, HasSubstr("not JSON"));
  EXPECT_EQ((*frames)[2].bytes.size(), 512u);
  EXPECT_EQ((*frames)[2].bytes_whole, 1'000u);
  EXPECT_EQ(driver->frames("another"), nullptr);
  EXPECT_EQ(driver->poll_port(), nullptr);
}

}  // namespace
}  // namespace carbongate::mqtt_driver
