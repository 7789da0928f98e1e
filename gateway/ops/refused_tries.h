// Refused requests on their way to the audit log: which get an entry of their own, and what is told of the others, so
// that none is lost and nobody can fill the disk, or hide what he does behind what he does often.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "gateway/ops/access/access.h"
#include "gateway/ops/access/audit.h"

namespace carbongate::ops {

// Entries wait in order until they are written. Of each address and outcome so many have their own; those beyond are
// counted, and told in one entry a minute. Wrong passwords have limits, and places to wait, that nothing else takes.
// Pure: time is handed in. On the loop thread.
class RefusedTries {
 public:
  static constexpr std::size_t kWaitingMax = 1'000;  // entries, and as many again of wrong passwords
  static constexpr std::size_t kCountedMax = 100;    // addresses with an outcome; the others are one
  static constexpr std::chrono::minutes kTold{1};
  // Entries of their own: of an address and outcome, and of all addresses together.
  static constexpr access::BucketSize kOwn{.tries = 20, .each = std::chrono::seconds(30)};
  static constexpr access::BucketSize kOwnOfAll{.tries = 200, .each = std::chrono::seconds(1)};
  // The same of wrong passwords: more than the limit of logins lets pass, unless it is configured to be wide.
  static constexpr access::BucketSize kPasswords{.tries = 100, .each = std::chrono::seconds(5)};
  static constexpr access::BucketSize kPasswordsOfAll{.tries = 1'000, .each = std::chrono::seconds(1)};

  // `entry.outcome`: the code of the refusal; `entry.at`: now.
  void add(access::AuditEntry entry, access::Steady now);

  // Puts what was counted for a minute among those that wait. To be called now and then.
  void tick(access::Steady now) { tell(now, false); }
  // Puts all of it there, for nothing comes after.
  void close() { tell({}, true); }

  bool is_empty() const { return waiting_.empty(); }
  const access::AuditEntry& front() const { return waiting_.front().entry; }
  void pop();  // it is written

  std::uint64_t counted() const { return counted_; }  // those without an entry of their own, since the beginning

 private:
  struct Waiting {
    access::AuditEntry entry;
    bool is_password = false;
  };
  struct Count {
    std::uint64_t tries = 0;
    access::Steady began{};
    Instant began_at{};
    access::AuditEntry last;  // its action and user are "" where they were not always the same
  };
  struct Kind {
    access::Buckets own;
    access::Buckets all;
    std::map<std::pair<std::string, std::string>, Count> counts = {};  // by address and outcome
  };

  static bool is_password(const access::AuditEntry& entry) { return entry.outcome == "wrong_password"; }
  bool push(access::AuditEntry entry, bool is_password);
  void count(Kind& kind, std::string address, access::AuditEntry entry, access::Steady now);
  void tell(access::Steady now, bool all);

  Kind passwords_{.own = {kPasswords, access::LoginLimit::kKeysMax}, .all = {kPasswordsOfAll, 1}};
  Kind others_{.own = {kOwn, access::LoginLimit::kKeysMax}, .all = {kOwnOfAll, 1}};
  std::deque<Waiting> waiting_;
  std::size_t passwords_waiting_ = 0;
  std::uint64_t counted_ = 0;
};

}  // namespace carbongate::ops
