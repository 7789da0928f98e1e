// One HTTP/1.1 connection to one server, kept open between requests.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace carbongate::io {

struct HttpServer {
  std::string host;  // a name or an address; IPv6 without brackets
  std::uint16_t port = 80;
  bool tls = false;
  std::string ca_file{};  // PEM; empty: the machine's trusted authorities
};

struct HttpLimits {
  std::chrono::milliseconds timeout{10'000};         // of a request, from connecting to the last byte of the answer
  std::size_t request_bytes_max = 32 * 1024 * 1024;  // of the body; a larger one is refused before it is sent
  std::size_t response_bytes_max = 64 * 1024;        // of the body; the rest is not read
};

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string target;               // path and query: "/write?db=carbon"
  std::vector<HttpHeader> headers;  // besides Host, User-Agent and Content-Length
  std::string body;
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;       // at most response_bytes_max
  bool body_cut = false;  // there was more

  std::string_view header(std::string_view name) const;  // case does not matter; "" if absent
};

// The server gave no answer.
struct HttpFailure {
  boost::system::error_code code;
  std::string text;  // "cannot connect to 127.0.0.1:8428: Connection refused"
};
[[noreturn]] inline void throw_exception_from_error(const HttpFailure& failure, const boost::source_location&) {
  throw std::runtime_error(failure.text);
}
template <class T>
using HttpResult = boost::system::result<T, HttpFailure>;

// Not thread-safe: one request at a time, on the executor given.
class HttpClient {
 public:
  HttpClient(boost::asio::any_io_executor executor, HttpServer server, HttpLimits limits = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Connects if need be, sends, and reads the answer, whatever its status. The request may reach the server twice: when
  // the server closed the kept connection meanwhile, it is sent once more on a new one. So only what is harmless to
  // repeat goes through here. With the header `Connection: close` the connection is not kept. Cancellation throws
  // operation_aborted and closes it.
  boost::asio::awaitable<HttpResult<HttpResponse>> post(HttpRequest request);
  boost::asio::awaitable<HttpResult<HttpResponse>> get(HttpRequest request);

  std::uint64_t connects() const;  // connections opened so far

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace carbongate::io
