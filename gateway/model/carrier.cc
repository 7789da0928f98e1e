#include "gateway/model/carrier.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace carbongate::model {
namespace {

using Wide = __int128;

// Quanta and display units are not looked up by symbol: "NmL" is ours alone.
constexpr Unit kMilliwattHour{"mWh", Dimension::energy, 18, 5};
constexpr Unit kKilowattHour{"kWh", Dimension::energy, 3'600'000};
constexpr Unit kJoule{"J", Dimension::energy};
constexpr Unit kGigajoule{"GJ", Dimension::energy, 1'000'000'000};
constexpr Unit kNormalMillilitre{"NmL", Dimension::normal_volume};
constexpr Unit kNormalCubicMetre{"Nm3", Dimension::normal_volume, 1'000'000};
constexpr Unit kMilligram{"mg", Dimension::mass};
constexpr Unit kKilogram{"kg", Dimension::mass, 1'000'000};
constexpr Unit kMicroPiece{"µpcs", Dimension::pieces};
constexpr Unit kPiece{"pcs", Dimension::pieces, 1'000'000};

constexpr Carrier electric(std::string_view id, std::string_view name_zh) {
  return {id, name_zh, Category::electricity, Dimension::energy, kMilliwattHour, kKilowattHour, 1'000'000};
}
constexpr Carrier thermal(std::string_view id, std::string_view name_zh, Category category = Category::heat) {
  return {id, name_zh, category, Dimension::energy, kJoule, kGigajoule, 1'000'000'000};
}
constexpr Carrier gas(std::string_view id, std::string_view name_zh, Category category = Category::fuel) {
  return {id, name_zh, category, Dimension::normal_volume, kNormalMillilitre, kNormalCubicMetre, 1'000'000};
}
constexpr Carrier by_mass(std::string_view id, std::string_view name_zh, Category category = Category::fuel) {
  return {id, name_zh, category, Dimension::mass, kMilligram, kKilogram, 1'000'000};
}

// Liquid fuels go by mass: the Chinese default tables give heating values per tonne, and a volume needs a measured
// density.
constexpr std::array kCarriers{
    electric("electricity", "电力"),
    thermal("heat", "热力"),
    thermal("steam", "蒸汽"),
    thermal("cooling", "冷量"),
    gas("natural-gas", "天然气"),
    gas("coke-oven-gas", "焦炉煤气"),
    gas("blast-furnace-gas", "高炉煤气"),
    gas("converter-gas", "转炉煤气"),
    gas("calcium-carbide-furnace-gas", "密闭电石炉炉气"),
    gas("other-gas", "其它煤气"),
    gas("coal-mine-gas", "煤矿瓦斯气"),
    gas("producer-gas", "发生炉煤气"),
    gas("catalytic-cracked-gas", "重油催化裂解煤气"),
    gas("thermal-cracked-gas", "重油热裂解煤气"),
    gas("coke-gas", "焦炭制气"),
    gas("pressure-gasified-gas", "压力气化煤气"),
    gas("water-gas", "水煤气"),
    gas("gas-works-gas", "煤气厂煤气"),
    gas("methane", "甲烷", Category::gas),
    gas("hydrogen", "氢气"),
    gas("biogas", "沼气"),
    by_mass("refinery-gas", "炼厂干气"),
    by_mass("lng", "液化天然气"),
    by_mass("lpg", "液化石油气"),
    by_mass("gasoline", "汽油"),
    by_mass("diesel", "柴油"),
    by_mass("kerosene", "煤油"),
    by_mass("jet-kerosene", "喷气煤油"),
    by_mass("fuel-oil", "燃料油"),
    by_mass("crude-oil", "原油"),
    by_mass("naphtha", "石脑油"),
    by_mass("other-oil-products", "其它石油制品"),
    by_mass("coal-tar", "煤焦油"),
    by_mass("crude-benzol", "粗苯"),
    by_mass("petroleum-coke", "石油焦"),
    by_mass("anthracite", "无烟煤"),
    by_mass("bituminous-coal", "烟煤"),
    by_mass("lignite", "褐煤"),
    by_mass("washed-coal", "洗精煤"),
    by_mass("other-washed-coal", "其它洗煤"),
    by_mass("briquettes", "型煤"),
    by_mass("coal-gangue", "煤矸石"),
    by_mass("coal-slurry", "煤泥"),
    by_mass("coke", "焦炭"),
    by_mass("raw-coal", "原煤"),
    by_mass("middlings", "洗中煤"),
    by_mass("coking-coal", "炼焦煤"),
    by_mass("sub-bituminous-coal", "次烟煤"),
    by_mass("oil-shale", "油页岩"),
    by_mass("brown-coal-briquettes", "褐煤型煤"),
    by_mass("gas-coke", "煤气焦"),
    by_mass("peat", "泥炭"),
    by_mass("orimulsion", "奥里油"),
    by_mass("natural-gas-liquids", "天然气凝液"),
    by_mass("aviation-gasoline", "航空汽油"),
    by_mass("shale-oil", "页岩油"),
    by_mass("ethane", "乙烷"),
    by_mass("bitumen", "沥青"),
    by_mass("lubricants", "润滑油"),
    by_mass("refinery-feedstocks", "炼厂原料"),
    by_mass("residual-oil", "渣油"),
    by_mass("methanol", "甲醇"),
    by_mass("ethanol", "乙醇"),
    by_mass("municipal-waste", "城市垃圾(非生物质)"),
    thermal("industrial-waste", "工业废物", Category::fuel),  // by its heat: no default heating value is published
    by_mass("waste-oil", "废油"),
    by_mass("biomass", "固体生物质"),
    by_mass("wood", "木材"),
    by_mass("sulphite-lyes", "黑液"),
    by_mass("charcoal", "木炭"),
    by_mass("biogasoline", "生物汽油"),
    by_mass("biodiesel", "生物柴油"),
    // Working media (耗能工质): they cost energy, they do not emit.
    by_mass("fresh-water", "新水", Category::working_medium),
    by_mass("softened-water", "软化水", Category::working_medium),
    by_mass("deaerated-water", "除氧水", Category::working_medium),
    gas("compressed-air", "压缩空气", Category::working_medium),
    gas("blast-air", "鼓风", Category::working_medium),
    gas("oxygen", "氧气", Category::working_medium),
    gas("nitrogen", "氮气", Category::working_medium),
    gas("carbon-dioxide-medium", "二氧化碳(工质)", Category::working_medium),
    gas("acetylene", "乙炔", Category::working_medium),
    by_mass("calcium-carbide", "电石", Category::working_medium),
    // What the site makes.
    by_mass("product", "产品", Category::product),
    Carrier{"product-pieces", "产品(件)", Category::product, Dimension::pieces, kMicroPiece, kPiece, 1'000'000},
    // What emits in a process.
    by_mass("clinker", "水泥熟料", Category::process_input),
    by_mass("raw-meal", "生料", Category::process_input),
    by_mass("limestone", "石灰石", Category::process_input),
    by_mass("dolomite", "白云石", Category::process_input),
    by_mass("magnesium-carbonate", "碳酸镁", Category::process_input),
    by_mass("sodium-carbonate", "碳酸钠", Category::process_input),
    by_mass("potassium-carbonate", "碳酸钾", Category::process_input),
    by_mass("iron-carbonate", "碳酸亚铁", Category::process_input),
    by_mass("manganese-carbonate", "碳酸锰", Category::process_input),
    by_mass("barium-carbonate", "碳酸钡", Category::process_input),
    by_mass("sodium-bicarbonate", "碳酸氢钠", Category::process_input),
    by_mass("carbon-anode", "炭阳极", Category::process_input),
    by_mass("electrode", "电极", Category::process_input),
    by_mass("carburiser", "增碳剂", Category::process_input),
    by_mass("pig-iron", "生铁", Category::process_input),
    by_mass("direct-reduced-iron", "直接还原铁", Category::process_input),
    by_mass("ferro-chrome", "铬铁", Category::process_input),
    by_mass("ferro-molybdenum", "钼铁", Category::process_input),
    // Gases released and measured as such.
    by_mass("co2", "二氧化碳", Category::gas),
    by_mass("ch4", "甲烷(质量)", Category::gas),
    by_mass("n2o", "氧化亚氮", Category::gas),
    by_mass("sf6", "六氟化硫", Category::gas),
    by_mass("nf3", "三氟化氮", Category::gas),
    by_mass("cf4", "四氟化碳", Category::gas),
    by_mass("c2f6", "六氟乙烷", Category::gas),
    by_mass("r134a", "R134a", Category::gas),
    by_mass("r410a", "R410A", Category::gas),
    by_mass("r32", "R32", Category::gas),
    by_mass("r22", "R22", Category::gas),
};

// The dimension whose rate over one hour is `dimension`, and how many base units one base unit of rate makes in that
// hour.
struct Hourly {
  Dimension rate;
  std::int64_t base_per_hour;
};
constexpr std::optional<Hourly> hourly(Dimension dimension) {
  switch (dimension) {
    case Dimension::energy: return Hourly{Dimension::power, 3'600};
    case Dimension::volume: return Hourly{Dimension::volume_flow, 1};
    case Dimension::normal_volume: return Hourly{Dimension::normal_volume_flow, 1};
    case Dimension::mass: return Hourly{Dimension::mass_flow, 1};
    default: return std::nullopt;
  }
}

Wide gcd(Wide a, Wide b) {
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

}  // namespace

std::span<const Carrier> all_carriers() {
  return kCarriers;
}

const Carrier* find_carrier(std::string_view id) {
  const auto carrier = std::ranges::find(kCarriers, id, &Carrier::id);
  return carrier == kCarriers.end() ? nullptr : &*carrier;
}

std::optional<ActivityScale> ActivityScale::between(const Unit& unit, const Carrier& carrier) {
  Wide numerator = Wide{unit.numerator} * carrier.quantum.denominator;
  Wide denominator = Wide{unit.denominator} * carrier.quantum.numerator;
  if (unit.dimension != carrier.dimension) {
    const auto rate = hourly(carrier.dimension);
    if (!rate || unit.dimension != rate->rate) return std::nullopt;
    numerator *= rate->base_per_hour;
  }
  const Wide common = gcd(numerator, denominator);
  numerator /= common;
  denominator /= common;
  constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
  if (numerator > kMax || denominator > kMax) return std::nullopt;
  return ActivityScale(static_cast<std::int64_t>(numerator), static_cast<std::int64_t>(denominator));
}

// A double is mantissa * 2^exponent with 53 bits of mantissa, so the product with a 63-bit numerator fits 117 bits and
// the only rounding is the last one.
std::optional<Activity> ActivityScale::exact(double value) const {
  if (!std::isfinite(value)) return std::nullopt;
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);
  const auto mantissa = static_cast<std::int64_t>(std::ldexp(fraction, 53));
  exponent -= 53;

  Wide dividend = Wide{mantissa} * numerator_;
  Wide divisor = denominator_;
  if (exponent > 0) {
    if (exponent > 63 || (dividend >> (126 - exponent)) != 0) return std::nullopt;
    dividend <<= exponent;
  } else if (exponent < 0) {
    // Past 2^-62 the divisor no longer fits: halve the dividend instead. What falls off is less than one part of an
    // even divisor and cannot change on which side of a half the quotient lies.
    const int shift = std::min(-exponent, 62);
    divisor <<= shift;
    const int rest = -exponent - shift;
    dividend = rest >= 127 ? 0 : dividend >> rest;
  }
  const Wide whole = dividend / divisor;
  const Wide remainder = dividend % divisor;
  const Wide quanta = whole + (remainder >= divisor - remainder ? 1 : 0);
  if (quanta > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  const auto magnitude = static_cast<std::int64_t>(quanta);
  return Activity::of(std::signbit(value) ? -magnitude : magnitude);
}

std::optional<Activity> ActivityScale::operator()(double value) const {
  if (const auto counted = by_counts(value)) return counted;
  return exact(value);
}

std::optional<Activity> ActivityScale::by_counts(double value) const {
  if (quanta_of_count_ == 0 || !std::isfinite(value)) return std::nullopt;
  constexpr double kCountsMax = 0x1p51;  // beyond, dividing does not tell which count it is
  const double counts = std::nearbyint(value / count_);
  if (std::abs(counts) > kCountsMax || std::abs(counts * count_ - value) > 0x1p-51 * std::abs(value)) {
    return std::nullopt;
  }
  std::int64_t quanta = 0;
  if (__builtin_mul_overflow(static_cast<std::int64_t>(counts), quanta_of_count_, &quanta)) return std::nullopt;
  return Activity::of(quanta);
}

ActivityScale ActivityScale::counted_in(double count) const {
  ActivityScale scale(numerator_, denominator_);
  const auto quanta = exact(count);
  if (!quanta || quanta->quanta() <= 0) return scale;
  const long double ideal =
      static_cast<long double>(count) * static_cast<long double>(numerator_) / static_cast<long double>(denominator_);
  if (std::abs(ideal - static_cast<long double>(quanta->quanta())) > ideal * 1e-14L) return scale;
  scale.count_ = count;
  scale.quanta_of_count_ = quanta->quanta();
  return scale;
}

std::optional<Activity> to_activity(double value, const Unit& unit, const Carrier& carrier) {
  const auto scale = ActivityScale::between(unit, carrier);
  return scale ? (*scale)(value) : std::nullopt;
}

std::string explain_mismatch(const Unit& unit, const Carrier& carrier) {
  if (ActivityScale::between(unit, carrier)) return "";
  const std::string subject = std::string(carrier.id) + " is accounted in " + std::string(carrier.display.symbol);
  if (carrier.dimension == Dimension::normal_volume &&
      (unit.dimension == Dimension::volume || unit.dimension == Dimension::volume_flow)) {
    return subject + " (0 °C, 101.325 kPa); '" + std::string(unit.symbol) +
           "' counts at the meter's own conditions: use a point in Nm3 from a meter or corrector that converts, or "
           "derive one (gas-at-reference)";
  }
  if (carrier.dimension == Dimension::mass &&
      (unit.dimension == Dimension::volume || unit.dimension == Dimension::volume_flow)) {
    return subject + "; '" + std::string(unit.symbol) +
           "' is a volume, which needs a measured density: use a point in kg or t, or derive one (mass-from-volume)";
  }
  // The same gas, accounted by its mass where it is released and measured as such.
  static constexpr std::pair<std::string_view, std::string_view> kByMass[] = {{"methane", "ch4"},
                                                                              {"carbon-dioxide-medium", "co2"}};
  for (const auto& [by_volume, by_mass] : kByMass) {
    if (carrier.id == by_volume && ActivityScale::between(unit, *find_carrier(by_mass))) {
      return subject + "; '" + std::string(unit.symbol) + "' measures its mass, which is the carrier '" +
             std::string(by_mass) + "'";
    }
  }
  return subject + "; '" + std::string(unit.symbol) + "' measures " + std::string(to_string(unit.dimension)) +
         ", and a point that measures " + std::string(to_string(carrier.dimension)) + " is needed";
}

std::string format_fixed(std::int64_t quanta, std::int64_t quanta_per_unit) {
  const std::uint64_t magnitude =
      quanta < 0 ? 0 - static_cast<std::uint64_t>(quanta) : static_cast<std::uint64_t>(quanta);
  const auto per_unit = static_cast<std::uint64_t>(quanta_per_unit);
  std::string text = quanta < 0 ? "-" : "";
  text += std::to_string(magnitude / per_unit);
  std::uint64_t rest = magnitude % per_unit;
  if (rest == 0) return text;
  text += '.';
  for (std::uint64_t place = per_unit / 10; rest != 0; place /= 10) {
    text += static_cast<char>('0' + rest / place);
    rest %= place;
  }
  return text;
}

}  // namespace carbongate::model
