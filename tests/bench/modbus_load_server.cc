// A fast Modbus TCP server on libmodbus for load tests: any unit, 125 input registers, 62 float32 counters that grow.
//
//   modbus_load_server PORT
//
// Ends on SIGTERM. One thread; as many connections as come.
#include <modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

struct Free {
  void operator()(modbus_t* context) const { modbus_free(context); }
  void operator()(modbus_mapping_t* mapping) const { modbus_mapping_free(mapping); }
};

constexpr int kFloats = 62;

// The high word first. modbus_set_float_abcd() of libmodbus 3.1.6 swaps the bytes within each word.
void count_up(modbus_mapping_t& mapping, double& total) {
  total += 0.001;
  for (int i = 0; i < kFloats; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(total + i));
    mapping.tab_input_registers[2 * i] = static_cast<std::uint16_t>(bits >> 16U);
    mapping.tab_input_registers[2 * i + 1] = static_cast<std::uint16_t>(bits & 0xffffU);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: modbus_load_server PORT\n");
    return 64;
  }
  const std::unique_ptr<modbus_t, Free> context(modbus_new_tcp("127.0.0.1", std::atoi(argv[1])));
  const std::unique_ptr<modbus_mapping_t, Free> mapping(modbus_mapping_new(0, 0, 0, 125));
  const int listener = context ? modbus_tcp_listen(context.get(), 64) : -1;
  if (listener < 0 || !mapping) {
    std::perror("modbus_load_server: cannot listen");
    return 69;
  }
  std::puts("ready");
  std::fflush(stdout);

  double total = 1'000.0;
  std::vector<pollfd> sockets{{listener, POLLIN, 0}};
  while (true) {
    if (poll(sockets.data(), sockets.size(), -1) < 0) return 0;
    if ((sockets[0].revents & POLLIN) != 0) {
      const int socket = accept(listener, nullptr, nullptr);
      const int on = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (socket >= 0) sockets.push_back({socket, POLLIN, 0});
    }
    for (std::size_t i = 1; i < sockets.size(); ++i) {
      if (sockets[i].revents == 0) continue;
      std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> request{};
      modbus_set_socket(context.get(), sockets[i].fd);
      const int length = modbus_receive(context.get(), request.data());
      if (length > 0) {
        count_up(*mapping, total);
        modbus_reply(context.get(), request.data(), length, mapping.get());
      } else if (length < 0) {
        close(sockets[i].fd);
        sockets.erase(sockets.begin() + static_cast<std::ptrdiff_t>(i--));
      }
    }
  }
}
