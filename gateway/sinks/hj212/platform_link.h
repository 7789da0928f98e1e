// The connection to one supervisory platform: kept up, spoken over by a session, with what the platform asks done.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/log_gate.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/hj212/config.h"
#include "gateway/sinks/hj212/packets.h"
#include "gateway/sinks/hj212/station_clock.h"
#include "protocols/hj212/client_session.h"
#include "protocols/io/clock.h"
#include "protocols/io/event.h"

namespace carbongate::sinks::hj212 {

// One loop. What a platform has set is kept in the store, under the sink's name and kSettingsName, and holds from then
// on over what the configuration says.
class PlatformLink {
 public:
  using Ticket = carbongate::hj212::ClientSession::Ticket;
  static constexpr const char* kSettingsName = "settings";
  static constexpr std::chrono::seconds kConnectWithin{10};
  static constexpr std::chrono::seconds kWriteWithin{30};  // the platform takes what we send, or is left

  // `config`, `clock` and `store` outlive it. `store` nullptr: nothing is kept, and there is no history.
  PlatformLink(const Config& config, boost::asio::any_io_executor executor, io::Clock& clock, ports::Store* store);

  boost::asio::awaitable<void> run();  // until cancelled

  // Until one of the things below has changed, or the deadline.
  boost::asio::awaitable<void> wait(io::SteadyTime deadline = io::SteadyTime::max());

  bool is_connected() const { return is_connected_; }
  const std::string& trouble() const { return trouble_; }  // why it is not, or was not last
  std::uint64_t given_up() const { return given_up_; }     // connections on which something was not answered
  // When the last connection ended on which anything was answered: one that ends without is none that was there.
  io::SteadyTime lost_at() const { return lost_at_; }

  bool has_room(std::size_t kept_free = 0) const { return session_ && session_->has_room(kept_free); }
  bool has_urgent_room() const { return session_ && session_->has_urgent_room(); }
  std::optional<Ticket> upload(const Data& data, bool is_urgent = false);  // nullopt: it fits in no packet
  bool has_arrived(Ticket ticket) const { return arrived_.contains(ticket); }
  std::vector<Instant> take_sent(Ticket ticket);  // when it was, each time since the last call
  void forget(Ticket ticket);

  const carbongate::hj212::ClientSettings& settings() const;
  std::uint64_t packets() const { return session_ ? session_->packets_sent() : 0; }
  std::uint64_t not_ours() const { return session_ ? session_->not_ours() : 0; }  // answers that are no receipts

 private:
  using Session = carbongate::hj212::ClientSession;

  Session::Moment moment() const;
  boost::asio::awaitable<void> stay_connected();
  boost::asio::awaitable<void> make_session();
  boost::asio::awaitable<bool> connect(boost::asio::ip::tcp::socket& socket);
  boost::asio::awaitable<void> converse(boost::asio::ip::tcp::socket& socket);
  boost::asio::awaitable<void> read(boost::asio::ip::tcp::socket& socket);
  boost::asio::awaitable<void> write(boost::asio::ip::tcp::socket& socket);
  boost::asio::awaitable<void> make_changes();
  boost::asio::awaitable<void> send_history();
  boost::asio::awaitable<int> send_history(const carbongate::hj212::HistoryWanted& wanted);
  void take_events();
  void set_trouble(std::string text);
  void leave(std::string why);
  void log(const Session::Remark& remark);

  const Config& config_;
  boost::asio::any_io_executor executor_;
  io::Clock& clock_;
  ports::Store* store_;
  StationClock station_clock_;
  carbongate::hj212::SetByPlatform set_;  // as it is kept
  std::optional<Session> session_;        // when it is known what was kept
  bool is_connected_ = false;
  bool is_useless_ = false;
  bool has_answered_ = false;  // on this connection
  std::string peer_;
  std::string trouble_ = "not connected yet";
  io::SteadyTime lost_at_{};
  std::uint64_t given_up_ = 0;
  std::set<Ticket> arrived_;
  std::map<Ticket, std::vector<Instant>> sent_;
  std::deque<std::pair<std::string, carbongate::hj212::Change>> changes_;
  std::optional<std::pair<std::string, carbongate::hj212::HistoryWanted>> history_;
  io::Event changed_;
  io::Event wake_;                          // there is something to write
  io::Event asked_;                         // there is something to do
  std::map<std::string, LogGates> logged_;  // by command, of trouble also its kind
};

}  // namespace carbongate::sinks::hj212
