// What `carbongate restate` shows: by account and day, as published, as known, as restated, and the difference.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/certify.h"
#include "gateway/app/known_books.h"
#include "gateway/app/substitute.h"
#include "gateway/books/account_sums.h"
#include "gateway/model/amendment.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/tables/local_time.h"

namespace carbongate::cli {

// Sums of entries.
struct RestateFigures {
  model::Activity amount;
  model::StandardCoal coal;
  model::Co2e co2e;
  model::Co2e market;  // the market-based result; where there is none the other one, as in a statement
  Duration covered{};

  void add(const books::Figures& figures);
  void add(const RestateFigures& other);
};

struct RestateLine {
  RestateFigures published;
  RestateFigures known;
  RestateFigures difference;
  std::size_t entries = 0;  // that differ
  Duration watchable{};     // the time that it is of

  void add(const RestateLine& other);
};

// Memory: a line for each account and day, and 50 bytes for each entry whose market-based result differs. `site`
// outlives it. One thread.
class RestateReport {
 public:
  explicit RestateReport(const model::Site& site) : site_(site), calendar_(site.time_zone), time_(site.time_zone) {}

  // What differs, by any pass.
  void add(std::span<const model::Amendment> differences);

  // What is booked: `revisions` of one entry, without those that this run books or would book, at `now`. After all that
  // differs.
  void add_known(model::AccountId account, std::span<const model::EmissionEntry> revisions, Instant now);

  void add_unused(std::span<const app::UnusedCertificate> unused);
  void add_refused(std::span<const app::RefusedHours> refused);

  // What was asked for, and the certificates that reach beyond it; before any line. A day is no longer than what is
  // shown of it. `groups` outlive the report.
  void over(Instant from, Instant to, std::span<const app::CertifiedGroup> groups) {
    from_ = from;
    to_ = to;
    groups_ = groups;
  }

  // `format`: table, csv or json. Days that differ; a total of each account that has one, over the whole time; the
  // total of the site's CO2e, which counts no part of another user twice.
  void write(std::ostream& out, const std::string& format);

  // Lines for people about what was left over.
  void tell(std::ostream& err);

  std::size_t differing() const;
  std::string when(Instant at) { return time_(at); }

  std::uint64_t entries = 0;  // compared

 private:
  using Day = std::pair<model::AccountId, Instant>;

  Day day_of(model::AccountId account, Instant begin);
  Duration shown_of(const Day& day);
  std::vector<std::string> cells(const model::Account* account, const std::string& day, const RestateLine& line,
                                 const std::string& cause) const;
  std::vector<std::vector<std::string>> rows();
  void csv(std::ostream& out);
  void json(std::ostream& out);
  void table(std::ostream& out);
  std::string name_of(model::AccountId account) const;
  std::string amount_of(const model::Certificate& certificate, model::Activity amount) const;

  const model::Site& site_;
  pipeline::Calendar calendar_;
  tables::LocalTime time_;
  Instant from_ = Instant::min();
  Instant to_ = Instant::max();
  std::span<const app::CertifiedGroup> groups_;
  std::map<Day, RestateLine> days_;
  std::map<Day, std::string> causes_;
  std::set<std::pair<model::AccountId, Instant>> with_market_;  // entries of which a market-based result differs
  std::vector<app::UnusedCertificate> unused_;
  std::vector<app::RefusedHours> refused_;
  bool market_alone_ = false;  // a certificate changes the market-based result alone: the table shows it
};

}  // namespace carbongate::cli
