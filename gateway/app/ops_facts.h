// What the running gateway tells its HTTP server.
#pragma once

#include "gateway/app/gateway.h"
#include "gateway/ops/facts.h"
#include "protocols/io/clock.h"

namespace carbongate::app {

class OpsFacts final : public ops::Facts {
 public:
  // Both outlive it. `begun`: when the process began.
  OpsFacts(const Gateway& gateway, const io::Clock& clock, Instant begun);

  void started() { is_started_ = true; }

  const ops::Fixed& fixed() const override { return fixed_; }
  const model::Site& site() const override { return gateway_.site(); }
  const pipeline::FactorRegistry& factors() const override { return gateway_.config().factors; }
  const model::Checkpoint& accounts() const override { return gateway_.accounts(); }
  ops::State state() const override;
  Instant now() const override { return clock_.now(); }

 private:
  const Gateway& gateway_;
  const io::Clock& clock_;
  ops::Fixed fixed_;
  bool is_started_ = false;
};

}  // namespace carbongate::app
