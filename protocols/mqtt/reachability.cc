#include "protocols/mqtt/reachability.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace carbongate::mqtt {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

template <class T, void (*free)(T*)>
using Owned = std::unique_ptr<T, decltype([](T* p) { free(p); })>;

// 0, or the errno of a connection to this address.
int connect_to(const addrinfo& address, std::chrono::milliseconds patience, FileDescriptor& connected) {
  FileDescriptor fd(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return errno;
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return errno;
    pollfd wait{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(patience.count()));
    if (ready < 0) return errno;
    if (ready == 0) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return error;
  }
  connected = std::move(fd);
  return 0;
}

void make_blocking(int fd, std::chrono::milliseconds patience) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  const timeval limit{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

std::string tls_error(const std::string& what) {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  return "TLS: " + what + (reason == nullptr ? "" : std::string(" (") + reason + ")");
}

// "" or why the handshake over this connection fails.
std::string why_no_tls(const Endpoint& endpoint, int fd) {
  ::ERR_clear_error();
  const Owned<SSL_CTX, ::SSL_CTX_free> context(::SSL_CTX_new(::TLS_client_method()));
  if (context == nullptr) return tls_error("cannot be set up");
  if (endpoint.ca_file.empty()) {
    ::SSL_CTX_set_default_verify_paths(context.get());
  } else if (::SSL_CTX_load_verify_locations(context.get(), endpoint.ca_file.c_str(), nullptr) != 1) {
    return tls_error("ca_file " + endpoint.ca_file.string() + " cannot be read");
  }
  if (!endpoint.cert_file.empty() &&
      ::SSL_CTX_use_certificate_chain_file(context.get(), endpoint.cert_file.c_str()) != 1) {
    return tls_error("cert_file " + endpoint.cert_file.string() + " cannot be read");
  }
  if (!endpoint.key_file.empty() &&
      ::SSL_CTX_use_PrivateKey_file(context.get(), endpoint.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return tls_error("key_file " + endpoint.key_file.string() + " cannot be used");
  }
  const Owned<SSL, ::SSL_free> ssl(::SSL_new(context.get()));
  if (endpoint.verify) {
    ::SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM* const check = ::SSL_get0_param(ssl.get());
    if (::X509_VERIFY_PARAM_set1_ip_asc(check, endpoint.host.c_str()) != 1) {
      ::X509_VERIFY_PARAM_set1_host(check, endpoint.host.c_str(), 0);
      ::SSL_set_tlsext_host_name(ssl.get(), endpoint.host.c_str());
    }
    ::ERR_clear_error();
  }
  ::SSL_set_fd(ssl.get(), fd);
  if (::SSL_connect(ssl.get()) == 1) return "";
  const long verdict = ::SSL_get_verify_result(ssl.get());
  if (verdict != X509_V_OK) {
    ::ERR_clear_error();
    return std::string("TLS: ") + ::X509_verify_cert_error_string(verdict);
  }
  return tls_error("handshake failed; does a TLS listener answer on this port?");
}

std::optional<std::uint16_t> peer_port(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return std::nullopt;
  if (peer.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(peer).sin_port);
  if (peer.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(peer).sin6_port);
  return std::nullopt;
}

std::vector<int> open_descriptors() {
  std::vector<int> descriptors;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename().string();
    int fd = -1;
    if (std::from_chars(name.data(), name.data() + name.size(), fd).ec == std::errc{}) descriptors.push_back(fd);
  }
  return descriptors;
}

}  // namespace

std::string why_unreachable(const Endpoint& endpoint, std::chrono::milliseconds patience) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failed != 0) return std::string("name not known (") + ::gai_strerror(failed) + ")";
  const Owned<addrinfo, ::freeaddrinfo> addresses(found);
  int error = 0;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    FileDescriptor fd;
    error = connect_to(*address, patience, fd);
    if (error != 0) continue;
    if (!endpoint.tls) return "";
    make_blocking(fd.get(), patience);
    return why_no_tls(endpoint, fd.get());
  }
  return std::error_code(error, std::generic_category()).message();
}

int shut_down_connections_to(std::uint16_t port) {
  int count = 0;
  for (const int fd : open_descriptors()) {
    if (peer_port(fd) == port && ::shutdown(fd, SHUT_RDWR) == 0) ++count;
  }
  return count;
}

}  // namespace carbongate::mqtt
