#include "gateway/sinks/postgresql/session.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>

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

// Takes a client in without a password, and answers every query with the same bytes.
class WrongServer : public SilentServer {
 protected:
  void answer_with(std::string answer) {
    asio::co_spawn(loop_, serve(std::move(answer)), [](const std::exception_ptr&) {});
  }

  asio::awaitable<void> serve(std::string answer) {
    tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
    co_await read_message(socket, 0);  // the first message has no type
    co_await asio::async_write(socket, asio::buffer(message('R', std::string(4, '\0')) + kReady), asio::use_awaitable);
    while (true) {
      co_await read_message(socket, 1);
      co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
    }
  }

  static std::string message(char type, const std::string& body) {
    const auto length = static_cast<std::uint32_t>(body.size() + 4);
    std::string bytes{type};
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(length >> shift & 0xff);
    return bytes + body;
  }

  static asio::awaitable<void> read_message(tcp::socket& socket, std::size_t type_bytes) {
    std::string head(type_bytes + 4, '\0');
    co_await asio::async_read(socket, asio::buffer(head), asio::use_awaitable);
    std::size_t length = 0;
    for (const char byte : head.substr(type_bytes)) length = length << 8 | static_cast<unsigned char>(byte);
    std::string body(length - 4, '\0');
    co_await asio::async_read(socket, asio::buffer(body), asio::use_awaitable);
  }

  // What one call comes to.
  SqlResult<SqlRows> run(std::string sql, std::vector<std::string> copies = {}) {
    std::optional<SqlResult<SqlRows>> result;
    asio::co_spawn(
        loop_,
        [&]() -> asio::awaitable<void> {
          const auto connected = co_await session_.connect(parameters(), 5s);
          EXPECT_TRUE(connected) << connected.error().words;
          result = co_await session_.run(sql, copies, 5s);
        },
        [](const std::exception_ptr& error) { EXPECT_EQ(error, nullptr); });
    run_until([&] { return result.has_value(); });
    return *result;
  }

  const std::string kReady = message('Z', "I");
  const std::string kNoRow = message('T', std::string(2, '\0')) + message('C', std::string("SELECT 0") + '\0') + kReady;
};

TEST_F(WrongServer, IsReachedThoughTheFirstOfTheHostsSaysNothing) {
  tcp::acceptor silent(loop_, {asio::ip::address_v4::loopback(), 0});
  Parameters both = parameters();
  both[0].second = "127.0.0.1,127.0.0.1";
  both[1].second = std::to_string(silent.local_endpoint().port()) + "," + both[1].second;
  answer_with(kNoRow);
  std::vector<bool> connected;
  const auto connect_twice = [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 2; ++i) connected.push_back((co_await session_.connect(both, 5s)).has_value());
  };
  asio::co_spawn(loop_, connect_twice(), [](const std::exception_ptr& error) { EXPECT_EQ(error, nullptr); });
  run_until([&] { return connected.size() == 2; });
  EXPECT_EQ(connected, (std::vector<bool>{false, true}));
}

TEST_F(WrongServer, ThatSendsACopyNobodyAskedForIsLeft) {
  answer_with(message('H', std::string(3, '\0')));
  const auto result = run("SELECT 1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().words, "the server sends data that nobody asked for");
  EXPECT_FALSE(session_.is_open());
}

TEST_F(WrongServer, ThatNeverTakesTheDataHasNotStoredIt) {
  answer_with(kNoRow);
  const auto result = run("COPY t FROM STDIN", {"data"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().words, "the server did not ask for the data that it was to take");
  EXPECT_FALSE(session_.is_open());
}

TEST_F(WrongServer, ThatAnswersWithoutARowIsAFaultOfItsSinkAlone) {
  answer_with(kNoRow);
  Config config;
  config.name = "park";
  config.parameters = parameters();
  PostgresqlSink sink(std::move(config), loop_.get_executor(), clock_);
  auto series = std::make_shared<model::Series>();
  series->unit = "kWh";
  const std::vector<model::StoredRow> rows{
      {1, series, model::JudgedReading{.at = Instant{}, .value = 1, .quality = {}}}};
  std::optional<model::Result<ports::Delivery>> result;
  asio::co_spawn(
      loop_, [&]() -> asio::awaitable<void> { result = co_await sink.deliver(rows); },
      [](const std::exception_ptr& error) { EXPECT_EQ(error, nullptr); });
  run_until([&] { return result.has_value(); });
  ASSERT_TRUE(result->has_error());
  EXPECT_NE(result->error().text.find("answers a query without the row that was asked for"), std::string::npos)
      << result->error().text;
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
