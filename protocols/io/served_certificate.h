// The certificate of a server, of files that somebody renews while it runs.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "protocols/io/clock.h"

namespace carbongate::io {

// Not thread-safe.
class ServedCertificate {
 public:
  // PEM; no files: there is no certificate.
  ServedCertificate(std::string certificate_file, std::string key_file)
      : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}

  bool is_used() const { return !certificate_file_.empty(); }

  // Of the files as they are now; the one before if they cannot be used. nullptr: there has been none.
  std::shared_ptr<boost::asio::ssl::context> current();

  std::uint64_t reloads() const { return reloads_; }            // the files had changed, and were taken up
  std::uint64_t failures() const { return failures_; }          // and could not be used
  const std::string& trouble() const { return trouble_; }       // why they cannot as they are now; "": they can
  std::optional<WallTime> expires() const { return expires_; }  // what is served

 private:
  using Times = std::pair<std::filesystem::file_time_type, std::filesystem::file_time_type>;
  Times times() const;

  std::string certificate_file_;
  std::string key_file_;
  Times loaded_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::uint64_t reloads_ = 0;
  std::uint64_t failures_ = 0;
  std::string trouble_;
  std::optional<WallTime> expires_;
};

}  // namespace carbongate::io
