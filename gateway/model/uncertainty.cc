#include "gateway/model/uncertainty.h"

#include <algorithm>
#include <array>
#include <string>

namespace carbongate::model {
namespace {

using Wide = unsigned __int128;

// Confidence: limits by class are well-known texts quoted from memory; look them up before a report rests on them. The
// letters are those of OIML R 46 and of the 2021 editions of GB/T 17215.321: their limits are of the base error, and a
// meter's whole error over temperature and voltage may be larger.
constexpr std::string_view kIec = "GB/T 17215.321/.322, IEC 62053-21/-22";
constexpr std::string_view kR46 = "OIML R 46, GB/T 17215.321-2021";
constexpr std::string_view kGb17167 = "GB 17167-2006";
constexpr std::array kClasses{
    MeterClass{"0.2S", "electricity", 2'000, 4'000, kIec},
    MeterClass{"0.5S", "electricity", 5'000, 10'000, kIec},
    MeterClass{"0.5", "electricity", 5'000, 5'000, kGb17167},
    MeterClass{"1", "electricity", 10'000, 15'000, kIec},
    MeterClass{"2", "electricity", 20'000, 25'000, kIec},
    MeterClass{"A", "electricity", 20'000, 20'000, kR46},
    MeterClass{"B", "electricity", 10'000, 10'000, kR46},
    MeterClass{"C", "electricity", 5'000, 5'000, kR46},
    MeterClass{"D", "electricity", 2'000, 2'000, kR46},
    MeterClass{"E", "electricity", 1'000, 1'000, kR46},
    // What GB 17167 demands at the least of a meter of energy entering or leaving a site.
    MeterClass{"dc", "electricity, direct current", 20'000, 20'000, kGb17167},
    MeterClass{"solid-static", "solid fuel, weighed at rest", 1'000, 1'000, kGb17167},
    MeterClass{"solid-dynamic", "solid fuel, weighed in motion", 5'000, 5'000, kGb17167},
    MeterClass{"oil", "oil", 5'000, 5'000, kGb17167},
    MeterClass{"heavy-oil", "heavy oil", 10'000, 10'000, kGb17167},
    MeterClass{"gas", "gas, coal gas, natural gas", 20'000, 20'000, kGb17167},
    MeterClass{"steam", "steam", 25'000, 25'000, kGb17167},
    MeterClass{"water", "water, pipe up to DN 250", 25'000, 25'000, kGb17167},
    MeterClass{"water-large", "water, pipe above DN 250", 15'000, 15'000, kGb17167},
};

// The largest whole number whose square is not above `value`.
std::uint64_t floor_root(Wide value) {
  std::uint64_t root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const std::uint64_t candidate = root | (std::uint64_t{1} << bit);
    if (Wide{candidate} * candidate <= value) root = candidate;
  }
  return root;
}

// (root + 1/2)^2 is root^2 + root + 1/4: never a whole number, so there is no tie.
std::uint64_t nearest_root(Wide value) {
  const std::uint64_t root = floor_root(value);
  return value - Wide{root} * root > root ? root + 1 : root;
}

}  // namespace

std::span<const MeterClass> meter_classes() {
  return kClasses;
}

const MeterClass* find_meter_class(std::string_view id) {
  if (id.ends_with(".0")) id.remove_suffix(2);
  const auto found = std::ranges::find(kClasses, id, &MeterClass::id);
  return found == kClasses.end() ? nullptr : &*found;
}

std::int32_t MeterChain::u95_ppm() const {
  Wide squares = 0;
  for (const std::int32_t limit : {meter_ppm, ct_ppm, pt_ppm, extra_ppm}) {
    squares += Wide(std::int64_t{limit} * limit);
  }
  // 2 sqrt(s / 3) to the nearest: the root of 4 s / 3 as of 12 s, over 3. (6 r + 3)^2 / 4 decides between r and r + 1.
  const Wide twelve = squares * 12;
  std::uint64_t result = floor_root(twelve) / 3;
  const Wide middle = 6 * Wide{result} + 3;  // twice 3 * (result + 1/2)
  if (4 * twelve > middle * middle) ++result;
  return static_cast<std::int32_t>(std::min<std::uint64_t>(result, std::numeric_limits<std::int32_t>::max()));
}

void Quadrature::add(std::int64_t half_width) {
  const auto magnitude =
      half_width < 0 ? 0 - static_cast<std::uint64_t>(half_width) : static_cast<std::uint64_t>(half_width);
  overflown_ |= __builtin_add_overflow(squares_, Wide{magnitude} * magnitude, &squares_);
}

std::int64_t Quadrature::root() const {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  if (overflown_) return kMax;
  return static_cast<std::int64_t>(std::min<std::uint64_t>(nearest_root(squares_), static_cast<std::uint64_t>(kMax)));
}

}  // namespace carbongate::model
