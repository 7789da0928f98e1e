#include "gateway/ops/stream.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/support/fake_clock.h"

namespace carbongate::ops {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kPower = static_cast<PointId>(3);
constexpr auto kOther = static_cast<PointId>(4);

class StreamTest : public ::testing::Test {
 protected:
  // What the client gets now; "": nothing yet, and the question waits.
  std::string next(io::HttpSource& client) {
    std::string got;
    asio::co_spawn(loop_, client.next(),
                   [&got](std::exception_ptr, std::optional<std::string> piece) { got = piece.value_or("the end"); });
    loop_.restart();
    loop_.poll();
    return got;
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  Stream stream_{loop_.get_executor(), clock_, 17};
};

TEST_F(StreamTest, BeginsWithThePresent) {
  const auto client = stream_.join("", {}, "{\"power_kw\":1}");
  EXPECT_EQ(next(*client), "id: 17-0\nevent: now\ndata: {\"power_kw\":1}\n\n");
  stream_.publish("alert", "{}");
  stream_.publish("now", "{\"power_kw\":2}");
  EXPECT_EQ(next(*client), "id: 17-1\nevent: alert\ndata: {}\n\nid: 17-2\nevent: now\ndata: {\"power_kw\":2}\n\n");
  EXPECT_EQ(stream_.clients(), 1U);
}

TEST_F(StreamTest, SendsReadingsToWhoAskedForThem) {
  EXPECT_FALSE(stream_.is_wanted(kPower));
  const auto one = stream_.join("", {kPower}, "{}");
  const auto none = stream_.join("", {}, "{}");
  next(*one);
  next(*none);
  EXPECT_TRUE(stream_.is_wanted(kPower));
  stream_.publish_readings({{kPower, "{\"v\":1}"}, {kOther, "{\"v\":2}"}, {kPower, "{\"v\":3}"}});
  EXPECT_EQ(next(*one), "id: 17-1\nevent: readings\ndata: {\"readings\":[{\"v\":1},{\"v\":3}]}\n\n");
  stream_.publish("alert", "{}");
  EXPECT_EQ(next(*none), "id: 17-2\nevent: alert\ndata: {}\n\n");
}

TEST_F(StreamTest, GoesOnBehindAnId) {
  for (int i = 1; i <= 3; ++i) stream_.publish("alert", std::to_string(i));
  const auto client = stream_.join("17-1", {}, "{}");
  EXPECT_EQ(next(*client),
            "id: 17-2\nevent: alert\ndata: 2\n\nid: 17-3\nevent: alert\ndata: 3\n\nid: 17-3\nevent: now\ndata: {}\n\n");
  const auto up_to_date = stream_.join("17-3", {}, "{}");
  EXPECT_EQ(next(*up_to_date), "id: 17-3\nevent: now\ndata: {}\n\n");
}

TEST_F(StreamTest, TellsWhoWasAwayForTooLong) {
  for (const char* id : {"17-9", "16-0", "17", "17-x", "-", "x-1"}) {
    const auto client = stream_.join(id, {}, "{}");
    EXPECT_EQ(next(*client), "id: 17-0\nevent: reset\ndata: {}\n\nid: 17-0\nevent: now\ndata: {}\n\n") << id;
  }
  for (std::size_t i = 0; i < Stream::kEventsMax + 10; ++i) stream_.publish("alert", "{}");
  EXPECT_TRUE(next(*stream_.join("17-9", {}, "{}")).find("event: reset") != std::string::npos);
  EXPECT_TRUE(next(*stream_.join("17-10", {}, "{}")).find("event: reset") == std::string::npos);
}

TEST_F(StreamTest, RecordsForAWhileWhatNobodyHears) {
  EXPECT_FALSE(stream_.is_recording());
  auto client = stream_.join("", {kPower}, "{}");
  next(*client);
  EXPECT_TRUE(stream_.is_recording());
  client.reset();
  clock_.advance(119s);
  stream_.tick();
  EXPECT_TRUE(stream_.is_recording());
  stream_.publish_readings({{kPower, "1"}});
  stream_.publish("alert", "{}");
  client = stream_.join("17-0", {kPower}, "{}");
  EXPECT_EQ(next(*client),
            "id: 17-1\nevent: readings\ndata: {\"readings\":[1]}\n\nid: 17-2\nevent: alert\ndata: {}\n\n"
            "id: 17-2\nevent: now\ndata: {}\n\n");
}

TEST_F(StreamTest, TellsWhoComesBackWhenNothingWasRecorded) {
  auto client = stream_.join("", {}, "{}");
  next(*client);
  stream_.publish("alert", "{}");
  next(*client);
  client.reset();
  clock_.advance(121s);
  stream_.tick();
  EXPECT_FALSE(stream_.is_recording());
  const auto another = stream_.join("", {}, "{}");  // what happens is recorded again, but not what has happened
  client = stream_.join("17-1", {}, "{}");
  EXPECT_TRUE(next(*client).find("event: reset") != std::string::npos);
  const std::string anew = next(*another);
  EXPECT_TRUE(anew.find("event: reset") == std::string::npos);
  const auto back = stream_.join(anew.substr(4, anew.find('\n') - 4), {}, "{}");  // nothing happened since
  EXPECT_TRUE(next(*back).find("event: reset") == std::string::npos);
}

TEST_F(StreamTest, TellsWhoComesBackWhenItsPointWasNotRecorded) {
  const auto stays = stream_.join("", {kOther}, "{}");
  auto client = stream_.join("", {kPower}, "{}");
  stream_.publish_readings({{kPower, "1"}, {kOther, "2"}});
  next(*client);
  client.reset();
  clock_.advance(121s);
  stream_.tick();
  EXPECT_FALSE(stream_.is_wanted(kPower));
  EXPECT_TRUE(next(*stream_.join("17-1", {kPower}, "{}")).find("event: reset") != std::string::npos);
  client = stream_.join("", {kPower}, "{}");  // wanted again: that does not bring back what was missed
  EXPECT_TRUE(next(*stream_.join("17-1", {kPower}, "{}")).find("event: reset") != std::string::npos);
  EXPECT_TRUE(next(*stream_.join("17-1", {kOther}, "{}")).find("event: reset") == std::string::npos);
}

TEST_F(StreamTest, ForgetsTheOldestBeyondItsBytes) {
  const auto slow = stream_.join("", {}, "{}");
  next(*slow);
  for (int i = 0; i < 10; ++i) stream_.publish("alert", std::string(1 << 20, 'x'));
  EXPECT_TRUE(next(*slow).starts_with("id: 17-10\nevent: reset\ndata: {}\n\n"));
}

TEST_F(StreamTest, KeepsAQuietConnectionAlive) {
  const auto client = stream_.join("", {}, "{}");
  next(*client);
  std::string got;
  asio::co_spawn(loop_, client->next(), [&got](std::exception_ptr, std::optional<std::string> piece) { got = *piece; });
  loop_.restart();
  loop_.poll();
  clock_.advance(14s);
  stream_.tick();
  loop_.restart();
  loop_.poll();
  EXPECT_EQ(got, "");
  clock_.advance(1s);
  stream_.tick();
  loop_.restart();
  loop_.poll();
  EXPECT_EQ(got, ": \n\n");
}

TEST_F(StreamTest, CountsWhoDidNotRead) {
  auto client = stream_.join("", {kPower}, "{}");
  next(*client);
  clock_.advance(30s);  // the piece is not written yet
  client.reset();
  EXPECT_EQ(stream_.dropped(), 1U);
  EXPECT_EQ(stream_.clients(), 0U);
  EXPECT_TRUE(stream_.is_wanted(kPower));  // it may come back
  clock_.advance(121s);
  stream_.tick();
  EXPECT_FALSE(stream_.is_wanted(kPower));
}

}  // namespace
}  // namespace carbongate::ops
