#include "gateway/ops/read_now.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <deque>
#include <optional>
#include <stdexcept>

#include "protocols/io/event.h"
#include "tests/support/fake_clock.h"

namespace carbongate::ops {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;

// A site with meters and a logger, one point, and of everything else nothing.
class Meters final : public Facts {
 public:
  explicit Meters(const io::Clock& clock) : clock_(clock) {
    Point point;
    point.device = "meter";
    point.name = "power";
    point.unit = *find_unit("kW");
    site_.points.push_back(point);
  }
  const Fixed& fixed() const override { return fixed_; }
  const model::Site& site() const override { return site_; }
  const pipeline::FactorRegistry& factors() const override { throw std::logic_error("not asked for"); }
  const model::Checkpoint& accounts() const override { throw std::logic_error("not asked for"); }
  State state() const override {
    State state;
    state.drivers.emplace_back();
    for (const char* id : {"meter", "logger"}) state.drivers.back().devices.emplace_back().device = id;
    for (int i = 0; i < 20; ++i) state.drivers.back().devices.emplace_back().device = "meter-" + std::to_string(i);
    return state;
  }
  Instant now() const override { return clock_.now(); }

 private:
  const io::Clock& clock_;
  Fixed fixed_;
  model::Site site_;
};

// Meters can be asked, and answer when the test says so.
class AskedMeters final : public Devices, private PollPort {
 public:
  explicit AskedMeters(asio::any_io_executor executor) : answered_(std::move(executor)) {}
  const FrameLog* frames(std::string_view) const override { return nullptr; }
  PollPort* poll_port(std::string_view device) override { return device.starts_with("meter") ? this : nullptr; }
  asio::awaitable<PollAnswer> poll(std::string device) override {
    asked.push_back(device);
    while (!answer_) co_await answered_.wait();
    co_return *answer_;
  }
  void answer(PollAnswer answer) {
    answer_ = std::move(answer);
    answered_.notify_all();
  }

  std::vector<std::string> asked;

 private:
  io::Event answered_;
  std::optional<PollAnswer> answer_;
};

class ReadNowTest : public ::testing::Test {
 protected:
  struct Answered {
    int status = 0;
    json::object body;
    std::string retry_after;
  };

  // The place in answers_ of what this will come to.
  std::size_t ask(std::string device) {
    answers_.emplace_back();
    requests_.push_back({.call = {.method = "POST", .target = "/"}, .path = {}, .parameters = {std::move(device)}});
    const std::size_t place = answers_.size() - 1;
    asio::co_spawn(loop_, read_now_.answer(requests_.back()), [this, place](std::exception_ptr e, io::HttpAnswer got) {
      ASSERT_FALSE(e);
      Answered& told = answers_[place].emplace();
      told.status = got.status;
      told.body = json::parse(got.body).as_object();
      for (const auto& header : got.headers) {
        if (header.name == "Retry-After") told.retry_after = header.value;
      }
    });
    turn();
    return place;
  }
  void turn() {
    loop_.restart();
    loop_.poll();
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  Meters facts_{clock_};
  AskedMeters devices_{loop_.get_executor()};
  ReadNow read_now_{clock_, facts_, devices_};
  std::deque<Request> requests_;
  std::deque<std::optional<Answered>> answers_;
};

TEST_F(ReadNowTest, AnswersWithWhatTheDeviceSays) {
  ask("meter");
  EXPECT_FALSE(answers_[0]);
  clock_.advance(30ms);
  Reading reading;
  reading.at = clock_.now();
  reading.value = 12.5;
  devices_.answer({.readings = {reading}, .trouble = "exception 6 (server device busy)"});
  turn();
  ASSERT_TRUE(answers_[0]);
  const json::object& body = answers_[0]->body;
  EXPECT_EQ(answers_[0]->status, 200);
  EXPECT_EQ(body.at("took_ms").to_number<int>(), 30);
  EXPECT_EQ(body.at("trouble").as_string(), "exception 6 (server device busy)");
  const json::object& told = body.at("readings").as_array().at(0).as_object();
  EXPECT_EQ(told.at("point").as_string(), "meter.power");
  EXPECT_EQ(told.at("unit").as_string(), "kW");
  EXPECT_EQ(told.at("value").to_number<double>(), 12.5);
  EXPECT_EQ(devices_.asked, (std::vector<std::string>{"meter"}));
}

TEST_F(ReadNowTest, SaysWhyThereIsNothing) {
  devices_.answer({.readings = {}, .trouble = "no answer within 1000 ms"});
  ask("meter");
  EXPECT_EQ(answers_[0]->status, 502);
  EXPECT_EQ(answers_[0]->body.at("detail").as_string(), "no answer within 1000 ms");
  ask("nobody");
  EXPECT_EQ(answers_[1]->status, 404);
  ask("logger");
  EXPECT_EQ(answers_[2]->status, 409);
}

TEST_F(ReadNowTest, WaitsNoLongerThanItSays) {
  ask("meter");
  clock_.advance(ReadNow::kWithin - 1ms);
  turn();
  EXPECT_FALSE(answers_[0]);
  clock_.advance(1ms);
  turn();
  ASSERT_TRUE(answers_[0]);
  EXPECT_EQ(answers_[0]->status, 504);
  EXPECT_EQ(answers_[0]->body.at("detail").as_string(), "it was not its turn, or not done, within 20 s");
}

TEST_F(ReadNowTest, AsksADeviceOnlyNowAndThen) {
  devices_.answer({.readings = {Reading{}}, .trouble = ""});
  for (unsigned i = 0; i < ReadNow::kOfDevice.tries; ++i) EXPECT_EQ(answers_[ask("meter")]->status, 200);
  const Answered& refused = *answers_[ask("meter")];
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.retry_after, "2");
  EXPECT_EQ(devices_.asked.size(), ReadNow::kOfDevice.tries);
  EXPECT_EQ(answers_[ask("nobody")]->status, 404);
  clock_.advance(2s);
  EXPECT_EQ(answers_[ask("meter")]->status, 200);
}

TEST_F(ReadNowTest, FewAreUnderWayAtATime) {
  for (std::size_t i = 0; i < ReadNow::kAtOnceMax; ++i) EXPECT_FALSE(answers_[ask("meter-" + std::to_string(i))]);
  EXPECT_EQ(answers_[ask("meter")]->status, 503);
  devices_.answer({.readings = {Reading{}}, .trouble = ""});
  turn();
  EXPECT_EQ(answers_[ask("meter")]->status, 200);
}

}  // namespace
}  // namespace carbongate::ops
