#include "gateway/sinks/postgresql/session.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "gateway/sinks/postgresql/postgresql_sink.h"
#include "protocols/io/task_group.h"
#include "tests/support/fake_clock.h"

namespace carbongate::sinks::postgresql {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

// A server of a test that takes connections and says what it is told; real ones are met in tests/integration.
class SilentServer : public ::testing::Test {
 protected:
  // What was cancelled ends while the clock that it waits for is still there.
  void TearDown() override {
    loop_.restart();
    loop_.poll();
  }

  Parameters parameters() {
    return {{"host", "127.0.0.1"},
            {"port", std::to_string(acceptor_.local_endpoint().port())},
            {"dbname", "park"},
            {"sslmode", "disable"},
            {"gssencmode", "disable"}};
  }

  // Turns the loop until `done`; every turn that finds nothing to do moves the clock.
  template <class Done>
  void run_until(Done done) {
    for (int turn = 0; turn < 10'000 && !done(); ++turn) {
      loop_.restart();
      loop_.run_for(1ms);
      clock_.advance(10ms);
    }
    EXPECT_TRUE(done());
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  tcp::acceptor acceptor_{loop_, {asio::ip::address_v4::loopback(), 0}};
  Session session_{loop_.get_executor(), clock_};
};

TEST_F(SilentServer, IsGivenUpInTime) {
  std::optional<SqlResult<void>> result;
  asio::co_spawn(
      loop_, [&]() -> asio::awaitable<void> { result = co_await session_.connect(parameters(), 5s); },
      [](const std::exception_ptr& error) { EXPECT_EQ(error, nullptr); });
  run_until([&] { return result.has_value(); });
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().words, "no connection within 5000 ms");
  EXPECT_FALSE(session_.is_open());
}

TEST_F(SilentServer, IsLeftAtOnceByCancellation) {
  io::TaskGroup tasks(loop_.get_executor());
  bool ended = false;
  tasks.spawn(
      [](Session& session, Parameters parameters) -> asio::awaitable<void> {
        (void)co_await session.connect(std::move(parameters), 1h);
      }(session_, parameters()),
      [&](const std::exception_ptr& error) {
        EXPECT_EQ(error, nullptr);
        ended = true;
      });
  tcp::socket taken(loop_);
  acceptor_.async_accept(taken, [&](const boost::system::error_code&) { tasks.cancel(); });
  run_until([&] { return ended; });
  EXPECT_FALSE(session_.is_open());
}

TEST_F(SilentServer, IsNotThereAtAll) {
  const auto where = parameters();
  acceptor_.close();
  std::optional<SqlResult<void>> result;
  asio::co_spawn(
      loop_, [&]() -> asio::awaitable<void> { result = co_await session_.connect(where, 5s); },
      [](const std::exception_ptr& error) { EXPECT_EQ(error, nullptr); });
  run_until([&] { return result.has_value(); });
  ASSERT_FALSE(*result);
  EXPECT_NE(result->error().words.find("Connection refused"), std::string::npos) << result->error().words;
}

TEST(PostgresqlSink, GivesUpARowOnlyForWhatItHolds) {
  for (const char* state : {"22003", "22021", "23502", "23514", "44000", "54000", "P0001"}) {
    EXPECT_TRUE(refuses_rows(state)) << state;
  }
  for (const char* state :
       {"", "08006", "25006", "28P01", "3D000", "40P01", "42501", "42P01", "53100", "57014", "57P01", "XX000"}) {
    EXPECT_FALSE(refuses_rows(state)) << state;
  }
}

}  // namespace
}  // namespace carbongate::sinks::postgresql
