#include "gateway/ops/refused_tries.h"

#include <fmt/format.h>

#include "gateway/model/entry_name.h"

namespace carbongate::ops {
namespace {

constexpr std::string_view kElsewhere = "several addresses";

access::AuditEntry told(std::string_view address, std::uint64_t tries, Instant since, access::AuditEntry last) {
  last.address = address;
  last.detail = fmt::format("{} more from {} since {}", tries, address, model::format_utc(since));
  if (last.action.empty()) last.action = "several";
  return last;
}

}  // namespace

void RefusedTries::add(access::AuditEntry entry, access::Steady now) {
  const bool password = is_password(entry);
  Kind& kind = password ? passwords_ : others_;
  std::string address = access::network_of(entry.address);
  const bool has_its_own = kind.own.take(address + ' ' + entry.outcome, now) == access::Steady::zero() &&
                           kind.all.take("", now) == access::Steady::zero();
  if (has_its_own && push(entry, password)) return;
  ++counted_;
  count(kind, std::move(address), std::move(entry), now);
}

bool RefusedTries::push(access::AuditEntry entry, bool is_password) {
  const std::size_t same = is_password ? passwords_waiting_ : waiting_.size() - passwords_waiting_;
  if (same >= kWaitingMax) return false;
  if (is_password) ++passwords_waiting_;
  waiting_.push_back({.entry = std::move(entry), .is_password = is_password});
  return true;
}

void RefusedTries::pop() {
  if (waiting_.front().is_password) --passwords_waiting_;
  waiting_.pop_front();
}

void RefusedTries::count(Kind& kind, std::string address, access::AuditEntry entry, access::Steady now) {
  auto found = kind.counts.find({address, entry.outcome});
  if (found == kind.counts.end()) {
    if (kind.counts.size() >= kCountedMax) address = kElsewhere;
    found = kind.counts.try_emplace({std::move(address), entry.outcome}).first;
  }
  Count& counted = found->second;
  if (counted.tries == 0) {
    counted.began = now;
    counted.began_at = entry.at;
    counted.last = entry;
  }
  ++counted.tries;
  if (counted.last.action != entry.action) counted.last.action.clear();
  if (counted.last.user != entry.user) counted.last.user.clear();
  counted.last.at = entry.at;
}

// What finds no place is counted on.
void RefusedTries::tell(access::Steady now, bool all) {
  for (Kind* const kind : {&passwords_, &others_}) {
    std::erase_if(kind->counts, [&](const auto& item) {
      const auto& [whose, counted] = item;
      if (!all && now - counted.began < kTold) return false;
      return push(told(whose.first, counted.tries, counted.began_at, counted.last), kind == &passwords_);
    });
  }
}

}  // namespace carbongate::ops
