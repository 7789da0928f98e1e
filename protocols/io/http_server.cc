#include "protocols/io/http_server.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/system/system_error.hpp>
#include <ctime>
#include <exception>
#include <map>
#include <utility>

#include "protocols/io/errors_as_values.h"
#include "protocols/io/http_head.h"
#include "protocols/io/served_certificate.h"
#include "protocols/io/task_group.h"
#include "protocols/wire/gzip.h"

namespace carbongate::io {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;   // of an answer, written at once
constexpr std::size_t kReadBytes = 8 * 1024;     // asked for at once
constexpr std::size_t kCompressBytesMin = 1024;  // below, what is saved is no packet

// "Sun, 06 Nov 1994 08:49:37 GMT": RFC 9110 section 5.6.7.
std::string http_date(WallTime at) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

template <class Headers>
std::string_view find_header(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find_if(headers, [&](const HttpHeader& h) { return beast::iequals(h.name, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

// What was added last to a header that each proxy adds to: the last element of the last line, for some add a line of
// their own. What stands before it anybody may have written.
std::string_view said_last(const std::vector<HttpHeader>& headers, std::string_view name) {
  const auto line =
      std::find_if(headers.rbegin(), headers.rend(), [&](const HttpHeader& h) { return beast::iequals(h.name, name); });
  if (line == headers.rend()) return {};
  std::string_view last = line->value;
  last.remove_prefix(last.rfind(',') + 1);  // npos + 1 is 0
  const std::size_t begin = last.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return last.substr(begin, last.find_last_not_of(" \t") + 1 - begin);
}

bool is_text(std::string_view type) {
  return type.starts_with("text/") || type.find("json") != std::string_view::npos ||
         type.find("yaml") != std::string_view::npos || type.find("xml") != std::string_view::npos ||
         type.find("javascript") != std::string_view::npos;
}

// What reading a request came to: the request, an answer that refuses it, or neither, when the client has left or was
// too slow.
struct Incoming {
  std::optional<HttpCall> call;
  std::optional<HttpAnswer> refusal;
  bool keep_alive = false;
  bool is_1_0 = false;
};

}  // namespace

std::string_view HttpCall::header(std::string_view name) const {
  return find_header(headers, name);
}

HttpAnswer plain_refusal(int status, std::string_view why, bool) {
  return {
      .status = status, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = std::string(why) + "\n"};
}

bool accepts_gzip(const HttpCall& call) {
  for (const auto& item : http::ext_list(call.header("Accept-Encoding"))) {
    if (!beast::iequals(item.first, "gzip")) continue;
    return std::ranges::none_of(item.second, [](const auto& parameter) {
      return beast::iequals(parameter.first, "q") && parameter.second.find_first_not_of("0.") == std::string_view::npos;
    });
  }
  return false;
}

class HttpListener::Impl {
 public:
  Impl(asio::any_io_executor executor, Clock& clock, HttpListen where, HttpServerLimits limits, HttpHandler handler,
       HttpRefusal refusal)
      : clock_(clock),
        where_(std::move(where)),
        limits_(limits),
        handler_(std::move(handler)),
        refusal_(std::move(refusal)),
        acceptor_(executor),
        pause_(executor),
        connections_(executor),
        certificate_(where_.certificate_file, where_.key_file) {}

  std::string open() {
    error_code ec;
    const auto address = asio::ip::make_address(where_.address, ec);
    if (ec) return "'" + where_.address + "' is no address";
    if (certificate_.is_used() && !certificate_.current()) return certificate_.trouble();
    const tcp::endpoint endpoint(address, where_.port);
    const std::string text =
        (address.is_v6() ? "[" + where_.address + "]" : where_.address) + ":" + std::to_string(where_.port);
    acceptor_.open(endpoint.protocol(), ec);
    if (ec == boost::system::errc::too_many_files_open || ec == boost::system::errc::too_many_files_open_in_system) {
      throw boost::system::system_error(ec);
    }
    if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    return ec ? "cannot listen on " + text + ": " + ec.message() : std::string();
  }

  std::uint16_t port() const {
    error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
  }

  asio::awaitable<void> run() {
    struct Closer {
      Impl& impl;
      ~Closer() {
        error_code ignored;
        impl.acceptor_.close(ignored);
        impl.connections_.cancel();
      }
    } closer{*this};
    while (true) {
      error_code ec;
      tcp::socket socket = co_await acceptor_.async_accept(into(ec));
      co_await rethrow_if_cancelled();
      if (ec) {  // of file descriptors there may be none left: a moment later there may be
        pause_.expires_after(100ms);
        co_await pause_.async_wait(into(ec));
        co_await rethrow_if_cancelled();
        continue;
      }
      ++status_.accepted;
      const auto peer = socket.remote_endpoint(ec);
      const std::string address = peer.address().to_string();
      if (ec || is_too_many(address)) {
        ++status_.refused;
        continue;
      }
      connections_.spawn(serve(std::move(socket), address));
    }
  }

  void refresh_certificate() {
    if (certificate_.is_used()) certificate_.current();
  }

  HttpServerStatus status() const {
    HttpServerStatus status = status_;
    status.connections = connections_.size();
    status.tls_reloads = certificate_.reloads();
    status.tls_reload_failures = certificate_.failures();
    status.tls_trouble = certificate_.trouble();
    status.tls_expires = certificate_.expires();
    return status;
  }

 private:
  bool is_too_many(const std::string& address) const {
    if (connections_.size() >= limits_.connections_max) return true;
    const auto known = by_address_.find(address);
    return !where_.behind_proxy && known != by_address_.end() && known->second >= limits_.connections_of_address_max;
  }

  asio::awaitable<void> serve(tcp::socket socket, std::string address) {
    struct Counted {
      std::map<std::string, std::size_t>& all;
      const std::string& address;
      Counted(std::map<std::string, std::size_t>& a, const std::string& b) : all(a), address(b) { ++all[address]; }
      ~Counted() {
        if (--all[address] == 0) all.erase(address);
      }
    } counted(by_address_, address);
    error_code ec;
    socket.set_option(tcp::no_delay(true), ec);
    try {
      if (!certificate_.is_used()) {
        beast::tcp_stream stream(std::move(socket));
        stream.expires_after(limits_.header_within);
        co_await converse(stream, stream, address);
        stream.socket().shutdown(tcp::socket::shutdown_send, ec);
      } else {
        const auto context = certificate_.current();
        beast::ssl_stream<beast::tcp_stream> stream(std::move(socket), *context);
        beast::get_lowest_layer(stream).expires_after(limits_.header_within);
        co_await stream.async_handshake(asio::ssl::stream_base::server, into(ec));
        co_await rethrow_if_cancelled();
        note_timeout(ec);
        if (ec) co_return;
        co_await converse(stream, beast::get_lowest_layer(stream), address);
        beast::get_lowest_layer(stream).expires_after(1s);
        co_await stream.async_shutdown(into(ec));
      }
    } catch (const boost::system::system_error&) {
      throw;
    } catch (const std::exception&) {
      ++status_.failures;
    }
  }

  HttpAnswer refuse(int status, std::string_view why) const { return refusal_(status, why, certificate_.is_used()); }

  void note_timeout(const error_code& ec) {
    if (ec == beast::error::timeout) ++status_.timeouts;
  }

  template <class Stream>
  asio::awaitable<void> converse(Stream& stream, beast::tcp_stream& lowest, const std::string& address) {
    beast::flat_buffer buffer(limits_.header_bytes_max + kReadBytes);
    while (true) {
      Incoming incoming = co_await read(stream, lowest, buffer, address);
      if (!incoming.call && !incoming.refusal) co_return;
      bool keep_alive = incoming.keep_alive;
      HttpAnswer answer;
      if (incoming.refusal) {
        ++status_.malformed;
        keep_alive = false;
        answer = std::move(*incoming.refusal);
      } else {
        ++status_.requests;
        answer = co_await answer_to(*incoming.call);
      }
      lowest.expires_after(limits_.write_within);
      const bool written = co_await write(stream, lowest, incoming, std::move(answer), keep_alive);
      if (!written) co_return;
      if (!keep_alive) {
        if (incoming.refusal) co_await drain(stream, lowest);
        co_return;
      }
      lowest.expires_after(limits_.idle_max);
    }
  }

  asio::awaitable<HttpAnswer> answer_to(const HttpCall& call) {
    HttpCall copy = call;
    std::exception_ptr escaped;
    try {
      co_return co_await handler_(std::move(copy));
    } catch (...) {
      escaped = std::current_exception();
    }
    co_await rethrow_if_cancelled();
    ++status_.failures;
    co_return refuse(500, "internal error");
  }

  // A client that is still sending would lose the refusal with a reset: takes a little of what it sends.
  template <class Stream>
  asio::awaitable<void> drain(Stream& stream, beast::tcp_stream& lowest) {
    error_code ec;
    lowest.expires_after(2s);
    lowest.socket().shutdown(tcp::socket::shutdown_send, ec);
    std::array<char, kReadBytes> waste;
    for (std::size_t bytes = 0; !ec && bytes < 1024 * 1024;) {
      bytes += co_await stream.async_read_some(asio::buffer(waste), into(ec));
      co_await rethrow_if_cancelled();
    }
  }

  // The head, in `buffer`; 0: the client left or was too slow; more than the limit: too large.
  template <class Stream>
  asio::awaitable<std::size_t> read_head(Stream& stream, beast::tcp_stream& lowest, beast::flat_buffer& buffer) {
    std::size_t searched = 0;
    bool has_begun = false;
    while (true) {
      const std::string_view text(static_cast<const char*>(buffer.data().data()), buffer.size());
      if (!has_begun && !text.empty()) {
        has_begun = true;
        lowest.expires_after(limits_.header_within);
      }
      const std::size_t end = text.find("\r\n\r\n", searched);
      if (end != std::string_view::npos) co_return end + 4;
      if (text.size() > limits_.header_bytes_max) co_return text.size();
      searched = text.size() < 3 ? 0 : text.size() - 3;
      error_code ec;
      const auto room = buffer.prepare(std::min(kReadBytes, buffer.max_size() - buffer.size()));
      const std::size_t got = co_await stream.async_read_some(room, into(ec));
      co_await rethrow_if_cancelled();
      buffer.commit(got);
      note_timeout(ec);
      if (ec) co_return 0;
    }
  }

  template <class Stream>
  asio::awaitable<Incoming> read(Stream& stream, beast::tcp_stream& lowest, beast::flat_buffer& buffer,
                                 const std::string& address) {
    Incoming incoming;
    const std::size_t size = co_await read_head(stream, lowest, buffer);
    if (size == 0) co_return incoming;
    if (size > limits_.header_bytes_max) {
      incoming.refusal = refuse(431, "the headers are too large");
      co_return incoming;
    }
    const std::string_view head(static_cast<const char*>(buffer.data().data()), size);
    if (const std::string_view objection = objection_to_head(head); !objection.empty()) {
      incoming.refusal = refuse(400, objection);
      co_return incoming;
    }
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max + 1));
    parser.body_limit(limits_.body_bytes_max);
    parser.eager(true);
    error_code ec;
    buffer.consume(parser.put(asio::buffer(head), ec));
    if (ec == http::error::need_more) ec = {};
    lowest.expires_after(limits_.body_within);
    if (!ec && !parser.is_done() && beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(stream, asio::buffer(kGoOn), into(ec));
      co_await rethrow_if_cancelled();
    }
    if (!ec && !parser.is_done()) {
      co_await http::async_read(stream, buffer, parser, into(ec));
      co_await rethrow_if_cancelled();
    }
    note_timeout(ec);
    if (ec.category() == http::make_error_code(http::error::body_limit).category() &&
        ec != http::error::partial_message && ec != http::error::end_of_stream) {
      incoming.refusal = ec == http::error::body_limit    ? refuse(413, "the body is too large")
                         : ec == http::error::bad_version ? refuse(505, "HTTP/1.1 or HTTP/1.0")
                                                          : refuse(400, ec.message());
      co_return incoming;
    }
    if (ec) co_return incoming;
    accept(parser.release(), address, incoming);
    co_return incoming;
  }

  void accept(http::request<http::string_body> request, const std::string& address, Incoming& incoming) {
    if (request.version() != 10 && request.version() != 11) {
      incoming.refusal = refuse(505, "HTTP/1.1 or HTTP/1.0");
      return;
    }
    HttpCall call;
    call.method = std::string(request.method_string());
    call.target = std::string(request.target());
    call.secure = certificate_.is_used();
    call.address = address;
    for (const std::string_view scheme : {"http://", "https://"}) {  // RFC 9112 section 3.2.2
      if (!call.target.starts_with(scheme)) continue;
      const std::size_t path = call.target.find('/', scheme.size());
      call.target = path == std::string::npos ? "/" : call.target.substr(path);
    }
    if (!call.target.starts_with('/')) {
      incoming.refusal = refuse(400, "the target is no path");
      return;
    }
    for (const auto& field : request)
      call.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    if (where_.behind_proxy) {
      error_code none;
      const auto forwarded = asio::ip::make_address(said_last(call.headers, "X-Forwarded-For"), none);
      if (!none) call.address = forwarded.to_string();
      call.secure = call.secure || beast::iequals(said_last(call.headers, "X-Forwarded-Proto"), "https");
    }
    call.body = std::move(request.body());
    incoming.keep_alive = request.keep_alive();
    incoming.is_1_0 = request.version() == 10;
    incoming.call = std::move(call);
  }

  static void compress(const HttpCall& call, HttpAnswer& answer) {
    const bool may = !answer.source && answer.body.size() >= kCompressBytesMin &&
                     find_header(answer.headers, "Content-Encoding").empty() &&
                     is_text(find_header(answer.headers, "Content-Type"));
    if (!may) return;
    answer.headers.push_back({"Vary", "Accept-Encoding"});
    if (!accepts_gzip(call)) return;
    answer.body = wire::gzip(answer.body);
    answer.headers.push_back({"Content-Encoding", "gzip"});
  }

  // False: the connection is of no use any more. `keep_alive` becomes false where the answer ends with the connection.
  template <class Stream>
  asio::awaitable<bool> write(Stream& stream, beast::tcp_stream& lowest, const Incoming& incoming, HttpAnswer answer,
                              bool& keep_alive) {
    const bool is_head = incoming.call && incoming.call->method == "HEAD";
    const bool has_body = answer.status >= 200 && answer.status != 204 && answer.status != 304;
    if (incoming.call) compress(*incoming.call, answer);
    const bool chunked = answer.source && !incoming.is_1_0;
    if (answer.source && incoming.is_1_0) keep_alive = false;
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                       std::string(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(answer.status)))) +
                       "\r\nDate: " + http_date(clock_.now()) + "\r\n";
    for (const HttpHeader& header : answer.headers) text += header.name + ": " + header.value + "\r\n";
    if (!keep_alive) text += "Connection: close\r\n";
    if (keep_alive && incoming.is_1_0) text += "Connection: keep-alive\r\n";
    if (has_body && chunked) text += "Transfer-Encoding: chunked\r\n";
    if (has_body && !answer.source) text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    text += "\r\n";
    const bool sends_body = has_body && !is_head;
    if (!answer.source && sends_body) text += answer.body;
    if (!co_await write_text(stream, lowest, text)) co_return false;
    if (!answer.source || !sends_body) co_return true;
    co_return co_await write_source(stream, lowest, *answer.source, chunked);
  }

  template <class Stream>
  asio::awaitable<bool> write_source(Stream& stream, beast::tcp_stream& lowest, HttpSource& source, bool chunked) {
    while (auto piece = co_await source.next()) {
      if (piece->empty()) continue;
      if (chunked) {
        std::array<char, 20> length{};
        const int digits = std::snprintf(length.data(), length.size(), "%zx\r\n", piece->size());
        piece->insert(0, length.data(), static_cast<std::size_t>(digits));
        *piece += "\r\n";
      }
      if (!co_await write_text(stream, lowest, *piece)) co_return false;
    }
    if (!chunked) co_return false;
    const std::string end = "0\r\n\r\n";
    co_return co_await write_text(stream, lowest, end);
  }

  template <class Stream>
  asio::awaitable<bool> write_text(Stream& stream, beast::tcp_stream& lowest, const std::string& text) {
    for (std::size_t begin = 0; begin < text.size(); begin += kPieceBytes) {
      error_code ec;
      const std::size_t size = std::min(kPieceBytes, text.size() - begin);
      lowest.expires_after(limits_.write_within);
      co_await asio::async_write(stream, asio::buffer(text.data() + begin, size), into(ec));
      co_await rethrow_if_cancelled();
      note_timeout(ec);
      if (ec) co_return false;
    }
    lowest.expires_never();
    co_return true;
  }

  Clock& clock_;
  HttpListen where_;
  HttpServerLimits limits_;
  HttpHandler handler_;
  HttpRefusal refusal_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  TaskGroup connections_;
  std::map<std::string, std::size_t> by_address_;
  ServedCertificate certificate_;
  HttpServerStatus status_;
};

HttpListener::HttpListener(asio::any_io_executor executor, Clock& clock, HttpListen where, HttpServerLimits limits,
                           HttpHandler handler, HttpRefusal refusal)
    : impl_(std::make_unique<Impl>(std::move(executor), clock, std::move(where), limits, std::move(handler),
                                   std::move(refusal))) {}

HttpListener::~HttpListener() = default;

std::string HttpListener::open() {
  return impl_->open();
}

std::uint16_t HttpListener::port() const {
  return impl_->port();
}

asio::awaitable<void> HttpListener::run() {
  return impl_->run();
}

void HttpListener::refresh_certificate() {
  impl_->refresh_certificate();
}

HttpServerStatus HttpListener::status() const {
  return impl_->status();
}

}  // namespace carbongate::io
