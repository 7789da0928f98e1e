// The other end of an HTTP connection, on a real loopback socket, that answers what a test wrote down.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace carbongate::testing {

// Takes connections one after the other. For each request it does the next thing of the script: answers, says nothing,
// or closes. With the script at its end it says nothing. Lives longer than the loop runs.
class ScriptedHttpPeer {
 public:
  explicit ScriptedHttpPeer(boost::asio::any_io_executor executor)
      : acceptor_(executor, {boost::asio::ip::address_v4::loopback(), 0}) {
    boost::asio::co_spawn(executor, serve(), boost::asio::detached);
  }

  void answer(int status, std::string body = "", std::string headers = "") {
    raw("HTTP/1.1 " + std::to_string(status) + " Some Reason\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n" + headers + "\r\n" + body);
  }
  void raw(std::string bytes) { script_.push_back({std::move(bytes), false}); }
  void raw_and_close(std::string bytes) { script_.push_back({std::move(bytes), true}); }
  void close() { script_.push_back({"", true}); }
  // At once, on the connection that there is.
  void say_unasked(const std::string& bytes) { boost::asio::write(*current_, boost::asio::buffer(bytes)); }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  struct Request {
    std::string head;  // request line and headers
    std::string body;
  };
  const std::vector<Request>& requests() const { return requests_; }
  std::size_t connections() const { return connections_; }

 private:
  struct Step {
    std::string bytes;
    bool then_close = false;
  };

  boost::asio::awaitable<void> serve() {
    while (true) {
      auto socket = co_await acceptor_.async_accept(boost::asio::use_awaitable);
      current_ = &socket;
      ++connections_;
      try {
        while (co_await serve_one(socket)) {
        }
      } catch (const boost::system::system_error&) {
        // the client went away
      }
    }
  }

  // False: the connection is to be closed.
  boost::asio::awaitable<bool> serve_one(boost::asio::ip::tcp::socket& socket) {
    std::string bytes;
    const std::size_t head = co_await boost::asio::async_read_until(socket, boost::asio::dynamic_buffer(bytes),
                                                                    "\r\n\r\n", boost::asio::use_awaitable);
    Request request{bytes.substr(0, head), bytes.substr(head)};
    const auto length = request.head.find("Content-Length: ");
    const std::size_t wanted = length == std::string::npos ? 0 : std::stoul(request.head.substr(length + 16));
    if (request.body.size() < wanted) {
      std::string rest(wanted - request.body.size(), '\0');
      co_await boost::asio::async_read(socket, boost::asio::buffer(rest), boost::asio::use_awaitable);
      request.body += rest;
    }
    requests_.push_back(std::move(request));
    if (script_.empty()) {
      char nothing = 0;  // until the client closes
      co_await socket.async_read_some(boost::asio::buffer(&nothing, 1), boost::asio::use_awaitable);
      co_return false;
    }
    const Step step = std::move(script_.front());
    script_.pop_front();
    co_await boost::asio::async_write(socket, boost::asio::buffer(step.bytes), boost::asio::use_awaitable);
    co_return !step.then_close;
  }

  boost::asio::ip::tcp::acceptor acceptor_;
  std::deque<Step> script_;
  std::vector<Request> requests_;
  boost::asio::ip::tcp::socket* current_ = nullptr;
  std::size_t connections_ = 0;
};

}  // namespace carbongate::testing
