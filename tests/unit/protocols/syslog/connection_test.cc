#include "protocols/syslog/connection.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <optional>
#include <string>
#include <utility>

#include "protocols/io/system_clock.h"
#include "protocols/io/tls.h"
#include "tests/support/certificate.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::syslog {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr const char* kUnread = "the server has ended the connection before it read everything";
constexpr std::size_t kTlsBytes = 7 + 22 + 2 + 22;  // of TLS 1.3: "5 hello" and a close_notify, 22 around each
constexpr std::size_t kMoreThanBuffersHold = 32 * 1024 * 1024;

// A sender and a server that does what a test says, step by step, on one loop over a loopback socket.
class SyslogConnection : public ::testing::Test {
 protected:
  SyslogConnection() : acceptor_(loop_, {asio::ip::address_v4::loopback(), 0}) {}

  void start(std::string frames, bool tls = false) {
    Server server{.host = "127.0.0.1",
                  .port = acceptor_.local_endpoint().port(),
                  .tls = tls,
                  .timeout = timeout_,
                  .stays_open = stays_open_};
    if (tls) {
      const auto base = directory_.path() / "server";
      testing::write_certificate(base, "EC", 4'000'000'000);
      server.ca_file = base.string() + ".pem";
      context_.emplace(io::make_tls_server_context(server.ca_file, base.string() + ".key"));
      ASSERT_EQ(context_->text, "");
    }
    server_ = std::move(server);
    asio::co_spawn(loop_, send(loop_.get_executor(), clock_, server_, std::move(frames)),
                   [this](std::exception_ptr error, Sent sent) {
                     if (error) std::rethrow_exception(error);
                     sent_ = std::move(sent);
                   });
    bool is_done = false;
    const auto done = [&](const error_code& error) {
      EXPECT_FALSE(error) << error.message();
      is_done = true;
    };
    acceptor_.async_accept(socket_, done);
    run_until([&] { return is_done; });
    if (!tls) return;
    tls_.emplace(socket_, context_->context);
    is_done = false;
    tls_->async_handshake(asio::ssl::stream_base::server, done);
    run_until([&] { return is_done; });
  }

  template <class Condition>
  void run_until(Condition condition) {
    loop_.restart();
    while (!condition() && loop_.run_one_for(10s) != 0) {
    }
    ASSERT_TRUE(condition());
  }

  // So many, and the sender has done all it can; nobody has read anything.
  void wait_for_bytes(std::size_t count) {
    while (socket_.available() < count) {
      bool is_there = false;
      socket_.async_wait(tcp::socket::wait_read, [&](const error_code&) { is_there = true; });
      run_until([&] { return is_there; });
    }
    loop_.restart();
    while (loop_.poll() != 0) {
    }
  }

  // All there is up to the sender's end, and what that is.
  template <class Stream>
  error_code read_all(Stream& stream) {
    std::array<char, 65'536> bytes;
    error_code end;
    while (!end) {
      std::optional<error_code> read;
      stream.async_read_some(asio::buffer(bytes), [&](const error_code& error, std::size_t count) {
        got_.append(bytes.data(), count);
        read = error;
      });
      run_until([&] { return read.has_value(); });
      end = *read;
    }
    return end;
  }

  Sent sent() {
    run_until([&] { return sent_.has_value(); });
    return *sent_;
  }

  void expect_not_taken(const std::string& trouble) {
    const Sent got = sent();
    EXPECT_FALSE(got.is_taken);
    EXPECT_FALSE(got.is_confirmed);
    EXPECT_TRUE(got.trouble.ends_with(trouble)) << got.trouble;
  }

  asio::io_context loop_;
  io::SystemClock clock_;
  TemporaryDirectory directory_;
  std::chrono::milliseconds timeout_{20'000};
  std::chrono::milliseconds stays_open_{0};
  Server server_;
  std::optional<io::TlsContext> context_;
  tcp::acceptor acceptor_;
  tcp::socket socket_{loop_};
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  std::string got_;
  std::optional<Sent> sent_;
};

TEST_F(SyslogConnection, IsConfirmedByAnEndInAnswerToOurs) {
  start("5 hello");
  EXPECT_EQ(read_all(socket_), asio::error::eof);
  EXPECT_FALSE(sent_) << "before the server has ended its own";
  socket_.close();
  EXPECT_TRUE(sent().is_confirmed);
  EXPECT_TRUE(sent().is_taken);
  EXPECT_EQ(got_, "5 hello");
}

TEST_F(SyslogConnection, IsTakenByAServerThatLeavesItOpen) {
  timeout_ = 300ms;
  start("5 hello");
  EXPECT_TRUE(sent().is_taken);
  EXPECT_FALSE(sent().is_confirmed);
}

// With both ends there a reset would not be seen any more.
TEST_F(SyslogConnection, AServerThatEndsByItselfHasTakenNothing) {
  stays_open_ = 5s;
  start("5 hello");
  wait_for_bytes(1);
  socket_.shutdown(tcp::socket::shutdown_send);
  expect_not_taken(kUnread);
}

TEST_F(SyslogConnection, AnEndThatWasThereBeforeOursConfirmsNothing) {
  start(std::string(kMoreThanBuffersHold, 'x'));
  socket_.shutdown(tcp::socket::shutdown_send);
  read_all(socket_);
  socket_.close();
  expect_not_taken(kUnread);
}

TEST_F(SyslogConnection, AServerThatClosesWithoutReadingHasTakenNothing) {
  start("5 hello");
  wait_for_bytes(1);
  socket_.close();
  expect_not_taken("Connection reset by peer");
}

// Its end and the reset are both there before the sender looks.
TEST_F(SyslogConnection, AResetBehindTheEndIsSeen) {
  acceptor_.set_option(tcp::socket::receive_buffer_size(4096));
  start(std::string(256 * 1024, 'x'));
  wait_for_bytes(1);
  socket_.shutdown(tcp::socket::shutdown_send);
  socket_.close();
  expect_not_taken("Connection reset by peer");
}

TEST_F(SyslogConnection, IsConfirmedByACloseNotifyInAnswerToOurs) {
  start("5 hello", true);
  EXPECT_EQ(read_all(*tls_), asio::error::eof);
  EXPECT_FALSE(sent_) << "before the server has ended its own";
  bool is_ended = false;
  tls_->async_shutdown([&](const error_code&) { is_ended = true; });
  run_until([&] { return is_ended; });
  socket_.close();
  EXPECT_TRUE(sent().is_confirmed);
  EXPECT_EQ(got_, "5 hello");
}

TEST_F(SyslogConnection, IsConfirmedByAServerThatHasReadAndClosesWithoutACloseNotify) {
  start("5 hello", true);
  EXPECT_EQ(read_all(*tls_), asio::error::eof);
  socket_.close();
  EXPECT_TRUE(sent().is_confirmed);
  EXPECT_EQ(got_, "5 hello");
}

// As on any network that takes time: what we send behind the answer is on its way yet.
TEST_F(SyslogConnection, TheAnswerOverTlsCountsBeforeOurLastSegmentHasArrived) {
  timeout_ = 2s;
  start("5 hello", true);
  EXPECT_EQ(read_all(*tls_), asio::error::eof);
  sock_filter drop{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
  const sock_fprog filter{.len = 1, .filter = &drop};
  ASSERT_EQ(::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
  socket_.close();
  EXPECT_TRUE(sent().is_confirmed) << sent().trouble;
}

TEST_F(SyslogConnection, AServerThatClosesAfterTheHandshakeHasTakenNothing) {
  start("5 hello", true);
  wait_for_bytes(kTlsBytes);
  socket_.close();
  expect_not_taken("Connection reset by peer");
}

// It takes the frames off the socket, but nobody reads them; only its end tells, which is there before ours.
TEST_F(SyslogConnection, AServerThatShutsDownTlsAfterTheHandshakeHasTakenNothing) {
  stays_open_ = 5s;
  start("5 hello", true);
  bool is_ended = false;
  tls_->async_shutdown([&](const error_code&) { is_ended = true; });
  run_until([&] { return is_ended; });
  socket_.close();
  expect_not_taken("");
}

TEST_F(SyslogConnection, AnEndThatWasThereBeforeOursConfirmsNothingOverTls) {
  start(std::string(kMoreThanBuffersHold, 'x'), true);
  socket_.shutdown(tcp::socket::shutdown_send);
  read_all(*tls_);
  socket_.close();
  expect_not_taken(kUnread);
}

}  // namespace
}  // namespace carbongate::syslog
