#include "gateway/sinks/file/file_sink.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>

#include "tests/support/fake_clock.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::file {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class FileSinkTest : public ::testing::Test {
 protected:
  FileSinkTest() {
    config_.name = "files";
    config_.directory = directory_.path() / "out";
  }

  model::Result<ports::Delivery> deliver(std::uint64_t first, std::uint64_t last) {
    if (!sink_) sink_ = std::make_unique<FileSink>(config_, "store", loop_.get_executor(), clock_);
    std::vector<model::StoredRow> rows;
    for (std::uint64_t n = first; n <= last; ++n) {
      rows.push_back({n, series_, model::JudgedReading{Instant(std::chrono::seconds(n)), double(n), {}}});
    }
    auto done = asio::co_spawn(loop_, sink_->deliver(rows), asio::use_future);
    loop_.restart();
    loop_.run();
    return done.get();
  }

  TemporaryDirectory directory_;
  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  Config config_;
  std::unique_ptr<FileSink> sink_;
};

TEST_F(FileSinkTest, SettlesWhatIsOnDisk) {
  EXPECT_EQ(deliver(1, 3)->settled_through, 3U);
  const ports::SinkStatus status = sink_->status();
  EXPECT_TRUE(status.healthy);
  EXPECT_EQ(status.rows_accepted, 3U);
  EXPECT_EQ(status.requests, 1U);
}

TEST_F(FileSinkTest, WaitsWhileTheDirectoryCannotBeMade) {
  config_.directory = "/proc/nothing-can-be-made-here";
  const auto refused = deliver(1, 3);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("cannot make /proc/nothing-can-be-made-here"), std::string::npos);
  EXPECT_FALSE(sink_->status().healthy);
  EXPECT_EQ(sink_->status().failures, 1U);
  EXPECT_EQ(sink_->status().rows_accepted, 0U);
}

}  // namespace
}  // namespace carbongate::sinks::file
