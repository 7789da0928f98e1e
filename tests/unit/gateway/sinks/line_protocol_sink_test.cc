#include "gateway/sinks/line_protocol/line_protocol_sink.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>

#include "protocols/wire/gzip.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_http_peer.h"

namespace carbongate::sinks::line_protocol {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr const char* kPartialWrite = R"({"error":"partial write: field type conflict dropped=1"})";

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string text(1'000'000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

// The sink over a real loopback socket; the other end follows a script.
class LineProtocolSinkTest : public ::testing::Test {
 protected:
  LineProtocolSinkTest() {
    series_->device = "d";
    series_->point = "p";
    config_.name = "tsdb";
    config_.server = {.host = "127.0.0.1", .port = peer_.port(), .tls = false, .ca_file = ""};
    config_.target = "/write?db=carbon&precision=ms";
    config_.where = "http://tsdb/write";
    config_.gzip = false;
  }

  // Readings with the sequence numbers first to last.
  std::vector<model::StoredRow> rows(std::uint64_t first, std::uint64_t last) {
    std::vector<model::StoredRow> made;
    for (std::uint64_t n = first; n <= last; ++n) {
      made.push_back({n, series_, model::JudgedReading{Instant(std::chrono::seconds(n)), double(n), {}}});
    }
    return made;
  }

  model::Result<ports::Delivery> deliver(const std::vector<model::StoredRow>& rows) {
    if (!sink_) sink_ = std::make_unique<LineProtocolSink>(config_, loop_.get_executor(), clock_);
    std::optional<model::Result<ports::Delivery>> result;
    asio::co_spawn(loop_, sink_->deliver(rows), [&](std::exception_ptr error, model::Result<ports::Delivery> got) {
      if (error) std::rethrow_exception(error);
      result = std::move(got);
    });
    loop_.restart();
    while (!result && loop_.run_one_for(5s) != 0) {
    }
    if (!result) throw std::runtime_error("deliver() did not complete");
    return std::move(*result);
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  testing::ScriptedHttpPeer peer_{loop_.get_executor()};
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  Config config_;
  std::unique_ptr<LineProtocolSink> sink_;
};

TEST_F(LineProtocolSinkTest, SendsAllRowsInOneRequest) {
  peer_.answer(204);
  const auto delivery = deliver(rows(5, 7));
  ASSERT_TRUE(delivery) << delivery.error().text;
  EXPECT_EQ(delivery->settled_through, 7U);
  EXPECT_TRUE(delivery->rejected.empty());
  ASSERT_EQ(peer_.requests().size(), 1U);
  EXPECT_TRUE(peer_.requests()[0].head.starts_with("POST /write?db=carbon&precision=ms HTTP/1.1\r\n"));
  EXPECT_EQ(peer_.requests()[0].body,
            "carbongate_reading,device=d,point=p value=5,quality=0i,rule=0i 5000\n"
            "carbongate_reading,device=d,point=p value=6,quality=0i,rule=0i 6000\n"
            "carbongate_reading,device=d,point=p value=7,quality=0i,rule=0i 7000\n");
  EXPECT_TRUE(sink_->status().healthy);
  EXPECT_EQ(sink_->status().rows_accepted, 3U);
}

TEST_F(LineProtocolSinkTest, LeavesOutWhatWouldTakeTheFirstReadingsPlace) {
  auto offered = rows(5, 7);
  offered[1].body = model::JudgedReading{Instant(5s), 5, {model::Origin::missing, model::Rule::duplicate}};
  peer_.answer(204);
  const auto delivery = deliver(offered);
  ASSERT_TRUE(delivery) << delivery.error().text;
  EXPECT_EQ(delivery->settled_through, 7U);
  EXPECT_EQ(delivery->skipped, std::vector<std::uint64_t>{6});
  EXPECT_EQ(sink_->status().rows_accepted, 2U);
  EXPECT_EQ(sink_->status().rows_skipped, 1U);
}

TEST_F(LineProtocolSinkTest, CompressesAndNamesItself) {
  config_.gzip = true;
  config_.username = "gw";
  config_.password = config::Secret("s3cret");
  peer_.answer(204);
  ASSERT_TRUE(deliver(rows(1, 1)));
  const auto& request = peer_.requests()[0];
  EXPECT_NE(request.head.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(request.head.find("Authorization: Basic Z3c6czNjcmV0\r\n"), std::string::npos);
  EXPECT_EQ(gunzip(request.body), "carbongate_reading,device=d,point=p value=1,quality=0i,rule=0i 1000\n");
}

TEST_F(LineProtocolSinkTest, SendsATokenTheWayInfluxDbWantsIt) {
  config_.token = config::Secret("abc");
  peer_.answer(204);
  ASSERT_TRUE(deliver(rows(1, 1)));
  EXPECT_NE(peer_.requests()[0].head.find("Authorization: Token abc\r\n"), std::string::npos);
}

TEST_F(LineProtocolSinkTest, SendsATokenTheWayQuestdbWantsIt) {
  config_.dialect = Dialect::questdb;
  config_.token = config::Secret("abc");
  peer_.answer(204);
  deliver(rows(1, 1));
  EXPECT_NE(peer_.requests()[0].head.find("Authorization: Bearer abc\r\n"), std::string::npos);
}

TEST_F(LineProtocolSinkTest, FindsTheOneRowThatIsRefusedAndDeliversTheOthers) {
  peer_.answer(400, kPartialWrite);  // 1 2 3 4
  peer_.answer(204);                 // 1 2
  peer_.answer(400, kPartialWrite);  // 3 4
  peer_.answer(400, kPartialWrite);  // 3
  peer_.answer(204);                 // 4
  const auto delivery = deliver(rows(1, 4));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->settled_through, 4U);
  ASSERT_EQ(delivery->rejected.size(), 1U);
  EXPECT_EQ(delivery->rejected[0].sequence, 3U);
  EXPECT_EQ(delivery->rejected[0].reason, "partial write: field type conflict dropped=1");
  EXPECT_EQ(sink_->status().rows_accepted, 3U);
  EXPECT_EQ(sink_->status().rows_rejected, 1U);
}

TEST_F(LineProtocolSinkTest, FindsTheRowThatQuestdbTdengineOrGreptimedbRefuses) {
  const std::pair<int, const char*> answers[] = {
      {400, R"({"code":"invalid","message":"failed to parse line protocol: error in line 2: cast error","line":2})"},
      {500, R"({"code":"internal error","message":"[0x3002] Invalid data format"})"},
      {400, R"({"code":1004,"error":"Failed to parse InfluxDB line protocol: no fields","execution_time_ms":0})"}};
  std::uint64_t first = 1;
  for (const auto& [status, body] : answers) {
    peer_.answer(status, body);  // both
    peer_.answer(204);           // the first
    peer_.answer(status, body);  // the second
    const auto delivery = deliver(rows(first, first + 1));
    ASSERT_TRUE(delivery) << body;
    EXPECT_EQ(delivery->settled_through, first + 1);
    ASSERT_EQ(delivery->rejected.size(), 1U) << body;
    EXPECT_EQ(delivery->rejected[0].sequence, first + 1);
    first += 2;
  }
}

TEST_F(LineProtocolSinkTest, KeepsWhatWasSettledWhenAFaultComesHalfWay) {
  peer_.answer(400, kPartialWrite);  // 1 2 3 4
  peer_.answer(204);                 // 1 2
  peer_.answer(500, "out of cheese");
  auto delivery = deliver(rows(1, 4));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->settled_through, 2U);
  EXPECT_FALSE(sink_->status().healthy);
  EXPECT_EQ(sink_->status().detail, "http://tsdb/write: HTTP 500: out of cheese");
  peer_.answer(204);
  delivery = deliver(rows(3, 4));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->settled_through, 4U);
  EXPECT_TRUE(sink_->status().healthy);
}

TEST_F(LineProtocolSinkTest, HalvesWhatIsTooLargeForTheServer) {
  peer_.answer(413);
  peer_.answer(204);
  peer_.answer(204);
  const auto delivery = deliver(rows(1, 5));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->settled_through, 5U);
  EXPECT_TRUE(delivery->rejected.empty());
}

TEST_F(LineProtocolSinkTest, RejectsOnItsOwnWhatCannotBeWrittenDown) {
  auto offered = rows(1, 3);
  offered[1].body = model::JudgedReading{Instant(std::chrono::hours(24 * 365 * 8000)), 1.0, {}};
  peer_.answer(204);
  const auto delivery = deliver(offered);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->settled_through, 3U);
  ASSERT_EQ(delivery->rejected.size(), 1U);
  EXPECT_EQ(delivery->rejected[0].sequence, 2U);
}

TEST_F(LineProtocolSinkTest, RejectsNothingForAMistakeInTheSetUp) {
  for (const auto& [status, body] :
       {std::pair(400, R"({"error":"database is required"})"),
        {401, R"({"error":"unable to parse authentication credentials"})"},
        {403, ""},
        {404, R"({"error":"database not found: \"carbon\""})"},
        {400, R"({"error":"partial write: max-series-per-database limit exceeded: (1) dropped=3"})"},
        {429, ""},
        {500, R"({"code":"internal error","message":"[0x383] Database not exist"})"},
        {503, ""},
        {302, ""}}) {
    peer_.answer(status, body);
    const auto delivery = deliver(rows(1, 3));
    EXPECT_FALSE(delivery) << status;
    EXPECT_NE(sink_->status().detail.find(std::to_string(status)), std::string::npos);
  }
  EXPECT_EQ(sink_->status().rows_rejected, 0U);
  EXPECT_EQ(sink_->status().failures, 9U);
}

TEST_F(LineProtocolSinkTest, SaysWhatToDoAboutADatabaseThatIsNotThere) {
  peer_.answer(404, R"({"error":"database not found: \"carbon\""})");
  const auto delivery = deliver(rows(1, 1));
  ASSERT_FALSE(delivery);
  EXPECT_EQ(
      delivery.error().text,
      "http://tsdb/write: HTTP 404: database not found: \"carbon\"; check the path of the url, and that the database "
      "exists");
}

TEST_F(LineProtocolSinkTest, LeavesABusyServerAloneAsLongAsItAsked) {
  peer_.answer(503, "", "Retry-After: 20\r\n");
  EXPECT_FALSE(deliver(rows(1, 1)));
  peer_.answer(204);
  std::optional<model::Result<ports::Delivery>> result;
  const auto offered = rows(1, 1);
  asio::co_spawn(loop_, sink_->deliver(offered),
                 [&](std::exception_ptr, model::Result<ports::Delivery> got) { result = std::move(got); });
  loop_.restart();
  loop_.poll();
  EXPECT_EQ(clock_.next_deadline(), clock_.ticks() + 20s);
  EXPECT_EQ(peer_.requests().size(), 1U);
  clock_.advance(20s);
  while (!result && loop_.run_one_for(5s) != 0) {
  }
  ASSERT_TRUE(result);
  EXPECT_TRUE(*result);
}

TEST(Gzip, GivesBackWhatWentIn) {
  for (const std::size_t size : {0U, 1U, 100U, 900'000U}) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>((i * 7919) >> 3);
    EXPECT_EQ(gunzip(wire::gzip(text)), text);
  }
}

}  // namespace
}  // namespace carbongate::sinks::line_protocol
