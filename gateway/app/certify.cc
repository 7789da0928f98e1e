#include "gateway/app/certify.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "gateway/books/certificates.h"
#include "gateway/books/layers.h"
#include "gateway/model/entry_name.h"

namespace carbongate::app {
namespace {

using model::AccountId;
using model::EmissionEntry;

bool purchases(const model::Account& account) {
  return account.scope == model::Scope::energy && account.flow == model::Flow::consumed;
}

bool have_in_common(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::ranges::any_of(a, [&](const std::string& user) { return std::ranges::find(b, user) != b.end(); });
}

void add_users(const std::vector<std::string>& more, std::vector<std::string>& users) {
  for (const std::string& user : more) {
    if (std::ranges::find(users, user) == users.end()) users.push_back(user);
  }
}

// Takes in all certificates that reach into the group's time, their time and their users.
void widen(CertifiedGroup& group, std::span<const model::Certificate> certificates) {
  group.certificates.clear();
  std::vector<const model::Certificate*> others;
  for (const model::Certificate& c : certificates) {
    if (c.carrier == group.carrier) others.push_back(&c);
  }
  const auto reaches_in = [&](const model::Certificate* c) {
    return c->generated_from < group.to && group.from < c->generated_until && have_in_common(c->users, group.users);
  };
  for (auto next = std::ranges::find_if(others, reaches_in); next != others.end();
       next = std::ranges::find_if(others, reaches_in)) {
    group.from = std::min(group.from, (*next)->generated_from);
    group.to = std::max(group.to, (*next)->generated_until);
    add_users((*next)->users, group.users);
    group.certificates.push_back(*next);
    others.erase(next);
  }
}

// One run of certify().
class Certifying {
 public:
  Certifying(KnownBooks& books, const model::Site& site, std::span<const CertifiedGroup> groups, Instant now)
      : books_(books), site_(site), now_(now), group_of_(site.accounts.size()) {
    for (const CertifiedGroup& group : groups) {
      from_ = std::min(from_, group.from);
      to_ = std::max(to_, group.to);
      for (const model::Account& account : site.accounts) {
        if (purchases(account) && group.has(account.user, account.carrier->id)) {
          group_of_[model::index(account.id)] = &group;
        }
      }
      for (const model::Certificate* certificate : group.certificates) {
        configured_.push_back(certificate);
        certificates_.push_back(*certificate);
      }
    }
  }

  model::Result<std::vector<UnusedCertificate>> run(const TakeAmendments& take) {
    if (const auto read = gather(); read.has_error()) return read.error();
    std::vector<UnusedCertificate> unused;
    for (const books::Unused& left : books::match(certificates_, consumption_, shares_)) {
      unused.push_back(
          {configured_.at(static_cast<std::size_t>(left.certificate - certificates_.data())), left.amount});
    }
    std::ranges::sort(unused, {}, [](const UnusedCertificate& u) { return std::string_view(u.certificate->serial); });
    if (consumption_.empty() && !any_booked_) return unused;
    if (const auto corrected = correct(take); corrected.has_error()) return corrected.error();
    return unused;
  }

 private:
  const CertifiedGroup* group_of(AccountId account, Instant begin) const {
    const CertifiedGroup* group = group_of_.at(model::index(account));
    return group && group->from <= begin && begin < group->to ? group : nullptr;
  }

  model::Result<void> gather() {
    return books_.each(from_, to_, [&](AccountId account, std::span<const EmissionEntry> revisions) {
      const CertifiedGroup* group = group_of(account, revisions.front().begin);
      if (!group) return true;
      const books::Layers layers = books::layers_of(revisions);
      any_booked_ = any_booked_ || layers.has_certificates;
      if (group->certificates.empty()) return true;
      const EmissionEntry known = layers.without_certificates();
      if (!books::takes_certificates(known)) return true;
      consumption_.push_back({.user = site_.accounts.at(model::index(account)).user,
                              .carrier = group->carrier,
                              .begin = known.begin,
                              .amount = known.amount,
                              .certified = {}});
      accounts_.push_back(account);
      return true;
    });
  }

  // In the order of gather(): what it found is met again, one after the other.
  model::Result<void> correct(const TakeAmendments& take) {
    AmendmentQueue queue(take);
    std::size_t next = 0;
    auto share = shares_.begin();
    const auto read = books_.each(from_, to_, [&](AccountId account, std::span<const EmissionEntry> revisions) {
      const Instant begin = revisions.front().begin;
      const CertifiedGroup* group = group_of(account, begin);
      if (!group) return true;
      while (next < accounts_.size() && consumption_[next].begin < begin) ++next;
      const model::Account& described = site_.accounts.at(model::index(account));
      std::vector<books::SerialShare> shares;
      if (next < accounts_.size() && consumption_[next].begin == begin && accounts_[next] == account) {
        for (; share != shares_.end() && share->consumption <= next; ++share) {
          if (share->consumption != next) continue;
          const model::Certificate& matched = certificates_[share->certificate];
          shares.push_back({matched.serial, share->amount, matched.contract ? &*matched.contract : nullptr});
        }
        ++next;
      }
      const auto correction =
          books::certificate_correction(books::layers_of(revisions), shares, described, carry(described, begin), now_);
      return !correction || queue.add(account, *correction);
    });
    if (read.has_error()) return read;
    return queue.finish();
  }

  // Carried within a time in which some certificate of the account reaches from each entry to the next: it is looked at
  // as a whole, whatever else is asked for.
  books::MarketCarry& carry(const model::Account& account, Instant begin) {
    const auto [periods, is_new] = carries_.try_emplace(account.id);
    if (is_new) periods->second = carried_over(account);
    const auto period = std::ranges::find_if(
        periods->second, [&](const CarriedOver& over) { return over.from <= begin && begin < over.until; });
    return period == periods->second.end() ? nothing_carried_ : period->carry;
  }

  struct CarriedOver {
    Instant from{};
    Instant until{};
    books::MarketCarry carry;
  };

  std::vector<CarriedOver> carried_over(const model::Account& account) const {
    std::vector<CarriedOver> periods;
    for (const model::Certificate& c : certificates_) {
      if (!c.may_match(account.user, std::string(account.carrier->id))) continue;
      periods.push_back({c.generated_from, c.generated_until, {}});
    }
    std::ranges::sort(periods, {}, &CarriedOver::from);
    std::vector<CarriedOver> joined;
    for (const CarriedOver& period : periods) {
      if (joined.empty() || period.from >= joined.back().until) {
        joined.push_back(period);
      } else {
        joined.back().until = std::max(joined.back().until, period.until);
      }
    }
    return joined;
  }

  KnownBooks& books_;
  const model::Site& site_;
  Instant now_;
  Instant from_ = Instant::max();
  Instant to_ = Instant::min();
  std::vector<const CertifiedGroup*> group_of_;  // of an account
  std::vector<const model::Certificate*> configured_;
  std::vector<model::Certificate> certificates_;  // the same, beside each other
  std::vector<books::Consumption> consumption_;
  std::vector<AccountId> accounts_;  // of the consumption
  std::vector<books::Share> shares_;
  std::map<AccountId, std::vector<CarriedOver>> carries_;
  books::MarketCarry nothing_carried_;  // of an entry without certificates, which leaves it as it is
  bool any_booked_ = false;
};

}  // namespace

bool CertifiedGroup::has(const std::string& user, std::string_view of_carrier) const {
  return carrier == of_carrier && std::ranges::find(users, user) != users.end();
}

bool CertifiedGroup::holds(const std::string& user, std::string_view of_carrier, Instant begin) const {
  return has(user, of_carrier) && from <= begin && begin < to;
}

std::vector<CertifiedGroup> certified_groups(const model::Site& site, std::span<const model::Certificate> certificates,
                                             Instant from, Instant to, const std::string& user) {
  std::vector<CertifiedGroup> groups;
  for (const model::Account& account : site.accounts) {
    if (!purchases(account) || (!user.empty() && account.user != user)) continue;
    if (std::ranges::any_of(groups, [&](const auto& group) { return group.has(account.user, account.carrier->id); })) {
      continue;
    }
    CertifiedGroup group{.users = {account.user},
                         .carrier = std::string(account.carrier->id),
                         .from = from,
                         .to = to,
                         .certificates = {}};
    widen(group, certificates);
    // Contracts may have led to the users of groups that were there before.
    const auto joined = [&](const CertifiedGroup& other) {
      return other.carrier == group.carrier && have_in_common(other.users, group.users);
    };
    for (auto other = std::ranges::find_if(groups, joined); other != groups.end();
         other = std::ranges::find_if(groups, joined)) {
      group.from = std::min(group.from, other->from);
      group.to = std::max(group.to, other->to);
      add_users(other->users, group.users);
      groups.erase(other);
      widen(group, certificates);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

model::Result<std::vector<SerialElsewhere>> serials_elsewhere(store::History& history,
                                                              std::span<const CertifiedGroup> groups) {
  std::map<std::string, const model::Certificate*, std::less<>> serials;
  for (const CertifiedGroup& group : groups) {
    for (const model::Certificate* certificate : group.certificates) serials.emplace(certificate->serial, certificate);
  }
  if (serials.empty()) return std::vector<SerialElsewhere>();
  const auto is_in_a_group = [&](const model::Series& series, Instant begin) {
    return std::ranges::any_of(
        groups, [&](const CertifiedGroup& group) { return group.holds(series.user, series.carrier, begin); });
  };
  std::map<std::string, SerialElsewhere> found;
  // The newest certificate revision of the entries of one instant says how they stand.
  std::map<std::tuple<std::string, std::string, std::string, std::string>, model::StoredRow> newest;
  std::optional<Instant> at;
  const auto look = [&] {
    for (const auto& [name, row] : newest) {
      const auto& entry = row.body.get<EmissionEntry>();
      for (const std::string& serial : books::serials_in(entry.correction->note)) {
        const auto certificate = serials.find(serial);
        if (certificate == serials.end()) continue;
        SerialElsewhere& elsewhere = found[serial];
        if (elsewhere.entries++ == 0) {
          elsewhere.certificate = certificate->second;
          elsewhere.entry = model::to_string(model::name_of(*row.series, entry));
        }
      }
    }
    newest.clear();
  };
  const auto read = history.each(store::History::What::entries, {}, [&](const model::StoredRow& row) {
    const auto* entry = row.body.get_if<EmissionEntry>();
    if (!entry || !entry->correction || entry->correction->cause != model::Cause::certificate) return true;
    if (at != entry->begin) look();
    at = entry->begin;
    const model::Series& series = *row.series;
    if (!is_in_a_group(series, entry->begin)) {
      newest.insert_or_assign({series.user, series.carrier, series.device, series.point}, row);
    }
    return true;
  });
  if (read.has_error()) return read.error();
  look();
  std::vector<SerialElsewhere> list;
  for (auto& [serial, elsewhere] : found) list.push_back(std::move(elsewhere));
  return list;
}

model::Result<std::vector<UnusedCertificate>> certify(KnownBooks& books, const model::Site& site,
                                                      std::span<const CertifiedGroup> groups, Instant now,
                                                      const TakeAmendments& take) {
  if (groups.empty()) return std::vector<UnusedCertificate>();
  return Certifying(books, site, groups, now).run(take);
}

}  // namespace carbongate::app
