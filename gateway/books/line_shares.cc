#include "gateway/books/line_shares.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "gateway/model/uncertainty.h"

namespace carbongate::books {

using model::Basis;

namespace {

// The user that contains them all; "" if none contains any. Where only some are contained, or not all in one, which
// are: "hall (electricity); park (natural-gas)".
std::string container_of(const LineShares& shares) {
  if (shares.empty()) return {};
  const auto same = [&](const LineShare& share) { return share.container == shares.front().container; };
  if (std::ranges::all_of(shares, same)) return std::string(shares.front().container);
  std::map<std::string_view, std::set<std::string>> contained;  // carriers, by container
  for (const LineShare& share : shares) {
    if (share.in_site()) continue;
    const bool whole_carrier = std::ranges::none_of(shares, [&](const LineShare& other) {
      return is_consumed(other) && other.series().carrier == share.series().carrier &&
             other.container != share.container;
    });
    const std::string_view but = whole_carrier           ? ""
                                 : share.is_own_supply() ? ", own generation"
                                                         : ", without own generation";
    contained[share.container].insert(share.series().carrier + std::string(but));
  }
  std::string text;
  for (const auto& [container, carriers] : contained) {
    text += (text.empty() ? "" : "; ") + std::string(container) + " (";
    for (const std::string& carrier : carriers) text += (carrier == *carriers.begin() ? "" : "; ") + carrier;
    text += ")";
  }
  return text;
}

Uncertainty combine(const LineShares& shares, Basis basis) {
  model::CombinedUncertainty<std::pair<std::string_view, std::string_view>, std::string_view> sum;
  bool any = false;
  bool all = true;
  bool entries = false;
  for (const LineShare& share : shares) {
    if (!share.part) continue;
    entries = true;
    const model::Emitted& emitted = share.part->now.emitted[basis];
    sum.add({share.series().device, share.series().point}, share.sign * emitted.u95_activity.quanta(),
            share.part->series(basis), share.sign * emitted.u95_factor.quanta());
    all &= !share.part->unstated[basis];
    if (emitted.co2e == model::Co2e{}) continue;
    const bool activity = emitted.u95_activity != model::Co2e{};
    const bool factor = emitted.u95_factor != model::Co2e{};
    any |= activity || factor;
    all &= activity && factor;
  }
  const Stated stated = !entries ? Stated::none : all ? Stated::all : any ? Stated::part : Stated::none;
  return {.u95 = model::Co2e::of(sum.root()), .stated = stated};
}

// Adds the entries of `more` that are not in `uses`.
template <class Name>
void merge(std::vector<Name>& uses, const std::vector<Name>& more) {
  uses.insert(uses.end(), more.begin(), more.end());
  std::ranges::sort(uses);
  const auto last = std::ranges::unique(uses);
  uses.erase(last.begin(), last.end());
}

}  // namespace

bool is_consumed(const LineShare& share) {
  return share.series().flow == model::Flow::consumed;
}

LineShares minus(LineShares shares, const LineShares& less) {
  for (LineShare share : less) {
    share.sign = -share.sign;
    shares.push_back(share);
  }
  return shares;
}

std::map<std::pair<std::string_view, std::string_view>, Watched> watch(const LineShares& shares) {
  std::map<std::pair<std::string_view, std::string_view>, Watched> points;
  for (const LineShare& share : shares) {
    Watched& watched = points[{share.series().device, share.series().point}];
    watched = std::max(watched, {share.account->covered(), share.account->time_by_origin()});
  }
  return points;
}

Line add_up(const LineShares& shares) {
  Line line;
  const auto note_quality = [&](model::Quality quality) {
    line.worst = line.worst ? worse(*line.worst, quality) : quality;
  };
  for (const LineShare& share : shares) {
    const auto& open = share.account->open_since;
    if (open) line.open_since = std::min(line.open_since.value_or(*open), *open);
    if (!share.part) {
      note_quality({.origin = model::Origin::missing});
      continue;
    }
    const FactorSums& part = *share.part;
    if (share.sign > 0) {
      line.first += part.first;
      line.now += part.now;
    } else {
      line.first -= part.first;
      line.now -= part.now;
    }
    line.has_market |= part.has_market;
    line.entries += part.entries;
    line.corrections += part.corrections;
    if (part.worst) note_quality(*part.worst);
    merge(line.factors, part.factors);
    merge(line.market_factors, part.market_factors);
    merge(line.gwp_sets, part.gwp_sets);
  }
  // Of a line from which all has moved elsewhere: what it was published with.
  const bool all_moved = !line.worst;
  for (const LineShare& share : shares) {
    if (all_moved && share.part && share.part->worst_moved) note_quality(*share.part->worst_moved);
  }
  for (const Basis basis : model::kBases) line.uncertainty[basis] = combine(shares, basis);
  const auto points = watch(shares);
  for (const auto& [point, watched] : points) {
    line.covered += watched.covered;
    for (std::size_t i = 0; i < kOriginCount; ++i) line.time_by_origin[i] += watched.time_by_origin[i];
  }
  line.points = static_cast<std::int64_t>(points.size());
  line.part_of = container_of(shares);
  return line;
}

Line carrier_line(const LineShares& shares, Sum sum) {
  Line line = add_up(shares);
  const model::Series& series = shares.front().series();
  line.level = Level::carrier;
  line.sum = sum;
  line.user = series.user;
  line.user_name = series.user_name;
  line.scope = series.scope;
  line.carrier = series.carrier;
  return line;
}

}  // namespace carbongate::books
