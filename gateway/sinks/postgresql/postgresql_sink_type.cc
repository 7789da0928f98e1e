#include "gateway/sinks/postgresql/postgresql_sink_type.h"

#include <utility>

#include "gateway/sinks/postgresql/config.h"
#include "gateway/sinks/postgresql/postgresql_sink.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(postgresql::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return std::make_unique<postgresql::PostgresqlSink>(config_, context.executor, context.clock);
  }

 private:
  postgresql::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node&) {
  return std::make_unique<Plan>(postgresql::Config::from(in));
}

}  // namespace

const SinkType& postgresql_type() {
  static constexpr SinkType kType{"postgresql", &read};
  return kType;
}

}  // namespace carbongate::sinks
