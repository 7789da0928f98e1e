// Requests to a platform, whose addresses may lie on several servers.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "gateway/sinks/energy_platform/config.h"
#include "protocols/io/http_client.h"

namespace carbongate::sinks::energy_platform {

struct Outcome {
  std::optional<carbongate::energy_platform::Answer> answer;  // with HTTP status 200 and a responseCode
  std::string text;                                           // of the answer
  std::string trouble;                                        // why it is no success; "" of one

  bool is_success() const { return answer && answer->is_success; }
  bool is_refusal() const { return answer && !answer->is_success; }  // the platform has understood, and says no
};

// Not thread-safe: one request at a time. `config` outlives it.
class Caller {
 public:
  static constexpr std::size_t kServersMax = 8;

  Caller(const Config& config, boost::asio::any_io_executor executor, std::size_t answer_bytes_max);

  // POST of JSON. `url`: a whole one, or a path on the server of the configuration. `token`: by the dialect's rules.
  boost::asio::awaitable<Outcome> post(std::string url, std::string body, std::string token);

 private:
  struct Target {
    io::HttpServer server;
    std::string path;
  };
  std::optional<Target> target_of(const std::string& url, std::string& why) const;
  io::HttpClient& client_of(const io::HttpServer& server);

  const Config& config_;
  boost::asio::any_io_executor executor_;
  std::size_t answer_bytes_max_;
  std::map<std::string, std::unique_ptr<io::HttpClient>> clients_;  // by scheme, host and port
};

}  // namespace carbongate::sinks::energy_platform
