#include "gateway/ops/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace carbongate::ops {

namespace asio = boost::asio;

std::size_t Stream::Event::bytes() const {
  std::size_t sum = sizeof(Event) + name.size() + data.size();
  for (const auto& [point, text] : readings) sum += sizeof(readings.front()) + text.size();
  return sum;
}

std::string Stream::frame(std::uint64_t id, std::string_view name, std::string_view data) const {
  return fmt::format("id: {}-{}\nevent: {}\ndata: {}\n\n", boot_, id, name, data);
}

void Stream::add(Event event) {
  event.id = ++last_id_;
  bytes_ += event.bytes();
  events_.push_back(std::move(event));
  while (events_.size() > kEventsMax || (bytes_ > kBytesMax && events_.size() > 1)) {
    bytes_ -= events_.front().bytes();
    forgotten_ = events_.front().id;
    events_.pop_front();
  }
  happened_.notify_all();
}

void Stream::publish(std::string_view event, std::string data) {
  if (event == "now") {  // the one before is of no use any more, and nothing is missed without it
    const auto before = std::ranges::find(events_, event, &Event::name);
    if (before != events_.end()) {
      bytes_ -= before->bytes();
      events_.erase(before);
    }
  }
  add({.id = 0, .name = std::string(event), .data = std::move(data), .readings = {}});
}

void Stream::publish_readings(std::vector<std::pair<PointId, std::string>> readings) {
  if (readings.empty()) return;
  add({.id = 0, .name = "readings", .data = {}, .readings = std::move(readings)});
}

void Stream::tick() {
  const io::SteadyTime now = clock_.ticks();
  const std::size_t ended = std::erase_if(
      wanted_, [now](const auto& item) { return item.second.clients == 0 && item.second.left + kRemembered < now; });
  // An id that no client has seen: who wants the point again is told from those who have been here since.
  if (ended != 0) ++last_id_;
  if (is_recording_ && clients_ == 0 && left_ + kRemembered < now) {
    is_recording_ = false;
    events_.clear();
    bytes_ = 0;
    forgotten_ = ++last_id_;
  }
  happened_.notify_all();
}

class Stream::Source final : public io::HttpSource {
 public:
  Source(Stream& stream, std::uint64_t behind, bool resets, std::set<PointId> points, std::string first)
      : stream_(stream),
        behind_(behind),
        resets_(resets),
        catches_up_(behind != stream.last_id_),
        points_(std::move(points)),
        first_(std::move(first)) {
    ++stream_.clients_;
    stream_.is_recording_ = true;
    for (const PointId point : points_) {
      const auto [wanted, is_new] = stream_.wanted_.try_emplace(point);
      if (is_new) wanted->second.since = stream_.last_id_;
      ++wanted->second.clients;
    }
    sent_at_ = stream_.clock_.ticks();
  }
  ~Source() override {
    --stream_.clients_;
    const io::SteadyTime now = stream_.clock_.ticks();
    stream_.left_ = now;
    if (is_sending_ && sent_at_ + kStuck <= now) ++stream_.dropped_;
    for (const PointId point : points_) {
      Wanted& wanted = stream_.wanted_.at(point);
      --wanted.clients;
      wanted.left = now;
    }
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  asio::awaitable<std::optional<std::string>> next() override {
    is_sending_ = false;
    while (true) {
      std::string text;
      if (std::exchange(resets_, false) || behind_ < stream_.forgotten_) {
        behind_ = stream_.last_id_;
        text += stream_.frame(behind_, "reset", "{}");
      }
      if (!catches_up_) append_first(text);
      append_new(text);
      append_first(text);
      const io::SteadyTime now = stream_.clock_.ticks();
      if (text.empty() && sent_at_ + kHeartbeat <= now) text = ": \n\n";
      if (!text.empty()) {
        is_sending_ = true;
        sent_at_ = now;
        co_return text;
      }
      co_await stream_.happened_.wait();
    }
  }

 private:
  void append_first(std::string& text) {
    if (first_) text += stream_.frame(behind_, "now", *std::exchange(first_, std::nullopt));
  }

  void append_new(std::string& text) {
    const auto begin = std::ranges::upper_bound(stream_.events_, behind_, {}, &Event::id);
    for (auto event = begin; event != stream_.events_.end(); ++event) {
      behind_ = event->id;
      if (first_ && event->name == "now") continue;  // a newer one follows
      if (event->readings.empty()) {
        text += stream_.frame(event->id, event->name, event->data);
        continue;
      }
      std::string list;
      for (const auto& [point, reading] : event->readings) {
        if (points_.contains(point)) list += (list.empty() ? "" : ",") + reading;
      }
      if (!list.empty()) text += stream_.frame(event->id, event->name, "{\"readings\":[" + list + "]}");
    }
  }

  Stream& stream_;
  std::uint64_t behind_;  // up to this id everything was sent
  bool resets_;
  bool catches_up_;  // `first_` comes behind what was missed
  std::set<PointId> points_;
  std::optional<std::string> first_;  // until it is sent
  bool is_sending_ = false;
  io::SteadyTime sent_at_{};
};

// nullopt: not all is known that happened behind it.
std::optional<std::uint64_t> Stream::place_of(std::string_view seen, const std::set<PointId>& points) const {
  const std::size_t dash = seen.find('-');
  if (dash == std::string_view::npos || seen.substr(0, dash) != fmt::format("{}", boot_)) return std::nullopt;
  const std::string_view digits = seen.substr(dash + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (number < forgotten_ || number > last_id_) return std::nullopt;
  const bool knows_points = std::ranges::all_of(points, [&](PointId point) {
    const auto wanted = wanted_.find(point);
    return wanted != wanted_.end() && wanted->second.since <= number;
  });
  return knows_points ? std::optional(number) : std::nullopt;
}

std::unique_ptr<io::HttpSource> Stream::join(std::string_view seen, std::set<PointId> points, std::string first) {
  const auto place = seen.empty() ? std::optional(last_id_) : place_of(seen, points);
  return std::make_unique<Source>(*this, place.value_or(last_id_), !place, std::move(points), std::move(first));
}

}  // namespace carbongate::ops
