#include "protocols/mqtt/paho_session_keeper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

namespace carbongate::mqtt {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

// Asked for the first time it does something: that is on the keeper's thread, between the CONNACK and the SUBSCRIBE.
class ClockOfAMoment final : public io::Clock {
 public:
  explicit ClockOfAMoment(std::function<void()> at_first) : at_first_(std::move(at_first)) {}
  io::WallTime now() const override { return {}; }
  io::SteadyTime ticks() const override {
    if (at_first_) std::exchange(at_first_, nullptr)();
    return {};
  }
  asio::awaitable<void> sleep_until(io::SteadyTime) override { co_return; }

 private:
  mutable std::function<void()> at_first_;
};

// Of a connection that the broker ends before the SUBSCRIBE goes out.
std::vector<LinkReport> reports_of_a_connection_that_is_gone() {
  asio::io_context loop;
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  tcp::socket socket(loop);
  std::promise<void> answered;
  ClockOfAMoment clock([&] {
    answered.get_future().wait();
    boost::system::error_code ended;
    socket.shutdown(tcp::socket::shutdown_send, ended);
    std::array<char, 64> bytes;
    while (!ended) socket.read_some(asio::buffer(bytes), ended);  // until the client has closed it, too
  });
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<LinkReport> reports;
  SessionOptions options;
  options.name = "plant";
  options.host = "127.0.0.1";
  options.port = acceptor.local_endpoint().port();
  options.client_id = "carbongate-test";
  options.version = Version::v3_1_1;
  options.subscriptions = {{.filter = "tele/+/SENSOR", .qos = 1}};
  const auto handover = std::make_shared<Handover>(Handover::Limits{}, [] {});
  const auto keeper = Keeper::start(options, handover, clock, [&](LinkReport report) {
    const std::lock_guard lock(mutex);
    reports.push_back(std::move(report));
    changed.notify_all();
  });
  const auto wait_for = [&](LinkReport::What what) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 30s,
                            [&] { return std::ranges::find(reports, what, &LinkReport::what) != reports.end(); });
  };

  acceptor.accept(socket);
  std::array<unsigned char, 2> head;
  asio::read(socket, asio::buffer(head));
  std::vector<char> rest(head[1]);
  asio::read(socket, asio::buffer(rest));
  EXPECT_EQ(head[0], 0x10) << "CONNECT";
  asio::write(socket, asio::buffer(std::array<unsigned char, 4>{0x20, 2, 0, 0}));
  answered.set_value();
  EXPECT_TRUE(wait_for(LinkReport::What::disconnected));
  keeper->request_stop();
  EXPECT_TRUE(wait_for(LinkReport::What::ended));
  keeper->join();
  return reports;
}

TEST(PahoSessionKeeper, TakesAConnectionThatIsGoneBeforeTheSubscriptionForNoRefusal) {
  for (int round = 0; round < 12; ++round) {  // whether Paho knows it by then is not the same each time
    const std::vector<LinkReport> reports = reports_of_a_connection_that_is_gone();
    ASSERT_FALSE(reports.empty());
    EXPECT_EQ(reports.front().what, LinkReport::What::disconnected) << reports.front().text;
  }
}

}  // namespace
}  // namespace carbongate::mqtt
