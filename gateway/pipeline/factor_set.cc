#include "gateway/pipeline/factor_set.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include "config/reader/reader.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/factor_document.h"
#include "gateway/pipeline/factor_value.h"

namespace carbongate::pipeline {
namespace {

using model::Factor;
using model::FactorKind;
using model::Gas;

constexpr int kYearMin = 1970;
constexpr int kYearMax = 2199;
constexpr std::string_view kKind = "factors";
constexpr std::int64_t kPpmPerPercent = 10'000;
constexpr std::int64_t kPpmMax = 1'000'000'000;  // a thousand times the value: more is a wrong digit

struct Date {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
};

bool exists(Date date) {
  const std::chrono::year_month_day day{std::chrono::year(date.year), std::chrono::month(date.month),
                                        std::chrono::day(date.day)};
  return day.ok() && date.year >= kYearMin && date.year <= kYearMax;
}

// "2023-01-01".
std::optional<Date> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  Date date;
  const auto number = [&](std::size_t at, std::size_t length, auto& out) {
    const char* end = text.data() + at + length;
    const auto [stop, code] = std::from_chars(text.data() + at, end, out);
    return code == std::errc() && stop == end;
  };
  if (!number(0, 4, date.year) || !number(5, 2, date.month) || !number(8, 2, date.day) || !exists(date))
    return std::nullopt;
  return date;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(separator)) + part;
  return text;
}

// A factor and where it stands, for messages about two of them.
struct Row {
  Factor factor;
  std::string label;  // of its beginning: "2023", "2023-07-01"
  config::Place place;
  config::Place until_place;  // of `valid_until`
  std::string path;           // "factors[3]"
};

auto order(const Row& row) {
  return std::tie(row.factor.carrier, row.factor.region, row.factor.method, row.factor.valid_from);
}
bool same_series(const Row& a, const Row& b) {
  return a.factor.carrier == b.factor.carrier && a.factor.region == b.factor.region &&
         a.factor.method == b.factor.method;
}

class SetReader {
 public:
  // `chain`: the sets on whose behalf this one is read.
  SetReader(const FactorReading& reading, std::vector<std::string> chain = {})
      : reading_(reading), problems_(reading.problems), chain_(std::move(chain)) {}

  void read(const config::DataFiles::File& file);
  void read_electricity_equivalent(std::span<const config::Node> items);
  std::vector<Factor> take() &&;

 private:
  void read_base(config::Reader& in, const config::DataFiles::File& file);
  void inherit(std::vector<Row> base);
  void check_validities(bool gaps_are_errors);
  void read_factor(const config::Node& node);
  std::optional<Date> read_day(config::Reader& in, std::string_view key);
  void read_validity(config::Reader& in, Row& row);
  void take_origin(config::Reader& in, Factor& factor);
  void read_worth(config::Reader& in, const model::Carrier& carrier, Factor& factor);
  std::vector<Bridge> read_bridges(config::Reader& in, std::string& formula);
  void read_combustion(config::Reader& in, const model::Carrier& carrier, Factor& factor);
  void read_value(config::Reader& in, const model::Carrier& carrier, Factor& factor);
  void read_gases(config::Reader& in, const model::Carrier& carrier, Factor& factor);
  void read_coal(config::Reader& in, const model::Carrier& carrier, Factor& factor);
  void read_uncertainty(config::Reader& in, Factor& factor);
  std::optional<FactorUnit> unit_of(config::Reader& in, std::string_view key, const std::string& text,
                                    const model::Carrier& carrier, std::span<const Bridge> bridges);
  std::optional<std::int64_t> scale(config::Reader& in, std::string_view key, const Fraction& value,
                                    const FactorUnit& unit);
  void add_gas(config::Reader& in, std::string_view key, Gas gas, const Fraction& value, const FactorUnit& unit,
               Factor& factor);
  void add_row(config::Reader& in, Row row);

  const FactorReading& reading_;
  config::Problems& problems_;
  std::vector<std::string> chain_;
  FactorKind kind_ = FactorKind::emission;
  std::string set_;
  std::string version_;
  Documents documents_;
  std::vector<Row> rows_;
  std::map<std::string, int> seen_;  // series and beginning, or id -> line
};

void SetReader::read(const config::DataFiles::File& file) {
  const config::Node root = config::parse_text(file.text, file.where, problems_);
  if (root.is_null()) return;
  config::Reader in(root, problems_);
  if (root.find("kind") != nullptr && kind_of(file) == SetKind::gwp) {
    in.error("kind", "a set of global warming potentials is no set of factors: name it as 'site: {gwp: ...}'");
    return;
  }
  kind_ = in.one_of("kind", {"emission", "standard-coal"}, 0) == 0 ? FactorKind::emission : FactorKind::standard_coal;
  set_ = in.required<std::string>("set");
  version_ = in.required<std::string>("version");
  in.required<std::string>("publisher");
  in.optional<std::string>("name");
  in.optional<std::string>("notes");
  const bool continuous = in.value_or("continuous", true);
  if (!set_.empty() && set_ != file.name)
    in.error("set", "is '" + set_ + "', but the file is named '" + file.name + "'");
  documents_.read(in);
  const bool extends = in.has("extends");
  for (const config::Node& node : extends ? in.items("factors") : in.required_items("factors")) read_factor(node);
  if (extends) read_base(in, file);
  in.finish();
  check_validities(continuous);
}

void SetReader::read_base(config::Reader& in, const config::DataFiles::File& file) {
  const std::string name = in.required<std::string>("extends");
  if (name.empty()) return;
  std::vector<std::string> chain = chain_;
  chain.push_back(file.name);
  if (const auto first = std::ranges::find(chain, name); first != chain.end()) {
    in.error("extends", "sets extend each other in a circle: " + join({first, chain.end()}, " -> ") + " -> " + name);
    return;
  }
  const auto base = reading_.data.find(kKind, name);
  if (!base) {
    in.error("extends", "there is no factor set '" + name + "'" + config::suggestion(name, reading_.data.names(kKind)));
    return;
  }
  SetReader reader(reading_, std::move(chain));
  reader.read(*base);
  if (!reader.rows_.empty() && reader.kind_ != kind_) {
    in.error("extends", "'" + name + "' is a set of another kind");
    return;
  }
  inherit(std::move(reader.rows_));
}

void SetReader::inherit(std::vector<Row> base) {
  std::ranges::sort(rows_, {}, order);
  const auto own = static_cast<std::ptrdiff_t>(rows_.size());
  for (Row& row : base) {
    if (std::binary_search(rows_.begin(), rows_.begin() + own, row,
                           [](const Row& a, const Row& b) { return order(a) < order(b); })) {
      continue;
    }
    Factor& factor = row.factor;
    if (factor.inherited_from.empty()) factor.inherited_from = factor.set;
    factor.id = set_ + factor.id.substr(factor.set.size());
    factor.set = set_;
    rows_.push_back(std::move(row));
  }
}

// Two factors of one series must not claim the same time, nor leave time between them without a word.
void SetReader::check_validities(bool gaps_are_errors) {
  std::ranges::sort(rows_, {}, order);
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    const Row& row = rows_[i - 1];
    const Row& next = rows_[i];
    if (!same_series(row, next) || !row.factor.valid_until || !row.factor.inherited_from.empty()) continue;
    const std::string what = row.path + ".valid_until: ";
    if (*row.factor.valid_until > next.factor.valid_from) {
      problems_.error(row.until_place, what + row.factor.id + " overlaps " + next.factor.id + " (line " +
                                           std::to_string(next.place.line) + "), which begins earlier");
    } else if (*row.factor.valid_until < next.factor.valid_from) {
      const std::string text = what + "a gap: nothing applies between the end of " + row.factor.id +
                               " and the beginning of " + next.factor.id + " (line " + std::to_string(next.place.line) +
                               ")";
      if (gaps_are_errors) {
        problems_.error(row.until_place, text + "; if that is meant, write 'continuous: false' in the set");
      } else {
        problems_.warning(row.until_place, text);
      }
    }
  }
}

void SetReader::read_factor(const config::Node& node) {
  config::Reader in(node, problems_);
  const std::size_t errors_before = problems_.times_reported();
  Row row{.factor = {}, .label = {}, .place = node.place(), .until_place = {}, .path = node.path()};
  Factor& factor = row.factor;
  factor.set = set_;
  factor.version = version_;
  factor.kind = kind_;
  factor.carrier = in.required<std::string>("carrier");
  factor.region = in.value_or("region", "");
  factor.method = in.value_or("method", "default");
  const model::Carrier* carrier = model::find_carrier(factor.carrier);
  if (!carrier && !factor.carrier.empty()) {
    std::vector<std::string> known;
    for (const model::Carrier& c : model::all_carriers()) known.emplace_back(c.id);
    in.error("carrier", "unknown carrier '" + factor.carrier + "'" + config::suggestion(factor.carrier, known));
  }
  read_validity(in, row);
  take_origin(in, factor);
  in.optional<std::string>("name");
  factor.id = join({set_, factor.region.empty() ? factor.carrier : factor.region, factor.method, row.label}, "/");
  if (carrier) {
    read_worth(in, *carrier, factor);
    in.finish();
  }
  if (problems_.times_reported() == errors_before && carrier) add_row(in, std::move(row));
}

void SetReader::read_electricity_equivalent(std::span<const config::Node> items) {
  set_ = kSiteCoalSet;
  kind_ = FactorKind::standard_coal;
  for (const config::Node& node : items) {
    config::Reader in(node, problems_);
    const std::size_t errors_before = problems_.times_reported();
    Row row{.factor = {},
            .label = in.required<std::string>("from"),
            .place = node.place(),
            .until_place = {},
            .path = node.path()};
    Factor& factor = row.factor;
    factor.set = set_;
    factor.kind = kind_;
    factor.carrier = "electricity";
    factor.method = kEquivalent;
    factor.version = factor.publication = in.value_or("published", row.label.c_str());
    if (const auto from = read_day(in, "from"))
      factor.valid_from = reading_.calendar.begin_of_day(from->year, from->month, from->day);
    if (const auto until = read_day(in, "until"))
      factor.valid_until = reading_.calendar.begin_of_day(until->year, until->month, until->day);
    if (factor.valid_until && *factor.valid_until <= factor.valid_from) in.error("until", "is not after 'from'");
    if (const config::Node* until = node.find("until")) row.until_place = until->place();
    factor.source = in.required<std::string>("source");
    factor.note = in.value_or("note", "");
    factor.confidence = "own_measurement";
    factor.id = join({set_, factor.carrier, factor.method, row.label}, "/");
    factor.value_text = in.optional<std::string>("kgce_per_kwh").value_or("");
    factor.unit_text = "kgce/kWh";
    const auto value = read_decimal(in, "kgce_per_kwh");
    const auto unit = unit_of(in, "kgce_per_kwh", factor.unit_text, *model::find_carrier("electricity"), {});
    // Power supply burnt 0.29 to 0.36 in the last decades: outside of this it is another unit (g, t per 10^4 kWh).
    if (value && (*value->scaled(1000) < 200 || *value->scaled(1000) > 500)) {
      in.error("kgce_per_kwh", "is not between 0.2 and 0.5 kgce/kWh, as the coal consumption of power supply is");
    } else if (value && unit) {
      if (const auto scaled = scale(in, "kgce_per_kwh", *value, *unit)) factor.scaled_coal = *scaled;
    }
    in.finish();
    if (problems_.times_reported() == errors_before) add_row(in, std::move(row));
  }
  check_validities(true);
}

std::optional<Date> SetReader::read_day(config::Reader& in, std::string_view key) {
  const auto text = in.optional<std::string>(key);
  if (!text) return std::nullopt;
  const auto date = parse_date(*text);
  if (!date) in.error(key, "'" + *text + "' is not a date like 2023-01-01 between 1970 and 2199");
  return date;
}

// Either `year` (of the data: valid from its first day) or `valid_from`.
void SetReader::read_validity(config::Reader& in, Row& row) {
  Factor& factor = row.factor;
  const auto instant = [&](Date d) { return reading_.calendar.begin_of_day(d.year, d.month, d.day); };
  if (in.has("year") == in.has("valid_from")) {
    in.error("year", "give either the year of the data or valid_from");
    in.optional<std::string>("year");
    in.optional<std::string>("valid_from");
  } else if (in.has("year")) {
    const int year = in.in_range<int>("year", kYearMin, kYearMin, kYearMax);
    factor.valid_from = instant({.year = year});
    row.label = std::to_string(year);
  } else if (const auto from = read_day(in, "valid_from")) {
    factor.valid_from = instant(*from);
    row.label = *in.optional<std::string>("valid_from");
  }
  if (const auto until = read_day(in, "valid_until")) {
    factor.valid_until = instant(*until);
    row.until_place = in.child("valid_until")->place();
    if (*factor.valid_until <= factor.valid_from) in.error("valid_until", "is not after the beginning of the validity");
  }
}

void SetReader::take_origin(config::Reader& in, Factor& factor) {
  Origin origin = documents_.read_origin(in);
  factor.source = std::move(origin.source);
  factor.publication = std::move(origin.publication);
  factor.confidence = std::move(origin.confidence);
  factor.note = std::move(origin.note);
}

void SetReader::read_worth(config::Reader& in, const model::Carrier& carrier, Factor& factor) {
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
  read_uncertainty(in, factor);
}

// Heating value and density, where they are given; each becomes a part of the formula.
std::vector<Bridge> SetReader::read_bridges(config::Reader& in, std::string& formula) {
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

std::optional<FactorUnit> SetReader::unit_of(config::Reader& in, std::string_view key, const std::string& text,
                                             const model::Carrier& carrier, std::span<const Bridge> bridges) {
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

std::optional<std::int64_t> SetReader::scale(config::Reader& in, std::string_view key, const Fraction& value,
                                             const FactorUnit& unit) {
  const auto exact = value.times(unit.mg_per_quantum);
  const auto scaled = exact ? exact->scaled(model::kFactorScale) : std::nullopt;
  if (!scaled) in.error(key, "the value is too large, or has too many digits to be kept exactly");
  return scaled;
}

// The gas by its mass, and what it adds to CO2e.
void SetReader::add_gas(config::Reader& in, std::string_view key, Gas gas, const Fraction& value,
                        const FactorUnit& unit, Factor& factor) {
  const auto scaled = scale(in, key, value, unit);
  if (!scaled) return;
  factor.scaled_gas[gas] += *scaled;
  if (!reading_.gwp) return;
  const auto gwp = reading_.gwp->of(gas);
  if (!gwp) {
    in.error(key, "the GWP set " + reading_.gwp->name() + " has no value for " + std::string(model::to_string(gas)) +
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
  if (gas != Gas::co2 && gas != Gas::co2_biogenic && gas != Gas::unsplit) factor.gwp_set = reading_.gwp->name();
}

// Combustion: net calorific value * carbon content * oxidation * 44/12.
void SetReader::read_combustion(config::Reader& in, const model::Carrier& carrier, Factor& factor) {
  const auto ncv = read_decimal(in, "ncv");
  const std::string ncv_unit = in.required<std::string>("ncv_unit");
  const auto carbon = read_decimal(in, "carbon_t_per_gj");
  const auto oxidation = read_decimal(in, "oxidation_percent");
  if (!ncv || !carbon || !oxidation) return;
  if (!ncv_unit.starts_with("GJ/")) {
    in.error("ncv_unit", "'" + ncv_unit + "' is not GJ per an amount of " + std::string(carrier.id) + ", like GJ/t");
    return;
  }
  if (*oxidation->scaled(1'000'000) > 100'000'000) {
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
  factor.value_text = model::format_fixed(value->scaled(1'000'000).value_or(0), 1'000'000);
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

void SetReader::read_value(config::Reader& in, const model::Carrier& carrier, Factor& factor) {
  const auto value = read_decimal(in, "value");
  factor.value_text = in.optional<std::string>("value").value_or("");
  factor.unit_text = in.required<std::string>("unit");
  std::string by;
  const auto bridges = read_bridges(in, by);
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

void SetReader::read_gases(config::Reader& in, const model::Carrier& carrier, Factor& factor) {
  const config::Node& node = *in.child("gases");
  factor.unit_text = in.required<std::string>("unit");
  std::string by;
  const auto bridges = read_bridges(in, by);
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
  config::Reader gases(node, problems_);
  for (const config::Node::Member& member : node.members()) {
    const auto value = read_decimal(gases, member.key);
    const auto gas = model::find_gas(member.key);
    if (!gas) {
      problems_.error(member.key_place, node.path() + ": unknown gas '" + member.key + "'" +
                                            config::suggestion(member.key, model::gas_names()));
    } else if (value) {
      add_gas(gases, member.key, *gas, *value, *unit, factor);
      factor.value_text += (factor.value_text.empty() ? "" : ", ") + member.key + " " + member.value->scalar();
    }
  }
  if (!by.empty()) factor.formula = "(" + factor.value_text + ") " + factor.unit_text + by;
}

// A coefficient as published, or the heating value over that of standard coal: 29307.6 kJ/kgce.
void SetReader::read_coal(config::Reader& in, const model::Carrier& carrier, Factor& factor) {
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
    if (in.has("ncv") && factor.formula.empty())
      factor.formula = "as published; " + by.substr(3) + " / 29307.6 kJ/kgce";
    return;
  }
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

void SetReader::read_uncertainty(config::Reader& in, Factor& factor) {
  const bool bounds = in.has("lower95") || in.has("upper95");
  if (in.has("uncertainty_percent")) {
    const auto percent = read_decimal(in, "uncertainty_percent");
    const auto ppm = percent ? percent->scaled(kPpmPerPercent) : std::nullopt;
    if (percent && (!ppm || *ppm > kPpmMax)) in.error("uncertainty_percent", "is above 100000");
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

void SetReader::add_row(config::Reader& in, Row row) {
  const Factor& factor = row.factor;
  const std::string series = join({factor.carrier, factor.region, factor.method}, "\n") + "\n" +
                             std::to_string(factor.valid_from.time_since_epoch().count());
  for (const std::string& key : {series, factor.id}) {
    const auto [first, fresh] = seen_.emplace(key, row.place.line);
    if (fresh) continue;
    in.error("carrier", "a second factor " + factor.id + "; the first is in line " + std::to_string(first->second));
    return;
  }
  rows_.push_back(std::move(row));
}

std::vector<Factor> SetReader::take() && {
  std::vector<Factor> factors;
  for (Row& row : rows_) factors.push_back(std::move(row.factor));
  return factors;
}

}  // namespace

void read_factor_set(const config::DataFiles::File& file, const FactorReading& reading,
                     std::vector<model::Factor>& factors) {
  SetReader reader(reading);
  reader.read(file);
  for (Factor& factor : std::move(reader).take()) factors.push_back(std::move(factor));
}

std::vector<model::Factor> read_electricity_equivalent(std::span<const config::Node> items,
                                                       const FactorReading& reading) {
  SetReader reader(reading);
  reader.read_electricity_equivalent(items);
  return std::move(reader).take();
}

std::string_view to_string(SetKind kind) {
  switch (kind) {
    case SetKind::emission: return "emission";
    case SetKind::standard_coal: return "standard-coal";
    case SetKind::gwp: return "gwp";
  }
  return "";
}

SetKind kind_of(const config::DataFiles::File& file) {
  config::Problems ignored;
  const config::Node root = config::parse_text(file.text, file.where, ignored);
  const config::Node* kind = root.find("kind");
  if (kind == nullptr || !kind->is_scalar()) return SetKind::emission;
  for (const SetKind known : {SetKind::standard_coal, SetKind::gwp}) {
    if (kind->scalar() == to_string(known)) return known;
  }
  return SetKind::emission;
}

}  // namespace carbongate::pipeline
