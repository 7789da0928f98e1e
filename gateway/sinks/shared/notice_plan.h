// The plan of a sink of alerts and reports to people: in the order of the journal, each until there is a receipt.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "gateway/sinks/registry.h"
#include "gateway/sinks/shared/row_kind.h"

namespace carbongate::sinks::shared {

// `Config` has a `name`; `Make` is callable as std::unique_ptr<ports::Sink>(const Config&, std::string store,
// const SinkContext&), where `store` is the id of the context's store, "" if there is none.
template <class Config, class Make>
class NoticePlan final : public SinkPlan {
 public:
  NoticePlan(Config config, RowKinds kinds, Make make)
      : config_(std::move(config)), kinds_(kinds), make_(std::move(make)) {}

  const std::string& name() const override { return config_.name; }
  RowKinds row_kinds() const override { return kinds_; }
  bool has_receipts() const override { return true; }
  std::unique_ptr<ports::Sink> make(const SinkContext& context) const override {
    return make_(config_, context.store ? context.store->status().id : std::string(), context);
  }

 private:
  Config config_;
  RowKinds kinds_;
  Make make_;
};

template <class Config, class Make>
std::unique_ptr<SinkPlan> notice_plan(Config config, RowKinds kinds, Make make) {
  return std::make_unique<NoticePlan<Config, Make>>(std::move(config), kinds, std::move(make));
}

}  // namespace carbongate::sinks::shared
