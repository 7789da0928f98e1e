// An HTTP/1.1 server (RFC 9110, RFC 9112): reads requests within limits, and writes what a handler answers.
//
// It reads a request more narrowly than RFC 9112 allows, so that no proxy in front can see another message in the same
// bytes: one Content-Length or `Transfer-Encoding: chunked`, never both; no folded lines (section 5.2), no bare line
// feeds, no control characters; one Host. What is none is answered by 400, and the connection closed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/io/clock.h"
#include "protocols/io/http_client.h"
#include "protocols/io/http_listen.h"

namespace carbongate::io {

// A request as it came.
struct HttpCall {
  std::string method = {};  // "GET"
  std::string target = {};  // path and query, not decoded; begins with '/'
  std::vector<HttpHeader> headers = {};
  std::string body = {};
  std::string address = {};  // of the client, as text
  bool secure = false;       // it came by TLS

  std::string_view header(std::string_view name) const;  // case does not matter; "" if absent
};

// A body that comes piece by piece: streams, downloads. Destroyed when the client has left, too.
class HttpSource {
 public:
  virtual ~HttpSource() = default;

  // On the server's executor. nullopt: that was all. What it throws cuts the answer off, so that the client knows.
  virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
};

// Whether the client says that it takes gzip.
bool accepts_gzip(const HttpCall& call);

struct HttpAnswer {
  int status = 200;
  std::vector<HttpHeader> headers = {};  // besides Date, Content-Length, Transfer-Encoding, Connection and Vary
  std::string body = {};
  std::unique_ptr<HttpSource> source = {};  // instead of `body`
};

// What escapes it is answered by 500.
using HttpHandler = std::function<boost::asio::awaitable<HttpAnswer>(HttpCall)>;

// What a client is answered without a handler: a status of 400 or more, and why. `secure`: by TLS.
using HttpRefusal = std::function<HttpAnswer(int status, std::string_view why, bool secure)>;

// A line of plain text.
HttpAnswer plain_refusal(int status, std::string_view why, bool secure);

struct HttpServerStatus {
  std::size_t connections = 0;            // now
  std::uint64_t accepted = 0;             // connections
  std::uint64_t refused = 0;              // of them: closed at once, for there were too many
  std::uint64_t requests = 0;             // that a handler was asked for
  std::uint64_t malformed = 0;            // answered by 400, 413, 417, 431 or 505 without asking one
  std::uint64_t timeouts = 0;             // connections closed because a deadline had passed
  std::uint64_t failures = 0;             // handlers that something escaped
  std::uint64_t tls_reloads = 0;          // the certificate's files were read again
  std::uint64_t tls_reload_failures = 0;  // and could not be used
  std::string tls_trouble;                // why they cannot as they are now: the certificate before is still served
  std::optional<WallTime> tls_expires;    // the certificate that is served
};

// Bodies of text of a kilobyte and more are compressed for clients that accept gzip. Not thread-safe; all on the
// executor given.
class HttpListener {
 public:
  // `clock` stamps answers, and outlives it. `refusal` writes what is answered without `handler`.
  HttpListener(boost::asio::any_io_executor executor, Clock& clock, HttpListen where, HttpServerLimits limits,
               HttpHandler handler, HttpRefusal refusal = plain_refusal);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // Why it cannot listen, or has no certificate; "": it listens. Throws where the process may open no more files, as
  // Asio does.
  std::string open();
  std::uint16_t port() const;  // after open()

  // Answers until it is cancelled; its connections are closed then.
  boost::asio::awaitable<void> run();

  // Reads the certificate's files again if they have changed, as each new connection does: a renewed one is served, and
  // trouble with it seen, before anybody comes. After open().
  void refresh_certificate();

  HttpServerStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace carbongate::io
