#include "gateway/sinks/file/file_sink_type.h"

#include <utility>

#include "gateway/sinks/file/config.h"
#include "gateway/sinks/file/file_sink.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(file::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  Order usual_order() const override { return Order::journal; }
  bool is_order_fixed() const override { return true; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return std::make_unique<file::FileSink>(config_, context.store ? context.store->status().id : std::string(),
                                            context.clock);
  }

 private:
  file::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  return std::make_unique<Plan>(file::Config::from(in, root));
}

}  // namespace

const SinkType& file_type() {
  static constexpr SinkType kType{"file", &read};
  return kType;
}

}  // namespace carbongate::sinks
