#include "gateway/sinks/hj212/hj212_sink_type.h"

#include <utility>

#include "gateway/sinks/hj212/config.h"
#include "gateway/sinks/hj212/hj212_sink.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(hj212::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  shared::RowKinds row_kinds() const override {
    shared::RowKinds kinds;
    kinds.set(static_cast<std::size_t>(shared::RowKind::report));
    kinds.set(static_cast<std::size_t>(shared::RowKind::alert), config_.sends_alerts);
    return kinds;
  }
  bool has_receipts() const override { return config_.options.wants_receipts; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return std::make_unique<hj212::Hj212Sink>(config_, context.executor, context.clock, context.store,
                                              context.may_go_ahead);
  }

 private:
  hj212::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  return std::make_unique<Plan>(hj212::Config::from(in, root));
}

}  // namespace

const SinkType& hj212_type() {
  static constexpr SinkType kType{"hj212", &read};
  return kType;
}

}  // namespace carbongate::sinks
