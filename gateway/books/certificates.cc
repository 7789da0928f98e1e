#include "gateway/books/certificates.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

namespace carbongate::books {
namespace {

using model::Activity;
using Wide = __int128;

auto order_of(const model::Certificate& c) {
  return std::tuple(c.generated_until - c.generated_from, c.generated_until, std::string_view(c.serial));
}

std::int64_t proportion(std::int64_t whole, Wide part, Wide of) {
  return static_cast<std::int64_t>(Wide{whole} * part / of);
}

// One certificate over the consumption [first, last), which is its user's and in its period.
Activity spread(Activity volume, std::span<Consumption* const> period) {
  Wide open = 0;
  for (const Consumption* c : period) open += (c->amount - c->certified).quanta();
  if (open <= 0) return {};
  const std::int64_t matched = static_cast<std::int64_t>(std::min<Wide>(open, volume.quanta()));
  Wide reached = 0;
  std::int64_t given = 0;
  for (Consumption* c : period) {
    reached += (c->amount - c->certified).quanta();
    const std::int64_t until_here =
        proportion(matched, reached, open);  // the floor of a growing sum: no remainder is lost
    c->certified += Activity::of(until_here - given);
    given = until_here;
  }
  return Activity::of(matched);
}

}  // namespace

std::vector<Unused> match(std::span<const model::Certificate> certificates, std::span<Consumption> consumption) {
  std::map<std::pair<std::string_view, std::string_view>, std::vector<Consumption*>> by_user;
  for (Consumption& c : consumption) {
    c.certified = {};
    if (c.amount > Activity{}) by_user[{c.user, c.carrier}].push_back(&c);
  }
  for (auto& [user, list] : by_user)
    std::ranges::sort(list, {}, [](const Consumption* c) { return std::pair(c->begin, c); });

  std::vector<const model::Certificate*> ordered;
  for (const model::Certificate& certificate : certificates) ordered.push_back(&certificate);
  std::ranges::sort(ordered, {}, [](const auto* c) { return order_of(*c); });

  std::vector<Unused> unused;
  for (const model::Certificate* certificate : ordered) {
    const auto& list = by_user[{certificate->user, certificate->carrier}];
    const auto first = std::ranges::lower_bound(list, certificate->generated_from, {}, &Consumption::begin);
    const auto last = std::ranges::lower_bound(list, certificate->generated_until, {}, &Consumption::begin);
    const Activity matched = spread(certificate->volume, std::span(first, std::max(first, last)));
    if (matched < certificate->volume) unused.push_back({certificate, certificate->volume - matched});
  }
  return unused;
}

model::Emitted unmatched_part(const model::Emitted& market, Activity amount, Activity certified) {
  if (certified == Activity{} || amount == Activity{}) return market;
  const Wide left = (amount - certified).quanta();
  const auto part = [&](std::int64_t value) { return proportion(value, left, amount.quanta()); };
  model::Emitted result;
  result.co2e = model::Co2e::of(part(market.co2e.quanta()));
  market.gases.each(
      [&](model::Gas gas, model::GasMass mass) { result.gases[gas] = model::GasMass::of(part(mass.quanta())); });
  result.u95_activity = model::Co2e::of(part(market.u95_activity.quanta()));
  result.u95_factor = model::Co2e::of(part(market.u95_factor.quanta()));
  return result;
}

}  // namespace carbongate::books
