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
  std::uint64_t through = 0;                      // all offered rows up to here are in one of the two
  bool is_full = false;
};

SelectingSink::SelectingSink(std::unique_ptr<ports::Sink> sink, Selection selection, ports::Store* store)
    : sink_(std::move(sink)), selection_(std::move(selection)), store_(store), rows_at_once_(sink_->batch_rows()) {
  if (selection_.every != Duration::zero()) thinning_.emplace(selection_.every);
}

asio::awaitable<model::Result<ports::Delivery>> SelectingSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  if (thinning_ && !thinning_->knows_before(rows.front().sequence)) {
    auto known = co_await look_back(rows.front().sequence);
    if (!known) co_return std::move(known).error();
  }
  const Choice choice = choose(rows);
  ports::Delivery delivery{choice.through, {}};
  if (!choice.rows.empty()) {
    was_offered_ = true;
    auto delivered = co_await sink_->deliver(choice.rows);
    if (!delivered) co_return std::move(delivered).error();
    // Rows between the last one settled and the next one selected are settled with it.
    const auto open =
        std::ranges::upper_bound(choice.rows, delivered->settled_through, {}, &model::StoredRow::sequence);
    delivery.rejected = std::move(delivered->rejected);
    if (open != choice.rows.end()) delivery.settled_through = open->sequence - 1;
  }
  delivery.skipped = count_skipped(choice, delivery.settled_through);
  if (thinning_ && delivery.settled_through >= rows.front().sequence) {
    thinning_->passed(choice.readings, delivery.settled_through);
  }
  adapt(choice);
  co_return delivery;
}

asio::awaitable<model::Result<void>> SelectingSink::look_back(std::uint64_t before) {
  std::vector<model::StoredRow> readings;
  if (store_) {
    auto found = co_await store_->readings_before(before, Thinning::kWindow);
    if (!found) co_return std::move(found).error();
    readings = std::move(*found);
    std::erase_if(readings, [this](const model::StoredRow& row) { return !selection_.takes(row); });
  }
  thinning_->begin(before, readings);
  co_return model::Result<void>();
}

SelectingSink::Choice SelectingSink::choose(std::span<const model::StoredRow> rows) const {
  Choice choice;
  std::optional<Thinning::Decision> decision;
  if (thinning_) decision.emplace(*thinning_);
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

// Rows that the store could not settle are offered again: they count once.
std::uint64_t SelectingSink::count_skipped(const Choice& choice, std::uint64_t through) {
  const auto first = std::ranges::upper_bound(choice.skipped, counted_through_);
  const auto last = std::ranges::upper_bound(choice.skipped, through);
  if (first < last) rows_skipped_ += static_cast<std::uint64_t>(last - first);
  counted_through_ = std::max(counted_through_, through);
  return static_cast<std::uint64_t>(last - choice.skipped.begin());
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
  status.rows_skipped = rows_skipped_;
  // Nothing of what it was given was for the destination: nothing speaks against that one.
  if (!was_offered_ && rows_skipped_ != 0) status.healthy = true;
  return status;
}

}  // namespace carbongate::sinks
