#include "gateway/sinks/remote_write/remote_write_sink.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <memory>

#include "gateway/sinks/remote_write/series.h"
#include "protocols/remote_write/write_request.pb.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_http_peer.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::remote_write {
namespace {

namespace asio = boost::asio;
namespace wire = carbongate::remote_write::wire;
using namespace std::chrono_literals;

wire::WriteRequest message_of(const std::string& body) {
  std::string text;
  EXPECT_TRUE(snappy::Uncompress(body.data(), body.size(), &text));
  wire::WriteRequest request;
  EXPECT_TRUE(request.ParseFromString(text));
  return request;
}

// The sink over a real loopback socket; the other end follows a script.
class RemoteWriteSinkTest : public ::testing::Test {
 protected:
  RemoteWriteSinkTest() {
    series_->device = "d";
    series_->point = "p";
    series_->site = "s";
    config_.name = "metrics";
    config_.server = {.host = "127.0.0.1", .port = peer_.port(), .tls = false, .ca_file = ""};
    config_.target = "/api/v1/write";
    config_.where = "http://metrics/api/v1/write";
  }

  // Readings with the sequence numbers first to last, a second apart.
  std::vector<model::StoredRow> rows(std::uint64_t first, std::uint64_t last) {
    std::vector<model::StoredRow> made;
    for (std::uint64_t n = first; n <= last; ++n) {
      made.push_back({n, series_, model::JudgedReading{Instant(std::chrono::seconds(n)), double(n), {}}});
    }
    return made;
  }

  model::Result<ports::Delivery> deliver(const std::vector<model::StoredRow>& rows) {
    if (!sink_) sink_ = std::make_unique<RemoteWriteSink>(config_, loop_.get_executor(), clock_);
    std::optional<model::Result<ports::Delivery>> result;
    asio::co_spawn(loop_, sink_->deliver(rows),
                   [&](const std::exception_ptr& error, model::Result<ports::Delivery> delivery) {
                     EXPECT_EQ(error, nullptr);
                     result.emplace(std::move(delivery));
                   });
    loop_.restart();
    while (!result && loop_.run_one() > 0) {
    }
    return std::move(*result);
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  testing::ScriptedHttpPeer peer_{loop_.get_executor()};
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  Config config_;
  std::unique_ptr<RemoteWriteSink> sink_;
};

TEST_F(RemoteWriteSinkTest, SendsSortedSeriesWithTheHeadersOfTheSpecification) {
  config_.tenant = "park";
  peer_.answer(204);
  auto offered = rows(1, 3);
  std::swap(offered[0].body.get<model::JudgedReading>(), offered[2].body.get<model::JudgedReading>());
  const auto delivery = deliver(offered);
  EXPECT_EQ(delivery->settled_through, 3U);
  const auto& request = peer_.requests().at(0);
  for (const char* header :
       {"POST /api/v1/write HTTP/1.1", "Content-Type: application/x-protobuf", "Content-Encoding: snappy",
        "X-Prometheus-Remote-Write-Version: 0.1.0", "User-Agent: carbongate", "X-Scope-OrgID: park"}) {
    EXPECT_NE(request.head.find(header), std::string::npos) << header;
  }
  const auto message = message_of(request.body);
  ASSERT_EQ(message.timeseries_size(), 3);  // quality, rule, value
  const auto& value = message.timeseries(2);
  std::string labels;
  for (const auto& label : value.labels()) labels += label.name() + "=" + label.value() + " ";
  EXPECT_EQ(labels, "__name__=carbongate_reading_value device=d point=p site=s ");
  ASSERT_EQ(value.samples_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(value.samples(i).timestamp(), (i + 1) * 1000) << "in order of time, whatever the order of the rows";
    EXPECT_EQ(value.samples(i).value(), i + 1);
  }
}

TEST_F(RemoteWriteSinkTest, FindsTheRowThatIsRefusedAndSendsTheOthers) {
  peer_.answer(400, "out of order sample");
  peer_.answer(400, "out of order sample");
  peer_.answer(400, "out of order sample\n");
  peer_.answer(204);
  peer_.answer(204);
  const auto delivery = deliver(rows(1, 4));
  EXPECT_EQ(delivery->settled_through, 4U);
  ASSERT_EQ(delivery->rejected.size(), 1U);
  EXPECT_EQ(delivery->rejected[0].sequence, 1U);
  EXPECT_EQ(delivery->rejected[0].reason, "out of order sample");
  EXPECT_EQ(sink_->status().rows_accepted, 3U);
}

TEST_F(RemoteWriteSinkTest, WaitsAsLongAsTheServerAsks) {
  peer_.answer(429, "slow down", "Retry-After: 30\r\n");
  peer_.answer(204);
  EXPECT_FALSE(deliver(rows(1, 2)));
  std::optional<bool> done;
  const auto again = rows(1, 2);
  asio::co_spawn(
      loop_, sink_->deliver(again),
      [&](const std::exception_ptr&, const model::Result<ports::Delivery>& delivery) { done = delivery.has_value(); });
  loop_.restart();
  loop_.poll();
  clock_.advance(29s);
  loop_.poll();
  EXPECT_EQ(peer_.requests().size(), 1U);
  clock_.advance(1s);
  while (!done && loop_.run_one() > 0) {
  }
  EXPECT_EQ(done, true);
}

TEST_F(RemoteWriteSinkTest, MistakesInTheSetUpCostNoData) {
  const std::pair<int, const char*> answers[] = {{401, "no"},
                                                 {403, "no"},
                                                 {404, "not found"},
                                                 {500, "oops"},
                                                 {503, ""},
                                                 {302, ""},
                                                 {405, "POST?"},
                                                 {400, "unsupported path requested: \"/x\""},
                                                 {400, "<html>400 Bad Request</html>"},
                                                 {400,
                                                  "remoteAddr: \"127.0.0.1:4\"; requestURI: /api/v1/wrote; cannot "
                                                  "determine targetURL: missing route for \"/api/v1/wrote\""},
                                                 {400, "auth error: cannot parse accountID \"api\""},
                                                 {400, "no org id"},
                                                 {400, "snappy: corrupt input"},
                                                 {400,
                                                  "per-user series limit of 100 exceeded, please contact administrator "
                                                  "to raise it (local limit: 100 global limit: 0 actual)"},
                                                 {400,
                                                  "per-user series limit of 150000 exceeded "
                                                  "(err-mimir-max-series-per-user). To adjust the related limit"},
                                                 {409, "<html>409 Conflict</html>"},
                                                 {400, ""},
                                                 {400, "Client sent an HTTP request to an HTTPS server."}};
  for (const auto& [status, body] : answers) {
    peer_.answer(status, body);
    EXPECT_FALSE(deliver(rows(1, 2))) << status << " " << body;
  }
  EXPECT_EQ(sink_->status().rows_rejected, 0U);
}

TEST_F(RemoteWriteSinkTest, KnowsTheWordsInWhichStoresRefuseSamples) {
  const std::pair<int, std::string> answers[] = {
      {400, "out of order sample\n"},  // Prometheus
      {400, "out of bounds: timestamp is too far in the future\n"},
      {400, "duplicate sample for timestamp 1000; overrides not allowed: existing 1, new value 2\n"},
      {400, "too old sample\n"},
      {409, "store locally for endpoint 127.0.0.1:19391: add 3 samples: out of order sample"},  // Thanos
      {409, "conflict\n"},
      {400,
       "failed pushing to ingester: user=park: the sample has been rejected because another sample with a more recent "
       "timestamp has already been ingested (err-mimir-sample-out-of-order). The affected sample has timestamp 1"},
      {400, "received a series whose label value length exceeds the limit (err-mimir-label-value-too-long). To adjust"},
      {400, "received a sample whose timestamp is too far in the past (err-mimir-too-far-in-past). To adjust"},
      {400, "user=park: err: out of bounds. timestamp=1970-01-01T00:00:01Z, series={}"},  // Cortex
      {400, "timestamp too old: 1000 metric: \"carbongate_reading_value\""},
      {400, std::string(2'000, ' ') + "label value too long for metric: \"m\" label value: \"d\""},
  };
  std::uint64_t n = 0;
  for (const auto& [status, body] : answers) {
    ++n;
    peer_.answer(status, body.c_str());
    const auto delivery = deliver(rows(n, n));
    ASSERT_TRUE(delivery) << body;
    EXPECT_EQ(delivery->rejected.size(), 1U) << body;
  }
}

TEST_F(RemoteWriteSinkTest, TakesVictoriaMetricsWordForTooLarge) {
  peer_.answer(400, "too big packed request; mustn't exceed `-maxInsertRequestSize=1024` bytes");
  peer_.answer(204);
  peer_.answer(204);
  EXPECT_EQ(deliver(rows(1, 4))->settled_through, 4U);
  EXPECT_EQ(sink_->status().rows_rejected, 0U);
}

TEST_F(RemoteWriteSinkTest, SendsAMessageThatIsTooLargeInHalves) {
  peer_.answer(413, "too large");
  peer_.answer(204);
  peer_.answer(204);
  EXPECT_EQ(deliver(rows(1, 4))->settled_through, 4U);
  EXPECT_EQ(peer_.requests().size(), 3U);
}

TEST_F(RemoteWriteSinkTest, BoundsAMessage) {
  series_->point = std::string(60'000, 'p');
  std::vector<model::StoredRow> offered;
  for (std::uint64_t n = 1; n <= 64; ++n) {
    auto series = std::make_shared<model::Series>(*series_);
    series->device = std::to_string(n);
    offered.push_back({n, series, model::JudgedReading{Instant(std::chrono::seconds(n)), 1.0, {}}});
  }
  for (int i = 0; i < 4; ++i) peer_.answer(204);
  EXPECT_EQ(deliver(offered)->settled_through, 64U);
  for (const auto& request : peer_.requests()) {
    EXPECT_LE(message_of(request.body).ByteSizeLong(), RemoteWriteSink::kMessageBytesMax);
  }
  EXPECT_GT(peer_.requests().size(), 1U);
}

TEST(RemoteWriteSeries, KeepsTheLaterOfTwoSamplesOfOneInstant) {
  SeriesSet set;
  for (const double value : {1.0, 2.0}) {
    shared::TimeSeriesPoint point;
    point.measurement = "m";
    point.fields.push_back({"f", value});
    point.fields.push_back({"d", shared::Fixed{1'250'000, 1'000'000}});
    set.add(point);
  }
  const auto series = set.take();
  ASSERT_EQ(series.size(), 2U);
  EXPECT_EQ(series[0].labels.front().second, "m_d");
  EXPECT_EQ(series[0].samples.at(0).value, 1.25);
  EXPECT_EQ(series[1].samples, (std::vector<carbongate::remote_write::Sample>{{0, 2.0}}));
}

TEST(RemoteWriteConfig, TheSampleIsComplete) {
  const TemporaryDirectory directory;
  const auto sample = directory.path() / "sample.yaml";
  std::filesystem::copy_file(CARBONGATE_SOURCE_DIR "/gateway/sinks/remote_write/sample.yaml", sample);
  std::ofstream(directory.path() / "metrics.password") << "s3cret\n";
  std::ofstream(directory.path() / "park-ca.pem") << "";
  std::filesystem::permissions(directory.path() / "metrics.password", std::filesystem::perms::owner_read);

  config::Problems problems;
  const config::Node node = config::parse_file(sample, problems);
  config::Reader in(node, problems);
  EXPECT_EQ(in.required<std::string>("type"), "prometheus-remote-write");
  const Config config = Config::from(in);
  in.finish();
  EXPECT_EQ(problems.to_text(), "");
  EXPECT_EQ(config.name, "park-metrics");
  EXPECT_EQ(config.tenant, "park");
  EXPECT_EQ(config.password.reveal(), "s3cret");
  EXPECT_EQ(config.target, "/api/v1/write");
}

TEST(RemoteWriteConfig, SaysWhatIsWrong) {
  const auto problems_of = [](const std::string& keys) {
    config::Problems problems;
    const config::Node node = config::parse_text(keys, "site.yaml", problems);
    config::Reader in(node, problems);
    (void)Config::from(in);
    return problems.to_text();
  };
  EXPECT_NE(problems_of("url: http://127.0.0.1:9090").find("has no path"), std::string::npos);
  EXPECT_NE(problems_of("url: http://127.0.0.1/w\ntenant: \"a b\"").find("visible ASCII"), std::string::npos);
  EXPECT_EQ(problems_of("url: http://127.0.0.1/w"), "");
}

}  // namespace
}  // namespace carbongate::sinks::remote_write
