#include "protocols/io/http_client.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "tests/support/scripted_http_peer.h"

namespace carbongate::io {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// A client and a scripted peer on one loop, over a loopback socket.
class HttpClientTest : public ::testing::Test {
 protected:
  HttpClient make_client(HttpLimits limits = {}) {
    return HttpClient(loop_.get_executor(), {.host = "127.0.0.1", .port = peer_.port()}, limits);
  }

  HttpResult<HttpResponse> post(HttpClient& client, std::string body = "hello") {
    std::optional<HttpResult<HttpResponse>> result;
    asio::co_spawn(loop_, client.post({"/write?db=x", {{"X-Extra", "1"}}, std::move(body)}),
                   [&](std::exception_ptr error, HttpResult<HttpResponse> got) {
                     if (error) std::rethrow_exception(error);
                     result = std::move(got);
                   });
    run_until([&] { return result.has_value(); });
    return std::move(*result);
  }

  HttpResult<HttpResponse> get(HttpClient& client, std::vector<HttpHeader> headers = {}) {
    std::optional<HttpResult<HttpResponse>> result;
    asio::co_spawn(loop_, client.get({"/now?zone=CN", std::move(headers), ""}),
                   [&](std::exception_ptr error, HttpResult<HttpResponse> got) {
                     if (error) std::rethrow_exception(error);
                     result = std::move(got);
                   });
    run_until([&] { return result.has_value(); });
    return std::move(*result);
  }

  template <class Condition>
  void run_until(Condition condition) {
    loop_.restart();
    while (!condition() && loop_.run_one_for(5s) != 0) {
    }
    ASSERT_TRUE(condition());
  }

  asio::io_context loop_;
  testing::ScriptedHttpPeer peer_{loop_.get_executor()};
};

TEST_F(HttpClientTest, SendsTheRequestAndReadsTheAnswer) {
  peer_.answer(418, "teapot", "Retry-After: 7\r\n");
  HttpClient client = make_client();
  const auto response = post(client, "line 1\nline 2\n");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 418);
  EXPECT_EQ(response->body, "teapot");
  EXPECT_EQ(response->header("retry-after"), "7");
  EXPECT_EQ(response->header("absent"), "");
  ASSERT_EQ(peer_.requests().size(), 1U);
  const auto& request = peer_.requests()[0];
  EXPECT_TRUE(request.head.starts_with("POST /write?db=x HTTP/1.1\r\n")) << request.head;
  EXPECT_NE(request.head.find("Host: 127.0.0.1:" + std::to_string(peer_.port()) + "\r\n"), std::string::npos);
  EXPECT_NE(request.head.find("X-Extra: 1\r\n"), std::string::npos);
  EXPECT_EQ(request.body, "line 1\nline 2\n");
}

TEST_F(HttpClientTest, GetsWithoutABody) {
  peer_.answer(200, R"({"intensity":302})");
  HttpClient client = make_client();
  const auto response = get(client, {{"Accept", "application/json"}});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, R"({"intensity":302})");
  const auto& request = peer_.requests().at(0);
  EXPECT_TRUE(request.head.starts_with("GET /now?zone=CN HTTP/1.1\r\n")) << request.head;
  EXPECT_NE(request.head.find("Accept: application/json\r\n"), std::string::npos);
  EXPECT_EQ(request.head.find("Content-Length"), std::string::npos);
}

TEST_F(HttpClientTest, KeepsNoConnectionThatItWasToldToClose) {
  HttpClient client = make_client();
  for (int i = 0; i < 2; ++i) {
    peer_.answer(200, "{}");  // of a server that would keep it
    EXPECT_TRUE(get(client, {{"Connection", "close"}}));
  }
  EXPECT_EQ(client.connects(), 2U);
}

TEST_F(HttpClientTest, RefusesHeadersWithoutAnEnd) {
  HttpClient client = make_client();
  peer_.raw("HTTP/1.1 200 OK\r\nX-Long: " + std::string(40'000, 'x'));
  EXPECT_FALSE(get(client));
}

TEST_F(HttpClientTest, KeepsItsConnectionBetweenRequests) {
  HttpClient client = make_client();
  for (int i = 0; i < 3; ++i) {
    peer_.answer(204);
    EXPECT_TRUE(post(client));
  }
  EXPECT_EQ(client.connects(), 1U);
}

TEST_F(HttpClientTest, SendsAgainWhenTheServerClosedTheKeptConnection) {
  HttpClient client = make_client();
  peer_.answer(204);
  EXPECT_TRUE(post(client));
  peer_.close();
  peer_.answer(200, "second time");
  const auto response = post(client);
  ASSERT_TRUE(response) << response.error().text;
  EXPECT_EQ(response->body, "second time");
  EXPECT_EQ(client.connects(), 2U);
}

TEST_F(HttpClientTest, DoesNotSendForEverToAServerThatNeverAnswers) {
  HttpClient client = make_client();
  peer_.close();
  const auto response = post(client);
  ASSERT_FALSE(response);
  EXPECT_NE(response.error().text.find("closed the connection without an answer"), std::string::npos);
  EXPECT_EQ(client.connects(), 1U);
}

TEST_F(HttpClientTest, OpensANewConnectionWhenTheServerSaysSo) {
  HttpClient client = make_client();
  peer_.raw_and_close("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(post(client));
  peer_.answer(204);
  EXPECT_TRUE(post(client));
  EXPECT_EQ(client.connects(), 2U);
}

TEST_F(HttpClientTest, TakesNothingLeftOverForTheNextAnswer) {
  HttpClient client = make_client();
  peer_.raw_and_close(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
  EXPECT_EQ(post(client)->body, "ok");
  peer_.answer(200, "second");
  EXPECT_EQ(post(client)->body, "second");
}

TEST_F(HttpClientTest, TakesNothingUnaskedForTheNextAnswer) {
  HttpClient client = make_client();
  peer_.answer(200, "first");
  EXPECT_EQ(post(client)->body, "first");
  peer_.say_unasked("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
  peer_.answer(503, "second");
  EXPECT_EQ(post(client)->body, "second");
  EXPECT_EQ(client.connects(), 2U);
}

TEST_F(HttpClientTest, WaitsForTheAnswerBehindAnInterimOne) {
  HttpClient client = make_client();
  peer_.raw(
      "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
      "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nlate");
  const auto response = post(client);
  EXPECT_EQ(response->status, 503);
  EXPECT_EQ(response->body, "late");
  EXPECT_EQ(response->header("Link"), "");
  peer_.answer(204);
  EXPECT_EQ(post(client)->status, 204);
  EXPECT_EQ(client.connects(), 1U) << "nothing is left over";
}

TEST_F(HttpClientTest, ReadsChunkedAndUndelimitedBodies) {
  HttpClient client = make_client();
  peer_.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(post(client)->body, "abcde");
  peer_.raw_and_close("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  EXPECT_EQ(post(client)->body, "until the end");
}

TEST_F(HttpClientTest, CutsAnAnswerThatIsTooLongAndDropsTheConnection) {
  HttpClient client = make_client({.response_bytes_max = 10'000});
  peer_.answer(500, std::string(1'000'000, 'x'));
  const auto response = post(client);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 500);
  EXPECT_EQ(response->body.size(), 10'000U);
  EXPECT_TRUE(response->body_cut);
  peer_.answer(204);
  EXPECT_TRUE(post(client));
  EXPECT_EQ(client.connects(), 2U);
}

TEST_F(HttpClientTest, RefusesARequestThatIsTooLong) {
  HttpClient client = make_client({.request_bytes_max = 10});
  const auto response = post(client, std::string(11, 'x'));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, boost::system::errc::message_size);
  EXPECT_EQ(client.connects(), 0U);
}

TEST_F(HttpClientTest, GivesUpAtTheDeadline) {
  HttpClient client = make_client({.timeout = 30ms});
  const auto response = post(client);  // the script is empty: no answer
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, boost::system::errc::timed_out);
  EXPECT_NE(response.error().text.find("no answer within 30 ms"), std::string::npos) << response.error().text;
}

TEST_F(HttpClientTest, SaysWhereItCouldNotConnect) {
  const std::uint16_t nobody = peer_.port();
  HttpClient client(loop_.get_executor(), {.host = "127.0.0.2", .port = nobody});
  const auto response = post(client);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().text, "cannot connect to 127.0.0.2:" + std::to_string(nobody) + ": Connection refused");
}

TEST_F(HttpClientTest, ResolvesNames) {
  HttpClient client(loop_.get_executor(), {.host = "localhost", .port = peer_.port()});
  peer_.answer(204);
  const auto response = post(client);
  EXPECT_TRUE(response) << response.error().text;
}

TEST_F(HttpClientTest, SaysThatAnAnswerIsNotHttp) {
  HttpClient client = make_client();
  peer_.raw("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  EXPECT_FALSE(post(client));
}

TEST_F(HttpClientTest, IsFitForTheNextRequestAfterCancellation) {
  HttpClient client = make_client();
  asio::cancellation_signal signal;
  bool aborted = false;
  asio::co_spawn(loop_, client.post({"/", {}, "x"}),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr error, const auto&) {
                   try {
                     if (error) std::rethrow_exception(error);
                   } catch (const boost::system::system_error& e) {
                     aborted = e.code() == asio::error::operation_aborted;
                   }
                 }));
  run_until([&] { return peer_.requests().size() == 1; });
  signal.emit(asio::cancellation_type::terminal);
  run_until([&] { return aborted; });
  peer_.answer(204);
  EXPECT_TRUE(post(client));
}

}  // namespace
}  // namespace carbongate::io
