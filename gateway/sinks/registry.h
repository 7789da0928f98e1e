// The sinks there are: one line per type in registry.cc.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/reader/reader.h"
#include "gateway/ports/sink.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks {

struct SinkContext {
  boost::asio::any_io_executor executor;  // the loop
  io::Clock& clock;                       // outlives the sink
};

// A sink as configured, before anything is opened.
class SinkPlan {
 public:
  virtual ~SinkPlan() = default;
  virtual const std::string& name() const = 0;  // unique among the sinks: the cursor's name in the store
  virtual std::unique_ptr<ports::Sink> make(const SinkContext& context) const = 0;
};

struct SinkType {
  std::string_view name;  // as in `sinks[].type`: "line-protocol"

  // Reads one element of `sinks`. Problems go to the reader; a plan is returned in any case.
  std::unique_ptr<SinkPlan> (*read)(config::Reader& in, const config::Node& root);
};

std::span<const SinkType> sink_types();

}  // namespace carbongate::sinks
