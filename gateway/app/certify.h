// Certificates and contracts into the books: every entry's market-based result as the configured ones make it, as
// corrections of the cause `certificate`. What is said here of a certificate holds for what a contract delivered too.
//
// A certificate is matched with the consumption of its whole period, which nothing shorter than the period tells. So
// this is a pass of its own over the books, after all others: for each user and carrier over the time asked for,
// widened until every certificate that begins or ends in it, or in what it was widened by, lies in it. It needs no
// readings; how long these are kept does not matter. What is consumed so far counts: while a period lasts, each run
// spreads its certificates anew.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "gateway/app/known_books.h"
#include "gateway/model/certificate.h"

namespace carbongate::app {

// The purchases of one carrier that certificates can match, and when: of one user, or of several whom contracts join.
struct CertifiedGroup {
  std::vector<std::string> users;
  std::string carrier;
  Instant from{};                                       // entries that begin at or after this...
  Instant to{};                                         // ...and before this
  std::vector<const model::Certificate*> certificates;  // that lie within

  bool has(const std::string& user, std::string_view of_carrier) const;
  bool holds(const std::string& user, std::string_view of_carrier, Instant begin) const;
};

// One for each user and carrier with scope 2 consumption: also without a certificate, for what was booked of one that
// is no longer configured. `user`: only this one, and whom contracts join with it; "": all. No purchase is in two.
// `certificates` outlive the result.
std::vector<CertifiedGroup> certified_groups(const model::Site& site, std::span<const model::Certificate> certificates,
                                             Instant from, Instant to, const std::string& user);

// A serial that the books match already where no group reaches: another period, user or carrier. Σ over the books would
// count it twice.
struct SerialElsewhere {
  const model::Certificate* certificate = nullptr;
  std::string entry;          // the first one, by name (entry_name.h)
  std::uint64_t entries = 0;  // how many
};

// Looks through all entries of the store, if the groups have certificates. `history` must not be in use.
model::Result<std::vector<SerialElsewhere>> serials_elsewhere(store::History& history,
                                                              std::span<const CertifiedGroup> groups);

struct UnusedCertificate {
  const model::Certificate* certificate;
  model::Activity amount;  // of its volume, for which there was no consumption
};

// Matches the certificates of the groups and gives out what changes: nothing, if it is booked already. What the books
// hold of certificates that are no longer configured is taken back. Sum over the market-based figures of an entry =
// books::market_based of it without certificates.
//
// Memory: about 100 bytes for each entry of a group that has certificates, 16 more for each share; a year of one meter
// is 35,040 entries.
model::Result<std::vector<UnusedCertificate>> certify(KnownBooks& books, const model::Site& site,
                                                      std::span<const CertifiedGroup> groups, Instant now,
                                                      const TakeAmendments& take);

}  // namespace carbongate::app
