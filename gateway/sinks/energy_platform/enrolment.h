// Our place at one platform: registered, its dictionary fetched, told of the enterprise, its items and meters. Shared
// by the sinks that send to it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "gateway/ports/store.h"
#include "gateway/sinks/energy_platform/caller.h"
#include "gateway/sinks/energy_platform/config.h"
#include "protocols/io/clock.h"
#include "protocols/io/event.h"

namespace carbongate::sinks::energy_platform {

// One loop. What a platform gave is kept in the store under the sink's name: `registration` (without the key for
// encryption, which is asked for again at each start), `state` and `dictionary`.
class Enrolment {
 public:
  static constexpr const char* kRegistrationName = "registration";
  static constexpr const char* kStateName = "state";
  static constexpr const char* kDictionaryName = "dictionary";
  static constexpr std::size_t kAnswerBytesMax = 16 * 1024 * 1024;  // of a dictionary

  // `clock` and `store` outlive it. `store` nullptr: nothing is kept.
  Enrolment(Config config, boost::asio::any_io_executor executor, io::Clock& clock, ports::Store* store);

  const Config& config() const { return config_; }

  boost::asio::awaitable<void> run();  // until cancelled

  // Until it is ready, or the deadline. True: it is.
  boost::asio::awaitable<bool> wait_until_ready(io::SteadyTime deadline);

  bool is_ready() const { return is_ready_; }
  const std::string& trouble() const { return trouble_; }
  const carbongate::energy_platform::Registration& registration() const { return registration_; }
  const std::string& token() const { return token_; }
  std::chrono::seconds upload_time() const { return registration_.upload_time.value_or(config_.upload_time); }

  // Something that was sent is not taken: addresses, key or token may have changed. Not ready until it has registered
  // again.
  void begin_again();
  void tell_all_again();  // with the next registration: the platform may have lost it

 private:
  // What the platform has had of us, and we of it.
  struct State {
    std::string device_id;
    carbongate::energy_platform::Versions versions;
    std::string configuration;  // hash of what was sent
    std::string meters;         // likewise
    std::string at;             // of the last change
  };

  boost::asio::awaitable<void> load();
  boost::asio::awaitable<bool> enrol();
  boost::asio::awaitable<bool> ask_for_token();
  boost::asio::awaitable<bool> register_device();
  boost::asio::awaitable<bool> check_versions();
  boost::asio::awaitable<bool> fetch_dictionary(std::int64_t version);
  boost::asio::awaitable<bool> describe(std::int64_t version);
  boost::asio::awaitable<bool> tell(carbongate::energy_platform::Operation operation, std::string body,
                                    std::string& told);
  boost::asio::awaitable<bool> keep(std::string name, std::string value);
  boost::asio::awaitable<bool> keep_state();
  boost::asio::awaitable<Outcome> call(carbongate::energy_platform::Operation operation, std::string body);
  bool has(carbongate::energy_platform::Operation operation) const;
  std::string registrar() const;
  void fail(std::string what, std::string why);

  const Config config_;
  boost::asio::any_io_executor executor_;
  io::Clock& clock_;
  ports::Store* store_;
  Caller caller_;
  carbongate::energy_platform::Registration registration_;
  bool is_registered_ = false;
  bool is_ready_ = false;
  State state_;
  std::string token_;
  std::optional<io::SteadyTime> token_until_;
  std::string trouble_ = "not registered yet";
  std::string logged_trouble_;
  io::Event changed_;
  io::Event again_;
  bool begins_again_ = false;
  int failures_ = 0;  // in a row
};

}  // namespace carbongate::sinks::energy_platform
