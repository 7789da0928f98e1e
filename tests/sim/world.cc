#include "tests/sim/world.h"

#include <fmt/format.h>

#include <functional>
#include <string_view>

#include "gateway/store/record.h"

namespace carbongate::sim {

using namespace std::chrono_literals;

namespace {

constexpr Duration kTick = 10s;

}  // namespace

Meter::Meter(std::mt19937_64& random, Instant begin, Duration horizon) : begin_(begin) {
  std::int64_t wh = static_cast<std::int64_t>(random() % 1'000'000'000);
  for (Duration t{}; t <= horizon + 48h; t += kTick) {
    wh_.push_back(wh);
    if (random() % 10 != 0) wh += static_cast<std::int64_t>(random() % 300);
  }
}

double Meter::kwh_at(Instant at) const {
  const auto tick = static_cast<std::size_t>(std::max<Duration>(at - begin_, Duration::zero()) / kTick);
  return static_cast<double>(wh_.at(std::min(tick, wh_.size() - 1))) / 1000.0;
}

MessageQueue::MessageQueue(std::mt19937_64& random, const Meter& meter, Instant begin, Duration horizon) {
  const Duration period = 10s + 10s * static_cast<int>(random() % 6);
  for (Duration t{}; t < horizon; t += period) {
    messages_.push_back({.at = begin + t, .value = meter.kwh_at(begin + t)});
  }
}

std::uint64_t FarEnd::digest(const model::StoredRow& row) {
  static store::RecordCodec codec;  // one thread
  const store::RecordColumns columns = codec.encode(row.body);
  const std::string text =
      fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", static_cast<int>(columns.kind), columns.at_ms, columns.value,
                  columns.quality, row.series->device, row.series->point, row.series->user, columns.body);
  return std::hash<std::string_view>()(text);
}

std::string FarEnd::write(std::uint64_t sequence, std::uint64_t digest, ports::Lane lane) {
  const auto [known, is_new] = rows_.try_emplace(sequence, digest);
  if (!is_new && known->second != digest) {
    return fmt::format("row {} was sent again with another content", sequence);
  }
  std::uint64_t& newest = newest_.at(static_cast<std::size_t>(lane));
  if (is_new && sequence <= newest) {
    return fmt::format("row {} was sent for the first time behind row {} of its lane", sequence, newest);
  }
  if (is_new) newest = sequence;
  return {};
}

}  // namespace carbongate::sim
