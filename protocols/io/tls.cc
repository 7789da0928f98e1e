#include "protocols/io/tls.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <chrono>
#include <ctime>

namespace carbongate::io {

namespace ssl = boost::asio::ssl;

TlsContext make_tls_client_context(const std::string& ca_file) {
  TlsContext made;
  SSL_CTX_set_min_proto_version(made.context.native_handle(), TLS1_2_VERSION);
  made.context.set_verify_mode(ssl::verify_peer);
  if (ca_file.empty()) {
    made.context.set_default_verify_paths(made.error);
  } else {
    made.context.load_verify_file(ca_file, made.error);
  }
  if (made.error) {
    made.text = "cannot read certificates from " + (ca_file.empty() ? "the system's store" : ca_file) + ": " +
                made.error.message();
  }
  return made;
}

TlsContext make_tls_server_context(const std::string& certificate_file, const std::string& key_file) {
  TlsContext made{.context = ssl::context(ssl::context::tls_server), .error = {}, .text = {}};
  SSL_CTX_set_min_proto_version(made.context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(made.context.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  made.context.use_certificate_chain_file(certificate_file, made.error);
  if (made.error) {
    made.text = "cannot read a certificate from " + certificate_file + ": " + made.error.message();
    return made;
  }
  made.context.use_private_key_file(key_file, ssl::context::pem, made.error);
  if (made.error) {
    made.text = "cannot read the key of " + certificate_file + " from " + key_file + ": " + made.error.message();
    return made;
  }
  // A key of another kind than the certificate's is taken without a word, and would be missed by each handshake.
  if (SSL_CTX_check_private_key(made.context.native_handle()) != 1) {
    made.error = boost::system::error_code(static_cast<int>(ERR_get_error()), boost::asio::error::get_ssl_category());
    made.text = "the key in " + key_file + " is not that of the certificate in " + certificate_file;
  }
  return made;
}

std::optional<WallTime> certificate_expiry(ssl::context& context) {
  const X509* certificate = SSL_CTX_get0_certificate(context.native_handle());
  std::tm parts{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return std::nullopt;
  return WallTime(std::chrono::seconds(timegm(&parts)));
}

void expect_server(SSL* stream, const std::string& host) {
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  X509_VERIFY_PARAM* expected = SSL_get0_param(stream);
  if (not_an_address) {
    SSL_set_tlsext_host_name(stream, host.c_str());
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str());
  }
}

std::string describe_handshake_error(SSL* stream, const boost::system::error_code& error) {
  const long verified = SSL_get_verify_result(stream);
  if (verified != X509_V_OK) {
    return std::string("certificate verify failed (") + X509_verify_cert_error_string(verified) + ")";
  }
  return error.message();
}

}  // namespace carbongate::io
