#include "gateway/sinks/webhook/webhook_sink_type.h"

#include <utility>

#include "gateway/sinks/shared/notice_plan.h"
#include "gateway/sinks/webhook/config.h"
#include "gateway/sinks/webhook/webhook_sink.h"

namespace carbongate::sinks {
namespace {

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  webhook::Config config = webhook::Config::from(in, root);
  // Alertmanager knows no reports.
  const shared::RowKinds kinds =
      config.format == webhook::Format::cloudevents ? shared::kNoticeRows : shared::kAlertRows;
  return shared::notice_plan(
      std::move(config), kinds, [](webhook::Config options, std::string store, const SinkContext& context) {
        options.escalated_from = context.escalated_from;
        return std::make_unique<webhook::WebhookSink>(std::move(options), std::move(store), context.executor,
                                                      context.clock, context.store, context.is_offered);
      });
}

}  // namespace

const SinkType& webhook_type() {
  static constexpr SinkType kType{"webhook", &read};
  return kType;
}

}  // namespace carbongate::sinks
