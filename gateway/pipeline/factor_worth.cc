#include "gateway/pipeline/factor_worth.h"

#include <algorithm>
#include <string>

namespace carbongate::pipeline {
namespace {

using model::Factor;
using model::FactorKind;
using model::Gas;

constexpr std::int64_t kPpmPerPercent = 10'000;
constexpr std::int64_t kPpmMax = 1'000'000'000;  // a thousand times the value: more is a wrong digit

// A heating value that leads from the unit to the carrier's amount: statements show it beside the value.
void take_ncv(config::Reader& in, Factor& factor) {
  factor.ncv_text = in.optional<std::string>("ncv").value_or("");
  factor.ncv_unit_text = in.optional<std::string>("ncv_unit").value_or("");
}

// In kg. A coal-fired station of the worst kind emits 2 per kWh, pure carbon 3.7 per kg; a refrigerant counts for 25
// 000.
constexpr std::int64_t kEnergyMax = 5;   // per kWh
constexpr std::int64_t kMatterMax = 10;  // per kg, Nm3 or whatever the carrier is shown in
constexpr std::int64_t kAnythingMax = 100'000;
constexpr std::int64_t kShown = 1'000'000'000;    // digits of a factor that is worked out
constexpr std::int64_t kPpmDoubtful = 1'000'000;  // as wide as the value itself
constexpr std::int64_t kPpmFraction = 1'000;      // 0.1 %: no factor is known so well, but 0.05 may have been 5 %

// A lean gas emits 0.23 kg per Nm3, gangue 0.66 per kg, natural gas 50 per GJ; what is a hundred times too small is
// less than this for each fuel.
constexpr std::int64_t kMatterMinGrams = 50;     // per kg or Nm3
constexpr std::int64_t kEnergyMinGrams = 5'000;  // per GJ

// Fuels, and not fossil: their CO2 is biogenic, or there is none.
constexpr std::string_view kNotFossil[] = {"hydrogen", "biogas",        "ethanol",     "biomass",  "wood",
                                           "charcoal", "sulphite-lyes", "biogasoline", "biodiesel"};

}  // namespace

Fraction factor_max(const model::Carrier& carrier) {
  // mg per quantum: a kilogram has 10^6 mg.
  const Fraction most = Fraction::of(kAnythingMax * 1'000'000, carrier.quanta_per_display);
  if (carrier.dimension == Dimension::energy) {
    const Fraction per_joule = Fraction::of(kEnergyMax * 1'000'000, 3'600'000);
    const Unit& quantum = carrier.quantum;
    return per_joule.times(Fraction::of(quantum.numerator, quantum.denominator)).value_or(most);
  }
  if (carrier.category == model::Category::gas || carrier.category == model::Category::product) return most;
  return Fraction::of(kMatterMax * 1'000'000, carrier.quanta_per_display);
}

std::optional<Fraction> factor_min(const model::Carrier& carrier) {
  const bool fossil = std::ranges::find(kNotFossil, carrier.id) == std::end(kNotFossil);
  if (carrier.category != model::Category::fuel || !fossil) return std::nullopt;
  // All fuels are accounted in kg or Nm3, but for what goes by its heat, in GJ.
  const bool by_heat = carrier.dimension == Dimension::energy;
  return Fraction::of((by_heat ? kEnergyMinGrams : kMatterMinGrams) * 1'000, carrier.quanta_per_display);
}

void WorthReader::read(config::Reader& in, const model::Carrier& carrier, Factor& factor) const {
  const std::size_t errors_before = in.problems().times_reported();
  factor.formula = in.value_or("formula", "");
  if (kind_ == FactorKind::standard_coal) {
    read_coal(in, carrier, factor);
  } else if (in.has("gases")) {
    read_gases(in, carrier, factor);
  } else if (in.has("carbon_t_per_gj") || (in.has("ncv") && !in.has("value"))) {
    read_combustion(in, carrier, factor);
  } else {
    read_value(in, carrier, factor);
  }
  if (in.problems().times_reported() == errors_before) check_size(in, carrier, factor);
  read_uncertainty(in, factor);
}

// A wrong digit or unit, most likely; whoever means it goes on.
void WorthReader::check_size(config::Reader& in, const model::Carrier& carrier, const Factor& factor) const {
  if (kind_ == FactorKind::standard_coal || !gwp_) return;
  const auto oxidation = Fraction::decimal(factor.oxidation_text);
  if (const auto ppm = oxidation ? oxidation->scaled(kPpmPerPercent) : std::nullopt;
      ppm && *ppm > 0 && *ppm <= kPpmPerPercent) {
    in.warning("oxidation_percent", factor.oxidation_text + " is " + factor.oxidation_text +
                                        " %: is it a fraction? Of fuels it is 90 to 100 as a rule");
    return;
  }
  const auto most = factor_max(carrier).scaled(model::kFactorScale);
  const auto least = factor_min(carrier);
  const bool more = most && factor.scaled_co2e > *most;
  // Biogenic CO2 is no part of CO2e.
  const bool less = least && factor.scaled_gas[Gas::co2_biogenic] == 0 &&
                    factor.scaled_co2e < least->scaled(model::kFactorScale).value_or(0);
  if (!more && !less) return;
  const std::string_view key = in.has("gases") ? "gases" : in.has("carbon_t_per_gj") ? "carbon_t_per_gj" : "value";
  in.warning(key, factor.value_text + " " + factor.unit_text + " is " + (more ? "more" : "less") +
                      " than any factor of " + std::string(carrier.id) +
                      " should be: is it a wrong digit, or another unit?");
}

// Heating value and density, where they are given; each becomes a part of the formula.
std::vector<Bridge> WorthReader::read_bridges(config::Reader& in, std::string& formula) const {
  std::vector<Bridge> bridges;
  for (const std::string key : {"ncv", "density"}) {
    if (!in.has(key)) continue;
    const auto value = read_decimal(in, key);
    const std::string unit = in.required<std::string>(key + "_unit");
    if (!value || unit.empty()) continue;
    std::string why;
    if (const auto bridge = parse_bridge(*value, unit, why)) {
      bridges.push_back(*bridge);
      formula += " x " + *in.optional<std::string>(key) + " " + unit;
    } else {
      in.error(value->zero() ? key : key + "_unit", why);
    }
  }
  if (in.has("ncv_document")) {
    if (const std::string title = documents_.title(in, "ncv_document"); !title.empty()) {
      formula += " (heating value: " + title + ")";
    }
  }
  return bridges;
}

std::optional<FactorUnit> WorthReader::unit_of(config::Reader& in, std::string_view key, const std::string& text,
                                               const model::Carrier& carrier, std::span<const Bridge> bridges) const {
  std::string why;
  auto unit = parse_factor_unit(text, carrier, why, bridges);
  if (!unit) {
    in.error(key, why);
    return std::nullopt;
  }
  const bool coal = kind_ == FactorKind::standard_coal;
  if (coal != (unit->species == "ce")) {
    in.error(key, "'" + text +
                      (coal ? "' is not a unit of standard coal; write it like kgce/"
                            : "' is a unit of standard coal, and this a set of emissions; write it like "
                              "kgCO2/") +
                      std::string(carrier.display.symbol));
    return std::nullopt;
  }
  return unit;
}

std::optional<std::int64_t> WorthReader::scale(config::Reader& in, std::string_view key, const Fraction& value,
                                               const FactorUnit& unit) const {
  const auto exact = value.times(unit.mg_per_quantum);
  const auto scaled = exact ? exact->scaled(model::kFactorScale) : std::nullopt;
  if (!scaled) in.error(key, "the value is too large, or has too many digits to be kept exactly");
  return scaled;
}

// The gas by its mass, and what it adds to CO2e.
void WorthReader::add_gas(config::Reader& in, std::string_view key, Gas gas, const Fraction& value,
                          const FactorUnit& unit, Factor& factor) const {
  const auto scaled = scale(in, key, value, unit);
  if (!scaled) return;
  factor.scaled_gas[gas] += *scaled;
  if (!gwp_) return;
  const auto gwp = gwp_->of(gas);
  if (!gwp) {
    in.error(key, "the GWP set " + gwp_->name() + " has no value for " + std::string(model::to_string(gas)) +
                      ": its CO2e is unknown; choose another one as 'site: {gwp: ...}'");
    return;
  }
  const auto exact = value.times(unit.mg_per_quantum);
  const auto weighted = exact ? exact->times(*gwp) : std::nullopt;
  const auto co2e = weighted ? weighted->scaled(model::kFactorScale) : std::nullopt;
  std::int64_t sum = 0;
  if (!co2e || __builtin_add_overflow(factor.scaled_co2e, *co2e, &sum)) {
    in.error(key, "its CO2e is too large, or has too many digits to be kept exactly");
    return;
  }
  factor.scaled_co2e = sum;
  if (gas != Gas::co2 && gas != Gas::co2_biogenic && gas != Gas::unsplit) factor.gwp_set = gwp_->name();
}

// Combustion: net calorific value * carbon content * oxidation * 44/12.
void WorthReader::read_combustion(config::Reader& in, const model::Carrier& carrier, Factor& factor) const {
  const auto ncv = read_decimal(in, "ncv");
  const std::string ncv_unit = in.required<std::string>("ncv_unit");
  const auto carbon = read_decimal(in, "carbon_t_per_gj");
  const auto oxidation = read_decimal(in, "oxidation_percent");
  if (!ncv || !carbon || !oxidation) return;
  if (!ncv_unit.starts_with("GJ/")) {
    in.error("ncv_unit", "'" + ncv_unit + "' is not GJ per an amount of " + std::string(carrier.id) + ", like GJ/t");
    return;
  }
  if (oxidation->scaled(1'000'000).value_or(INT64_MAX) > 100'000'000) {
    in.error("oxidation_percent", "is above 100");
    return;
  }
  auto value = ncv->times(*carbon);
  if (value) value = value->times(*oxidation);
  if (value) value = value->times(Fraction::of(44, 1'200));
  if (!value) {
    in.error("ncv", "has too many digits to be multiplied exactly");
    return;
  }
  factor.value_text = model::format_fixed(value->scaled(kShown).value_or(0), kShown);
  factor.unit_text = "tCO2/" + ncv_unit.substr(3);
  factor.ncv_text = *in.optional<std::string>("ncv");
  factor.ncv_unit_text = ncv_unit;
  factor.carbon_text = *in.optional<std::string>("carbon_t_per_gj");
  factor.oxidation_text = *in.optional<std::string>("oxidation_percent");
  factor.formula = factor.ncv_text + " " + ncv_unit + " x " + factor.carbon_text + " tC/GJ x " + factor.oxidation_text +
                   " % x 44/12";
  if (const auto unit = unit_of(in, "ncv_unit", factor.unit_text, carrier, {}))
    add_gas(in, "ncv_unit", Gas::co2, *value, *unit, factor);
}

void WorthReader::read_value(config::Reader& in, const model::Carrier& carrier, Factor& factor) const {
  const auto value = read_decimal(in, "value");
  factor.value_text = in.optional<std::string>("value").value_or("");
  factor.unit_text = in.required<std::string>("unit");
  std::string by;
  const auto bridges = read_bridges(in, by);
  take_ncv(in, factor);
  if (!value || factor.unit_text.empty()) return;
  const auto unit = unit_of(in, "unit", factor.unit_text, carrier, bridges);
  if (!unit) return;
  const auto gas = model::find_gas(unit->species);
  if (!gas) {
    in.error("unit", "'" + factor.unit_text + "' " +
                         (unit->species.empty() ? "does not say of which gas; write it like kgCO2/" +
                                                      std::string(carrier.display.symbol) + ", or give 'gases'"
                                                : "is of an unknown gas '" + unit->species + "'" +
                                                      config::suggestion(unit->species, model::gas_names())));
    return;
  }
  if (!by.empty()) factor.formula = factor.value_text + " " + factor.unit_text + by;
  add_gas(in, "unit", *gas, *value, *unit, factor);
}

void WorthReader::read_gases(config::Reader& in, const model::Carrier& carrier, Factor& factor) const {
  const config::Node& node = *in.child("gases");
  factor.unit_text = in.required<std::string>("unit");
  std::string by;
  const auto bridges = read_bridges(in, by);
  take_ncv(in, factor);
  if (!node.is_map() || node.members().empty()) {
    in.error("gases", "expected a map of gases and their masses, such as {CO2: 74100, CH4: 3, N2O: 0.6}");
    return;
  }
  if (factor.unit_text.empty()) return;
  const auto unit = unit_of(in, "unit", factor.unit_text, carrier, bridges);
  if (!unit) return;
  if (!unit->species.empty()) {
    in.error("unit", "names a gas, and 'gases' does; write it like kg/" + std::string(carrier.display.symbol));
    return;
  }
  config::Reader gases(node, in.problems());
  const bool only_parts =
      node.members().size() == 1 || (node.members().size() == 2 && node.find(model::to_string(Gas::co2_biogenic)));
  if (const config::Node* total = node.find(model::to_string(Gas::unsplit)); total && !only_parts) {
    gases.error(model::to_string(Gas::unsplit),
                "is the sum of the other gases, which would count twice; give either it or them");
  }
  for (const config::Node::Member& member : node.members()) {
    const auto value = read_decimal(gases, member.key);
    const auto gas = model::find_gas(member.key);
    if (!gas) {
      in.problems().error(member.key_place, node.path() + ": unknown gas '" + member.key + "'" +
                                                config::suggestion(member.key, model::gas_names()));
    } else if (value) {
      add_gas(gases, member.key, *gas, *value, *unit, factor);
      factor.value_text += (factor.value_text.empty() ? "" : ", ") + member.key + " " + member.value->scalar();
    }
  }
  if (!by.empty()) factor.formula = "(" + factor.value_text + ") " + factor.unit_text + by;
}

// A coefficient as published, or the heating value over that of standard coal: 29307.6 kJ/kgce.
void WorthReader::read_coal(config::Reader& in, const model::Carrier& carrier, Factor& factor) const {
  std::string by;
  const auto bridges = read_bridges(in, by);
  if (in.has("value")) {
    const auto value = read_decimal(in, "value");
    factor.value_text = in.optional<std::string>("value").value_or("");
    factor.unit_text = in.required<std::string>("unit");
    if (!value || factor.unit_text.empty()) return;
    const auto unit = unit_of(in, "unit", factor.unit_text, carrier, bridges);
    const auto scaled = unit ? scale(in, "unit", *value, *unit) : std::nullopt;
    if (scaled) factor.scaled_coal = *scaled;
    if (!by.empty() && factor.formula.empty()) factor.formula = "as published; " + by.substr(3) + " / 29307.6 kJ/kgce";
    return;
  }
  read_coal_by_ncv(in, carrier, bridges, by, factor);
}

void WorthReader::read_coal_by_ncv(config::Reader& in, const model::Carrier& carrier, std::span<const Bridge> bridges,
                                   const std::string& by, Factor& factor) const {
  const auto ncv = read_decimal(in, "ncv");
  const std::string ncv_unit = in.optional<std::string>("ncv_unit").value_or("");
  if (!ncv || bridges.empty()) return;
  factor.unit_text = "kgce/" + ncv_unit.substr(std::min(ncv_unit.size(), ncv_unit.find('/') + 1));
  const Fraction per_megajoule = Fraction::of(10'000, 293'076);
  const auto unit = unit_of(in, "ncv_unit", "kgce/MJ", carrier, bridges);
  const auto scaled = unit ? scale(in, "ncv", per_megajoule, *unit) : std::nullopt;
  if (!scaled) return;
  factor.scaled_coal = *scaled;
  factor.formula = by.substr(3) + " / 29307.6 kJ/kgce";
  const auto shown = unit_of(in, "ncv_unit", factor.unit_text, carrier, bridges);
  const auto per_shown = shown ? shown->mg_per_quantum.inverse() : std::nullopt;
  auto value = per_megajoule.times(unit->mg_per_quantum);
  if (value && per_shown) value = value->times(*per_shown);
  factor.value_text = model::format_fixed(value ? value->scaled(1'000'000).value_or(0) : 0, 1'000'000);
}

void WorthReader::read_uncertainty(config::Reader& in, Factor& factor) const {
  const bool bounds = in.has("lower95") || in.has("upper95");
  if (in.has("uncertainty_percent")) {
    const auto percent = read_decimal(in, "uncertainty_percent");
    const auto ppm = percent ? percent->scaled(kPpmPerPercent) : std::nullopt;
    if (percent && (!ppm || *ppm > kPpmMax)) in.error("uncertainty_percent", "is above 100000");
    if (ppm && *ppm > kPpmDoubtful && *ppm <= kPpmMax) {
      in.warning("uncertainty_percent", "is above 100: an interval wider than the value itself");
    } else if (ppm && *ppm > 0 && *ppm < kPpmFraction) {
      in.warning("uncertainty_percent", "is below 0.1: is it a fraction? 5 % is 5");
    }
    if (bounds) in.error("uncertainty_percent", "give either this or lower95 and upper95");
    if (ppm && *ppm <= kPpmMax) factor.u95_ppm = static_cast<std::int32_t>(*ppm);
  }
  if (!bounds) return;
  const auto lower = read_decimal(in, "lower95");
  const auto upper = read_decimal(in, "upper95");
  std::string middle_text = factor.value_text;
  if (const config::Node* gases = in.node().find("gases"); gases != nullptr) {
    const config::Node* co2 = gases->find("CO2");
    if (co2 == nullptr) co2 = gases->find("CO2-biogenic");
    middle_text = co2 && co2->is_scalar() ? co2->scalar() : "";
  }
  const auto middle = Fraction::decimal(middle_text);
  if (!lower || !upper || !middle) return;
  constexpr std::int64_t kMicro = 1'000'000;
  const auto l = lower->scaled(kMicro), m = middle->scaled(kMicro), u = upper->scaled(kMicro);
  if (!l || !m || !u || *m == 0 || *l > *m || *u < *m) {
    in.error("lower95", "the value " + middle_text + " does not lie between lower95 and upper95");
    return;
  }
  // Bounds of biogenic CO2 say nothing about what counts in CO2e beside it.
  if (factor.scaled_gas[Gas::co2_biogenic] != 0) return;
  const auto ppm = Fraction::of(std::max(*m - *l, *u - *m), *m).scaled(1'000'000);
  if (ppm) factor.u95_ppm = static_cast<std::int32_t>(std::min(*ppm, kPpmMax));
}

std::optional<Factor> WorthReader::measured_coal(config::Reader& in, const model::Carrier& carrier,
                                                 const Factor& emission) const {
  const bool measured = emission.confidence == "own_measurement" || emission.confidence == "supplier";
  if (kind_ != FactorKind::emission || !measured || emission.ncv_text.empty() ||
      carrier.category != model::Category::fuel) {
    return std::nullopt;
  }
  Factor coal = emission;
  coal.kind = FactorKind::standard_coal;
  coal.scaled_gas = {};
  coal.scaled_co2e = 0;
  coal.gwp_set.clear();
  coal.u95_ppm = 0;  // that of the emission says nothing of the heating value
  coal.value_text.clear();
  coal.formula.clear();
  coal.ncv_text.clear();
  coal.ncv_unit_text.clear();
  coal.carbon_text.clear();
  coal.oxidation_text.clear();
  config::Problems problems;
  config::Reader again(in.node(), problems);
  const WorthReader reader(FactorKind::standard_coal, gwp_, documents_);
  std::string by;
  const auto bridges = reader.read_bridges(again, by);
  reader.read_coal_by_ncv(again, carrier, bridges, by, coal);
  if (!problems.has_errors()) return coal;
  in.warning("ncv", emission.ncv_text + " " + emission.ncv_unit_text + " does not lead to " +
                        std::string(carrier.display.symbol) +
                        ": the standard coal does not go by this heating value; give 'density' and 'density_unit', or "
                        "the heating value per " +
                        std::string(carrier.display.symbol));
  return std::nullopt;
}

std::int64_t WorthReader::read_coal_per_kwh(config::Reader& in, std::string_view key, const Fraction& value) const {
  const std::string text(kCoalPerKilowattHour);
  const auto unit = unit_of(in, key, text, *model::find_carrier("electricity"), {});
  return unit ? scale(in, key, value, *unit).value_or(0) : 0;
}

}  // namespace carbongate::pipeline
