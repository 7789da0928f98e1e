#include "gateway/sinks/energy_platform/energy_platform_sink_type.h"

#include <algorithm>
#include <utility>

#include "gateway/sinks/energy_platform/config.h"
#include "gateway/sinks/energy_platform/energy_platform_sink.h"

namespace carbongate::sinks {
namespace {

using energy_platform::Cadence;
using energy_platform::Config;
using energy_platform::Enrolment;

// What the sinks of one platform have in common: made with the first of them, gone with the last.
class Shared {
 public:
  explicit Shared(Config config) : config_(std::move(config)) {}
  const Config& config() const { return config_; }
  std::shared_ptr<Enrolment> enrolment(const SinkContext& context) {
    auto enrolment = enrolment_.lock();
    if (!enrolment) {
      enrolment = std::make_shared<Enrolment>(config_, context.executor, context.clock, context.store);
      enrolment_ = enrolment;
    }
    return enrolment;
  }

 private:
  Config config_;
  std::weak_ptr<Enrolment> enrolment_;
};

class Plan final : public SinkPlan {
 public:
  Plan(std::shared_ptr<Shared> shared, Cadence cadence)
      : shared_(std::move(shared)), cadence_(cadence), name_(shared_->config().name + suffix_of(cadence)) {}

  const std::string& name() const override { return name_; }
  // Days and months wait for their time: what is revised comes behind what it takes the place of.
  Order usual_order() const override { return cadence_ == Cadence::real_time ? Order::live_first : Order::journal; }
  shared::RowKinds row_kinds() const override {
    shared::RowKinds kinds;
    kinds.set(static_cast<std::size_t>(shared::RowKind::rollup));
    return kinds;
  }
  std::unique_ptr<SinkPlan> companion() const override {
    if (cadence_ == Cadence::months) return nullptr;
    return std::make_unique<Plan>(shared_, cadence_ == Cadence::real_time ? Cadence::days : Cadence::months);
  }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return std::make_unique<energy_platform::EnergyPlatformSink>(name_, shared_->enrolment(context), cadence_,
                                                                 context.executor, context.clock, context.store);
  }

 private:
  static std::string suffix_of(Cadence cadence) {
    switch (cadence) {
      case Cadence::real_time: return "";
      case Cadence::days: return "-days";
      case Cadence::months: return "-months";
    }
    return "";
  }

  std::shared_ptr<Shared> shared_;
  Cadence cadence_;
  std::string name_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  return std::make_unique<Plan>(std::make_shared<Shared>(Config::from(in, root)), Cadence::real_time);
}

}  // namespace

const SinkType& energy_platform_type() {
  static constexpr SinkType kType{"energy-platform", &read};
  return kType;
}

}  // namespace carbongate::sinks
