// Of class Gateway: hours without valid data get their substitutes when they are closed, for the accounts whose
// configuration says so. Certificates and amounts entered by hand are for a person to book (carbongate restate).
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "gateway/app/gateway.h"
#include "gateway/app/substitute.h"
#include "gateway/books/substitution.h"

namespace carbongate::app {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr Duration kAfterAStart = 24h * 7;  // what may have been left when the gateway was stopped
constexpr Duration kOverlap = 2h;           // an hour is looked at again while its neighbours may still move

constexpr std::size_t kAmendmentsAtOnce = 10 * kAmendmentsPerCommit;  // about 1 kB each

struct Substitutes {
  std::vector<model::Amendment> amendments;
  bool are_all = true;  // false: the next pass finds the rest
};

// On the worker's thread, from beginning to end.
asio::awaitable<model::Result<Substitutes>> substitutes_there(const GatewayConfig& config,
                                                              const SubstitutionRange& range, Instant now,
                                                              const std::atomic<bool>& stop) {
  auto history = store::History::open(config.store.path);
  if (history.has_error()) co_return history.error();
  KnownBooks books(**history, config.site, stop);
  Substitutes there;
  auto& amendments = there.amendments;
  const TakeAmendments take = [&](std::vector<model::Amendment> found) -> model::Result<void> {
    amendments.insert(amendments.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    there.are_all = amendments.size() < kAmendmentsAtOnce;
    if (there.are_all) return {};
    return model::Fault{make_error_code(boost::system::errc::no_buffer_space), "enough"};
  };
  const auto refused = substitute_missing(books, config.site, config.factors, range, now, take);
  if (!there.are_all) co_return there;
  if (refused.has_error()) co_return refused.error();
  for (const RefusedHours& hours : *refused) {
    const model::Account& account = config.site.accounts.at(model::index(hours.account));
    spdlog::warn(
        "{}: {} hours of {} lack data, and the rules allow no substitute: too few valid ones before them or in the "
        "quarter of the year",
        account.user, hours.hours, config.site.points.at(index(account.source)).full_name());
  }
  co_return there;
}

// Of a quarter of the year that is over by now, all of it: the share of valid hours is known then, or another one.
Instant looked_at_from(const model::Account& account, Instant from, Instant until, pipeline::Calendar& calendar) {
  if (account.substitution != model::SubstitutionMethod::hj75) return from;
  const pipeline::Span quarter = calendar.quarter_of_year(from);
  return quarter.end <= until - kOverlap ? quarter.begin : from;
}

}  // namespace

// What is on disk now counts as done up to a week before it, or to late data that are not settled: they may have been
// corrected already.
void Gateway::find_substituted() {
  for (const model::Account& account : config_.site.accounts) {
    const auto until = pipeline_.counted_until(account.source);
    if (account.substitution == model::SubstitutionMethod::none || !until) continue;
    Instant done = *until - kAfterAStart;
    if (const auto& late = pipeline_.state().points.at(index(account.source)).late) {
      done = std::min(done, late->earliest - books::kHoursBehind * 1h);
    }
    substituted_.emplace(account.source, done);
  }
}

// A late reading takes the substitute of its quarter hour back, though the hour may still lack data; and it may leave
// of a gap a shorter one, for which another rule holds.
void Gateway::substitute_again(std::span<const model::Amendment> amendments) {
  for (const model::Amendment& amendment : amendments) {
    const model::Account& account = config_.site.accounts.at(model::index(amendment.account));
    const auto done = substituted_.find(account.source);
    if (done == substituted_.end()) continue;
    done->second = std::min(done->second, amendment.correction.begin - books::kHoursBehind * 1h);
  }
}

// Each point has its own mark: the hours of one that was silent while others went on are closed when it speaks again.
asio::awaitable<bool> Gateway::substitute_closed_hours() {
  co_await take_turn();  // so that everything up to there is on disk
  std::map<PointId, Instant> closed;
  std::map<PointId, Instant> done;
  pipeline::Calendar calendar(config_.site.time_zone);
  SubstitutionRange range{.from = Instant::max(), .to = Instant::min(), .user = {}, .closed_until = {}};
  for (const model::Account& account : config_.site.accounts) {
    const auto until = pipeline_.counted_until(account.source);
    if (account.substitution == model::SubstitutionMethod::none || !until) continue;
    closed[account.source] = *until;
    const Instant hour = std::chrono::floor<std::chrono::hours>(*until);
    // Of a point that is new since the start nothing was looked at yet.
    const auto begun = pipeline_.state().accounts.at(model::index(account.id)).since;
    const auto [before, is_new] = substituted_.try_emplace(account.source, begun.value_or(hour - kAfterAStart));
    if (hour <= before->second) continue;
    range.from = std::min(range.from, looked_at_from(account, before->second - kOverlap, hour, calendar));
    range.to = std::max(range.to, hour);
    done[account.source] = hour;
  }
  pass_turn();
  if (done.empty()) co_return true;
  range.closed_until = [&closed](PointId point) -> std::optional<Instant> {
    const auto found = closed.find(point);
    return found == closed.end() ? std::nullopt : std::optional(found->second);
  };
  auto there = substitutes_there(config_, range, clock_.now(), stop_recomputing_);
  const auto found = co_await asio::co_spawn(worker_, std::move(there), asio::use_awaitable);
  if (found.has_error()) throw std::runtime_error(found.error().text);
  for (std::span<const model::Amendment> rest(found->amendments); !rest.empty();) {
    const auto now = rest.first(std::min(rest.size(), kAmendmentsPerCommit));
    rest = rest.subspan(now.size());
    if (stopping_ || !co_await book(now, {})) co_return false;
  }
  if (found->are_all) {
    for (const auto& [point, hour] : done) substituted_[point] = hour;
  }
  if (!found->amendments.empty()) {
    spdlog::info("missing data: {} substitutes booked or taken back", found->amendments.size());
  }
  co_return found->are_all;
}

}  // namespace carbongate::app
