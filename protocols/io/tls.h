// TLS: as a client, who the server is gets verified, always; as a server.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <optional>
#include <string>

#include "protocols/io/clock.h"

namespace carbongate::io {

// A context that accepts TLS 1.2 and newer and verifies the server's certificate against `ca_file` (PEM), or the
// machine's trusted authorities if that is empty. The file is read now: make a context per connection, and a renewed
// file needs no restart. On error the context trusts nobody, and `error` and `text` say why.
struct TlsContext {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_client};
  boost::system::error_code error;
  std::string text;
};
TlsContext make_tls_client_context(const std::string& ca_file);

// A server's context with its certificate, followed by its chain, and key; TLS 1.2 and newer. On error, as with a key
// that is not the certificate's, it is of no use.
TlsContext make_tls_server_context(const std::string& certificate_file, const std::string& key_file);

// When the certificate of a server's context expires. nullopt: it has none.
std::optional<WallTime> certificate_expiry(boost::asio::ssl::context& context);

// Prepares a stream made of that context for its server: server name indication (not for IP addresses, RFC 6066 section
// 3) and verification of the certificate against `host`, be it a name or an address.
void expect_server(SSL* stream, const std::string& host);

// Why a handshake failed: "certificate verify failed (self-signed certificate)".
std::string describe_handshake_error(SSL* stream, const boost::system::error_code& error);

}  // namespace carbongate::io
