// A store that takes rows over HTTP: the requests of a delivery, and what the answers mean for it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/model/errors.h"
#include "gateway/sinks/shared/health.h"
#include "gateway/sinks/shared/http_endpoint.h"
#include "gateway/sinks/shared/offer.h"
#include "protocols/http/write_answer.h"
#include "protocols/io/clock.h"
#include "protocols/io/http_client.h"

namespace carbongate::sinks::shared {

// One request at a time. What the server did not take is tried again; what it refused in its own words about what it
// was sent is searched for by halves and rejected with those words; everything else is a fault: nothing is given up
// because a server, a password, a path or room is missing. Not thread-safe: on the executor given; `clock` outlives it.
class HttpStore {
 public:
  // Where kinds of stores differ.
  struct Manner {
    std::string_view token_scheme;  // of Authorization
    http::WriteAnswer (*read_answer)(int status, std::string_view body);
    std::string_view not_found_advice;  // "; check ..."
  };

  // `timeout`: of one request. What `manner` points at outlives it.
  HttpStore(const HttpEndpoint& endpoint, Manner manner, std::chrono::milliseconds timeout,
            boost::asio::any_io_executor executor, io::Clock& clock);

  // Until the server may be asked again, if it said when.
  boost::asio::awaitable<void> rest();

  // The request with these items of the offer, without target and Authorization; nullopt: they are too large for one.
  using Render = std::function<std::optional<io::HttpRequest>(Offer::Range)>;

  // Sends until all is settled (nullopt) or a fault ends it. Both live through it.
  boost::asio::awaitable<std::optional<model::Fault>> send_all(Offer& offer, const Render& render);

  ports::SinkStatus& status() { return health_.status(); }
  const ports::SinkStatus& status() const { return health_.status(); }

 private:
  boost::asio::awaitable<model::Result<http::WriteAnswer>> send(io::HttpRequest request);
  model::Result<http::WriteAnswer> judge(const io::HttpResponse& response);

  std::string target_;
  std::string where_;
  std::string authorization_;
  Manner manner_;
  io::Clock& clock_;
  io::HttpClient client_;
  std::optional<io::SteadyTime> not_before_;  // the server asked to be left alone until then
  Health health_;
};

}  // namespace carbongate::sinks::shared
