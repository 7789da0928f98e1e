// Whether a sink's destination takes rows, as SinkStatus tells it.
#pragma once

#include <string>
#include <utility>

#include "gateway/model/errors.h"
#include "gateway/ports/sink.h"
#include "protocols/io/clock.h"

namespace carbongate::sinks::shared {

// Not thread-safe. `clock` outlives it. Healthy from the first success on until the next fault.
class Health {
 public:
  Health(std::string name, const io::Clock& clock) : clock_(clock) {
    status_.name = std::move(name);
    status_.since = clock_.now();
  }

  void success() {
    if (status_.healthy) return;
    status_.healthy = true;
    status_.since = clock_.now();
    status_.detail.clear();
  }

  void fault(const model::Fault& fault) {
    ++status_.failures;
    status_.detail = fault.text;
    if (!status_.healthy && status_.failures > 1) return;
    status_.healthy = false;
    status_.since = clock_.now();
  }

  void request() { ++status_.requests; }

  ports::SinkStatus& status() { return status_; }
  const ports::SinkStatus& status() const { return status_; }

 private:
  const io::Clock& clock_;
  ports::SinkStatus status_;
};

}  // namespace carbongate::sinks::shared
