// A pump between a sink and a journal in memory, and its clock.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>

#include "gateway/sinks/sink_pump.h"
#include "protocols/io/event.h"
#include "protocols/io/task_group.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_sink.h"
#include "tests/unit/gateway/sinks/journal_in_memory.h"

namespace carbongate::sinks {

class SinkPump : public ::testing::Test {
 protected:
  ~SinkPump() override {  // before the clock that it waits by is gone
    tasks_.cancel();
    poll();
  }
  void start(Pace pace = {}, std::size_t rows_max = SIZE_MAX) {
    tasks_.spawn(pump(sink_, journal_, committed_, clock_, pace, rows_max), [this](std::exception_ptr error) {
      ended_ = true;
      if (error) std::rethrow_exception(error);
    });
    poll();
  }
  void poll() {
    loop_.restart();
    loop_.poll();
  }
  void commit(std::size_t rows) {
    journal_.append(rows);
    committed_.notify_all();
    poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    poll();
  }
  // Lets the pump wake up once, however long it wanted to wait; returns how long that was.
  std::chrono::milliseconds wake() {
    const auto wait = clock_.next_deadline().value() - clock_.ticks();
    pass(wait);
    return wait;
  }

  asio::io_context loop_;
  testing::FakeClock clock_{loop_.get_executor()};
  io::Event committed_{loop_.get_executor()};
  io::TaskGroup tasks_{loop_.get_executor()};
  testing::FakeSink sink_{"tsdb", 10};
  JournalInMemory journal_;
  bool ended_ = false;
};

}  // namespace carbongate::sinks
