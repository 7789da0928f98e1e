#include "gateway/books/certificates.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "gateway/pipeline/emission.h"

namespace carbongate::books {
namespace {

using model::Activity;
using Wide = __int128;

constexpr std::string_view kNoCertificate = "no certificate";

// Without the reason around it.
std::string_view core_of(std::string_view note) {
  if (!note.ends_with(')')) return note;
  const auto open = note.rfind('(');
  return open == std::string_view::npos ? note : note.substr(open + 1, note.size() - open - 2);
}

auto order_of(const model::Certificate& c) {
  return std::tuple(c.generated_until - c.generated_from, c.generated_until, c.contract.has_value(),
                    std::string_view(c.serial));
}

std::int64_t proportion(std::int64_t whole, Wide part, Wide of) {
  return static_cast<std::int64_t>(Wide{whole} * part / of);
}

// One certificate over the consumption of its users in its period.
template <class Take>
Activity spread(Activity volume, std::span<Consumption* const> period, const Take& take) {
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
    const Activity share = Activity::of(until_here - given);
    given = until_here;
    if (share == Activity{}) continue;
    c->certified += share;
    take(*c, share);
  }
  return Activity::of(matched);
}

}  // namespace

std::vector<Unused> match(std::span<const model::Certificate> certificates, std::span<Consumption> consumption) {
  std::vector<Share> shares;
  return match(certificates, consumption, shares);
}

std::vector<Unused> match(std::span<const model::Certificate> certificates, std::span<Consumption> consumption,
                          std::vector<Share>& shares) {
  shares.clear();
  const auto by_time = [](const Consumption* c) { return std::pair(c->begin, c); };
  std::map<std::pair<std::string_view, std::string_view>, std::vector<Consumption*>> by_user;
  for (Consumption& c : consumption) {
    c.certified = {};
    if (c.amount > Activity{}) by_user[{c.user, c.carrier}].push_back(&c);
  }
  for (auto& [user, list] : by_user) std::ranges::sort(list, {}, by_time);

  std::vector<const model::Certificate*> ordered;
  for (const model::Certificate& certificate : certificates) ordered.push_back(&certificate);
  std::ranges::sort(ordered, {}, [](const auto* c) { return order_of(*c); });

  std::vector<Unused> unused;
  for (const model::Certificate* certificate : ordered) {
    std::vector<Consumption*> period;
    for (const std::string& user : certificate->users) {
      const auto& list = by_user[{user, certificate->carrier}];
      const auto first = std::ranges::lower_bound(list, certificate->generated_from, {}, &Consumption::begin);
      const auto last = std::ranges::lower_bound(list, certificate->generated_until, {}, &Consumption::begin);
      period.insert(period.end(), first, std::max(first, last));
    }
    if (certificate->users.size() > 1) std::ranges::sort(period, {}, by_time);
    const std::int64_t scaled_factor = certificate->contract ? certificate->contract->scaled_factor : 0;
    std::int64_t remainder = 0;
    const auto take = [&](const Consumption& c, Activity amount) {
      shares.push_back({.consumption = static_cast<std::uint32_t>(&c - consumption.data()),
                        .certificate = static_cast<std::uint32_t>(certificate - certificates.data()),
                        .amount = amount,
                        .co2e = model::Co2e::of(pipeline::multiply(amount, scaled_factor, remainder))});
    };
    const Activity matched = spread(certificate->volume, period, take);
    if (matched < certificate->volume) unused.push_back({certificate, certificate->volume - matched});
  }
  std::vector<std::size_t> rank(certificates.size());
  for (std::size_t i = 0; i < ordered.size(); ++i) rank[static_cast<std::size_t>(ordered[i] - certificates.data())] = i;
  std::ranges::sort(shares, {}, [&](const Share& s) { return std::pair(s.consumption, rank[s.certificate]); });
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

bool takes_certificates(const model::EmissionEntry& entry) {
  if (!entry.market || entry.amount <= Activity{}) return false;
  return entry.market->factor_id.empty() || entry.market->emitted.co2e > model::Co2e{};
}

SerialShare serial_share(const model::Certificate& certificate, const Share& share, std::int32_t activity_u95_ppm) {
  SerialShare described{.serial = certificate.serial, .amount = share.amount};
  if (!certificate.contract) return described;
  const model::SupplyContract& contract = *certificate.contract;
  described.factor = contract.factor_text;
  described.emitted.co2e = share.co2e;
  described.emitted.gases[contract.gas] = model::GasMass::of(share.co2e.quanta());
  described.emitted.u95_activity = pipeline::half_width(share.co2e, activity_u95_ppm);
  described.emitted.u95_factor = pipeline::half_width(share.co2e, contract.u95_ppm);
  return described;
}

std::string certificate_note(std::span<const SerialShare> shares, Activity consumption, const model::Carrier& carrier) {
  if (shares.empty()) return std::string(kNoCertificate);
  const auto text = [&](Activity amount) {
    return model::format_fixed(amount.quanta(), carrier.quanta_per_display) + " " + std::string(carrier.display.symbol);
  };
  std::string note;
  for (const SerialShare& share : shares) {
    note += (note.empty() ? "" : "; ") + share.serial + ": " + text(share.amount);
    if (!share.factor.empty()) note += " at " + share.factor;
  }
  return note + " of " + text(consumption);
}

std::vector<std::string> serials_in(std::string_view note) {
  note = core_of(note);
  std::vector<std::string> serials;
  if (note == kNoCertificate) return serials;
  while (true) {
    const auto end = note.find("; ");
    const std::string_view share = note.substr(0, end);
    if (const auto colon = share.rfind(": "); colon != std::string_view::npos) serials.emplace_back(share, 0, colon);
    if (end == std::string_view::npos) return serials;
    note.remove_prefix(end + 2);
  }
}

std::optional<model::EmissionEntry> certificate_correction(const Layers& known, std::span<const SerialShare> shares,
                                                           const model::Carrier& carrier, Instant now) {
  if (shares.empty() && !known.has_certificates) return std::nullopt;
  const model::EmissionEntry base = known.without_certificates();
  Activity certified;
  for (const SerialShare& share : shares) certified += share.amount;
  model::Emitted change;  // of the market-based result
  if (base.market && certified != Activity{}) {
    change = unmatched_part(base.market->emitted, base.amount, certified);
    change -= base.market->emitted;
    for (const SerialShare& share : shares) change += share.emitted;
  }
  if (known.certificates.market) change -= known.certificates.market->emitted;
  std::string note = certificate_note(shares, base.amount, carrier);
  const std::string_view said = known.has_certificates ? core_of(known.certificate_note) : kNoCertificate;
  if (change == model::Emitted{} && note == said) return std::nullopt;

  model::EmissionEntry correction = base;
  correction.amount = {};
  correction.coal = {};
  correction.primary.emitted = {};
  if (!correction.market) correction.market.emplace();
  correction.market->emitted = change;
  correction.revision = known.newest + 1;
  correction.correction =
      model::Correction{.cause = model::Cause::certificate, .note = std::move(note), .booked_at = now};
  return correction;
}

}  // namespace carbongate::books
