#include "protocols/io/http_server.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "protocols/io/http_head.h"
#include "protocols/io/system_clock.h"
#include "protocols/io/task_group.h"
#include "tests/support/certificate.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::io {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr std::string_view kHost = "Host: x\r\n";

// What a body is made of, then an end or a failure.
class Pieces final : public HttpSource {
 public:
  Pieces(std::vector<std::string> pieces, bool fails) : pieces_(std::move(pieces)), fails_(fails) {}
  asio::awaitable<std::optional<std::string>> next() override {
    if (place_ < pieces_.size()) co_return pieces_[place_++];
    if (fails_) throw std::runtime_error("the store has gone");
    co_return std::nullopt;
  }

 private:
  std::vector<std::string> pieces_;
  bool fails_;
  std::size_t place_ = 0;
};

// Never ends.
class Endless final : public HttpSource {
 public:
  asio::awaitable<std::optional<std::string>> next() override { co_return std::string(256 * 1024, 'x'); }
};

asio::awaitable<HttpAnswer> echo(HttpCall call) {
  HttpAnswer answer;
  if (call.target == "/fails") throw std::runtime_error("a defect");
  if (call.target == "/pieces")
    answer.source = std::make_unique<Pieces>(std::vector<std::string>{"one ", "two"}, false);
  if (call.target == "/endless") answer.source = std::make_unique<Endless>();
  if (call.target == "/cut") answer.source = std::make_unique<Pieces>(std::vector<std::string>{"one"}, true);
  answer.headers.push_back({"Content-Type", "text/plain"});
  answer.body = call.method + " " + call.target + " " + call.address + " [" + call.body + "]";
  if (call.target == "/secure") answer.body = call.secure ? "secure" : "open";
  if (call.target == "/long") answer.body = std::string(5'000, 'x');
  co_return answer;
}

class HttpServerTest : public ::testing::Test {
 protected:
  void start(HttpServerLimits limits = {}, HttpListen where = {}) {
    listener_.emplace(loop_.get_executor(), clock_, where, limits, echo, refusal_);
    ASSERT_EQ(listener_->open(), "");
    tasks_.spawn(listener_->run());
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~HttpServerTest() override {
    if (!thread_.joinable()) return;
    asio::post(loop_, [this] { tasks_.cancel(); });
    thread_.join();
  }

  tcp::socket connect() {
    tcp::socket socket(client_);
    socket.connect({asio::ip::make_address("127.0.0.1"), listener_->port()});
    return socket;
  }
  // Everything up to the end of the connection.
  static std::string rest(tcp::socket& socket) {
    std::string text;
    std::array<char, 4096> buffer{};
    boost::system::error_code error;
    while (!error) text.append(buffer.data(), socket.read_some(asio::buffer(buffer), error));
    return text;
  }
  std::string ask(std::string_view bytes) {
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(bytes));
    return rest(socket);
  }
  HttpServerStatus status() {
    std::promise<HttpServerStatus> got;
    asio::post(loop_, [&] { got.set_value(listener_->status()); });
    return got.get_future().get();
  }
  static std::string line_of(const std::string& answer) { return answer.substr(0, answer.find('\r')); }
  static std::string request(std::string_view line, std::string_view headers = "", std::string_view body = "") {
    return std::string(line) + "\r\n" + std::string(kHost) + "Connection: close\r\n" + std::string(headers) + "\r\n" +
           std::string(body);
  }

  asio::io_context loop_;
  asio::io_context client_;
  SystemClock clock_;
  TaskGroup tasks_{loop_.get_executor()};
  HttpRefusal refusal_ = plain_refusal;
  std::optional<HttpListener> listener_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  start();
  tcp::socket socket = connect();
  const std::string two =
      "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n" + request("POST /d HTTP/1.1", "Content-Length: 3\r\n", "xyz");
  asio::write(socket, asio::buffer(two));
  const std::string answers = rest(socket);
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << answers;
  EXPECT_NE(answers.find("GET /a?b=c 127.0.0.1 []HTTP/1.1 200 OK"), std::string::npos) << answers;
  EXPECT_NE(answers.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answers.ends_with("POST /d 127.0.0.1 [xyz]")) << answers;
  EXPECT_EQ(status().requests, 2U);
}

TEST_F(HttpServerTest, ReadsChunkedBodiesAndWritesChunks) {
  start();
  const std::string answer =
      ask(request("POST /p HTTP/1.1", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  EXPECT_TRUE(answer.ends_with("POST /p 127.0.0.1 [abcde]")) << answer;
  const std::string pieces = ask(request("GET /pieces HTTP/1.1"));
  EXPECT_TRUE(pieces.ends_with("Transfer-Encoding: chunked\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n")) << pieces;
  const std::string old = ask("GET /pieces HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.ends_with("\r\n\r\none two")) << old;
}

TEST_F(HttpServerTest, CutsAnAnswerOffThatCannotBeFinished) {
  start();
  const std::string cut = ask(request("GET /cut HTTP/1.1"));
  EXPECT_TRUE(cut.ends_with("3\r\none\r\n")) << cut;
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  start();
  const std::string answer = ask(request("HEAD /long HTTP/1.1"));
  EXPECT_NE(answer.find("Content-Length: 5000\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, CompressesForWhoAcceptsIt) {
  start();
  const std::string packed = ask(request("GET /long HTTP/1.1", "Accept-Encoding: br, gzip;q=0.5\r\n"));
  EXPECT_NE(packed.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(packed.find("Vary: Accept-Encoding\r\n"), std::string::npos);
  EXPECT_LT(packed.size(), 1'000U);
  const std::string plain = ask(request("GET /long HTTP/1.1", "Accept-Encoding: gzip;q=0\r\n"));
  EXPECT_EQ(plain.find("Content-Encoding"), std::string::npos);
}

TEST_F(HttpServerTest, SurvivesAHandlerThatFails) {
  start();
  EXPECT_EQ(line_of(ask(request("GET /fails HTTP/1.1"))), "HTTP/1.1 500 Internal Server Error");
  EXPECT_EQ(line_of(ask(request("GET / HTTP/1.1"))), "HTTP/1.1 200 OK");
  EXPECT_EQ(status().failures, 1U);
}

TEST_F(HttpServerTest, RefusesWhatTwoReadersCouldUnderstandInTwoWays) {
  start();
  const std::pair<std::string_view, std::string> shapes[] = {
      {"both lengths",
       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"},
      {"a list of lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc"},
      {"a signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc"},
      {"a length beyond 64 bits", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nabc"},
      {"another encoding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
      {"an encoding twice",
       "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"an encoding with a tab in it",
       "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0b"
       "chunked\r\n\r\n0\r\n\r\n"},
      {"a blank before the colon", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
      {"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"a folded line", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"},
      {"a bare line feed", "GET / HTTP/1.1\nHost: x\r\n\r\n"},
      {"a bare carriage return", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n"},
      {"a zero byte", std::string("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 35)},
      {"no host", "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
      {"a blank in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a target that is no path", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a header without a colon", "GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n"},
      {"no request at all", "\x16\x03\x01\x02\r\n\r\n"},
      {"a wrong chunk", request("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n")},
  };
  std::uint64_t refused = 0;
  for (const auto& [what, bytes] : shapes) {
    const std::string answer = ask(bytes);
    EXPECT_EQ(line_of(answer), "HTTP/1.1 400 Bad Request") << what << ": " << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << what;
    EXPECT_EQ(answer.find("HTTP/1.1", 10), std::string::npos) << what << " was read as two requests";
    EXPECT_EQ(status().malformed, ++refused) << what;
  }
  EXPECT_EQ(status().requests, 0U);
}

TEST_F(HttpServerTest, HoldsItsLimits) {
  start({.header_bytes_max = 1'000, .body_bytes_max = 100});
  EXPECT_EQ(line_of(ask(request("GET / HTTP/1.1", "A: " + std::string(2'000, 'a') + "\r\n"))),
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(line_of(ask(request("GET / HTTP/1.1", "A: " + std::string(900, 'a') + "\r\n"))), "HTTP/1.1 200 OK");
  EXPECT_EQ(line_of(ask(request("POST / HTTP/1.1", "Content-Length: 101\r\n", std::string(101, 'a')))),
            "HTTP/1.1 413 Payload Too Large");
  std::string chunks;
  for (int i = 0; i < 11; ++i) chunks += "a\r\n0123456789\r\n";
  EXPECT_EQ(line_of(ask(request("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n", chunks + "0\r\n\r\n"))),
            "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(line_of(ask("GET / HTTP/3.0\r\nHost: x\r\n\r\n")), "HTTP/1.1 505 HTTP Version Not Supported");
}

TEST_F(HttpServerTest, RefusesInTheWordsOfItsOwner) {
  refusal_ = [](int status, std::string_view why, bool secure) {
    return HttpAnswer{.status = status,
                      .headers = {{"Content-Type", "application/problem+json"}},
                      .body = std::string(secure ? "secure" : "plain") + " <" + std::string(why) + ">"};
  };
  HttpServerLimits limits;
  limits.header_bytes_max = 1'000;
  limits.body_bytes_max = 100;
  start(limits);
  const std::string no_host = ask("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(line_of(no_host), "HTTP/1.1 400 Bad Request");
  EXPECT_NE(no_host.find("plain <not one Host>"), std::string::npos) << no_host;
  const std::string long_head = ask(request("GET / HTTP/1.1", "X: " + std::string(1'000, 'x') + "\r\n"));
  EXPECT_EQ(line_of(long_head), "HTTP/1.1 431 Request Header Fields Too Large");
  const std::string long_body = ask(request("POST / HTTP/1.1", "Content-Length: 101\r\n", std::string(101, 'x')));
  EXPECT_EQ(line_of(long_body), "HTTP/1.1 413 Payload Too Large");
  const std::string failed = ask(request("GET /fails HTTP/1.1"));
  EXPECT_EQ(line_of(failed), "HTTP/1.1 500 Internal Server Error");
  for (const std::string& answer : {no_host, long_head, long_body, failed}) {
    EXPECT_NE(answer.find("Content-Type: application/problem+json\r\n"), std::string::npos) << answer;
  }
}

TEST_F(HttpServerTest, LeavesClientsThatAreTooSlow) {
  start({.header_within = 100ms, .body_within = 100ms, .idle_max = 100ms});
  tcp::socket header = connect();
  asio::write(header, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: ")));
  EXPECT_EQ(rest(header), "");
  tcp::socket silent = connect();
  EXPECT_EQ(rest(silent), "");
  tcp::socket body = connect();
  asio::write(body, asio::buffer(std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")));
  EXPECT_EQ(rest(body), "");
  tcp::socket idle = connect();
  asio::write(idle, asio::buffer(std::string("GET /i HTTP/1.1\r\nHost: x\r\n\r\n")));
  EXPECT_TRUE(rest(idle).ends_with("GET /i 127.0.0.1 []"));  // and the connection ends
  EXPECT_EQ(status().timeouts, 4U);
  EXPECT_EQ(status().connections, 0U);
}

TEST_F(HttpServerTest, LeavesClientsThatDoNotRead) {
  start({.write_within = 200ms});
  tcp::socket socket = connect();
  asio::write(socket, asio::buffer(request("GET /endless HTTP/1.1")));
  HttpServerStatus now;
  asio::steady_timer pause(client_);
  for (int i = 0; i < 500 && now.timeouts == 0; ++i) {
    pause.expires_after(20ms);
    pause.wait();
    now = status();
  }
  EXPECT_EQ(now.timeouts, 1U);
  EXPECT_EQ(now.connections, 0U);
}

TEST_F(HttpServerTest, ASlowHeaderDoesNotLiveLongerByAByteNowAndThen) {
  start({.header_within = 200ms});
  tcp::socket socket = connect();
  boost::system::error_code error;
  int bytes = 0;
  for (asio::steady_timer pause(client_, 20ms); !error && bytes < 500; ++bytes) {
    asio::write(socket, asio::buffer(std::string("G")), error);
    pause.expires_after(20ms);
    pause.wait();
  }
  EXPECT_LT(bytes, 200);
  EXPECT_EQ(status().timeouts, 1U);
}

TEST_F(HttpServerTest, ClosesConnectionsBeyondItsLimit) {
  start({.connections_of_address_max = 2});
  tcp::socket one = connect();
  tcp::socket two = connect();
  asio::write(one, asio::buffer(std::string("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n")));
  std::array<char, 8> some{};
  one.read_some(asio::buffer(some));
  tcp::socket three = connect();
  EXPECT_EQ(rest(three), "");
  EXPECT_EQ(status().refused, 1U);
  asio::write(two, asio::buffer(request("GET /2 HTTP/1.1")));
  EXPECT_TRUE(rest(two).ends_with("GET /2 127.0.0.1 []"));
}

TEST_F(HttpServerTest, BelievesAProxyWhereOneIsConfigured) {
  start({}, {.behind_proxy = true});
  const std::string answer = ask(request("GET / HTTP/1.1", "X-Forwarded-For: 203.0.113.9, 192.0.2.7\r\n"));
  EXPECT_TRUE(answer.ends_with("GET / 192.0.2.7 []")) << answer;
}

// Some proxies add a line behind that of the client.
TEST_F(HttpServerTest, BelievesOnlyWhatTheProxyItselfAdded) {
  start({}, {.behind_proxy = true});
  const std::string lines = "X-Forwarded-For: 10.0.0.1\r\nX-Other: 1\r\nX-Forwarded-For: 203.0.113.9,\t192.0.2.7\t\r\n";
  const std::string answer = ask(request("GET / HTTP/1.1", lines));
  EXPECT_TRUE(answer.ends_with("GET / 192.0.2.7 []")) << answer;
  const std::string unknown = ask(request("GET / HTTP/1.1", "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For:\r\n"));
  EXPECT_TRUE(unknown.ends_with("GET / 127.0.0.1 []")) << unknown;
}

TEST_F(HttpServerTest, BelievesTheProxyAloneAboutTls) {
  start({}, {.behind_proxy = true});
  const auto is_secure = [this](const std::string& lines) {
    return ask(request("GET /secure HTTP/1.1", lines)).ends_with("secure");
  };
  EXPECT_TRUE(is_secure("X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n"));
  EXPECT_FALSE(is_secure("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n"));
  EXPECT_FALSE(is_secure("X-Forwarded-Proto: https, http\r\n"));
}

TEST_F(HttpServerTest, BelievesNobodyElse) {
  start();
  const std::string answer = ask(request("GET / HTTP/1.1", "X-Forwarded-For: 192.0.2.7\r\n"));
  EXPECT_TRUE(answer.ends_with("GET / 127.0.0.1 []")) << answer;
}

TEST_F(HttpServerTest, UnderstandsAnAbsoluteTarget) {
  start();
  EXPECT_TRUE(ask(request("GET http://x/a HTTP/1.1")).ends_with("GET /a 127.0.0.1 []"));
}

TEST(HttpListener, SaysWhyItCannotListen) {
  asio::io_context loop;
  SystemClock clock;
  HttpListener one(loop.get_executor(), clock, {}, {}, echo);
  ASSERT_EQ(one.open(), "");
  HttpListener two(loop.get_executor(), clock, {.port = one.port()}, {}, echo);
  EXPECT_EQ(two.open(), "cannot listen on 127.0.0.1:" + std::to_string(one.port()) + ": Address already in use");
  HttpListener tls(loop.get_executor(), clock, {.certificate_file = "/nowhere.pem", .key_file = "/nowhere.key"}, {},
                   echo);
  EXPECT_EQ(tls.open(), "cannot read a certificate from /nowhere.pem: No such file or directory");
}

class Certificate : public ::testing::Test {
 protected:
  Certificate() { put(make("EC", kFirst)); }

  std::filesystem::path make(const std::string& kind, std::time_t expires) {
    const auto base = directory_.path() / ("made-" + std::to_string(++made_));
    testing::write_certificate(base, kind, expires);
    return base;
  }
  // As a renewal does; times of files may be coarser than a test is slow.
  void put_file(const std::string& from, const char* to) {
    std::filesystem::copy_file(from, directory_.path() / to, std::filesystem::copy_options::overwrite_existing);
    written_ += 1s;
    std::filesystem::last_write_time(directory_.path() / to, written_);
  }
  void put(const std::filesystem::path& base) {
    put_file(base.string() + ".pem", "site.pem");
    put_file(base.string() + ".key", "site.key");
  }
  HttpServerStatus refreshed() {
    listener_.refresh_certificate();
    return listener_.status();
  }

  static constexpr std::time_t kFirst = 2'000'000'000;
  static constexpr std::time_t kSecond = 2'100'000'000;
  TemporaryDirectory directory_;
  int made_ = 0;
  std::filesystem::file_time_type written_ = std::filesystem::file_time_type::clock::now();
  asio::io_context loop_;
  SystemClock clock_;
  HttpListener listener_{loop_.get_executor(),
                         clock_,
                         {.certificate_file = (directory_.path() / "site.pem").string(),
                          .key_file = (directory_.path() / "site.key").string()},
                         {},
                         echo};
};

TEST_F(Certificate, IsTakenUpWhenItIsRenewed) {
  ASSERT_EQ(listener_.open(), "");
  EXPECT_EQ(refreshed().tls_expires, WallTime(std::chrono::seconds(kFirst)));
  EXPECT_EQ(refreshed().tls_reloads, 0U);
  put(make("RSA", kSecond));
  const HttpServerStatus status = refreshed();
  EXPECT_EQ(status.tls_reloads, 1U);
  EXPECT_EQ(status.tls_reload_failures, 0U);
  EXPECT_EQ(status.tls_trouble, "");
  EXPECT_EQ(status.tls_expires, WallTime(std::chrono::seconds(kSecond)));
}

TEST_F(Certificate, IsKeptWhereTheNextOneIsNone) {
  ASSERT_EQ(listener_.open(), "");
  const auto garbage = directory_.path() / "garbage";
  std::ofstream(garbage) << "no certificate";
  put_file(garbage, "site.pem");
  for (int look = 0; look < 2; ++look) {
    const HttpServerStatus status = refreshed();
    EXPECT_EQ(status.tls_reload_failures, 1U) << "counted once";
    EXPECT_EQ(status.tls_reloads, 0U);
    EXPECT_NE(status.tls_trouble.find("cannot read a certificate from "), std::string::npos) << status.tls_trouble;
    EXPECT_EQ(status.tls_expires, WallTime(std::chrono::seconds(kFirst)));
  }
  put(make("EC", kSecond));
  EXPECT_EQ(refreshed().tls_reloads, 1U);
  EXPECT_EQ(refreshed().tls_trouble, "");
}

TEST_F(Certificate, IsKeptWhereTheKeyIsThatOfAnother) {
  ASSERT_EQ(listener_.open(), "");
  std::uint64_t failures = 0;
  for (const char* kind : {"EC", "RSA"}) {
    put_file(make(kind, kSecond).string() + ".key", "site.key");
    const HttpServerStatus status = refreshed();
    EXPECT_EQ(status.tls_reload_failures, ++failures) << kind;
    EXPECT_NE(status.tls_trouble.find("site.key"), std::string::npos) << kind << ": " << status.tls_trouble;
    EXPECT_EQ(status.tls_expires, WallTime(std::chrono::seconds(kFirst))) << kind;
  }
}

TEST(HttpHead, AcceptsWhatBrowsersSend) {
  EXPECT_EQ(
      objection_to_head("GET /a?b HTTP/1.1\r\nHost: localhost:8080\r\nAccept: */*\r\nCookie: a=b; c=\"d\"\r\n\r\n"),
      "");
  EXPECT_EQ(objection_to_head("GET / HTTP/1.0\r\n\r\n"), "");
  EXPECT_EQ(objection_to_head("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: Chunked\r\n\r\n"), "");
}

}  // namespace
}  // namespace carbongate::io
