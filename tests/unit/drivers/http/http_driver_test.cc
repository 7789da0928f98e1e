#include "drivers/http/http_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/scripted_http_peer.h"

namespace carbongate::http_driver {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class KeepingInbox final : public Inbox {
 public:
  asio::awaitable<bool> push(Batch batch) override {
    if (closed) co_return false;
    batches.push_back(std::move(batch));
    co_return true;
  }
  std::vector<double> values() const {
    std::vector<double> all;
    for (const Batch& batch : batches) {
      for (const Reading& reading : batch.readings) all.push_back(reading.value);
    }
    return all;
  }
  std::vector<Batch> batches;
  bool closed = false;
};

// A driver and a scripted server on one loop, over a loopback socket; time moves when the test says so.
struct HttpDriverTest : ::testing::Test {
  HttpDriver& make(bool stamped = true, Duration interval = 1min) {
    auto plan = std::make_unique<HttpPlan>("grid");
    plan->endpoint.server = {.host = "127.0.0.1", .port = peer.port()};
    plan->endpoint.target = "/now";
    plan->endpoint.where = "http://127.0.0.1/now";
    plan->endpoint.token = config::Secret("t0ken");
    plan->headers.push_back({"X-Zone", config::Secret("CN")});
    plan->interval = interval;
    plan->timeout = timeout;
    plan->body_max = 1000;
    plan->map.points.push_back({.json = "/i", .time = std::nullopt, .error = std::nullopt});
    if (stamped) plan->map.timestamp = {.json = "/t", .format = json_payload::TimeFormat::epoch_s};
    Point point;
    point.device = "grid";
    point.name = "intensity";
    point.id = PointId{7};
    plan->points().push_back(point);
    driver.emplace(std::move(plan), DriverContext{loop.get_executor(), clock}, Schedule(interval, 1));
    return *driver;
  }

  void start() {
    asio::co_spawn(loop, driver->run(inbox),
                   asio::bind_cancellation_slot(stop.slot(), [this](std::exception_ptr) { ended = true; }));
    turn();
    clock.advance(1s);  // at most so long is the wait at the start
  }

  void turn() {
    loop.restart();
    loop.poll();
  }

  // Until the driver has dealt with so many requests, and waits for the next one.
  void run_until_asked(std::size_t times) {
    loop.restart();
    const auto waits = [&] { return device().polls == times && clock.next_deadline(); };
    while (!waits() && loop.run_one_for(5s) != 0) {
    }
    ASSERT_TRUE(waits());
  }

  // The next poll, at its time.
  void next_poll(std::size_t times) {
    ASSERT_TRUE(clock.next_deadline());
    clock.advance(*clock.next_deadline() - clock.ticks());
    run_until_asked(times);
  }

  DeviceStatus device() const { return driver->status().devices.at(0); }
  static std::string body(int minute, double value) {
    return "{\"t\":" + std::to_string(1'671'408'000 + 60 * minute) + ",\"i\":" + std::to_string(value) + "}";
  }

  ~HttpDriverTest() override {
    stop.emit(asio::cancellation_type::terminal);
    turn();
  }

  std::chrono::milliseconds timeout{2'000};
  asio::io_context loop;
  testing::FakeClock clock{loop.get_executor()};
  testing::ScriptedHttpPeer peer{loop.get_executor()};
  KeepingInbox inbox;
  asio::cancellation_signal stop;
  bool ended = false;
  std::optional<HttpDriver> driver;
};

TEST_F(HttpDriverTest, AsksWithItsHeadersAndHandsTheValuesOver) {
  make();
  peer.answer(200, body(0, 302));
  start();
  run_until_asked(1);
  ASSERT_EQ(inbox.batches.size(), 1u);
  EXPECT_EQ(inbox.batches[0].source, "http grid");
  const Reading& reading = inbox.batches[0].readings.at(0);
  EXPECT_EQ(reading.point, PointId{7});
  EXPECT_EQ(reading.value, 302);
  EXPECT_EQ(reading.at, Instant(1'671'408'000s));
  EXPECT_EQ(reading.stamped_by, StampedBy::device);
  const std::string& head = peer.requests().at(0).head;
  EXPECT_TRUE(head.starts_with("GET /now HTTP/1.1\r\n")) << head;
  EXPECT_THAT(head, HasSubstr("Accept: application/json\r\n"));
  EXPECT_THAT(head, HasSubstr("Authorization: Bearer t0ken\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Zone: CN\r\n"));
  EXPECT_EQ(device().state, DeviceStatus::State::online);
  EXPECT_TRUE(driver->status().connected);
}

TEST_F(HttpDriverTest, HandsOverWhatIsNewOnly) {
  make();
  peer.answer(200, body(0, 302));
  start();
  run_until_asked(1);
  for (std::size_t times = 2; times <= 4; ++times) {
    peer.answer(200, body(0, 302));
    next_poll(times);
  }
  EXPECT_THAT(inbox.values(), ElementsAre(302));
  EXPECT_EQ(device().heard, clock.now()) << "the server is well";
  peer.answer(200, body(60, 302));
  next_poll(5);
  EXPECT_THAT(inbox.values(), ElementsAre(302, 302));
}

TEST_F(HttpDriverTest, AValueWithoutATimeIsOfWhenItWasHeard) {
  make(false);
  for (int i = 0; i < 2; ++i) peer.answer(200, body(0, 5), "ETag: \"a\"\r\n");
  start();
  run_until_asked(1);
  next_poll(2);
  EXPECT_THAT(inbox.values(), ElementsAre(5, 5));
  EXPECT_EQ(inbox.batches[1].readings[0].at, clock.now());
  EXPECT_EQ(inbox.batches[1].readings[0].stamped_by, StampedBy::gateway);
  EXPECT_THAT(peer.requests().at(1).head, Not(HasSubstr("If-None-Match"))) << "the same value is a reading too";
}

TEST_F(HttpDriverTest, AServersStampIsItsOwnThoughItIsHeardInTheSameMillisecond) {
  make();
  clock.set_wall(Instant(1'671'408'000s) - 1s);
  peer.answer(200, body(0, 302));
  start();
  run_until_asked(1);
  ASSERT_EQ(inbox.batches.at(0).readings.at(0).at, inbox.batches[0].received);
  EXPECT_EQ(inbox.batches[0].readings[0].stamped_by, StampedBy::device);
}

TEST_F(HttpDriverTest, AsksForWhatHasChanged) {
  make();
  peer.answer(200, body(0, 302), "ETag: \"abc\"\r\nLast-Modified: Mon, 19 Dec 2022 00:00:00 GMT\r\n");
  peer.raw("HTTP/1.1 304 Not Modified\r\nETag: \"abc\"\r\nContent-Length: 50\r\n\r\n");
  peer.answer(200, body(60, 303));
  start();
  run_until_asked(1);
  next_poll(2);
  EXPECT_EQ(device().state, DeviceStatus::State::online);
  EXPECT_EQ(device().errors, 0u);
  EXPECT_EQ(device().heard, clock.now());
  next_poll(3);
  EXPECT_THAT(inbox.values(), ElementsAre(302, 303));
  EXPECT_THAT(peer.requests().at(0).head, Not(HasSubstr("If-")));
  for (const std::size_t later : {1u, 2u}) {
    EXPECT_THAT(peer.requests().at(later).head, HasSubstr("If-None-Match: \"abc\"\r\n"));
    EXPECT_THAT(peer.requests().at(later).head, HasSubstr("If-Modified-Since: Mon, 19 Dec 2022 00:00:00 GMT\r\n"));
  }
}

TEST_F(HttpDriverTest, IsOfflineWithTheReasonUntilAnAnswerComes) {
  make();
  peer.answer(500, "out of order");
  start();
  run_until_asked(1);
  EXPECT_EQ(device().state, DeviceStatus::State::offline);
  EXPECT_EQ(device().detail, "HTTP 500: out of order");
  EXPECT_EQ(device().errors, 1u);
  EXPECT_FALSE(driver->status().connected);
  const auto soon = *clock.next_deadline() - clock.ticks();
  EXPECT_GE(soon, 5s);
  EXPECT_LE(soon, 10s) << "not a whole interval";
  peer.answer(200, body(0, 302));
  next_poll(2);
  EXPECT_EQ(device().state, DeviceStatus::State::online);
  EXPECT_EQ(device().detail, "");
  EXPECT_EQ(device().errors, 1u);
  EXPECT_EQ(driver->status().reconnects, 1u);
  EXPECT_THAT(inbox.values(), ElementsAre(302));
}

TEST_F(HttpDriverTest, WaitsAsLongAsTheServerSays) {
  make();
  peer.answer(429, "", "Retry-After: 600\r\n");
  start();
  run_until_asked(1);
  EXPECT_EQ(*clock.next_deadline() - clock.ticks(), 600s);
}

TEST_F(HttpDriverTest, GivesUpAServerThatSaysNothing) {
  timeout = 50ms;
  make();
  start();  // the script is empty
  run_until_asked(1);
  EXPECT_EQ(device().state, DeviceStatus::State::offline);
  EXPECT_THAT(device().detail, HasSubstr("no answer within 50 ms"));
}

TEST_F(HttpDriverTest, ReadsNoMoreOfAnAnswerThanItMay) {
  make();
  peer.answer(200, body(0, 1) + std::string(100'000, ' '));
  peer.answer(200, body(0, 2));
  start();
  run_until_asked(1);
  EXPECT_EQ(device().detail, "the answer is longer than body_max (1000 bytes)");
  next_poll(2);
  EXPECT_THAT(inbox.values(), ElementsAre(2));
}

TEST_F(HttpDriverTest, KeepsAConnectionThatIsUsedOften) {
  make(true, 10s);
  for (int i = 0; i < 3; ++i) peer.answer(200, body(i, i));
  start();
  run_until_asked(1);
  next_poll(2);
  next_poll(3);
  EXPECT_EQ(peer.connections(), 1u);
}

TEST_F(HttpDriverTest, KeepsNoConnectionThatWouldIdle) {
  make(true, 10min);
  for (int i = 0; i < 2; ++i) peer.answer(200, body(i, i));
  start();
  run_until_asked(1);
  next_poll(2);
  EXPECT_THAT(peer.requests().at(0).head, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(peer.connections(), 2u);
}

TEST_F(HttpDriverTest, EndsWhenToldToWhileItWaitsForAnAnswer) {
  make();
  start();
  loop.restart();
  while (peer.requests().empty() && loop.run_one_for(5s) != 0) {
  }
  EXPECT_EQ(peer.requests().size(), 1u);
  stop.emit(asio::cancellation_type::terminal);
  turn();
  EXPECT_TRUE(ended);
}

TEST_F(HttpDriverTest, HandsEverythingOverOnceMoreWhenStartedAgain) {
  make();
  for (int i = 0; i < 2; ++i) peer.answer(200, body(0, 302), "ETag: \"abc\"\r\n");
  start();
  run_until_asked(1);
  stop.emit(asio::cancellation_type::terminal);
  turn();
  ASSERT_TRUE(ended);
  start();
  run_until_asked(2);
  EXPECT_THAT(inbox.values(), ElementsAre(302, 302)) << "what was handed over before may have been lost";
  EXPECT_THAT(peer.requests().at(1).head, Not(HasSubstr("If-None-Match")));
}

TEST_F(HttpDriverTest, DoesNotAskForNobody) {
  make();
  inbox.closed = true;
  peer.answer(200, body(0, 302));
  start();
  run_until_asked(1);
  clock.advance(2min);
  turn();
  EXPECT_EQ(device().polls, 1u);
}

struct HttpReadOnceTest : HttpDriverTest {
  std::vector<Reading> read_once(std::vector<std::string> devices = {}) {
    std::optional<std::vector<Reading>> readings;
    asio::co_spawn(loop, driver->read_once(std::move(devices), 3s),
                   [&](std::exception_ptr error, std::vector<Reading> got) {
                     if (error) std::rethrow_exception(error);
                     readings = std::move(got);
                   });
    loop.restart();
    while (!readings && loop.run_one_for(5s) != 0) {
      if (patience_ends && peer.requests().size() == 1) clock.advance(3s);
    }
    EXPECT_TRUE(readings);
    return readings.value_or(std::vector<Reading>{});
  }
  bool patience_ends = false;
};

TEST_F(HttpReadOnceTest, ReadsWhatIsThere) {
  make();
  peer.answer(200, body(0, 302));
  const auto readings = read_once({"grid"});
  ASSERT_EQ(readings.size(), 1u);
  EXPECT_EQ(readings[0].value, 302);
  EXPECT_EQ(device().state, DeviceStatus::State::online);
}

TEST_F(HttpReadOnceTest, SaysWhyThereIsNothing) {
  make();
  peer.answer(404, "no such zone");
  EXPECT_TRUE(read_once().empty());
  EXPECT_EQ(device().detail, "HTTP 404: no such zone");
}

TEST_F(HttpReadOnceTest, WaitsNoLongerThanItIsTold) {
  timeout = 60'000ms;
  make();
  patience_ends = true;
  EXPECT_TRUE(read_once().empty());
  EXPECT_EQ(device().detail, "no answer within 3 s");
}

TEST_F(HttpReadOnceTest, AsksNothingForOthers) {
  make();
  EXPECT_TRUE(read_once({"other"}).empty());
  EXPECT_EQ(device().polls, 0u);
}

// Asked for a poll out of turn.
struct HttpDriverAskedTest : HttpDriverTest {
  void ask() {
    asio::co_spawn(loop, driver->poll_port()->poll("grid"),
                   [this](std::exception_ptr, PollAnswer got) { answer = got; });
  }
  std::optional<PollAnswer> answer;
};

TEST_F(HttpDriverAskedTest, AsksAtOnceAndKeepsToItsTimes) {
  make();
  peer.answer(200, body(0, 302), "ETag: \"abc\"\r\n");
  peer.answer(200, body(0, 302), "ETag: \"abc\"\r\n");
  start();
  run_until_asked(1);
  const auto next = clock.next_deadline();
  clock.advance(20s);
  ask();
  run_until_asked(2);
  turn();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->trouble, "");
  ASSERT_EQ(answer->readings.size(), 1U) << "who asks gets what there is, new or not";
  EXPECT_EQ(answer->readings[0].value, 302);
  EXPECT_THAT(peer.requests().at(1).head, Not(HasSubstr("If-None-Match")));
  EXPECT_THAT(inbox.values(), ElementsAre(302)) << "what was heard before is not recorded again";
  EXPECT_EQ(clock.next_deadline(), next);
}

TEST_F(HttpDriverAskedTest, SaysWhatWentWrong) {
  make();
  peer.answer(200, body(0, 302));
  peer.answer(503, "try later");
  start();
  run_until_asked(1);
  const auto next = clock.next_deadline();
  ask();
  run_until_asked(2);
  turn();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->trouble, "HTTP 503: try later");
  EXPECT_TRUE(answer->readings.empty());
  EXPECT_EQ(clock.next_deadline(), next);
}

TEST_F(HttpDriverAskedTest, AServerThatIsBackIsAskedAtItsPace) {
  make(true, 1h);
  peer.answer(404, "");
  peer.answer(200, body(0, 302));
  start();
  run_until_asked(1);
  ask();
  run_until_asked(2);
  turn();
  EXPECT_EQ(answer->readings.size(), 1U);
  EXPECT_EQ(device().state, DeviceStatus::State::online);
  EXPECT_LE(*clock.next_deadline(), clock.ticks() + 1h + 30s);
}

TEST_F(HttpDriverAskedTest, IsLetGoWhenTheDriverEnds) {
  make();
  ask();
  turn();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->trouble, "the driver is not running yet");
  start();  // the peer says nothing
  run_until_asked(0);
  answer.reset();
  ask();
  turn();
  EXPECT_FALSE(answer);
  stop.emit(asio::cancellation_type::terminal);
  turn();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->trouble, "the driver has ended");
}

TEST_F(HttpDriverTest, ShowsWhatWasAskedAndAnsweredWithoutSecrets) {
  make();
  peer.answer(200, "{\"t\":1671408000,\"i\":302,\"token\":\"t0ken\"}");
  peer.close();
  start();
  run_until_asked(1);
  next_poll(2);
  const FrameLog* frames = driver->frames("grid");
  ASSERT_NE(frames, nullptr);
  ASSERT_EQ(frames->size(), 4U);
  const auto text = [&](std::size_t i) {
    return std::string(reinterpret_cast<const char*>((*frames)[i].bytes.data()), (*frames)[i].bytes.size());
  };
  EXPECT_EQ(text(0), "GET http://127.0.0.1/now");
  EXPECT_EQ(text(1), "HTTP 200\nContent-Length: 40\n\n{\"t\":1671408000,\"i\":302,\"token\":\"***\"}");
  EXPECT_EQ((*frames)[3].direction, Frame::Direction::missing);
  EXPECT_NE((*frames)[3].trouble, "");
  EXPECT_EQ(driver->frames("another"), nullptr);
}

}  // namespace
}  // namespace carbongate::http_driver
