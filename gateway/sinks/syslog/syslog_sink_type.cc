#include "gateway/sinks/syslog/syslog_sink_type.h"

#include <utility>

#include "gateway/sinks/syslog/config.h"
#include "gateway/sinks/syslog/syslog_sink.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(syslog::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  Order usual_order() const override { return Order::journal; }  // what ends an alert comes behind what began it
  bool is_order_fixed() const override { return true; }
  shared::RowKinds row_kinds() const override { return shared::kNoticeRows; }
  bool has_receipts() const override { return true; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return std::make_unique<syslog::SyslogSink>(config_, context.store ? context.store->status().id : std::string(),
                                                context.executor, context.clock);
  }

 private:
  syslog::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  return std::make_unique<Plan>(syslog::Config::from(in, root));
}

}  // namespace

const SinkType& syslog_type() {
  static constexpr SinkType kType{"syslog", &read};
  return kType;
}

}  // namespace carbongate::sinks
