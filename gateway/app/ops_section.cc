#include "gateway/app/ops_section.h"

#include <boost/asio/ip/address.hpp>
#include <filesystem>
#include <string>

#include "config/reader/byte_size.h"
#include "config/reader/text.h"
#include "gateway/sinks/shared/host_port.h"

namespace carbongate::app {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 8080;

// Relative to the file that names it.
std::string read_file_name(config::Reader& in, std::string_view key) {
  const auto name = in.required<std::string>(key);
  if (name.empty()) return {};
  const auto beside = std::filesystem::path(in.node().place().file).parent_path();
  const auto file = (beside / name).lexically_normal();
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    in.error(key, "there is no file '" + config::printable(file.string()) + "'");
  return file.string();
}

void read_tls(config::Reader& parent, io::HttpListen& listen) {
  const config::Node* node = parent.child("tls");
  if (!node) return;
  config::Reader in(*node, parent.problems());
  listen.certificate_file = read_file_name(in, "certificate_file");
  listen.key_file = read_file_name(in, "key_file");
  in.finish();
}

void read_limits(config::Reader& parent, ops::Config& ops) {
  const config::Node* node = parent.child("limits");
  if (!node) return;
  config::Reader in(*node, parent.problems());
  io::HttpServerLimits& limits = ops.limits;
  limits.connections_max = in.in_range<std::size_t>("connections", limits.connections_max, 8, 10'000);
  limits.connections_of_address_max =
      in.in_range<std::size_t>("connections_per_address", limits.connections_of_address_max, 4, 10'000);
  ops.streams_max = in.in_range<std::size_t>("streams", ops.streams_max, 1, 5'000);
  in.finish();
}

}  // namespace

std::optional<ops::Config> read_ops(config::Reader& root) {
  const config::Node* node = root.child("ops");
  if (!node) return std::nullopt;
  config::Reader in(*node, root.problems());
  ops::Config ops;
  ops.listen.port = kPort;
  const std::string listen = in.value_or("listen", "127.0.0.1:8080");
  sinks::shared::HostPort where;
  boost::system::error_code not_an_address;
  bool is_loopback = true;
  if (!sinks::shared::read_host_port(listen, where)) {
    in.error("listen",
             "'" + config::printable(listen) + "' is no address with a port; write 127.0.0.1:8080 or [::1]:8080");
  } else {
    const auto address = boost::asio::ip::make_address(where.host, not_an_address);
    if (not_an_address) {
      in.error("listen", "'" + config::printable(where.host) +
                             "' is no address; write 127.0.0.1:8080 for this machine, 0.0.0.0:8443 for all networks");
    } else {
      is_loopback = address.is_loopback();
      ops.listen.address = where.host;
      ops.listen.port = where.port;
    }
  }
  ops.listen.behind_proxy = in.value_or("behind_proxy", false);
  ops.logins = in.value_or("logins", !is_loopback || ops.listen.behind_proxy);
  read_tls(in, ops.listen);
  read_limits(in, ops);
  const bool has_tls = in.has("tls") || ops.listen.behind_proxy;
  if (!ops.logins && (!is_loopback || ops.listen.behind_proxy)) {
    in.error("logins",
             "logins can be off on a loopback address alone, and not behind a proxy; write 'logins: true', "
             "or 'listen: 127.0.0.1:8080'");
  }
  if (!is_loopback && !has_tls) {
    in.error("listen",
             "passwords would cross the network in the clear; write 'tls: {certificate_file: ..., key_file: "
             "...}', or 'behind_proxy: true' if a proxy speaks TLS in front, or listen on 127.0.0.1");
  }
  in.finish();
  return ops;
}

}  // namespace carbongate::app
