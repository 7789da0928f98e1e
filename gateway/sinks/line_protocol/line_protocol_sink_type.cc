#include "gateway/sinks/line_protocol/line_protocol_sink_type.h"

#include <utility>

#include "gateway/sinks/line_protocol/config.h"
#include "gateway/sinks/line_protocol/line_protocol_sink.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(line_protocol::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  std::size_t concurrency_max() const override { return kHttpConcurrencyMax; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return std::make_unique<line_protocol::LineProtocolSink>(config_, context.executor, context.clock);
  }

 private:
  line_protocol::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node&) {
  return std::make_unique<Plan>(line_protocol::Config::from(in));
}

}  // namespace

const SinkType& line_protocol_type() {
  static constexpr SinkType kType{"line-protocol", &read};
  return kType;
}

}  // namespace carbongate::sinks
