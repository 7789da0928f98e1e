#include "gateway/ops/download.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <utility>

#include "protocols/io/event.h"
#include "protocols/wire/gzip.h"

namespace carbongate::ops {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

// Between the worker and the loop; both hold it.
class Pipe : public std::enable_shared_from_this<Pipe> {
 public:
  explicit Pipe(const asio::any_io_executor& executor) : executor_(executor), changed_(executor) {}

  // The worker. False: nobody reads any more.
  bool push(std::string piece) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return abandoned_ || bytes_ < kDownloadBytesMax; });
    if (abandoned_) return false;
    bytes_ += piece.size();
    pieces_.push_back(std::move(piece));
    wake();
    return true;
  }
  void end(int status, std::string error) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    error_ = std::move(error);
    wake();
  }

  // The loop.
  void abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    room_.notify_all();
  }
  asio::awaitable<void> begun() {
    while (!has_news()) co_await changed_.wait();
  }
  std::optional<std::string> pop() {
    const std::lock_guard lock(mutex_);
    if (pieces_.empty()) return std::nullopt;
    std::string piece = std::move(pieces_.front());
    pieces_.pop_front();
    bytes_ -= piece.size();
    room_.notify_all();
    return piece;
  }
  // Of one that has ended, with nothing left in it.
  std::optional<std::pair<int, std::string>> ended() {
    const std::lock_guard lock(mutex_);
    if (!status_ || !pieces_.empty()) return std::nullopt;
    return std::pair(*status_, error_);
  }

 private:
  bool has_news() {
    const std::lock_guard lock(mutex_);
    return !pieces_.empty() || status_;
  }
  void wake() {
    asio::post(executor_, [self = shared_from_this()] { self->changed_.notify_all(); });
  }

  asio::any_io_executor executor_;
  io::Event changed_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::string> pieces_;
  std::size_t bytes_ = 0;
  std::optional<int> status_;
  std::string error_;
  bool abandoned_ = false;
};

class PipeBuffer final : public std::streambuf {
 public:
  PipeBuffer(Pipe& pipe, bool packed) : pipe_(pipe) {
    if (packed) gzip_.emplace();
  }

  // False: nobody reads any more.
  bool finish() {
    if (!pass_on()) return false;
    return !gzip_ || pipe_.push(gzip_->finish());
  }

 protected:
  int overflow(int c) override {
    if (c == traits_type::eof()) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    piece_.append(text, static_cast<std::size_t>(size));
    if (piece_.size() >= kPieceBytes && !pass_on()) return 0;
    return size;
  }
  int sync() override { return pass_on() ? 0 : -1; }

 private:
  bool pass_on() {
    std::string piece = std::exchange(piece_, {});
    if (gzip_) piece = gzip_->pack(piece);
    return piece.empty() || pipe_.push(std::move(piece));
  }

  Pipe& pipe_;
  std::string piece_;
  std::optional<wire::GzipStream> gzip_;
};

class PipeSource final : public io::HttpSource {
 public:
  explicit PipeSource(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
  ~PipeSource() override { pipe_->abandon(); }
  PipeSource(const PipeSource&) = delete;
  PipeSource& operator=(const PipeSource&) = delete;

  asio::awaitable<std::optional<std::string>> next() override {
    co_await pipe_->begun();
    if (auto piece = pipe_->pop()) co_return piece;
    const auto end = pipe_->ended();
    if (end && end->first != 0) throw std::runtime_error(end->second);
    co_return std::nullopt;
  }

 private:
  std::shared_ptr<Pipe> pipe_;
};

asio::awaitable<void> write(Workers& workers, std::shared_ptr<Pipe> pipe, Writing writing, bool packed) {
  std::function<bool()> work = [pipe, writing = std::move(writing), packed] {
    PipeBuffer buffer(*pipe, packed);
    std::ostream out(&buffer);
    std::ostringstream err;
    int status = 74;  // EX_IOERR
    try {
      status = writing(out, err);
      if (status == 0) buffer.finish();
    } catch (const std::exception& error) {
      err << error.what();
    }
    pipe->end(status, std::move(err).str());
    return true;
  };
  co_await workers.run<bool>(std::move(work));
}

}  // namespace

asio::awaitable<io::HttpAnswer> download(Workers& workers, Writing writing,
                                         std::function<io::HttpAnswer(int, std::string)> failed,
                                         std::vector<io::HttpHeader> headers, bool packed) {
  workers.refuse_if_full();
  const auto executor = co_await asio::this_coro::executor;
  auto pipe = std::make_shared<Pipe>(executor);
  auto source = std::make_unique<PipeSource>(pipe);
  asio::co_spawn(executor, write(workers, pipe, std::move(writing), packed), asio::detached);
  co_await pipe->begun();
  if (const auto end = pipe->ended(); end && end->first != 0) co_return failed(end->first, end->second);
  io::HttpAnswer answer;
  answer.headers = std::move(headers);
  answer.source = std::move(source);
  co_return answer;
}

}  // namespace carbongate::ops
