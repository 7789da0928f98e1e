// The HTTP server of a running gateway: its routes, and what they need.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/model/checkpoint.h"
#include "gateway/ops/config.h"
#include "gateway/ops/facts.h"
#include "gateway/ops/router.h"
#include "gateway/web/assets.h"
#include "protocols/io/clock.h"

namespace carbongate::ops {

// On the loop thread. Destroy it when the loop will never run again, or after run() has ended.
class Server {
 public:
  // All outlive it. `assets`: the dashboard.
  Server(boost::asio::any_io_executor executor, io::Clock& clock, const Config& config, const Facts& facts,
         const Documents& documents, Devices& devices, std::span<const web::Asset> assets = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Why it cannot listen; "": it does.
  std::string open();
  std::uint16_t port() const;

  // Answers, and keeps the stream going, until it is cancelled.
  boost::asio::awaitable<void> run();

  // What the gateway has just committed, for the stream.
  void committed(const model::Effects& effects);

  const std::vector<Route>& routes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The description of the API, as text.
std::string_view openapi_yaml();

}  // namespace carbongate::ops
