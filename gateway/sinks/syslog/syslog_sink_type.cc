#include "gateway/sinks/syslog/syslog_sink_type.h"

#include <utility>

#include "gateway/sinks/shared/notice_plan.h"
#include "gateway/sinks/syslog/config.h"
#include "gateway/sinks/syslog/syslog_sink.h"

namespace carbongate::sinks {
namespace {

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  syslog::Config config = syslog::Config::from(in, root);
  return shared::notice_plan(std::move(config), shared::kNoticeRows,
                             [](syslog::Config options, std::string store, const SinkContext& context) {
                               options.notice.escalated_from = context.escalated_from;
                               return std::make_unique<syslog::SyslogSink>(std::move(options), std::move(store),
                                                                           context.executor, context.clock);
                             });
}

}  // namespace

const SinkType& syslog_type() {
  static constexpr SinkType kType{"syslog", &read};
  return kType;
}

}  // namespace carbongate::sinks
