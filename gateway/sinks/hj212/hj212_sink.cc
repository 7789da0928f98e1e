#include "gateway/sinks/hj212/hj212_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/system/errc.hpp>
#include <set>
#include <utility>

#include "gateway/sinks/shared/under_way.h"

namespace carbongate::sinks::hj212 {

namespace asio = boost::asio;
namespace errc = boost::system::errc;
using namespace std::chrono_literals;

namespace {

constexpr auto kTellAgain = 1min;  // that nothing arrives

// By which the platform knows a repeat: command and DataTime; of an alert also its number, which its text has.
std::string id_of(const model::StoredRow& row, const Data& data) {
  std::string id = fmt::format("{} {}", data.command, data.repeated.front().front().text.value_or(""));
  if (const auto* alert = row.body.get_if<model::Alert>()) id += fmt::format(" {}-{}", alert->id, alert->revision);
  return id;
}

bool is_alert(const model::StoredRow& row) {
  return row.body.get_if<model::Alert>() != nullptr;
}

}  // namespace

Hj212Sink::Hj212Sink(Config config, asio::any_io_executor executor, io::Clock& clock, ports::Store* store,
                     std::function<bool(const model::StoredRow&)> may_go_ahead)
    : config_(std::move(config)),
      clock_(clock),
      store_(store),
      may_go_ahead_(std::move(may_go_ahead)),
      station_clock_(config_.time_zone),
      link_(config_, std::move(executor), clock, store),
      health_(config_.name, clock),
      before_(store == nullptr ? 0 : store->status().last_sequence) {}

// Also between two rows.
ports::SinkStatus Hj212Sink::status() const {
  ports::SinkStatus status = health_.status();
  status.failures += link_.not_ours();
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
  return slot(report->begin) != slot(report->begin - config_.options.limits.real_time);
}

// False: it has passed, and there is no connection.
asio::awaitable<bool> Hj212Sink::wait_for(io::SteadyTime deadline) {
  while (!link_.is_connected() && clock_.ticks() < deadline) {
    co_await link_.wait(deadline);
  }
  co_return link_.is_connected();
}

// Of nothing that has arrived. Once in a while it is a fault, after which the pump pauses; else it offers the rows at
// once, and waits here: its pauses become long, and an alert must go as soon as the platform is back.
model::Fault Hj212Sink::told(model::Fault fault) {
  health_.fault(fault);
  if (told_at_ && clock_.ticks() < *told_at_ + kTellAgain) return shared::under_way();
  told_at_ = clock_.ticks();
  return fault;
}

asio::awaitable<model::Result<ports::Delivery>> Hj212Sink::deliver_rows(std::span<const model::StoredRow> rows,
                                                                        bool are_again) {
  if (rows.empty()) co_return ports::Delivery{};
  const bool has_data = std::ranges::any_of(rows, [this](const model::StoredRow& row) { return is_wanted(row); });
  const Duration patience = told_at_ ? Duration(kReconnectPatience) : Duration(1s);
  if (has_data && !co_await wait_for(clock_.ticks() + patience)) {
    co_return told({make_error_code(errc::not_connected), link_.trouble()});
  }
  if (link_.given_up() != round_) end_round();
  if (are_again) {
    follow_again(rows);
  } else {
    co_await recall(rows);
  }
  const End end = co_await send(rows, are_again);
  co_return finish(rows, end);
}

// An alert's last change comes with a former one that is offered again, to be the platform's last word again.
void Hj212Sink::follow_again(std::span<const model::StoredRow> rows) {
  for (const model::StoredRow& row : rows) {
    const auto packet = packets_.find(row.sequence);
    if (packet == packets_.end() || !is_alert(row) || packet->second.is_again) continue;
    if (packet->second.fate == Fate::arrived) packet->second.fate = Fate::waiting;
  }
}

// What cannot be read of the record is sent again.
asio::awaitable<void> Hj212Sink::recall(std::span<const model::StoredRow> rows) {
  if (!store_ || recalled_ >= before_ || rows.back().sequence <= recalled_) co_return;
  if (co_await recall(rows.front().sequence, rows.back().sequence)) recalled_ = rows.back().sequence;
}

asio::awaitable<bool> Hj212Sink::recall(std::uint64_t first, std::uint64_t last) {
  using Outcome = ports::Attempt::Outcome;
  const auto recorded = co_await store_->recorded(config_.name, first, last);
  if (recorded.has_error()) co_return false;
  for (const ports::Recorded& row : *recorded) {
    const bool has_arrived = row.outcome == Outcome::received ||
                             (row.outcome == Outcome::sent && !config_.options.wants_receipts);  // as note() says it
    if (!has_arrived || packets_.contains(row.sequence)) continue;
    packets_[row.sequence].fate = Fate::arrived;
  }
  co_return true;
}

// `offered`: the last row that is. What cannot be read is read at the next look, or waits until it is offered.
asio::awaitable<void> Hj212Sink::look_ahead(std::uint64_t offered) {
  if (!store_ || !may_go_ahead_ || !config_.sends_alerts) co_return;
  ahead_.erase(ahead_.begin(), ahead_.upper_bound(offered));
  const std::uint64_t notice = last_notice();
  if (ahead_notice_ == notice || ahead_.size() >= kAheadMax) co_return;
  if (ahead_notice_ && notice <= std::max(offered, ahead_through_)) {  // nothing new is behind what is known
    ahead_notice_ = notice;
    co_return;
  }
  const auto found = co_await store_->alerts_behind(std::max(offered, ahead_through_), kAheadAtOnce);
  if (!found) co_return;
  if (!found->empty()) {
    const std::uint64_t first = found->front().sequence;
    if (first <= before_ && !co_await recall(first, found->back().sequence)) co_return;
    ahead_through_ = found->back().sequence;
  }
  ahead_notice_ = found->size() < kAheadAtOnce ? std::optional(notice) : std::nullopt;
  for (const model::StoredRow& row : *found) {
    if (may_go_ahead_(row)) ahead_.emplace(row.sequence, row);
  }
}

Data Hj212Sink::data_of(const model::StoredRow& row) const {
  const bool marks_unknown = config_.options.limits.version == carbongate::hj212::Flag::kVersion2025;
  const auto* report = row.body.get_if<model::Report>();
  return report ? hj212::data_of(*report, station_clock_, marks_unknown)
                : hj212::data_of(row.body.get<model::Alert>(), *row.series, station_clock_);
}

bool Hj212Sink::is_round_over() const {
  const bool is_away = !link_.is_connected() && clock_.ticks() >= link_.lost_at() + kReconnectPatience;
  return link_.given_up() != round_ || is_away;
}

asio::awaitable<Hj212Sink::End> Hj212Sink::send(std::span<const model::StoredRow> rows, bool are_again) {
  const bool looks_behind = !are_again && store_ != nullptr;
  const auto is_open = [this](const model::StoredRow& row) {
    const auto packet = packets_.find(row.sequence);
    return packet != packets_.end() && packet->second.fate == Fate::sent;
  };
  io::SteadyTime look = clock_.ticks() + kLookAgain;
  for (;;) {
    if (!are_again) co_await look_ahead(rows.back().sequence);
    look_for_answers();
    if (is_round_over()) co_return End::round_over;
    const bool all_are_sent = send_what_fits(rows, are_again);
    if (all_are_sent && std::ranges::none_of(rows, is_open)) co_return End::done;
    ask_by_repeat(rows);
    if (clock_.ticks() >= look) {
      co_await record_what_is_open();
      const std::uint64_t notice = last_notice();
      const bool is_behind = looks_behind && notice > std::max(noticed_, rows.back().sequence);
      if (is_behind && link_.is_connected() && link_.has_urgent_room()) {
        noticed_ = notice;  // the next delivery has it, or is full before it
        co_return End::cut_short;
      }
      look = clock_.ticks() + kLookAgain;
    }
    const io::SteadyTime deadline = link_.is_connected() ? io::SteadyTime::max() : link_.lost_at() + kReconnectPatience;
    co_await link_.wait(std::min(deadline, look));
  }
}

// What is sent another time takes no more than half of the window.
bool Hj212Sink::has_place(const Packet& packet, std::size_t repeats) const {
  return !packet.is_repeat || repeats < std::max<std::size_t>(1, config_.options.window / 2);
}

// For no more than room.
bool Hj212Sink::do_data_wait(std::span<const model::StoredRow> rows, std::size_t repeats) const {
  bool do_wait = false;
  for (const model::StoredRow& row : rows) {
    if (is_alert(row) || !is_wanted(row)) continue;
    const auto packet = packets_.find(row.sequence);
    const bool waits = packet == packets_.end() || packet->second.fate == Fate::waiting;
    do_wait = do_wait || (waits && has_place(packet == packets_.end() ? Packet{} : packet->second, repeats));
  }
  return do_wait;
}

// As many as the window has room for, alerts first, also those behind the rows. False: there are more of the rows.
bool Hj212Sink::send_what_fits(std::span<const model::StoredRow> rows, bool are_again) {
  const auto is_repeated = [](const auto& one) { return one.second.fate == Fate::sent && one.second.is_repeat; };
  auto repeats = static_cast<std::size_t>(std::ranges::count_if(packets_, is_repeated));
  const auto fits = [&](const model::StoredRow& row, const auto& has_room) {  // true also: it was sent before
    Packet& packet = packets_[row.sequence];
    if (packet.fate != Fate::waiting) return true;
    if (!has_place(packet, repeats) || !has_room()) return false;
    if (packet.is_repeat) ++repeats;
    packet.is_again = are_again;
    send(row, packet);
    alerts_in_a_row_ = is_alert(row) ? alerts_in_a_row_ + 1 : 0;
    return true;
  };
  std::set<const model::Series*> open;  // watches of which an alert has not arrived: the next one waits for it
  const bool do_wait = do_data_wait(rows, repeats);
  const auto alert_fits = [&](const model::StoredRow& row) {
    const auto has_room = [&] {
      return !open.contains(row.series.get()) && link_.has_urgent_room() &&
             (!do_wait || alerts_in_a_row_ < kAlertsInARow);
    };
    const bool is_sent = fits(row, has_room);
    const Fate fate = packets_[row.sequence].fate;
    if (fate == Fate::waiting || fate == Fate::sent) open.insert(row.series.get());
    return is_sent;
  };
  bool are_all_sent = true;
  for (const model::StoredRow& row : rows) {
    if (is_alert(row) && is_wanted(row) && !alert_fits(row)) are_all_sent = false;
  }
  if (!are_again) {
    for (const auto& [sequence, row] : ahead_) alert_fits(row);
  }
  const std::size_t kept_free = config_.options.window >= kWindowWithPlace ? 1 : 0;
  for (const model::StoredRow& row : rows) {
    if (is_alert(row) || !is_wanted(row)) continue;
    if (!fits(row, [&] { return link_.has_room(kept_free); })) are_all_sent = false;
  }
  return are_all_sent;
}

void Hj212Sink::send(const model::StoredRow& row, Packet& packet) {
  health_.request();
  const Data data = data_of(row);
  packet.sent_at = clock_.ticks();
  if (shared::is_recorded(row)) packet.id = id_of(row, data);
  if (const auto ticket = link_.upload(data, is_alert(row))) {
    packet.ticket = *ticket;
    packet.fate = Fate::sent;
    return;
  }
  packet.fate = Fate::refused;
  packet.why = "a factor that is too long for a packet";
  note(row.sequence, packet);
}

void Hj212Sink::look_for_answers() {
  for (auto& [sequence, packet] : packets_) {
    if (packet.fate != Fate::sent) continue;
    for (const Instant at : link_.take_sent(packet.ticket)) {
      packet.sent.push_back(at);
      packet.last_sent = at;
    }
    if (!link_.has_arrived(packet.ticket)) continue;
    packet.fate = Fate::arrived;
    link_.forget(std::exchange(packet.ticket, 0));
    has_answered_ = true;
    note(sequence, packet);
  }
  if (repeated_ == 0) return;
  if (const auto packet = packets_.find(repeated_row_); packet != packets_.end()) {
    for (const Instant at : link_.take_sent(repeated_)) {
      packet->second.last_sent = at;
      note(repeated_row_, packet->second);
    }
  }
  if (link_.has_arrived(repeated_)) has_answered_ = true;
}

// Each time that it was sent, and what has come of the last one.
void Hj212Sink::note(std::uint64_t sequence, Packet& packet) {
  using Outcome = ports::Attempt::Outcome;
  const std::vector<Instant> sent = std::exchange(packet.sent, {});
  if (packet.fate == Fate::refused && !packet.last_sent) packet.last_sent = clock_.now();  // it could not be
  if (packet.id.empty() || !packet.last_sent) return;
  for (const Instant at : sent) {
    if (at == *packet.last_sent) continue;
    log_.add({.sequence = sequence, .id = packet.id, .sent = at, .answer = "no receipt"});
  }
  ports::Attempt attempt{.sequence = sequence, .id = packet.id, .sent = *packet.last_sent};
  if (packet.fate == Fate::arrived) {
    const bool has_receipt = config_.options.wants_receipts;
    attempt.outcome = has_receipt ? Outcome::received : Outcome::sent;
    attempt.answer = has_receipt ? "9014" : "written to the connection, no receipt is asked for";
    if (has_receipt) attempt.answered = clock_.now();
  } else if (packet.fate == Fate::refused) {
    attempt.outcome = Outcome::refused;
    attempt.answer = packet.why;
  } else {
    attempt.answer = !link_.is_connected()       ? link_.trouble()
                     : packet.fate == Fate::sent ? "no receipt yet"
                                                 : "no receipt";
  }
  log_.add(std::move(attempt));
}

// For whoever asks meanwhile. What the store does not take is handed on with what is settled.
asio::awaitable<void> Hj212Sink::record_what_is_open() {
  if (!store_) co_return;
  for (auto& [sequence, packet] : packets_) {
    if (packet.fate == Fate::sent && !packet.sent.empty()) note(sequence, packet);
  }
  std::vector<ports::Attempt> attempts = log_.take();
  if (attempts.empty()) co_return;
  if ((co_await store_->record(config_.name, attempts)).has_value()) co_return;
  for (ports::Attempt& attempt : attempts) log_.add(std::move(attempt));
}

// Whether the platform answers anything, where nothing is sent but what it did not answer before: the last packet that
// it has answered already, once more.
void Hj212Sink::ask_by_repeat(std::span<const model::StoredRow> rows) {
  if (has_answered_ || repeated_ != 0 || !link_.has_room()) return;
  std::size_t open = 0;
  for (const auto& [sequence, packet] : packets_) {
    if (packet.fate != Fate::sent) continue;
    if (!packet.is_repeat) return;
    ++open;
  }
  if (open == 0) return;
  for (std::size_t i = rows.size(); i-- > 0;) {
    const auto packet = packets_.find(rows[i].sequence);
    if (packet == packets_.end() || packet->second.fate != Fate::arrived) continue;
    repeated_ = link_.upload(data_of(rows[i])).value_or(0);
    repeated_row_ = rows[i].sequence;
    return;
  }
}

// What was not answered is sent anew in the next round. It counts against a packet that it was sent as often as it may
// be, and others were answered. One that was refused before is back with the dead letters at once, or the journal would
// wait behind it.
void Hj212Sink::end_round() {
  look_for_answers();
  const bool is_given_up = link_.given_up() != round_;
  const auto patience = link_.settings().timeout * link_.settings().retries;
  for (auto& [sequence, packet] : packets_) {
    if (packet.fate != Fate::sent) continue;
    link_.forget(std::exchange(packet.ticket, 0));
    packet.fate = Fate::waiting;
    packet.is_repeat = true;
    const bool is_ignored = is_given_up && clock_.ticks() - packet.sent_at >= patience;
    if (is_ignored && has_answered_) ++packet.rounds;
    if (is_ignored && packet.is_again) {
      packet.fate = Fate::refused;
      packet.why = "offered again, and not answered again";
    } else if (packet.rounds >= kRoundsMax) {
      packet.fate = Fate::refused;
      packet.why = fmt::format("not answered {} times, while other packets were", kRoundsMax);
    }
    note(sequence, packet);
  }
  if (repeated_ != 0) link_.forget(std::exchange(repeated_, 0));
  has_answered_ = false;
  round_ = link_.given_up();
}

// Rows up to the first that is open are settled.
model::Result<ports::Delivery> Hj212Sink::finish(std::span<const model::StoredRow> rows, End end) {
  if (end == End::round_over) end_round();
  ports::Delivery delivery;
  delivery.settled_through = rows.front().sequence - 1;
  bool is_whole = true;
  for (const model::StoredRow& row : rows) {
    const auto packet = packets_.find(row.sequence);
    const Fate fate = packet == packets_.end() ? Fate::waiting : packet->second.fate;
    if (fate == Fate::sent || (fate == Fate::waiting && is_wanted(row))) {
      is_whole = false;
      break;
    }
    delivery.settled_through = row.sequence;
    if (fate == Fate::waiting) delivery.skipped.push_back(row.sequence);
    if (fate == Fate::arrived) ++health_.status().rows_accepted;
    if (fate == Fate::refused) {
      ++health_.status().rows_rejected;
      delivery.rejected.push_back({row.sequence, packet->second.why});
    }
    if (packet != packets_.end() && !ahead_.contains(row.sequence)) packets_.erase(packet);
  }
  health_.status().rows_skipped += delivery.skipped.size();
  const bool is_nothing_settled = delivery.settled_through < rows.front().sequence;
  while (packets_.size() > kRememberedMax) {
    if (packets_.begin()->second.ticket != 0) link_.forget(packets_.begin()->second.ticket);
    packets_.erase(packets_.begin());
  }
  if (!is_nothing_settled) told_at_.reset();
  if (is_whole) {
    if (delivery.skipped.size() != rows.size()) health_.success();
    return delivery;
  }
  if (end == End::cut_short) {
    if (is_nothing_settled) return shared::under_way();
    return delivery;
  }
  // Not timed_out, which asks for smaller batches: an alert behind what has no answer is to be offered with it.
  model::Fault fault{make_error_code(errc::no_message), link_.trouble()};
  if (is_nothing_settled) return told(std::move(fault));
  health_.fault(fault);
  return delivery;
}

}  // namespace carbongate::sinks::hj212
