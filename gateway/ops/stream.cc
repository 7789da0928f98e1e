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
  std::erase_if(wanted_, [&](const auto& item) {
    return item.second.first == 0 && item.second.second + kRemembered < clock_.ticks();
  });
  happened_.notify_all();
}

class Stream::Source final : public io::HttpSource {
 public:
  Source(Stream& stream, std::uint64_t behind, std::set<PointId> points, std::string first)
      : stream_(stream), behind_(behind), points_(std::move(points)), first_(std::move(first)) {
    ++stream_.clients_;
    for (const PointId point : points_) ++stream_.wanted_[point].first;
    sent_at_ = stream_.clock_.ticks();
  }
  ~Source() override {
    --stream_.clients_;
    const io::SteadyTime now = stream_.clock_.ticks();
    if (is_sending_ && sent_at_ + kStuck <= now) ++stream_.dropped_;
    for (const PointId point : points_) {
      auto& [clients, left] = stream_.wanted_[point];
      --clients;
      left = now;
    }
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  asio::awaitable<std::optional<std::string>> next() override {
    is_sending_ = false;
    while (true) {
      std::string text = std::exchange(first_, {});
      if (behind_ < stream_.forgotten_) {
        behind_ = stream_.last_id_;
        text += stream_.frame(stream_.last_id_, "reset", "{}");
      }
      append_new(text);
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
  void append_new(std::string& text) {
    const auto begin = std::ranges::upper_bound(stream_.events_, behind_, {}, &Event::id);
    for (auto event = begin; event != stream_.events_.end(); ++event) {
      behind_ = event->id;
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
  std::set<PointId> points_;
  std::string first_;
  bool is_sending_ = false;
  io::SteadyTime sent_at_{};
};

std::unique_ptr<io::HttpSource> Stream::join(std::string_view seen, std::set<PointId> points, std::string first) {
  std::uint64_t behind = last_id_;
  std::string begin;
  if (!seen.empty()) {
    const std::size_t dash = seen.find('-');
    std::uint64_t number = 0;
    const bool is_ours = seen.substr(0, dash) == fmt::format("{}", boot_) && dash != std::string_view::npos;
    const std::string_view digits = is_ours ? seen.substr(dash + 1) : std::string_view();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool is_known = is_ours && !digits.empty() && error == std::errc() && end == digits.data() + digits.size() &&
                          number >= forgotten_ && number <= last_id_;
    if (is_known) {
      behind = number;
    } else {
      begin = frame(last_id_, "reset", "{}");
    }
  }
  begin += frame(last_id_, "now", first);
  if (behind != last_id_) begin.clear();  // what was missed comes first, and the newest `now` is in it
  return std::make_unique<Source>(*this, behind, std::move(points), std::move(begin));
}

}  // namespace carbongate::ops
