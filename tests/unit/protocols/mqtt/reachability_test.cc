#include "protocols/mqtt/reachability.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

namespace carbongate::mqtt {
namespace {

using namespace std::chrono_literals;

// A listening socket on a free port of the loopback interface.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd_, 4);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(fd_); }
  int fd() const { return fd_; }
  std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

Endpoint loopback(std::uint16_t port) {
  Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = port;
  return endpoint;
}

TEST(Reachability, HasNothingToSayOfAPortThatAnswers) {
  const Listener listener;
  EXPECT_EQ(why_unreachable(loopback(listener.port()), 1s), "");
}

TEST(Reachability, TellsARefusedConnectionFromAnUnknownName) {
  std::uint16_t port = 0;
  {
    const Listener listener;
    port = listener.port();
  }
  EXPECT_EQ(why_unreachable(loopback(port), 1s), "Connection refused");
  Endpoint unknown = loopback(1883);
  unknown.host = "no such host";
  EXPECT_NE(why_unreachable(unknown, 1s).find("name not known"), std::string::npos);
}

TEST(Reachability, BreaksConnectionsSoThatNothingMoreIsSent) {
  const Listener listener;
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(listener.port());
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const int server = ::accept(listener.fd(), nullptr, nullptr);

  EXPECT_EQ(shut_down_connections_to(listener.port()), 1);

  EXPECT_LT(::send(client, "puback", 6, MSG_NOSIGNAL), 0);
  std::array<char, 8> received{};
  EXPECT_EQ(::recv(server, received.data(), received.size(), 0), 0) << "end of stream, and no byte before it";
  ::close(server);
  ::close(client);
}

}  // namespace
}  // namespace carbongate::mqtt
