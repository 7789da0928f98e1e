#include "gateway/sinks/mail/mail_sink_type.h"

#include <utility>

#include "gateway/sinks/mail/config.h"
#include "gateway/sinks/mail/mail_sink.h"
#include "gateway/sinks/shared/notice_plan.h"

namespace carbongate::sinks {
namespace {

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  mail::Config config = mail::Config::from_keys(in, root);
  return shared::notice_plan(
      std::move(config), shared::kNoticeRows, [](mail::Config options, std::string store, const SinkContext& context) {
        options.notice.escalated_from = context.escalated_from;
        return std::make_unique<mail::MailSink>(std::move(options), std::move(store), context.clock);
      });
}

}  // namespace

const SinkType& mail_type() {
  static constexpr SinkType kType{"mail", &read};
  return kType;
}

}  // namespace carbongate::sinks
