#include "protocols/io/served_certificate.h"

#include <system_error>

#include "protocols/io/tls.h"

namespace carbongate::io {

std::shared_ptr<boost::asio::ssl::context> ServedCertificate::current() {
  const Times now = times();
  if (context_ && now == loaded_) return context_;
  loaded_ = now;
  TlsContext made = make_tls_server_context(certificate_file_, key_file_);
  trouble_ = made.text;
  if (made.error) {
    ++failures_;
    return context_;
  }
  if (context_) ++reloads_;
  expires_ = certificate_expiry(made.context);
  context_ = std::make_shared<boost::asio::ssl::context>(std::move(made.context));
  return context_;
}

ServedCertificate::Times ServedCertificate::times() const {
  std::error_code ignored;
  return {std::filesystem::last_write_time(certificate_file_, ignored),
          std::filesystem::last_write_time(key_file_, ignored)};
}

}  // namespace carbongate::io
