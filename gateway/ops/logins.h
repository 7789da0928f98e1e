// The door of the HTTP server: who asks, by session or token, whether he may, and what is noted of it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/ops/access/access.h"
#include "gateway/ops/access/audit_file.h"
#include "gateway/ops/access/files.h"
#include "gateway/ops/admission.h"
#include "gateway/ops/config.h"
#include "gateway/ops/login_facts.h"
#include "gateway/ops/refused_tries.h"
#include "gateway/ops/request.h"
#include "gateway/ops/workers.h"
#include "protocols/io/clock.h"

namespace carbongate::ops {

// On the loop thread; files are read and passwords checked on threads of its own.
class Logins final : public Admission {
 public:
  static constexpr std::chrono::seconds kLook{1};  // how often the files are looked at

  // `clock` outlives it. `directory`: the store's.
  Logins(io::Clock& clock, const Config& config, std::filesystem::path directory);
  ~Logins() override;  // notes the refusals that wait; blocks

  // Reads who may log in. Why nobody can, or what should be done; "": all is well.
  std::string open();

  std::variant<Identity, io::HttpAnswer> admit(const io::HttpCall& call, std::optional<Role> required,
                                               bool changes) override;
  bool is_still_valid(const Identity& who) override;
  boost::asio::awaitable<void> note(const Request& request, int status) override;

  io::HttpAnswer session(const Request& request) const;
  boost::asio::awaitable<io::HttpAnswer> log_in(const Request& request);
  io::HttpAnswer log_out(const Request& request);
  boost::asio::awaitable<io::HttpAnswer> audit(const Request& request);

  // Takes up what changes in the files, and notes refusals, until it is cancelled.
  boost::asio::awaitable<void> run();

  LoginFacts facts() const;

 private:
  access::Now now() const;
  io::HttpAnswer refuse(const io::HttpCall& call, const access::Refusal& refusal, std::string_view user,
                        std::string_view action);
  boost::asio::awaitable<std::string> write(access::AuditEntry entry);  // why not; "": it is on disk
  boost::asio::awaitable<void> append(access::AuditEntry entry);
  boost::asio::awaitable<void> write_refused();

  io::Clock& clock_;
  std::filesystem::path directory_;
  access::Access access_;
  access::PeopleFiles files_;  // of disk_, after open()
  access::AuditFile audit_;    // of disk_
  RefusedTries refused_;
  bool is_stuck_ = false;         // the first of them could not be written
  std::uint64_t audit_lost_ = 0;  // of what was done
  Workers passwords_{access::Access::kChecksAtOnceMax, 0};
  Workers disk_{1, 64};
};

}  // namespace carbongate::ops
