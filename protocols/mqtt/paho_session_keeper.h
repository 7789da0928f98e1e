// The thread that keeps a Paho client connected. Everything that calls Paho happens here or in Paho's own callbacks.
//
// Why a thread of its own. All of Paho's functions share one mutex. Its send thread holds it during name resolution,
// and its receive thread holds it while a callback of ours waits for a commit. A call made on the loop could thus stand
// still for seconds, in the second case forever: the commit it waits for happens on the loop.
//
// Why reconnecting is ours and not Paho's: a client that reconnects by itself keeps what it knew of unfinished QoS 2
// messages, and would swallow one that we had to abandon when the broker sends it again; it also cannot fall back
// to 3.1.1, nor wait until the store has caught up. A Paho client therefore lives for one connection, and nothing of
// its state longer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "protocols/io/clock.h"
#include "protocols/mqtt/handover.h"
#include "protocols/mqtt/session.h"

namespace carbongate::mqtt {

struct LinkReport {
  enum class What { connected, disconnected, warning, ended } what = What::ended;
  std::string text{};            // for people
  std::string protocol{};        // connected: "5" or "3.1.1"
  bool session_present = false;  // connected: the broker had kept our session
  int lost_in_a_row = 0;         // connections that were lost soon after they were made, up to now
};

class Keeper : public std::enable_shared_from_this<Keeper> {
 public:
  // `report` is called on the keeper's thread. `clock` outlives the keeper, or its orphan().
  static std::shared_ptr<Keeper> start(SessionOptions options, std::shared_ptr<Handover> handover, io::Clock& clock,
                                       std::function<void(LinkReport)> report);
  ~Keeper();

  // Disconnects, while messages may still come and be committed; after at most 1.5 s those that are not are abandoned.
  // The last report is `ended`; then join().
  void request_stop();
  void join();

  // Instead of join(), when `ended` does not come (after join(): does nothing). Leaves the thread to itself, which from
  // now on reports nothing and does not ask the clock. A name server that does not answer holds Paho, and with it this
  // thread, for as long as it likes.
  void orphan();

 private:
  struct State;
  class Connection;

  Keeper(SessionOptions options, std::shared_ptr<Handover> handover, io::Clock& clock,
         std::function<void(LinkReport)> report);

  void live();
  void keep_one_connection();
  bool establish(Connection& connection);
  bool subscribe(Connection& connection);
  void report_connected();
  void report_grants(std::size_t first, const std::vector<int>& requested, const std::vector<int>& granted);
  void pause();
  std::string why_lost(int reason) const;
  void report(LinkReport report);
  io::SteadyTime ticks();
  void report_failure(const std::string& text);

  SessionOptions options_;  // changed by the thread, between connections
  std::shared_ptr<Handover> handover_;
  io::Clock& clock_;
  std::function<void(LinkReport)> report_;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace carbongate::mqtt
