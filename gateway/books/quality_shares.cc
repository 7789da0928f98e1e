#include "gateway/books/quality_shares.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "gateway/model/coverage.h"

namespace carbongate::books {

std::optional<QualityShares> quality_shares(const Line& line, Duration length) {
  OriginTimes times = line.time_by_origin;
  const Duration known = std::accumulate(times.begin(), times.end(), Duration{});
  const Duration whole = std::max(length * line.points, known);
  if (whole <= Duration::zero()) return std::nullopt;
  times[static_cast<std::size_t>(model::Origin::missing)] += whole - known;

  // Cut first; what is then left of 100 % goes where most was cut off.
  constexpr std::int64_t kWhole = 100 * model::kPerPercent;
  QualityShares shares{};
  std::array<std::pair<std::int64_t, std::size_t>, kOriginCount> cut_off{};
  std::int64_t left = kWhole;
  for (std::size_t i = 0; i < kOriginCount; ++i) {
    const std::int64_t scaled = times[i].count() * kWhole;
    shares[i] = scaled / whole.count();
    cut_off[i] = {-(scaled % whole.count()), i};
    left -= shares[i];
  }
  std::ranges::sort(cut_off);
  for (std::size_t i = 0; left > 0; ++i, --left) ++shares[cut_off[i].second];
  return shares;
}

}  // namespace carbongate::books
