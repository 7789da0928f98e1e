#include "gateway/sinks/hj212/hj212_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/system/errc.hpp>
#include <utility>

namespace carbongate::sinks::hj212 {

namespace asio = boost::asio;
namespace errc = boost::system::errc;
using namespace std::chrono_literals;

namespace {

// By which the platform knows a repeat: command and DataTime; of an alert also its number, which its text has.
std::string id_of(const model::StoredRow& row, const Data& data) {
  std::string id = fmt::format("{} {}", data.command, data.repeated.front().front().text.value_or(""));
  if (const auto* alert = row.body.get_if<model::Alert>()) id += fmt::format(" {}-{}", alert->id, alert->revision);
  return id;
}

}  // namespace

// Of one delivery; what still waits when it ends is no longer waited for.
class Hj212Sink::Packets {
 public:
  Packets(PlatformLink& link, const io::Clock& clock) : link_(link), clock_(clock) {}
  ~Packets() {
    for (const Packet& packet : all) {
      if (packet.ticket != 0) link_.forget(packet.ticket);
    }
  }
  Packets(const Packets&) = delete;
  Packets& operator=(const Packets&) = delete;

  // Notes what has arrived. True: nothing waits any more.
  bool look() {
    bool is_done = true;
    for (Packet& packet : all) {
      if (packet.fate == Fate::sent && link_.has_arrived(packet.ticket)) {
        packet.fate = Fate::arrived;
        packet.arrived = clock_.now();
      }
      is_done = is_done && packet.fate != Fate::sent;
    }
    return is_done;
  }

  std::vector<Packet> all;
  std::vector<ports::RejectedRow> refused;

 private:
  PlatformLink& link_;
  const io::Clock& clock_;
};

Hj212Sink::Hj212Sink(Config config, asio::any_io_executor executor, io::Clock& clock, ports::Store* store)
    : config_(std::move(config)),
      clock_(clock),
      station_clock_(config_.time_zone),
      link_(config_, std::move(executor), clock, store),
      health_(config_.name, clock) {}

// Also between two rows.
ports::SinkStatus Hj212Sink::status() const {
  ports::SinkStatus status = health_.status();
  if (link_.is_connected()) return status;
  status.healthy = false;
  status.detail = link_.trouble();
  return status;
}

// Of the platform's interval the first instant of each slot.
bool Hj212Sink::is_wanted(const model::StoredRow& row) const {
  const auto* report = row.body.get_if<model::Report>();
  if (!report) return row.body.get_if<model::Alert>() != nullptr && config_.sends_alerts;
  if (row.series->device != config_.station) return false;
  if (report->kind != model::ReportKind::real_time) return true;
  const carbongate::hj212::ClientSettings& settings = link_.settings();
  if (!settings.sends_real_time) return false;
  const auto slot = [&](Instant at) {
    return std::chrono::floor<Duration>(station_clock_.local(at).time_since_epoch()) / settings.real_time_interval;
  };
  return slot(report->begin) != slot(report->begin - config_.real_time);
}

// False: it has passed, and there is no connection.
asio::awaitable<bool> Hj212Sink::wait_for(io::SteadyTime deadline) {
  while (!link_.is_connected() && clock_.ticks() < deadline) {
    co_await link_.wait(deadline);
  }
  co_return link_.is_connected();
}

asio::awaitable<model::Result<ports::Delivery>> Hj212Sink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  Packets packets(link_, clock_);
  const bool has_data = std::ranges::any_of(rows, [this](const model::StoredRow& row) { return is_wanted(row); });
  if (has_data && !co_await wait_for(clock_.ticks() + 1s)) {
    const model::Fault fault{make_error_code(errc::not_connected), link_.trouble()};
    health_.fault(fault);
    co_return fault;
  }
  co_await send(rows, packets);
  co_return finish(rows, packets);
}

Data Hj212Sink::data_of(const model::StoredRow& row, bool marks_unknown) const {
  const auto* report = row.body.get_if<model::Report>();
  return report ? hj212::data_of(*report, station_clock_, marks_unknown)
                : hj212::data_of(row.body.get<model::Alert>(), *row.series, station_clock_);
}

// Until all has arrived, or the connection is of no use.
asio::awaitable<void> Hj212Sink::send(std::span<const model::StoredRow> rows, Packets& packets) {
  const std::uint64_t given_up = link_.given_up();
  const auto is_over = [&] {
    const bool is_away = !link_.is_connected() && clock_.ticks() >= link_.lost_at() + kReconnectPatience;
    return link_.given_up() != given_up || is_away;
  };
  const auto wait = [&]() -> asio::awaitable<void> {
    co_await link_.wait(link_.is_connected() ? io::SteadyTime::max() : link_.lost_at() + kReconnectPatience);
  };
  const bool marks_unknown = config_.options.limits.version == carbongate::hj212::Flag::kVersion2025;
  for (const model::StoredRow& row : rows) {
    Packet packet{.sequence = row.sequence};
    if (arrived_ahead_.contains(row.sequence)) {
      packet.fate = Fate::arrived;
    } else if (!is_wanted(row)) {
      packet.fate = Fate::skipped;
    } else {
      while (!link_.has_room() && !is_over()) co_await wait();
      if (is_over()) co_return;
      health_.request();
      const Data data = data_of(row, marks_unknown);
      packet.sent = clock_.now();
      if (shared::is_recorded(row)) packet.id = id_of(row, data);
      if (const auto ticket = link_.upload(data)) {
        packet.ticket = *ticket;
        packet.fate = Fate::sent;
      } else {
        packet.fate = Fate::refused;
        packets.refused.push_back({row.sequence, "a factor that is too long for a packet"});
      }
    }
    packets.all.push_back(packet);
  }
  ask_by_repeat(rows, packets);
  while (!packets.look() && !is_over()) co_await wait();
}

// What this delivery sent, and did not find arrived ahead.
void Hj212Sink::note(const Packets& packets) {
  using Outcome = ports::Attempt::Outcome;
  for (const Packet& packet : packets.all) {
    if (packet.id.empty()) continue;
    ports::Attempt attempt{.sequence = packet.sequence, .id = packet.id, .sent = packet.sent};
    if (packet.fate == Fate::arrived) {
      const bool has_receipt = config_.options.wants_receipts;
      attempt.outcome = has_receipt ? Outcome::received : Outcome::sent;
      attempt.answer = has_receipt ? "9014" : "written to the connection, no receipt is asked for";
      if (has_receipt) attempt.answered = packet.arrived;
    } else if (packet.fate == Fate::refused) {
      attempt.outcome = Outcome::refused;
      const auto why = std::ranges::find(packets.refused, packet.sequence, &ports::RejectedRow::sequence);
      if (why != packets.refused.end()) attempt.answer = why->reason;
    } else {
      attempt.answer = link_.is_connected() ? "no receipt" : link_.trouble();
    }
    log_.add(std::move(attempt));
  }
}

// Whether the platform answers anything, where nothing is sent but what it did not answer before: the last packet that
// it has answered already, once more.
void Hj212Sink::ask_by_repeat(std::span<const model::StoredRow> rows, Packets& packets) {
  const auto is_new = [this](const Packet& packet) {
    return packet.fate == Fate::sent && !unanswered_.contains(packet.sequence);
  };
  if (unanswered_.empty() || std::ranges::any_of(packets.all, is_new) || !link_.has_room()) return;
  for (std::size_t i = packets.all.size(); i-- > 0;) {
    if (packets.all[i].fate != Fate::arrived) continue;
    const bool marks_unknown = config_.options.limits.version == carbongate::hj212::Flag::kVersion2025;
    packets.all[i].ticket = link_.upload(data_of(rows[i], marks_unknown)).value_or(0);
    return;
  }
}

model::Result<ports::Delivery> Hj212Sink::finish(std::span<const model::StoredRow> rows, Packets& packets) {
  packets.look();
  const auto is_open = [](const Packet& packet) { return packet.fate == Fate::sent; };
  auto open = std::ranges::find_if(packets.all, is_open);
  if (open != packets.all.end()) {
    const bool others_arrive = std::any_of(open, packets.all.end(), [this](const Packet& packet) {
      return packet.ticket != 0 && link_.has_arrived(packet.ticket);
    });
    if (is_given_up(open->sequence, others_arrive)) {
      packets.refused.push_back(
          {open->sequence, fmt::format("not answered {} times, while other packets were", kRoundsMax)});
      open->fate = Fate::refused;
      open = std::ranges::find_if(packets.all, is_open);
    }
  }
  note(packets);
  unanswered_.clear();
  for (const Packet& packet : packets.all) {
    if (packet.fate == Fate::sent) unanswered_.insert(packet.sequence);
  }
  ports::Delivery delivery;
  delivery.settled_through = rows.front().sequence - 1;
  for (const Packet& packet : packets.all) {
    const bool is_settled = open == packets.all.end() || packet.sequence < open->sequence;
    if (!is_settled) {
      if (packet.fate == Fate::arrived) arrived_ahead_.insert(packet.sequence);
      continue;
    }
    delivery.settled_through = packet.sequence;
    arrived_ahead_.erase(packet.sequence);
    if (packet.fate == Fate::skipped) ++delivery.skipped;
    if (packet.fate == Fate::arrived) ++health_.status().rows_accepted;
  }
  for (ports::RejectedRow& row : packets.refused) {
    if (row.sequence > delivery.settled_through) continue;
    ++health_.status().rows_rejected;
    delivery.rejected.push_back(std::move(row));
  }
  std::ranges::sort(delivery.rejected, {}, &ports::RejectedRow::sequence);
  health_.status().rows_skipped += delivery.skipped;
  if (packets.all.size() == rows.size() && open == packets.all.end()) {
    if (delivery.skipped != rows.size()) health_.success();
    return delivery;
  }
  const model::Fault fault{make_error_code(errc::timed_out), link_.trouble()};
  health_.fault(fault);
  if (delivery.settled_through < rows.front().sequence) return fault;
  return delivery;
}

bool Hj212Sink::is_given_up(std::uint64_t sequence, bool others_arrive) {
  if (std::exchange(stuck_, sequence) != sequence) rounds_ = 0;
  if (others_arrive) ++rounds_;
  return rounds_ >= kRoundsMax;
}

}  // namespace carbongate::sinks::hj212
