#include "gateway/books/certificates.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "gateway/model/uncertainty.h"
#include "gateway/pipeline/emission.h"
#include "gateway/pipeline/movement.h"

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

using Period = std::span<Consumption* const>;  // what one user consumed in the period of a certificate, by time

Wide open_of(Period period) {
  Wide open = 0;
  for (const Consumption* c : period) open += (c->amount - c->certified).quanta();
  return open;
}

// Calls `give` for each part with its share of `whole`: the difference of two floors of a growing sum, so that nothing
// is lost, and no share is off by a whole quantum.
template <class Part, class OpenOf, class Give>
void divide(std::int64_t whole, Wide open, std::span<const Part> parts, const OpenOf& open_of_part, const Give& give) {
  Wide reached = 0;
  std::int64_t given = 0;
  for (const Part& part : parts) {
    reached += open_of_part(part);
    const std::int64_t until_here = proportion(whole, reached, open);
    if (until_here != given) give(part, until_here - given);
    given = until_here;
  }
}

// One certificate over the consumption of its users: first among them, then over the time of each, so that each user's
// sum is what the proportion says.
template <class Take>
Activity spread(Activity volume, std::span<const Period> users, const Take& take) {
  Wide open = 0;
  for (const Period& period : users) open += open_of(period);
  if (open <= 0) return {};
  const auto matched = static_cast<std::int64_t>(std::min<Wide>(open, volume.quanta()));
  const auto open_in = [](const Consumption* c) { return (c->amount - c->certified).quanta(); };
  divide(matched, open, users, open_of, [&](const Period& period, std::int64_t of_user) {
    divide(of_user, open_of(period), period, open_in, [&](Consumption* c, std::int64_t share) {
      c->certified += Activity::of(share);
      take(*c, Activity::of(share));
    });
  });
  return Activity::of(matched);
}

// Rounded to the milligram.
model::Co2e emission_of(Activity amount, const model::SupplyContract& contract) {
  std::int64_t remainder = model::kFactorScale / 2;
  return model::Co2e::of(pipeline::multiply(amount, contract.scaled_factor, remainder));
}

// A mass in milligrams, exact but for a part below 2^-32 of one.
class Exact {
 public:
  // value * part / of; 0 <= part <= of.
  void add_part(std::int64_t value, Activity part, Activity of) { add(Wide{value} * part.quanta(), of.quanta()); }
  void add(Activity amount, std::int64_t scaled_factor) {
    add(Wide{amount.quanta()} * scaled_factor, model::kFactorScale);
  }

  // Rounded with what was left before.
  std::int64_t round(std::int64_t& carry) const {
    const Wide sum = Wide{fraction_} + carry + kOne / 2;
    const Wide more = pipeline::floor_div(sum, kOne);
    carry = static_cast<std::int64_t>(sum - more * kOne - kOne / 2);
    return static_cast<std::int64_t>(whole_ + more);
  }

 private:
  static constexpr std::int64_t kOne = std::int64_t{1} << 32;

  void add(Wide dividend, std::int64_t divisor) {
    const Wide whole = pipeline::floor_div(dividend, divisor);
    whole_ += whole;
    fraction_ += static_cast<std::int64_t>((dividend - whole * divisor) * kOne / divisor);
  }

  Wide whole_ = 0;
  std::int64_t fraction_ = 0;
};

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
    std::vector<Period> users;
    for (const std::string& user : certificate->users) {
      const auto& list = by_user[{user, certificate->carrier}];
      const auto first = std::ranges::lower_bound(list, certificate->generated_from, {}, &Consumption::begin);
      const auto last = std::ranges::lower_bound(list, certificate->generated_until, {}, &Consumption::begin);
      users.emplace_back(first, std::max(first, last));
    }
    const auto take = [&](const Consumption& c, Activity amount) {
      shares.push_back({.consumption = static_cast<std::uint32_t>(&c - consumption.data()),
                        .certificate = static_cast<std::uint32_t>(certificate - certificates.data()),
                        .amount = amount});
    };
    const Activity matched = spread(certificate->volume, users, take);
    if (matched < certificate->volume) unused.push_back({certificate, certificate->volume - matched});
  }
  std::vector<std::size_t> rank(certificates.size());
  for (std::size_t i = 0; i < ordered.size(); ++i) rank[static_cast<std::size_t>(ordered[i] - certificates.data())] = i;
  std::ranges::sort(shares, {}, [&](const Share& s) { return std::pair(s.consumption, rank[s.certificate]); });
  return unused;
}

model::Emitted market_based(const model::Emitted& market, Activity amount, std::span<const SerialShare> shares,
                            std::int32_t activity_u95_ppm, MarketCarry& carry) {
  Activity left = amount;
  for (const SerialShare& share : shares) left -= share.amount;
  if (left == amount) return market;

  Exact co2e;
  std::map<model::Gas, Exact> gases;
  model::Emitted result;
  co2e.add_part(market.co2e.quanta(), left, amount);
  market.gases.each([&](model::Gas gas, model::GasMass mass) { gases[gas].add_part(mass.quanta(), left, amount); });
  // Of what is left, and of each contract: one errs whatever the others do.
  model::Quadrature by_factor;
  by_factor.add(proportion(market.u95_factor.quanta(), left.quanta(), amount.quanta()));
  std::map<std::string_view, model::Co2e> by_contract;
  const model::SupplyContract* last_contract = nullptr;
  // A contract, or the factor of what is left, may emit without saying how exactly.
  bool all_stated = left == Activity{} || market.co2e == model::Co2e{} || market.u95_factor != model::Co2e{};
  for (const SerialShare& share : shares) {
    if (!share.contract) continue;
    last_contract = share.contract;
    all_stated &= share.contract->u95_ppm != 0 || share.contract->scaled_factor == 0;
    co2e.add(share.amount, share.contract->scaled_factor);
    gases[share.contract->gas].add(share.amount, share.contract->scaled_factor);
    by_contract[share.contract->id] +=
        pipeline::half_width(emission_of(share.amount, *share.contract), share.contract->u95_ppm);
  }
  for (const auto& [contract, half_width] : by_contract) by_factor.add(half_width.quanta());
  result.u95_factor = model::Co2e::of(by_factor.root());
  // Documented volumes are exact: all that the meter errs by lies in what they leave, and if that is nothing, in what
  // was delivered last.
  if (left != Activity{}) {
    result.u95_activity = market.u95_activity;
  } else if (last_contract) {
    result.u95_activity = pipeline::half_width(emission_of(amount, *last_contract), activity_u95_ppm);
  }
  // A lower bound, which only tells as one where meter or factor states none (model::stated).
  if (!all_stated && result.u95_activity != model::Co2e{}) result.u95_factor = {};
  result.co2e = model::Co2e::of(co2e.round(carry.co2e));
  for (const auto& [gas, mass] : gases) result.gases[gas] = model::GasMass::of(mass.round(carry.gases[gas]));
  return result;
}

bool takes_certificates(const model::EmissionEntry& entry) {
  if (!entry.market || entry.amount <= Activity{}) return false;
  return entry.market->factor_id.empty() || entry.market->emitted.co2e > model::Co2e{};
}

std::string certificate_note(std::span<const SerialShare> shares, Activity consumption, const model::Carrier& carrier) {
  if (shares.empty()) return std::string(kNoCertificate);
  const auto text = [&](Activity amount) {
    return model::format_fixed(amount.quanta(), carrier.quanta_per_display) + " " + std::string(carrier.display.symbol);
  };
  std::string note;
  for (const SerialShare& share : shares) {
    note += (note.empty() ? "" : "; ") + share.serial + ": " + text(share.amount);
    if (share.contract) note += " at " + share.contract->factor_text;
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
                                                           const model::Account& account, MarketCarry& carry,
                                                           Instant now) {
  if (shares.empty() && !known.has_certificates) return std::nullopt;
  const model::EmissionEntry base = known.without_certificates();
  model::Emitted change;  // of the market-based result
  if (base.market) {
    const bool is_measured = known.computed.amount != Activity{};
    change = market_based(base.market->emitted, base.amount, shares, is_measured ? account.activity_u95_ppm : 0, carry);
    change -= base.market->emitted;
  }
  if (known.certificates.market) change -= known.certificates.market->emitted;
  std::string note = certificate_note(shares, base.amount, *account.carrier);
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
