// Server-Sent Events: what happens, kept for a while, for any number of clients.
//
//   id: BOOT-NUMBER      by which a client goes on where it was; BOOT tells runs of the program apart
//   event: now           or readings, alert, devices, sinks, reset
//   data: {...}
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/api/point.h"
#include "protocols/io/clock.h"
#include "protocols/io/event.h"
#include "protocols/io/http_server.h"

namespace carbongate::ops {

// On the loop thread; outlives its sources.
class Stream {
 public:
  static constexpr std::size_t kEventsMax = 2'000;       // kept for clients that come back
  static constexpr std::size_t kBytesMax = 4 << 20;      // of them
  static constexpr std::chrono::seconds kHeartbeat{15};  // a line when nothing else was sent for so long
  static constexpr std::chrono::seconds kStuck{
      10};  // a client that has not taken a piece for so long, and leaves, was dropped
  static constexpr std::chrono::seconds kRemembered{120};  // points whose last client has left are still recorded

  // `boot`: of this run. `clock` outlives it.
  Stream(boost::asio::any_io_executor executor, io::Clock& clock, std::uint64_t boot)
      : clock_(clock), boot_(boot), happened_(std::move(executor)) {}

  // Of `now` only the newest is kept.
  void publish(std::string_view event, std::string data);

  // Values of one moment, each as JSON: a client gets those of its points.
  void publish_readings(std::vector<std::pair<PointId, std::string>> readings);
  bool is_wanted(PointId point) const { return wanted_.contains(point); }

  // Wakes clients: some may have to be sent a heartbeat. Once or more a second.
  void tick();

  // A client: gets what happened behind `seen`, or `first` and what happens from now on.
  std::unique_ptr<io::HttpSource> join(std::string_view seen, std::set<PointId> points, std::string first);

  std::size_t clients() const { return clients_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  class Source;
  struct Event {
    std::uint64_t id = 0;
    std::string name;
    std::string data;
    std::vector<std::pair<PointId, std::string>> readings;
    std::size_t bytes() const;
  };
  void add(Event event);
  std::string frame(std::uint64_t id, std::string_view name, std::string_view data) const;

  io::Clock& clock_;
  std::uint64_t boot_;
  io::Event happened_;
  std::deque<Event> events_;  // ascending by id
  std::size_t bytes_ = 0;
  std::uint64_t last_id_ = 0;
  std::uint64_t forgotten_ = 0;                                            // the newest id that is kept no more
  std::map<PointId, std::pair<std::size_t, io::SteadyTime>> wanted_ = {};  // clients, and when the last one left
  std::size_t clients_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace carbongate::ops
