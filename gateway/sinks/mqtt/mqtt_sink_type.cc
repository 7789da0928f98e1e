#include "gateway/sinks/mqtt/mqtt_sink_type.h"

#include <utility>

#include "gateway/sinks/mqtt/config.h"
#include "gateway/sinks/mqtt/mqtt_sink.h"
#include "protocols/mqtt/paho_publisher.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(mqtt::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  Order usual_order() const override { return config_.retain ? Order::journal : Order::live_first; }
  bool is_order_fixed() const override { return config_.retain; }  // the broker keeps what comes last
  bool has_receipts() const override { return true; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    mqtt::Config config = config_;
    config.escalated_from = context.escalated_from;
    return std::make_unique<mqtt::MqttSink>(
        std::move(config), context.store ? context.store->status().id : std::string(),
        std::make_unique<carbongate::mqtt::PahoPublisher>(config_.session, config_.in_flight), context.clock,
        context.store);
  }

 private:
  mqtt::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  return std::make_unique<Plan>(mqtt::Config::from(in, root));
}

}  // namespace

const SinkType& mqtt_type() {
  static constexpr SinkType kType{"mqtt", &read};
  return kType;
}

}  // namespace carbongate::sinks
