#include "gateway/sinks/kafka/kafka_sink_type.h"

#include <utility>

#include "gateway/sinks/kafka/config.h"
#include "gateway/sinks/kafka/kafka_sink.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(kafka::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  Order usual_order() const override { return Order::journal; }  // a topic keeps the order of each key
  bool has_receipts() const override { return true; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    kafka::Config config = config_;
    config.escalated_from = context.escalated_from;
    return std::make_unique<kafka::KafkaSink>(
        std::move(config), context.store ? context.store->status().id : std::string(), context.clock);
  }

 private:
  kafka::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  return std::make_unique<Plan>(kafka::Config::from(in, root));
}

}  // namespace

const SinkType& kafka_type() {
  static constexpr SinkType kType{"kafka", &read};
  return kType;
}

}  // namespace carbongate::sinks
