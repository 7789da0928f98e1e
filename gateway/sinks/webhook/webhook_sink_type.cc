#include "gateway/sinks/webhook/webhook_sink_type.h"

#include <utility>

#include "gateway/sinks/webhook/config.h"
#include "gateway/sinks/webhook/webhook_sink.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(webhook::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  Order usual_order() const override { return Order::journal; }  // what ends an alert comes behind what began it
  bool is_order_fixed() const override { return true; }
  shared::RowKinds row_kinds() const override {
    shared::RowKinds kinds;
    kinds.set(static_cast<std::size_t>(shared::RowKind::alert));
    kinds.set(static_cast<std::size_t>(shared::RowKind::report), config_.format == webhook::Format::cloudevents);
    return kinds;
  }
  bool has_receipts() const override { return true; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return std::make_unique<webhook::WebhookSink>(config_, context.store ? context.store->status().id : std::string(),
                                                  context.executor, context.clock);
  }

 private:
  webhook::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  return std::make_unique<Plan>(webhook::Config::from(in, root));
}

}  // namespace

const SinkType& webhook_type() {
  static constexpr SinkType kType{"webhook", &read};
  return kType;
}

}  // namespace carbongate::sinks
