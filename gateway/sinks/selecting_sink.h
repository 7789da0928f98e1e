// A sink that is offered only what its configuration selects.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/in_batches.h"
#include "gateway/sinks/selection.h"
#include "gateway/sinks/thinning.h"

namespace carbongate::sinks {

// What is not selected is settled together with the rows around it, and counted in SinkStatus::rows_skipped. Where
// little is selected it asks for more rows at a time, so that requests stay large.
class SelectingSink final : public ports::Sink {
 public:
  static constexpr std::size_t kRowsAtOnceMax = 20'000;  // offered; or what the sink itself likes, if that is more

  // `store`: asked for what came before, if readings are thinned; outlives the sink. nullptr: nothing came before.
  SelectingSink(std::unique_ptr<ports::Sink> sink, Selection selection, ports::Store* store);

  const std::string& name() const override { return sink_->name(); }
  std::size_t batch_rows() const override { return rows_at_once_; }
  boost::asio::awaitable<void> attend() override { return sink_->attend(); }
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver(std::span<const model::StoredRow> rows) override;
  // Passed on as they are, in batches of the sink's size: they were selected once, and Thinning knows nothing of rows
  // so far back.
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_again(
      std::span<const model::StoredRow> rows) override {
    return deliver_in_batches(*sink_, rows, true);
  }
  std::vector<ports::Attempt> take_attempts() override { return sink_->take_attempts(); }
  ports::SinkStatus status() const override;

 private:
  struct Choice;

  // What is known of the rows of a lane that came before.
  struct Place {
    std::optional<Thinning> thinning;
    std::uint64_t skipped_through;  // counted up to here
  };

  // Of the rows that are offered: `after`, the row that the first one follows, and in which lane that is.
  struct Origin {
    std::uint64_t after = 0;
    ports::Lane lane = ports::Lane::backlog;
    bool is_again = false;   // revisions that are sent once more
    bool has_joined = true;  // there is one lane
  };

  Origin origin_of(std::uint64_t sequence) const;
  Place& place_of(const Origin& origin);
  boost::asio::awaitable<model::Result<ports::Delivery>> deliver_chosen(Choice choice, Place* place);
  boost::asio::awaitable<model::Result<void>> look_back(Thinning& thinning, std::uint64_t before);
  Choice choose(std::span<const model::StoredRow> rows, const Thinning* thinning) const;
  void count_skipped(const Choice& choice, Place& place, ports::Delivery& delivery);
  void adapt(const Choice& choice);

  std::unique_ptr<ports::Sink> sink_;
  Selection selection_;
  ports::Store* store_;
  Place backlog_{std::nullopt, 0};  // or all, without a live lane
  std::optional<Place> live_;
  std::size_t rows_at_once_;
  std::uint64_t rows_skipped_ = 0;
  bool was_offered_ = false;  // anything to the sink itself
};

}  // namespace carbongate::sinks
