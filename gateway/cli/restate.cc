#include "gateway/cli/restate.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <ostream>
#include <set>
#include <stdexcept>
#include <vector>

#include "config/reader/text.h"
#include "gateway/app/certify.h"
#include "gateway/app/known_books.h"
#include "gateway/app/manual.h"
#include "gateway/app/manual_prices.h"
#include "gateway/app/offline_config.h"
#include "gateway/app/recompute.h"
#include "gateway/app/split_sums.h"
#include "gateway/app/substitute.h"
#include "gateway/app/window_readings.h"
#include "gateway/cli/fault_status.h"
#include "gateway/cli/manual_file.h"
#include "gateway/cli/restate_report.h"
#include "gateway/cli/time_text.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_set.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/store/sqlite_store.h"
#include "protocols/io/system_clock.h"

namespace carbongate::cli {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr Duration kSlice = 24h * 7;       // computed at once...
constexpr std::size_t kPointsAtOnce = 32;  // ...of so many points: bounds the memory

// A message and the status to end with.
class Refusal : public std::runtime_error {
 public:
  Refusal(int exit_status, const std::string& text) : std::runtime_error(text), status(exit_status) {}
  int status;
};

[[noreturn]] void refuse(const model::Fault& fault) {
  throw Refusal(status_of(fault), fault.text);
}

template <class T>
T value_of(model::Result<T> result) {
  if (result.has_error()) refuse(result.error());
  return std::move(*result);
}

Instant read_time(std::string_view option, const std::string& text, const std::string& zone) {
  const auto time = parse_time(text, zone);
  if (!time) {
    throw Refusal(EX_USAGE, fmt::format("{}: '{}' is not a time; write 2026-11-01, 2026-11-01T08:00 or "
                                        "2026-11-01T08:00:00+08:00",
                                        option, text));
  }
  return *time;
}

// One run: everything it needs, in the order in which it is made.
class Restating {
 public:
  Restating(const RestateOptions& options, app::GatewayConfig& config, std::ostream& out, std::ostream& err)
      : options_(options), config_(config), out_(out), err_(err), now_(io::SystemClock().now()), report_(config.site) {}

  int run() {
    check_options();
    if (!options_.factor_set.empty()) exchange_factors();
    if (options_.book) {
      // No sink asks here what it still needs: nothing is to be dropped meanwhile.
      config_.store.keep_readings = config_.store.keep_totals = config_.store.keep_intervals = Duration::max();
      config_.store.size_max = std::uint64_t{1} << 62;
      auto store = store::SqliteStore::open(config_.store, config_.site);
      if (store.has_error()) {
        const bool in_use = store.error().code == boost::system::errc::device_or_resource_busy;
        throw Refusal(status_of(store.error(), in_use ? EX_TEMPFAIL : EX_IOERR), store.error().text);
      }
      store_ = std::move(*store);
      if (const auto& repaired = store_->status().repaired; !repaired.empty()) {
        throw Refusal(EX_TEMPFAIL,
                      "the store was damaged and has been repaired; look at this before you book:\n" + repaired);
      }
      model::Checkpoint checkpoint = store_->checkpoint();
      if (checkpoint.behind) {
        throw Refusal(EX_TEMPFAIL,
                      "the store was damaged and has been repaired: start the gateway before you book, it counts again "
                      "what its accounts miss");
      }
      pipeline_.emplace(config_.site, config_.factors, std::move(checkpoint));
    }
    history_ = value_of(store::History::open(config_.store.path));
    if (!pipeline_) pipeline_.emplace(config_.site, config_.factors, value_of(history_->checkpoint(config_.site)));

    if (options_.manual) read_manual();
    books_history_ = value_of(store::History::open(config_.store.path));
    books_.emplace(*books_history_, config_.site);
    groups_ = app::certified_groups(config_.site, config_.certificates, from_, to_, options_.user);
    check_serials();

    if (options_.manual) {
      enter_manually();
    } else {
      restate();
      substitute();
      price_entered();
      join_sums();
    }
    certify();
    seal();
    report_.over(from_, to_, groups_);
    read_known();
    report_.write(out_, options_.format);
    tell();
    return 0;
  }

 private:
  void check_options() {
    if (options_.format != "table" && options_.format != "csv" && options_.format != "json") {
      throw Refusal(EX_USAGE, "--format: '" + options_.format + "' is not one of table, csv, json");
    }
    if (options_.book && options_.reason.empty()) {
      throw Refusal(EX_USAGE, "--book needs --reason: it goes into the books with every correction");
    }
    if (options_.manual) {
      if (options_.from.empty() && options_.to.empty() && options_.user.empty() && options_.factor_set.empty()) return;
      throw Refusal(EX_USAGE,
                    "--manual: its lines say when and whose; no --from, --to, --user, --factor-set beside it");
    }
    if (options_.from.empty()) throw Refusal(EX_USAGE, "--from is required: the first instant, such as 2026-03-01");
    const std::string& zone = config_.site.time_zone;
    pipeline::Calendar calendar(zone);
    from_ = calendar.period(model::Period::quarter_hour, read_time("--from", options_.from, zone)).begin;
    if (!options_.to.empty()) {
      to_ = calendar.period(model::Period::quarter_hour, read_time("--to", options_.to, zone) + 15min - 1ms).begin;
    }
    if (from_ >= to_)
      throw Refusal(EX_USAGE, fmt::format("--from {} is not before --to {}", options_.from, options_.to));
    if (options_.user.empty()) return;
    std::vector<std::string> users;
    for (const model::Account& account : config_.site.accounts) users.push_back(account.user);
    if (std::ranges::find(users, options_.user) == users.end()) {
      throw Refusal(EX_USAGE,
                    "--user: unknown energy user '" + options_.user + "'" + config::suggestion(options_.user, users));
    }
  }

  // As if the configuration named the new set.
  void exchange_factors() {
    const auto equals = options_.factor_set.find('=');
    const std::string with = options_.factor_set.substr(0, equals);
    const std::string old = equals == std::string::npos ? "" : options_.factor_set.substr(equals + 1);
    const config::DataFiles data(options_.config.parent_path());
    const auto known = data.names("factors");
    if (std::ranges::find(known, with) == known.end()) {
      throw Refusal(EX_USAGE, "--factor-set: unknown factor set '" + with + "'" + config::suggestion(with, known));
    }
    std::vector<std::string>& sets = config_.factor_sources.sets;
    if (std::ranges::find(sets, with) == sets.end()) sets.push_back(with);
    config::Problems problems;
    config_.factors = pipeline::FactorRegistry::load(data, config_.factor_sources, config_.site.time_zone, problems);
    if (problems.has_errors()) throw Refusal(EX_CONFIG, problems.to_text());
    for (const model::LiveFactor& live : config_.site.live_factors) {
      const model::Factor& like = live.like;
      config_.factors.declare_live({like.set, like.region, like.method}, like.carrier,
                                   config_.site.points.at(index(live.source)).full_name());
    }
    std::size_t exchanged = 0;
    for (model::Account& account : config_.site.accounts) {
      std::vector<model::FactorChoice*> choices;
      if (account.factor) choices.push_back(&*account.factor);
      if (account.market) choices.push_back(&*account.market);
      for (model::FactorChoice& choice : account.market_else) choices.push_back(&choice);
      for (model::FactorChoice* choice : choices) {
        if (!old.empty() && choice->set != old) continue;
        const std::string_view carrier = account.carrier->id;
        const auto regions = config_.factors.regions(with, carrier);
        const bool by_region = std::ranges::find(regions, choice->region) != regions.end();
        const auto methods = config_.factors.methods(with, carrier, by_region ? choice->region : "");
        if (std::ranges::find(methods, choice->method) == methods.end()) continue;
        choice->set = with;
        ++exchanged;
      }
      if (account.measured_coal && account.factor)
        account.measured_coal->set = pipeline::coal_set_of(account.factor->set);
    }
    if (exchanged == 0) {
      throw Refusal(EX_USAGE, "--factor-set: no account" + (old.empty() ? "" : " counted by " + old) +
                                  " has a factor of its carrier, region and method in " + with);
    }
    factors_exchanged_ = true;
  }

  bool wanted(model::AccountId account) const {
    return options_.user.empty() || config_.site.accounts.at(model::index(account)).user == options_.user;
  }

  // One serial once, over the whole store.
  void check_serials() {
    std::string text;
    for (const app::SerialElsewhere& found : value_of(app::serials_elsewhere(*books_history_, groups_))) {
      text += fmt::format("{} {}: the books match it already, with {} quarter hours from {} on\n",
                          found.certificate->contract ? "contract" : "certificate", found.certificate->serial,
                          found.entries, found.entry);
    }
    if (text.empty()) return;
    throw Refusal(EX_DATAERR, text +
                                  "one serial counts once: restate from there on, for all users, so that it is taken "
                                  "back there; or take it out of the configuration");
  }

  void restate() {
    std::vector<app::Window> windows;
    for (const Point& point : config_.site.points) {
      const auto closed_until = pipeline_->counted_until(point.id);
      const bool asked = std::ranges::any_of(config_.site.accounts, [&](const model::Account& account) {
        return account.source == point.id && wanted(account.id);
      });
      if (asked && closed_until) windows.push_back({.point = point.id, .closed_until = *closed_until});
    }
    Instant end = Instant::min();
    for (const app::Window& window : windows) end = std::max(end, window.closed_until);
    end = std::min(end, to_);
    for (Instant slice = from_; slice < end; slice += kSlice) {
      for (std::size_t first = 0; first < windows.size(); first += kPointsAtOnce) {
        std::vector<app::Window> now(
            windows.begin() + static_cast<std::ptrdiff_t>(first),
            windows.begin() + static_cast<std::ptrdiff_t>(std::min(windows.size(), first + kPointsAtOnce)));
        for (app::Window& window : now) {
          window.from = slice;
          window.to = std::min(slice + kSlice, to_);
        }
        restate(now);
      }
    }
  }

  void restate(const std::vector<app::Window>& windows) {
    const app::Recomputation found = value_of(app::recompute(*history_, config_.site, config_.factors, config_.repairs,
                                                             windows, now_, app::kNeverStop, &leads_));
    report_.entries += found.entries;
    not_repaired_ += found.not_repaired;
    in_doubt_.insert(found.in_doubt.begin(), found.in_doubt.end());
    out_of_reach_ += found.out_of_reach;
    // max(): of none of these hours, nor of those around them, is anything kept but what came late.
    if (found.reach && *found.reach != Instant::max()) reach_ = std::max(reach_.value_or(*found.reach), *found.reach);
    std::vector<model::Amendment> amendments;
    for (const books::Difference& difference : found.differences) {
      if (wanted(difference.account)) amendments.push_back(difference.amendment);
    }
    take(std::move(amendments));
  }

  // The time of this run is that of the lines.
  void read_manual() {
    config::Problems problems;
    const auto closed_until = [this](PointId point) { return pipeline_->counted_until(point); };
    auto entries = read_manual_file(*options_.manual, config_, closed_until, now_, problems);
    if (!entries) throw Refusal(EX_NOINPUT, options_.manual->string() + ": cannot be read");
    if (problems.has_errors()) throw Refusal(EX_DATAERR, problems.to_text() + "nothing was booked");
    manual_ = std::move(*entries);
    from_ = Instant::max();
    to_ = Instant::min();
    for (const app::ManualEntry& entry : manual_) {
      from_ = std::min(from_, entry.begin);
      to_ = std::max(to_, entry.end);
    }
    if (manual_.empty()) throw Refusal(EX_DATAERR, options_.manual->string() + ": no line to enter");
  }

  void enter_manually() {
    report_.entries += value_of(app::enter_manually(*books_, config_.site, config_.factors, manual_, now_, taking()));
  }

  void substitute() {
    const app::SubstitutionRange range{
        .from = from_, .to = to_, .user = options_.user, .closed_until = [this](PointId p) {
          return pipeline_->counted_until(p);
        }};
    report_.add_refused(
        value_of(app::substitute_missing(*books_, config_.site, config_.factors, range, now_, taking())));
  }

  void price_entered() {
    const auto of_user = [this](model::AccountId account) { return wanted(account); };
    report_.entries +=
        value_of(app::price_entered_again(*books_, config_.site, config_.factors, from_, to_, of_user, now_, taking()));
  }

  // Of a gateway of before.
  void join_sums() {
    model::Effects effects;
    const Instant to = std::min(to_, now_);
    for (model::AccountRollup& sum : value_of(app::join_split_sums(*history_, config_.site, from_, to))) {
      if (!wanted(sum.account)) continue;
      effects.rows.push_back({sum.account, std::move(sum.row)});
    }
    split_sums_ = effects.rows.size();
    if (options_.book && split_sums_ != 0) commit(std::move(effects));
  }

  void certify() { report_.add_unused(value_of(app::certify(*books_, config_.site, groups_, now_, taking()))); }

  app::TakeAmendments taking() {
    return [this](std::vector<model::Amendment> found) {
      take(std::move(found));
      return model::Result<void>();
    };
  }

  // By a pass that follows, whose result depends on what is known of the account. Of others nothing is kept.
  bool is_looked_at_again(model::AccountId id) const {
    const model::Account& account = config_.site.accounts.at(model::index(id));
    if (account.substitution != model::SubstitutionMethod::none) return true;
    return std::ranges::any_of(groups_, [&](const app::CertifiedGroup& group) {
      return !group.certificates.empty() && group.has(account.user, account.carrier->id);
    });
  }

  // What any pass found: shown, and booked or expected by the passes that follow.
  void take(std::vector<model::Amendment> amendments) {
    if (options_.book) {
      for (model::Amendment& amendment : amendments) {
        std::string& note = amendment.correction.correction->note;
        note = options_.reason + " (" + note + ")";
      }
    }
    for (std::span<model::Amendment> rest(amendments); !rest.empty();) {
      const auto now = rest.first(std::min(rest.size(), app::kAmendmentsOfOneBooking));
      book(now);
      rest = rest.subspan(now.size());
    }
    report_.add(amendments);
    if (options_.book) return;
    for (const model::Amendment& amendment : amendments) {
      if (is_looked_at_again(amendment.account)) books_->expect(amendment);
    }
  }

  // For the report: the time asked for, and of certificates the time they reach over.
  void read_known() {
    Instant from = from_;
    Instant to = to_;
    for (const app::CertifiedGroup& group : groups_) {
      from = std::min(from, group.from);
      to = std::max(to, group.to);
    }
    const auto is_shown = [&](const model::Account& account, Instant begin) {
      if (wanted(account.id) && from_ <= begin && begin < to_) return true;
      return std::ranges::any_of(groups_, [&](const app::CertifiedGroup& group) {
        return group.holds(account.user, account.carrier->id, begin);
      });
    };
    const auto read =
        books_->each(from, to, [&](model::AccountId account, std::span<const model::EmissionEntry> revisions) {
          if (is_shown(config_.site.accounts.at(model::index(account)), revisions.front().begin)) {
            report_.add_known(account, revisions, now_);
          }
          return true;
        });
    if (read.has_error()) refuse(read.error());
  }

  // Makes the corrections what is booked of them: their figures go through what the accounts carry. Without --book the
  // pipeline alone knows of them, so that what is shown is what would be booked.
  void book(std::span<model::Amendment> amendments) {
    std::vector<model::AccountRollup> rollups;
    if (options_.book) rollups = value_of(app::rollups_of(*history_, config_.site, amendments));
    model::Effects effects = pipeline_->correct(amendments, rollups, {});
    for (std::size_t i = 0; i < amendments.size(); ++i) {  // their rows come first, in this order
      amendments[i].correction = effects.rows.at(i).body.get<model::EmissionEntry>();
    }
    if (!options_.book) return;
    commit(std::move(effects));
    booked_ += amendments.size();
  }

  void commit(model::Effects effects) {
    asio::io_context loop(1);
    auto done = asio::co_spawn(loop, store_->commit(std::move(effects)), asio::use_future);
    loop.run();
    if (const auto result = done.get(); result.has_error()) refuse(result.error());
  }

  // What was booked is signed at once, not only when a gateway runs again; what a booking that was cut off left, too.
  void seal() {
    if (!options_.book) return;
    asio::io_context loop(1);
    auto done = asio::co_spawn(loop, store_->seal(now_), asio::use_future);
    loop.run();
    if (const auto result = done.get(); result.has_error()) err_ << "not sealed: " << result.error().text << "\n";
  }

  void tell() {
    if (out_of_reach_ != 0) {
      err_ << fmt::format("{} entries{} stay as they are: their readings are no longer kept\n", out_of_reach_,
                          reach_ ? " before " + report_.when(*reach_) : "");
    }
    if (not_repaired_ != 0) {
      err_ << fmt::format("{} readings were left out: the right value does not follow from the stored one\n",
                          not_repaired_);
    }
    for (const PointId point : in_doubt_) {
      const Point& named = config_.site.points.at(index(point));
      err_ << fmt::format("{}: {} in doubt at the end; what its next readings decide stays as it is\n",
                          named.full_name(), named.computed ? "what it is computed from is" : "the counter is");
    }
    if (split_sums_ != 0) {
      err_ << fmt::format("{} sums of periods lack a part that was corrected before the rest was counted; {}\n",
                          split_sums_, options_.book ? "each has a revision that is whole" : "--book makes them whole");
    }
    report_.tell(err_);
    const std::size_t differing = report_.differing();
    if (differing == 0) {
      err_ << fmt::format("nothing to correct: {} entries agree\n", report_.entries);
    } else if (options_.book) {
      err_ << fmt::format("{} corrections booked\n", booked_);
      if (factors_exchanged_) {
        err_ << "the configuration still names the old factor set; change it before the gateway runs again\n";
      }
    } else {
      err_ << fmt::format("{} entries differ; nothing was changed: --book --reason TEXT books the corrections\n",
                          differing);
    }
  }

  const RestateOptions& options_;
  app::GatewayConfig& config_;
  std::ostream& out_;
  std::ostream& err_;
  Instant now_;
  Instant from_{};
  Instant to_ = Instant::max();
  bool factors_exchanged_ = false;
  RestateReport report_;
  app::KnownLeads leads_;
  std::vector<app::CertifiedGroup> groups_;
  std::vector<app::ManualEntry> manual_;
  std::uint64_t not_repaired_ = 0;  // readings from which the right value does not follow
  std::set<PointId> in_doubt_;      // as of app::Recomputation
  std::uint64_t out_of_reach_ = 0;  // entries whose readings are no longer kept...
  std::optional<Instant> reach_;    // ...before this
  std::size_t booked_ = 0;
  std::size_t split_sums_ = 0;  // found, and with --book mended
  std::unique_ptr<store::SqliteStore> store_;
  std::unique_ptr<store::History> history_;        // of the recomputation and of booking
  std::unique_ptr<store::History> books_history_;  // of the passes over the books
  std::optional<app::KnownBooks> books_;
  std::optional<pipeline::Pipeline> pipeline_;
};

}  // namespace

int run_restate(const RestateOptions& options, std::ostream& out, std::ostream& err) {
  config::Problems problems;
  const auto signing = options.book ? app::Signing::yes : app::Signing::no;
  app::GatewayConfig config = app::load_offline_config(options.config, problems, signing);
  err << problems.to_text();
  if (problems.has_errors()) return EX_CONFIG;
  if (options.store) config.store.path = *options.store;
  try {
    return Restating(options, config, out, err).run();
  } catch (const Refusal& refusal) {
    err << refusal.what() << "\n";
    return refusal.status;
  }
}

}  // namespace carbongate::cli
