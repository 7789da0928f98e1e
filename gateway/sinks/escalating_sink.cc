#include "gateway/sinks/escalating_sink.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

namespace carbongate::sinks {

namespace asio = boost::asio;

// The rows that something is decided of: the first ones offered.
struct EscalatingSink::Choice {
  std::vector<model::StoredRow> rows;  // passed on
  std::vector<std::uint64_t> skipped;
  std::uint64_t through = 0;  // 0: the first one waits
};

namespace {

bool has_passed(const ports::StoreStatus::Cursor& cursor, std::uint64_t sequence) {
  if (sequence <= cursor.settled) return true;
  return std::ranges::any_of(cursor.ahead, [sequence](const ports::StoreStatus::Stretch& stretch) {
    return stretch.begun < sequence && sequence <= stretch.settled;
  });
}

}  // namespace

EscalatingSink::EscalatingSink(std::unique_ptr<ports::Sink> sink, Escalation escalation, ports::Store& store,
                               io::Clock& clock)
    : sink_(std::move(sink)), escalation_(std::move(escalation)), store_(store), clock_(clock) {}

asio::awaitable<model::Result<ports::Delivery>> EscalatingSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  struct Waiting {
    bool& is_waiting;
    ~Waiting() { is_waiting = false; }
  } waiting{is_waiting_};
  auto choice = co_await choose(rows);
  while (choice && choice->through == 0) {
    is_waiting_ = true;
    co_await clock_.sleep_until(clock_.ticks() + kLookAgain);
    choice = co_await choose(rows);
  }
  is_waiting_ = false;
  if (!choice) co_return std::move(choice).error();
  ports::Delivery delivery{choice->through, {}};
  if (!choice->rows.empty()) {
    was_offered_ = true;
    co_await follow(choice->rows);
    auto passed_on = co_await sink_->deliver(choice->rows);
    if (!passed_on) co_return std::move(passed_on).error();
    const auto open =
        std::ranges::upper_bound(choice->rows, passed_on->settled_through, {}, &model::StoredRow::sequence);
    if (open != choice->rows.end()) delivery.settled_through = open->sequence - 1;
    delivery.rejected = std::move(passed_on->rejected);
    delivery.skipped = std::move(passed_on->skipped);
  }
  const auto end = std::ranges::upper_bound(choice->skipped, delivery.settled_through);
  delivery.skipped.insert(delivery.skipped.end(), choice->skipped.begin(), end);
  rows_skipped_ += static_cast<std::uint64_t>(end - choice->skipped.begin());
  ends_.erase(ends_.begin(), ends_.upper_bound(delivery.settled_through));
  co_return delivery;
}

asio::awaitable<model::Result<EscalatingSink::Choice>> EscalatingSink::choose(std::span<const model::StoredRow> rows) {
  if (auto read = co_await read_kept(); !read) co_return std::move(read).error();
  const ports::StoreStatus store = store_.status();  // before the record, which is then not older than the cursors
  look_at_end(store.last_sequence);
  const auto recorded = co_await store_.recorded(escalation_.of, rows.front().sequence, rows.back().sequence);
  if (!recorded) co_return recorded.error();
  const auto other = std::ranges::find(store.cursors, escalation_.of, &ports::StoreStatus::Cursor::sink);
  Choice choice;
  std::set<std::string_view> told;  // alerts passed on here, which are not followed before all is chosen
  for (const model::StoredRow& row : rows) {
    const auto* alert = row.body.get_if<model::Alert>();
    const bool is_told = alert != nullptr && (told.contains(alert->id) || followed_.contains(alert->id));
    const auto of_row = std::ranges::lower_bound(*recorded, row.sequence, {}, &ports::Recorded::sequence);
    const bool is_recorded = of_row != recorded->end() && of_row->sequence == row.sequence;
    const Fate fate =
        is_told ? Fate::passed_on
                : fate_of(row, is_recorded ? &*of_row : nullptr, other == store.cursors.end() ? nullptr : &*other);
    if (fate == Fate::waits) break;
    if (fate == Fate::passed_on) choice.rows.push_back(row);
    if (fate == Fate::passed_on && alert != nullptr) told.insert(alert->id);
    if (fate == Fate::skipped) choice.skipped.push_back(row.sequence);
    choice.through = row.sequence;
  }
  if (choice.through < rows.back().sequence) co_await keep_end(rows, store);
  co_return choice;
}

// All rows up to here are there now, whether they are offered yet or not.
void EscalatingSink::look_at_end(std::uint64_t last) {
  if (!ends_.empty() && ends_.rbegin()->first >= last) return;
  ends_.emplace_hint(ends_.end(), last, clock_.ticks());
  if (ends_.size() <= kEndsMax) return;
  for (auto end = ends_.begin(); end != ends_.end() && std::next(end) != ends_.end(); ++end) end = ends_.erase(end);
}

io::SteadyTime EscalatingSink::seen_at(std::uint64_t sequence) const {
  const auto end = ends_.lower_bound(sequence);
  return end == ends_.end() ? clock_.ticks() : end->second;
}

std::optional<Instant> EscalatingSink::kept_at(std::uint64_t sequence) const {
  const auto end = kept_ends_.lower_bound(sequence);
  return end == kept_ends_.end() ? std::nullopt : std::optional(end->second);
}

asio::awaitable<model::Result<void>> EscalatingSink::read_kept() {
  if (has_read_kept_) co_return model::Result<void>();
  const auto text = co_await store_.kept(name(), kSeenName);
  if (!text) co_return text.error();
  const auto followed = co_await store_.kept(name(), kFollowedName);
  if (!followed) co_return followed.error();
  has_read_kept_ = true;
  std::istringstream ids(followed->value_or(""));
  for (std::string id; std::getline(ids, id);) add_followed(id);
  std::istringstream ends(text->value_or(""));
  std::uint64_t sequence = 0;
  std::int64_t at = 0;
  while (ends >> sequence >> at) kept_ends_[sequence] = Instant(std::chrono::milliseconds(at));
  co_return model::Result<void>();
}

// Where there is something behind what is kept, and the end kept last is of another part of `after`. What the store
// does not take is tried at the next look.
asio::awaitable<void> EscalatingSink::keep_end(std::span<const model::StoredRow> rows,
                                               const ports::StoreStatus& store) {
  const Instant now = clock_.now();
  if (!clock_.is_known()) co_return;
  if (!kept_ends_.empty()) {
    const auto& [sequence, at] = *kept_ends_.rbegin();
    const auto part = std::max<Duration>(escalation_.after / kKeptParts, kLookAgain);
    const bool is_new = std::max(rows.back().sequence, store.last_notice) > sequence;
    if (!is_new || (at <= now && now - at < part)) co_return;
  }
  std::map<std::uint64_t, Instant> ends(kept_ends_.lower_bound(rows.front().sequence), kept_ends_.end());
  ends[std::max(store.last_sequence, rows.back().sequence)] = now;
  // Of those that are due already the last one says it all.
  while (ends.size() > 1 && std::next(ends.begin())->second + escalation_.after <= now) ends.erase(ends.begin());
  while (ends.size() > 2 * kKeptParts) ends.erase(ends.begin());
  std::string text;
  for (const auto& [sequence, at] : ends) {
    text += std::to_string(sequence) + " " + std::to_string(at.time_since_epoch().count()) + "\n";
  }
  const auto kept = co_await store_.keep(name(), kSeenName, std::move(text));
  if (kept) kept_ends_ = std::move(ends);
}

EscalatingSink::Fate EscalatingSink::fate_of(const model::StoredRow& row, const ports::Recorded* recorded,
                                             const ports::StoreStatus::Cursor* other) const {
  using Outcome = ports::Attempt::Outcome;
  if (recorded != nullptr && recorded->outcome == Outcome::refused) return Fate::passed_on;
  if (recorded != nullptr && recorded->outcome == Outcome::received) return Fate::skipped;
  if (recorded == nullptr && other != nullptr && has_passed(*other, row.sequence)) return Fate::skipped;
  // By the clock of the program, and, since a restart begins that anew, by what is kept as well, and by when it was
  // sent.
  const std::optional<Instant> kept = clock_.is_known() ? kept_at(row.sequence) : std::nullopt;
  const bool is_due = clock_.ticks() >= seen_at(row.sequence) + escalation_.after ||
                      (kept && clock_.now() >= *kept + escalation_.after) ||
                      (recorded != nullptr && clock_.now() >= recorded->first_sent + escalation_.after);
  return is_due ? Fate::passed_on : Fate::waits;
}

// On disk before anybody is told. What the store does not take is tried with the next one.
asio::awaitable<void> EscalatingSink::follow(std::span<const model::StoredRow> rows) {
  for (const model::StoredRow& row : rows) {
    const auto* alert = row.body.get_if<model::Alert>();
    if (alert == nullptr || followed_.contains(alert->id)) continue;
    add_followed(alert->id);
    is_followed_kept_ = false;
  }
  if (is_followed_kept_) co_return;
  std::string text;
  for (const std::string& id : followed_in_order_) text += id + "\n";
  const auto kept = co_await store_.keep(name(), kFollowedName, std::move(text));
  is_followed_kept_ = kept.has_value();
}

void EscalatingSink::add_followed(const std::string& id) {
  if (!followed_.insert(id).second) return;
  followed_in_order_.push_back(id);
  if (followed_in_order_.size() <= kFollowedMax) return;
  followed_.erase(followed_in_order_.front());
  followed_in_order_.pop_front();
}

// Where all receipts came nothing speaks against the destination.
ports::SinkStatus EscalatingSink::status() const {
  ports::SinkStatus status = sink_->status();
  status.rows_skipped += rows_skipped_;
  status.is_waiting_for_time = status.is_waiting_for_time || is_waiting_;
  if (!was_offered_) status.healthy = true;
  return status;
}

}  // namespace carbongate::sinks
