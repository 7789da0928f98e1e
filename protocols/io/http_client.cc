#include "protocols/io/http_client.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/system/system_error.hpp>
#include <optional>
#include <utility>

#include "protocols/io/address_order.h"
#include "protocols/io/errors_as_values.h"
#include "protocols/io/resolve.h"
#include "protocols/io/tls.h"

namespace carbongate::io {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

using Request = http::request<http::string_body>;
constexpr std::size_t kHeaderBytesMax = 32 * 1024;

// Either kind of connection. `context` outlives `tls`.
struct Connection {
  std::optional<TlsContext> context;
  std::optional<beast::ssl_stream<beast::tcp_stream>> tls;
  std::optional<beast::tcp_stream> plain;
  beast::flat_buffer buffer;

  beast::tcp_stream& lowest() { return tls ? tls->next_layer() : *plain; }
};

// What one attempt over one connection came to.
struct Attempt {
  std::optional<HttpResponse> response;
  bool reusable = false;  // the server keeps the connection open
  bool stale = false;     // the connection broke before anything of an answer came
  HttpFailure failure;
};

bool is_broken_pipe(const error_code& ec) {
  return ec == asio::error::broken_pipe || ec == asio::error::connection_reset || ec == asio::error::eof ||
         ec == asio::error::connection_aborted || ec == http::error::end_of_stream ||
         ec == asio::ssl::error::stream_truncated;
}

// RFC 9110, 15.2: the answer comes behind it. 101 was not asked for, and is the last that is HTTP.
bool is_interim(unsigned status) {
  return status >= 100 && status < 200 && status != 101;
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  const auto found = std::ranges::find_if(headers, [&](const HttpHeader& h) { return beast::iequals(h.name, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

class HttpClient::Impl {
 public:
  Impl(asio::any_io_executor executor, HttpServer server, HttpLimits limits)
      : executor_(std::move(executor)), resolver_(executor_), server_(std::move(server)), limits_(limits) {
    const bool v6 = server_.host.find(':') != std::string::npos;
    where_ = (v6 ? "[" + server_.host + "]" : server_.host) + ":" + std::to_string(server_.port);
  }

  asio::awaitable<HttpResult<HttpResponse>> send(http::verb method, HttpRequest request) {
    if (request.body.size() > limits_.request_bytes_max) {
      co_return HttpFailure{make_error_code(boost::system::errc::message_size),
                            "a request of " + std::to_string(request.body.size()) + " bytes is above the limit of " +
                                std::to_string(limits_.request_bytes_max)};
    }
    const Request message = prepare(method, std::move(request));
    asio::steady_timer deadline(executor_, limits_.timeout);  // never awaited: it holds the moment

    // Leaves no half-used connection behind, however this coroutine ends.
    struct Guard {
      std::unique_ptr<Connection>& connection;
      bool keep = false;
      ~Guard() {
        if (!keep) connection.reset();
      }
    } guard{connection_};

    while (true) {
      if (connection_ && has_unasked()) connection_.reset();
      const bool reused = connection_ != nullptr;
      if (!reused) {
        if (auto failure = co_await connect(deadline.expiry())) co_return std::move(*failure);
      }
      connection_->lowest().expires_at(deadline.expiry());
      Attempt attempt = connection_->tls ? co_await exchange(*connection_->tls, message)
                                         : co_await exchange(*connection_->plain, message);
      if (attempt.stale && reused) {
        connection_.reset();
        continue;
      }
      if (!attempt.response) co_return std::move(attempt.failure);
      if (attempt.reusable) {
        connection_->lowest().expires_never();
        guard.keep = true;
      }
      co_return std::move(*attempt.response);
    }
  }

  std::uint64_t connects() const { return connects_; }

 private:
  Request prepare(http::verb method, HttpRequest request) const {
    Request message(method, request.target, 11);
    const bool default_port = server_.port == (server_.tls ? 443 : 80);
    message.set(http::field::host, default_port ? where_.substr(0, where_.rfind(':')) : where_);
    message.set(http::field::user_agent, "carbongate");
    for (const HttpHeader& header : request.headers) message.set(header.name, header.value);
    message.body() = std::move(request.body);
    message.prepare_payload();
    return message;
  }

  // What came on a connection at rest would be taken for the answer to the next request (RFC 9112, 9.2).
  bool has_unasked() const {
    if (connection_->tls) {
      SSL* const tls = connection_->tls->native_handle();
      if (SSL_has_pending(tls) != 0 || BIO_pending(SSL_get_rbio(tls)) > 0) return true;
    }
    error_code ec;
    return connection_->lowest().socket().available(ec) != 0 || ec;
  }

  HttpFailure failed(const std::string& what, const error_code& ec) const {
    if (ec == beast::error::timeout || ec == asio::error::timed_out) {
      return {make_error_code(boost::system::errc::timed_out),
              what + where_ + ": no answer within " + std::to_string(limits_.timeout.count()) + " ms"};
    }
    return {ec, what + where_ + ": " + ec.message()};
  }

  // nullopt: connection_ is open.
  asio::awaitable<std::optional<HttpFailure>> connect(asio::steady_timer::time_point deadline) {
    error_code ec;
    Resolver::Endpoints endpoints = co_await resolver_.resolve(server_.host, server_.port, deadline, ec);
    if (ec) co_return failed("cannot find ", ec);
    order_.arrange(endpoints);

    auto fresh = std::make_unique<Connection>();
    if (server_.tls) {
      fresh->context.emplace(make_tls_client_context(server_.ca_file));
      if (fresh->context->error) co_return HttpFailure{fresh->context->error, fresh->context->text};
      fresh->tls.emplace(executor_, fresh->context->context);
    } else {
      fresh->plain.emplace(executor_);
    }
    fresh->lowest().expires_at(deadline);
    ++connects_;
    co_await fresh->lowest().async_connect(endpoints, into(ec));
    co_await rethrow_if_cancelled();
    if (ec == beast::error::timeout) order_.failed();
    if (ec) co_return failed("cannot connect to ", ec);
    fresh->lowest().socket().set_option(tcp::no_delay(true), ec);

    if (fresh->tls) {
      SSL* stream = fresh->tls->native_handle();
      expect_server(stream, server_.host);
      co_await fresh->tls->async_handshake(asio::ssl::stream_base::client, into(ec));
      co_await rethrow_if_cancelled();
      if (ec == beast::error::timeout) {
        order_.failed();
        co_return failed("no TLS with ", ec);
      }
      if (ec) co_return HttpFailure{ec, "no TLS with " + where_ + ": " + describe_handshake_error(stream, ec)};
    }
    connection_ = std::move(fresh);
    co_return std::nullopt;
  }

  template <class Stream>
  asio::awaitable<Attempt> exchange(Stream& stream, const Request& message) {
    Attempt attempt;
    error_code written;
    co_await http::async_write(stream, message, into(written));
    co_await rethrow_if_cancelled();
    if (written && !is_broken_pipe(written)) {
      attempt.failure = failed("", written);
      co_return attempt;
    }
    // A server that refuses a body may answer and close before it has read all of it: look for the answer in any case.
    std::optional<http::response_parser<http::buffer_body>> reader;
    error_code ec;
    bool has_interim = false;
    while (true) {
      reader.emplace();
      reader->header_limit(kHeaderBytesMax);
      reader->body_limit(boost::none);  // read_body() has its own
      co_await http::async_read_header(stream, connection_->buffer, *reader, into(ec));
      co_await rethrow_if_cancelled();
      if (ec || !is_interim(reader->get().result_int())) break;
      has_interim = true;
    }
    auto& parser = *reader;
    if (ec) {
      attempt.stale = is_broken_pipe(ec) && !has_interim && !parser.got_some();
      attempt.failure = is_broken_pipe(ec)
                            ? HttpFailure{ec, where_ + ": the server closed the connection without an answer"}
                            : failed("", ec);
      co_return attempt;
    }
    HttpResponse response;
    response.status = parser.get().result_int();
    for (const auto& field : parser.get()) {
      response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    }
    co_await read_body(stream, parser, response, ec);
    if (ec) {
      attempt.failure = failed("", ec);
      co_return attempt;
    }
    // What is left over would be taken for the answer to the next request.
    const bool is_over = connection_->buffer.size() == 0;
    attempt.reusable = !written && !response.body_cut && is_over && message.keep_alive() && parser.get().keep_alive();
    attempt.response = std::move(response);
    co_return attempt;
  }

  // Reads until the end of the body or response_bytes_max, whichever comes first.
  template <class Stream, class Parser>
  asio::awaitable<void> read_body(Stream& stream, Parser& parser, HttpResponse& response, error_code& ec) {
    std::array<char, 4096> chunk;
    while (!parser.is_done()) {
      auto& body = parser.get().body();
      body.data = chunk.data();
      body.size = chunk.size();
      co_await http::async_read(stream, connection_->buffer, parser, into(ec));
      co_await rethrow_if_cancelled();
      if (ec == http::error::need_buffer) ec = {};
      if (ec) co_return;
      const std::size_t room = limits_.response_bytes_max - response.body.size();
      const std::size_t got = chunk.size() - body.size;
      response.body.append(chunk.data(), std::min(got, room));
      if (got > room) {
        response.body_cut = true;
        co_return;
      }
    }
  }

  asio::any_io_executor executor_;
  Resolver resolver_;
  AddressOrder<tcp::endpoint> order_;
  HttpServer server_;
  HttpLimits limits_;
  std::string where_;  // "127.0.0.1:8428"
  std::unique_ptr<Connection> connection_;
  std::uint64_t connects_ = 0;
};

HttpClient::HttpClient(asio::any_io_executor executor, HttpServer server, HttpLimits limits)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(server), limits)) {}

HttpClient::~HttpClient() = default;

asio::awaitable<HttpResult<HttpResponse>> HttpClient::post(HttpRequest request) {
  return impl_->send(http::verb::post, std::move(request));
}

asio::awaitable<HttpResult<HttpResponse>> HttpClient::get(HttpRequest request) {
  return impl_->send(http::verb::get, std::move(request));
}

std::uint64_t HttpClient::connects() const {
  return impl_->connects();
}

}  // namespace carbongate::io
