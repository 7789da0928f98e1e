#include "gateway/sinks/file/file_sink.h"

#include <spdlog/spdlog.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace carbongate::sinks::file {

namespace asio = boost::asio;

struct FileSink::Outcome {
  std::vector<ports::RejectedRow> rejected;
  std::vector<std::string> news;
  std::optional<model::Fault> fault;
};

FileSink::FileSink(Config config, std::string store, asio::any_io_executor executor, io::Clock& clock)
    : name_(config.name),
      batch_rows_(config.batch_rows),
      executor_(std::move(executor)),
      clock_(clock),
      health_(config.name, clock) {
  files_ = std::make_shared<RowFiles>(std::move(config), std::move(store));
}

FileSink::~FileSink() {
  worker_.join();
}

asio::awaitable<model::Result<ports::Delivery>> FileSink::deliver(std::span<const model::StoredRow> rows) {
  return write(rows, false);
}

asio::awaitable<model::Result<ports::Delivery>> FileSink::deliver_again(std::span<const model::StoredRow> rows) {
  return write(rows, true);
}

asio::awaitable<model::Result<ports::Delivery>> FileSink::write(std::span<const model::StoredRow> rows, bool again) {
  if (rows.empty()) co_return ports::Delivery{};
  health_.request();
  Outcome outcome = co_await on_worker(rows, again);
  for (const std::string& text : outcome.news) spdlog::info("sink {}: {}", name_, text);
  if (outcome.fault) {
    health_.fault(*outcome.fault);
    co_return std::move(*outcome.fault);
  }
  health_.success();
  health_.status().rows_accepted += rows.size() - outcome.rejected.size();
  health_.status().rows_rejected += outcome.rejected.size();
  co_return ports::Delivery{rows.back().sequence, std::move(outcome.rejected)};
}

// What has begun always finishes, also when the caller is cancelled: the rows are the worker's own.
asio::awaitable<FileSink::Outcome> FileSink::on_worker(std::span<const model::StoredRow> rows, bool again) {
  auto task = [files = files_, mine = std::vector<model::StoredRow>(rows.begin(), rows.end()), now = clock_.now(),
               again] {
    Outcome outcome;
    try {
      outcome.rejected = files->write(mine, now, again);
    } catch (const Trouble& trouble) {
      outcome.fault = model::Fault{{trouble.error(), boost::system::generic_category()}, trouble.what()};
    }
    outcome.news = files->take_news();
    return outcome;
  };
  auto initiation = [this](auto handler, auto work) {
    // Keeps the caller's loop running although it has nothing to do meanwhile.
    auto caller = asio::make_work_guard(asio::get_associated_executor(handler, executor_));
    asio::post(worker_, [handler = std::move(handler), work = std::move(work), caller = std::move(caller)]() mutable {
      std::exception_ptr escaped;
      Outcome outcome;
      try {
        outcome = work();
      } catch (...) {
        escaped = std::current_exception();
      }
      const auto executor = caller.get_executor();
      asio::post(executor, [handler = std::move(handler), escaped, outcome = std::move(outcome)]() mutable {
        std::move(handler)(escaped, std::move(outcome));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, Outcome)>(
      std::move(initiation), asio::use_awaitable, std::move(task));
}

}  // namespace carbongate::sinks::file
