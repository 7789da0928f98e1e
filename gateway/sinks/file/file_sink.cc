#include "gateway/sinks/file/file_sink.h"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "protocols/io/elsewhere.h"

namespace carbongate::sinks::file {

namespace asio = boost::asio;

struct FileSink::Outcome {
  std::vector<ports::RejectedRow> rejected;
  std::vector<std::string> news;
  std::optional<model::Fault> fault;
};

FileSink::FileSink(Config config, std::string store, io::Clock& clock)
    : name_(config.name), batch_rows_(config.batch_rows), clock_(clock), health_(config.name, clock) {
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
  co_return co_await io::elsewhere<Outcome>([this](std::function<void()> run) { asio::post(worker_, std::move(run)); },
                                            std::move(task));
}

}  // namespace carbongate::sinks::file
