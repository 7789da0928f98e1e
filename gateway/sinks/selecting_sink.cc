#include "gateway/sinks/selecting_sink.h"

#include <algorithm>
#include <utility>

namespace carbongate::sinks {

namespace asio = boost::asio;

// What is taken of the rows offered: as many as the sink likes, and how far that reaches.
struct SelectingSink::Choice {
  std::vector<model::StoredRow> rows;
  std::vector<const model::StoredRow*> readings;  // selected but for being thinned
  std::vector<std::uint64_t> skipped;             // sequences
  std::uint64_t first = 0;                        // offered
  std::uint64_t through = 0;                      // all offered rows up to here are in one of the two
  bool is_full = false;
};

SelectingSink::SelectingSink(std::unique_ptr<ports::Sink> sink, Selection selection, ports::Store* store)
    : sink_(std::move(sink)), selection_(std::move(selection)), store_(store), rows_at_once_(sink_->batch_rows()) {
  if (selection_.every != Duration::zero()) backlog_.thinning.emplace(selection_.every);
}

asio::awaitable<model::Result<ports::Delivery>> SelectingSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  const Origin origin = origin_of(rows.front().sequence);
  if (origin.is_again) co_return co_await deliver_chosen(choose(rows, nullptr), nullptr);
  Place& place = place_of(origin);
  if (place.thinning && !place.thinning->knows_before(rows.front().sequence, origin.after)) {
    auto known = co_await look_back(*place.thinning, rows.front().sequence);
    if (!known) co_return std::move(known).error();
  }
  co_return co_await deliver_chosen(choose(rows, place.thinning ? &*place.thinning : nullptr), &place);
}

// `place` nullptr: they were counted before.
asio::awaitable<model::Result<ports::Delivery>> SelectingSink::deliver_chosen(Choice choice, Place* place) {
  ports::Delivery delivery{choice.through, {}};
  if (!choice.rows.empty()) {
    was_offered_ = true;
    auto delivered = co_await sink_->deliver(choice.rows);
    if (!delivered) {
      adapt(choice);  // what it would take may lie behind what it does not
      co_return std::move(delivered).error();
    }
    // Rows between the last one settled and the next one selected are settled with it.
    const auto open =
        std::ranges::upper_bound(choice.rows, delivered->settled_through, {}, &model::StoredRow::sequence);
    delivery.rejected = std::move(delivered->rejected);
    delivery.skipped = std::move(delivered->skipped);
    if (open != choice.rows.end()) delivery.settled_through = open->sequence - 1;
  }
  if (!place) co_return delivery;
  count_skipped(choice, *place, delivery);
  if (place->thinning && delivery.settled_through >= choice.first) {
    place->thinning->passed(choice.readings, delivery.settled_through);
  }
  adapt(choice);
  co_return delivery;
}

SelectingSink::Origin SelectingSink::origin_of(std::uint64_t sequence) const {
  if (!store_) return {};
  const ports::StoreStatus store = store_->status();
  const auto cursor = std::ranges::find(store.cursors, sink_->name(), &ports::StoreStatus::Cursor::sink);
  if (cursor == store.cursors.end() || cursor->settled >= sequence) return {};
  if (cursor->ahead.empty()) return {.after = cursor->settled};
  Origin origin{.after = cursor->settled, .has_joined = false};
  origin.is_again = cursor->ahead.front().begun < sequence && sequence <= cursor->ahead.front().settled;
  if (cursor->live() < sequence) {
    origin.after = cursor->live();
    origin.lane = ports::Lane::live;
  }
  return origin;
}

// When the lanes have joined, what is known of the live lane goes on.
SelectingSink::Place& SelectingSink::place_of(const Origin& origin) {
  if (origin.lane == ports::Lane::backlog) {
    if (origin.has_joined && live_) backlog_ = std::move(*std::exchange(live_, std::nullopt));
    return backlog_;
  }
  if (!live_) {
    live_ = Place{std::nullopt, 0};
    if (backlog_.thinning) live_->thinning.emplace(selection_.every);
  }
  return *live_;
}

asio::awaitable<model::Result<void>> SelectingSink::look_back(Thinning& thinning, std::uint64_t before) {
  std::vector<model::StoredRow> readings;
  if (store_) {
    auto found = co_await store_->readings_before(before, Thinning::kWindow);
    if (!found) co_return std::move(found).error();
    readings = std::move(*found);
    std::erase_if(readings, [this](const model::StoredRow& row) { return !selection_.takes(row); });
  }
  thinning.begin(before, readings);
  co_return model::Result<void>();
}

SelectingSink::Choice SelectingSink::choose(std::span<const model::StoredRow> rows, const Thinning* thinning) const {
  Choice choice;
  choice.first = rows.front().sequence;
  std::optional<Thinning::Decision> decision;
  if (thinning) decision.emplace(*thinning);
  for (const model::StoredRow& row : rows) {
    bool is_taken = selection_.takes(row);
    if (is_taken && choice.rows.size() == sink_->batch_rows()) {
      choice.is_full = true;
      break;
    }
    if (is_taken && decision && row.body.get_if<model::JudgedReading>() != nullptr) {
      choice.readings.push_back(&row);
      is_taken = decision->keeps(row);
    }
    if (is_taken) {
      choice.rows.push_back(row);
    } else {
      choice.skipped.push_back(row.sequence);
    }
    choice.through = row.sequence;
  }
  return choice;
}

// Rows that the store could not settle are offered again: the status counts them once.
void SelectingSink::count_skipped(const Choice& choice, Place& place, ports::Delivery& delivery) {
  const std::uint64_t through = delivery.settled_through;
  const auto first = std::ranges::upper_bound(choice.skipped, place.skipped_through);
  const auto last = std::ranges::upper_bound(choice.skipped, through);
  if (first < last) rows_skipped_ += static_cast<std::uint64_t>(last - first);
  place.skipped_through = std::max(place.skipped_through, through);
  delivery.skipped.insert(delivery.skipped.end(), choice.skipped.begin(), last);
}

void SelectingSink::adapt(const Choice& choice) {
  const std::size_t wanted = sink_->batch_rows();
  if (choice.is_full) {
    rows_at_once_ = std::max(wanted, (choice.rows.size() + choice.skipped.size()) * 5 / 4);
  } else if (choice.rows.size() < wanted / 2 + 1) {
    rows_at_once_ *= 2;
  }
  rows_at_once_ = std::min(rows_at_once_, std::max(wanted, kRowsAtOnceMax));
}

ports::SinkStatus SelectingSink::status() const {
  ports::SinkStatus status = sink_->status();
  status.rows_skipped += rows_skipped_;
  // Nothing of what it was given was for the destination: nothing speaks against that one.
  if (!was_offered_ && rows_skipped_ != 0) status.healthy = true;
  return status;
}

}  // namespace carbongate::sinks
