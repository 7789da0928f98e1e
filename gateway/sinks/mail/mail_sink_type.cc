#include "gateway/sinks/mail/mail_sink_type.h"

#include <utility>

#include "gateway/sinks/mail/config.h"
#include "gateway/sinks/mail/mail_sink.h"

namespace carbongate::sinks {
namespace {

class Plan final : public SinkPlan {
 public:
  explicit Plan(mail::Config config) : config_(std::move(config)) {}
  const std::string& name() const override { return config_.name; }
  Order usual_order() const override { return Order::journal; }  // what ends an alert comes behind what began it
  bool is_order_fixed() const override { return true; }
  shared::RowKinds row_kinds() const override { return shared::kNoticeRows; }
  bool has_receipts() const override { return true; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return std::make_unique<mail::MailSink>(config_, context.store ? context.store->status().id : std::string(),
                                            context.clock);
  }

 private:
  mail::Config config_;
};

std::unique_ptr<SinkPlan> read(config::Reader& in, const config::Node& root) {
  return std::make_unique<Plan>(mail::Config::from_keys(in, root));
}

}  // namespace

const SinkType& mail_type() {
  static constexpr SinkType kType{"mail", &read};
  return kType;
}

}  // namespace carbongate::sinks
