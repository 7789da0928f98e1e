// What the books hold, entry by entry, as it will be when the corrections found so far are booked.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "gateway/app/recompute.h"
#include "gateway/model/amendment.h"
#include "gateway/model/errors.h"
#include "gateway/model/site.h"
#include "gateway/store/history.h"

namespace carbongate::app {

// `history` and `site` outlive it. One thread; nothing else reads by the same History during each().
class KnownBooks {
 public:
  // `stop`: each() gives up soon after it has become true, with a fault.
  KnownBooks(store::History& history, const model::Site& site, const std::atomic<bool>& stop = kNeverStop);

  // A correction that was found and is not booked: seen by each() from now on. About 1 kB each.
  void expect(const model::Amendment& amendment);

  // Calls `visit` for every entry of the site's accounts that begins in [from, to): its account and all of its
  // revisions, ascending. By time, then by the names of user, device, point and carrier. What is committed meanwhile
  // may be missing. False: enough. Memory: the entries of one instant.
  using Visit = std::function<bool(model::AccountId account, std::span<const model::EmissionEntry> revisions)>;
  // `wanted`: of which accounts; what is not wanted costs little.
  using Wanted = std::function<bool(model::AccountId account)>;
  model::Result<void> each(Instant from, Instant to, const Visit& visit, const Wanted& wanted = {});

 private:
  using Entry = std::pair<model::AccountId, std::vector<model::EmissionEntry>>;
  using AtOnce = std::map<std::size_t, Entry>;  // by the rank of the account's name

  void take(AtOnce& entries, model::AccountId account, model::EmissionEntry entry) const;

  store::History& history_;
  const model::Site& site_;
  const std::atomic<bool>& stop_;
  std::vector<std::size_t> rank_;  // of an account
  std::map<Instant, std::vector<model::AccountEntry>> expected_;
};

// Where corrections go that a pass over the books finds: shown, or booked. Called with as many as
// one transaction takes, while the pass reads on: by another connection than this one, then. A fault ends the pass.
using TakeAmendments = std::function<model::Result<void>(std::vector<model::Amendment> amendments)>;

// Gathers what a pass finds, and hands it on by as many as one transaction takes.
class AmendmentQueue {
 public:
  explicit AmendmentQueue(const TakeAmendments& take, std::size_t per_commit = kAmendmentsPerCommit)
      : take_(take), per_commit_(per_commit) {}

  // A correction that leaves the coverage as it is. False: a fault, which finish() returns.
  bool add(model::AccountId account, const model::EmissionEntry& correction);
  model::Result<void> finish();

 private:
  void flush();

  const TakeAmendments& take_;
  std::size_t per_commit_;
  std::vector<model::Amendment> waiting_;
  model::Result<void> result_;
};

}  // namespace carbongate::app
