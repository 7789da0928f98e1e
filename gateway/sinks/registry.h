// The sinks there are: one line per type in registry.cc.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/reader/reader.h"
#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"
#include "gateway/sinks/escalation.h"
#include "gateway/sinks/pace.h"
#include "gateway/sinks/selection.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks {

struct SinkContext {
  boost::asio::any_io_executor executor;  // the loop
  io::Clock& clock;                       // outlives the sink
  ports::Store* store = nullptr;          // of the rows offered; outlives the sink. nullptr: it cannot be asked

  // Whether the sink is offered what becomes of such an alert: whether there still is such a rule and subject, and
  // `select` takes them. Empty: nobody knows.
  std::function<bool(const model::Series&)> is_offered = {};

  std::string escalated_from = {};  // the sink whose receipts are lacking for all that this one is offered; "": none

  // Of alerts that stand in the journal behind what it was offered: whether the sink may send one before that, and pass
  // it when it is offered. Empty: it may not.
  std::function<bool(const model::StoredRow&)> may_go_ahead = {};
};

inline constexpr std::size_t kHttpConcurrencyMax = 8;  // of sinks that write by HTTP requests

// A sink as configured, before anything is opened.
class SinkPlan {
 public:
  virtual ~SinkPlan() = default;
  virtual const std::string& name() const = 0;  // unique among the sinks: the cursor's name in the store

  // In which order its destination gets rows if nobody says otherwise: the journal's, where what comes later takes the
  // place of what is there, or where older rows are refused. `is_order_fixed`: it can be no other; nor can it for who
  // is offered alerts and reports alone.
  virtual Order usual_order() const { return Order::live_first; }
  virtual bool is_order_fixed() const { return false; }

  // How many of its sinks may write at the same time, each about points and accounts of its own: `concurrency`.
  virtual std::size_t concurrency_max() const { return 1; }
  virtual Pace pace() const { return {}; }  // as configured

  // What its destination can be told; of other rows it is not offered any.
  virtual shared::RowKinds row_kinds() const { return shared::RowKinds().set(); }
  // Whether it records what it sends of alerts and reports (Sink::take_attempts()), so that another sink can wait for
  // its receipts.
  virtual bool has_receipts() const { return false; }
  virtual const Escalation* escalation() const { return nullptr; }  // as configured

  // Another sink that comes with this one, with a cursor of its own, to the same destination: what it sends there waits
  // for other things. It may have one in turn. Of companions only the order is their own.
  virtual std::unique_ptr<SinkPlan> companion() const { return nullptr; }
  virtual std::unique_ptr<ports::Sink> make(const SinkContext& context) const = 0;
};

struct SinkType {
  std::string_view name;  // as in `sinks[].type`: "line-protocol"

  // Reads one element of `sinks`. Problems go to the reader; a plan is returned in any case.
  std::unique_ptr<SinkPlan> (*read)(config::Reader& in, const config::Node& root);
};

std::span<const SinkType> sink_types();

// Reads one element of `sinks`: what its type reads, and what all have in common: `select`, `rows`, `concurrency`,
// `escalates`, and how fast it is caught up (pace.h). Its sinks are offered what is selected. Problems go to the
// reader, of which finish() is left to the caller; a plan is returned in any case.
std::unique_ptr<SinkPlan> read_sink(const SinkType& type, config::Reader& in, const config::Node& root,
                                    const SelectableNames* names);

}  // namespace carbongate::sinks
