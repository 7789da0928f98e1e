#include "gateway/sinks/remote_write/remote_write_sink_type.h"

#include <utility>

#include "gateway/sinks/remote_write/config.h"
#include "gateway/sinks/remote_write/remote_write_sink.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(remote_write::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  Order usual_order() const override { return Order::journal; }  // not every store takes old samples
  std::size_t concurrency_max() const override { return kHttpConcurrencyMax; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return std::make_unique<remote_write::RemoteWriteSink>(config_, context.executor, context.clock);
  }

 private:
  remote_write::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node&) {
  return std::make_unique<Plan>(remote_write::Config::from(in));
}

}  // namespace

const SinkType& remote_write_type() {
  static constexpr SinkType kType{"prometheus-remote-write", &read};
  return kType;
}

}  // namespace carbongate::sinks
