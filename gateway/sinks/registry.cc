#include "gateway/sinks/registry.h"

#include <utility>
#include <vector>

#include "gateway/sinks/energy_platform/energy_platform_sink_type.h"
#include "gateway/sinks/escalating_sink.h"
#include "gateway/sinks/file/file_sink_type.h"
#include "gateway/sinks/hj212/hj212_sink_type.h"
#include "gateway/sinks/kafka/kafka_sink_type.h"
#include "gateway/sinks/line_protocol/line_protocol_sink_type.h"
#include "gateway/sinks/mail/mail_sink_type.h"
#include "gateway/sinks/mqtt/mqtt_sink_type.h"
#include "gateway/sinks/parallel_sink.h"
#include "gateway/sinks/postgresql/postgresql_sink_type.h"
#include "gateway/sinks/remote_write/remote_write_sink_type.h"
#include "gateway/sinks/selecting_sink.h"
#include "gateway/sinks/syslog/syslog_sink_type.h"
#include "gateway/sinks/webhook/webhook_sink_type.h"

namespace carbongate::sinks {
namespace {

class ConfiguredPlan final : public SinkPlan {
 public:
  using Alerts = decltype(SelectableNames::alerts);

  ConfiguredPlan(std::unique_ptr<SinkPlan> plan, Selection selection, Pace pace, std::size_t concurrency,
                 std::optional<Escalation> escalation, Alerts alerts)
      : plan_(std::move(plan)),
        selection_(std::move(selection)),
        pace_(pace),
        concurrency_(concurrency),
        escalation_(std::move(escalation)),
        alerts_(std::move(alerts)) {}

  const std::string& name() const override { return plan_->name(); }
  Order usual_order() const override { return plan_->usual_order(); }
  bool is_order_fixed() const override { return plan_->is_order_fixed(); }
  Pace pace() const override {
    Pace pace = pace_;
    pace.is_prompt = (selection_.rows & ~shared::kNoticeRows).none();
    return pace;
  }
  shared::RowKinds row_kinds() const override { return selection_.rows; }
  bool has_receipts() const override { return plan_->has_receipts(); }
  const Escalation* escalation() const override { return escalation_ ? &*escalation_ : nullptr; }
  std::unique_ptr<SinkPlan> companion() const override {
    auto plan = plan_->companion();
    if (!plan) return nullptr;
    Pace pace = pace_;
    pace.order = plan->usual_order();
    return std::make_unique<ConfiguredPlan>(std::move(plan), selection_, pace, 1, std::nullopt, alerts_);
  }
  std::unique_ptr<ports::Sink> make(const SinkContext& given) const override {
    SinkContext context = given;
    if (alerts_) {
      context.is_offered = [alerts = alerts_, selection = selection_](const model::Series& of) {
        const auto found = alerts->find(alert_name(of));
        return found != alerts->end() && selection.takes_alert(of, found->second);
      };
    }
    if (!escalation_) {
      context.may_go_ahead = [selection = selection_](const model::StoredRow& row) { return selection.takes(row); };
    }
    if (selection_.is_everything()) return make_destination(context);
    return std::make_unique<SelectingSink>(make_destination(context), selection_, context.store);
  }

 private:
  std::unique_ptr<ports::Sink> make_destination(const SinkContext& context) const {
    if (concurrency_ == 1) {
      if (!escalation_ || context.store == nullptr) return plan_->make(context);
      SinkContext told = context;
      told.escalated_from = escalation_->of;
      return std::make_unique<EscalatingSink>(plan_->make(told), *escalation_, *context.store, context.clock);
    }
    std::vector<std::unique_ptr<ports::Sink>> sinks;
    while (sinks.size() < concurrency_) sinks.push_back(plan_->make(context));
    return std::make_unique<ParallelSink>(std::move(sinks));
  }

  std::unique_ptr<SinkPlan> plan_;
  Selection selection_;
  Pace pace_;
  std::size_t concurrency_;
  std::optional<Escalation> escalation_;
  Alerts alerts_;
};

}  // namespace

std::span<const SinkType> sink_types() {
  // Local: filled at the first call, when the types of the other files are initialised for certain.
  static const SinkType kTypes[] = {
      energy_platform_type(), file_type(),   hj212_type(),   kafka_type(),
      line_protocol_type(),   mail_type(),   mqtt_type(),    postgresql_type(),
      remote_write_type(),    syslog_type(), webhook_type(),
  };
  return kTypes;
}

std::unique_ptr<SinkPlan> read_sink(const SinkType& type, config::Reader& in, const config::Node& root,
                                    const SelectableNames* names) {
  auto plan = type.read(in, root);
  Selection selection = Selection::from(in, names);
  const bool has_any = selection.rows.any();
  selection.rows &= plan->row_kinds();
  if (has_any && selection.rows.none()) in.error("select", "its rows name nothing that such a sink can send");
  auto escalation = Escalation::from(in);
  // What ends an alert, or is known better, comes behind what it follows. What waits for a receipt would make a backlog
  // of the rest.
  const bool are_notices = (selection.rows & ~shared::kNoticeRows).none();
  Pace pace = escalation || are_notices ? Pace::from(in, Order::journal, true)
                                        : Pace::from(in, plan->usual_order(), plan->is_order_fixed());
  std::size_t concurrency = 1;
  if (const std::size_t most = plan->concurrency_max(); most > 1) {
    concurrency = in.in_range<std::size_t>("concurrency", concurrency, 1, most);
  }
  if (escalation && !are_notices) {
    in.error("escalates", "is for sinks of alerts and reports; choose them with `rows: [alerts]`");
  }
  if (escalation && concurrency != 1) in.error("concurrency", "and `escalates` exclude each other");
  return std::make_unique<ConfiguredPlan>(std::move(plan), std::move(selection), pace, concurrency,
                                          std::move(escalation), names ? names->alerts : nullptr);
}

}  // namespace carbongate::sinks
