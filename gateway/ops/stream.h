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
  static constexpr std::chrono::seconds kRemembered{120};  // what nobody hears any more is still recorded for so long

  // `boot`: of this run. `clock` outlives it.
  Stream(boost::asio::any_io_executor executor, io::Clock& clock, std::uint64_t boot)
      : clock_(clock), boot_(boot), happened_(std::move(executor)) {}

  // Of `now` only the newest is kept.
  void publish(std::string_view event, std::string data);

  // Values of one moment, each as JSON: a client gets those of its points.
  void publish_readings(std::vector<std::pair<PointId, std::string>> readings);
  bool is_wanted(PointId point) const { return wanted_.contains(point); }

  // Whether what happens is to be published: there are clients, or the last one has left not long ago and may come
  // back. A client that comes back after a time of which nothing was recorded is told so by `reset`.
  bool is_recording() const { return is_recording_; }

  // Ends recording what nobody has heard for long. Wakes clients: some may have to be sent a heartbeat. Once or more a
  // second.
  void tick();

  // A client: gets what happened behind `seen`, then `first`, the present, and what happens from now on. Where not all
  // is known that happened behind `seen`, also to one of `points`, it gets `reset` instead.
  std::unique_ptr<io::HttpSource> join(std::string_view seen, std::set<PointId> points, std::string first);

  std::size_t clients() const { return clients_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  class Source;
  struct Wanted {
    std::size_t clients = 0;
    io::SteadyTime left{};    // the last one, if there is none
    std::uint64_t since = 0;  // events behind this id have all of its readings
  };
  struct Event {
    std::uint64_t id = 0;
    std::string name;
    std::string data;
    std::vector<std::pair<PointId, std::string>> readings;
    std::size_t bytes() const;
  };
  void add(Event event);
  std::optional<std::uint64_t> place_of(std::string_view seen, const std::set<PointId>& points) const;
  std::string frame(std::uint64_t id, std::string_view name, std::string_view data) const;

  io::Clock& clock_;
  std::uint64_t boot_;
  io::Event happened_;
  std::deque<Event> events_;  // ascending by id
  std::size_t bytes_ = 0;
  std::uint64_t last_id_ = 0;
  std::uint64_t forgotten_ = 0;  // the newest id that is kept no more
  std::map<PointId, Wanted> wanted_ = {};
  bool is_recording_ = false;
  io::SteadyTime left_{};  // the last client, if there is none
  std::size_t clients_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace carbongate::ops
