// The driver of one URL: asks it again and again, and reads the answer.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/driver.h"
#include "drivers/http/answer.h"
#include "drivers/http/config.h"
#include "drivers/http/schedule.h"
#include "drivers/poll_waiters.h"
#include "drivers/registry.h"
#include "drivers/transition_log.h"
#include "protocols/io/event.h"
#include "protocols/io/http_client.h"

namespace carbongate::http_driver {

class HttpDriver final : public Driver, private PollPort {
 public:
  HttpDriver(std::unique_ptr<HttpPlan> plan, DriverContext context, Schedule schedule);

  boost::asio::awaitable<void> run(Inbox& inbox) override;
  boost::asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string> devices, Duration patience) override;
  DriverStatus status() const override;
  const FrameLog* frames(std::string_view device) const override;
  PollPort* poll_port() override { return this; }

 private:
  // What the server wants to be told back, to say "not changed" instead of the same again. Empty: nothing.
  struct Validators {
    std::string etag;
    std::string last_modified;
    bool empty() const { return etag.empty() && last_modified.empty(); }
  };

  boost::asio::awaitable<PollAnswer> poll(std::string device) override;
  boost::asio::awaitable<void> rest(io::SteadyTime until);
  boost::asio::awaitable<Answer> ask();
  void note_frame(const io::HttpResult<io::HttpResponse>& response, Duration took, const std::string& trouble);
  io::HttpRequest make_request() const;
  void keep_validators(const io::HttpResponse& response, const Answer& answer);
  void note(const Answer& answer);
  void log_state();
  std::vector<Reading> to_readings(const std::vector<Sample>& samples) const;
  boost::asio::awaitable<bool> hand_over(std::vector<Reading> readings, Inbox& inbox);

  std::unique_ptr<HttpPlan> plan_;
  DriverContext context_;
  Schedule schedule_;
  std::string name_;
  std::string authorization_;
  io::HttpClient client_;
  Validators validators_;
  Repeats repeats_;
  Instant received_{};  // when the last answer came
  bool is_running_ = false;
  bool is_asked_ = false;    // for a poll out of turn
  bool is_serving_ = false;  // one is under way
  io::Event woken_;
  PollWaiters waiters_;
  FrameLog frames_;
  std::vector<std::string> secrets_;  // not to be shown
  DeviceStatus device_;
  DriverStatus link_;  // without devices
  TransitionLog log_;
  bool quiet_ = false;  // whoever asks once gets the answer, and needs no log
};

}  // namespace carbongate::http_driver
