// The driver of one port: loggers and stack analysers connect to it and send data by HJ 212. Tolerant: whatever can be
// understood is taken, deviations of the standard are not held against it, but shown with the packet and logged.
//
// Data that ask for an answer (bit A of Flag) get it, 9014 with their QN and version, when they are safe on disk: a
// logger that keeps what was not answered loses nothing. What is repeated is recognised by its time, as everywhere.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/driver.h"
#include "drivers/hj212/config.h"
#include "drivers/log_gate.h"
#include "drivers/registry.h"
#include "protocols/hj212/frame.h"
#include "protocols/hj212/segment.h"
#include "protocols/io/event.h"
#include "protocols/io/task_group.h"

namespace carbongate::hj212_driver {

inline constexpr std::size_t kAnswersMax = 1'024;  // that wait for one peer; then nothing more is read from it
inline constexpr std::size_t kDamagesMax = 100;    // without a good packet between: the connection is closed
inline constexpr std::chrono::seconds kStrangerMax{
    60};                                                // until the first packet of a device of ours; then it is closed
inline constexpr std::chrono::minutes kSilenceMax{30};  // from one such packet to the next
inline constexpr std::chrono::seconds kAnswerWithin{30};  // a peer takes what we send, or is closed
inline constexpr std::chrono::seconds kListenAgain{10};   // after the port could not be had

class Hj212Driver final : public Driver {
 public:
  // `plans` is not empty, and all are of one address.
  Hj212Driver(std::vector<std::unique_ptr<Hj212Plan>> plans, DriverContext context);

  boost::asio::awaitable<void> run(Inbox& inbox) override;

  // Listens until each of the devices has sent something.
  boost::asio::awaitable<std::vector<Reading>> read_once(std::vector<std::string> devices, Duration patience) override;

  DriverStatus status() const override;
  const FrameLog* frames(std::string_view device) const override;

 private:
  struct Connection;
  struct Device {
    std::unique_ptr<Hj212Plan> plan;
    Instant since{};
    std::optional<Instant> heard;  // last packet with a value
    std::uint64_t packets = 0;
    std::uint64_t errors = 0;
    std::string problem;  // of the last packet
    LogGates problems_logged;
    LogGate deviations_logged;
    FrameLog frames;
  };
  // What becomes of the readings of one packet; false: nothing more is wanted.
  using HandOver = std::function<boost::asio::awaitable<bool>(Batch batch)>;

  boost::asio::awaitable<void> serve(const HandOver& hand_over);
  boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor& acceptor, const HandOver& hand_over,
                                      io::TaskGroup& tasks);
  boost::asio::awaitable<void> converse(std::shared_ptr<Connection> connection, const HandOver& hand_over);
  boost::asio::awaitable<void> read_packets(std::shared_ptr<Connection> connection, const HandOver& hand_over);
  boost::asio::awaitable<void> write_answers(std::shared_ptr<Connection> connection);
  boost::asio::awaitable<bool> take(const std::shared_ptr<Connection>& connection, const hj212::Frame& frame,
                                    const HandOver& hand_over);
  bool is_open(const std::string& mn) const;
  bool is_refused(const Connection& connection);
  void look_at_connections();
  void note_good(const std::shared_ptr<Connection>& connection, const std::string& mn);
  bool take_values(Device& device, const hj212::Head& head, const hj212::Segment& segment, Batch& batch);
  void note_frame(Frame::Direction direction, const std::string& mn, const std::string& shown);
  void note_deviations(Device& device, const std::string& said);
  void note_problem(Device& device, const std::string& said);
  void warn(std::string_view peer, std::string_view text);
  DeviceStatus status_of(const Device& device) const;

  std::vector<Device> devices_;
  DriverContext context_;
  std::string name_;
  std::size_t segment_max_ = 0;
  std::size_t per_address_ = 0;  // connections
  DriverStatus link_;            // without devices; connected: a connection has spoken for one of them
  bool is_listening_ = false;
  std::size_t connections_ = 0;
  std::map<std::string, std::size_t> of_address_;                   // those that are open
  std::map<std::string, std::weak_ptr<Connection>> connection_of_;  // by MN, of devices of ours
  LogGates moves_logged_;
  LogGates strangers_logged_;
};

}  // namespace carbongate::hj212_driver
