#include "gateway/pipeline/factor_registry.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_value.h"

namespace carbongate::pipeline {
namespace {

using model::Factor;

constexpr std::string_view kKind = "factors";
constexpr int kYearMin = 1970;
constexpr int kYearMax = 2199;
constexpr std::string_view kConfidences[] = {"confirmed_2plus", "one_source_plus_memory", "one_source",
                                             "memory",          "own_measurement",        "supplier"};

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

// One file of factors.
class SetReader {
 public:
  SetReader(Calendar& calendar, config::Problems& problems) : calendar_(calendar), problems_(problems) {}

  void read(const config::DataFiles::File& file, std::vector<Factor>& factors);

 private:
  struct Document {
    std::string title;
    std::string published;
  };

  void read_documents(config::Reader& in);
  void read_factor(const config::Node& node, std::vector<Factor>& factors);
  void read_origin(config::Reader& in, Factor& factor);
  void read_validity(config::Reader& in, Factor& factor, std::string& label);
  void read_value(config::Reader& in, const model::Carrier& carrier, Factor& factor);
  std::optional<Fraction> read_decimal(config::Reader& in, std::string_view key);
  std::optional<Fraction> combustion(config::Reader& in, const model::Carrier& carrier, std::string& unit);
  void refuse_duplicate(config::Reader& in, const Factor& factor, const config::Place& place);

  Calendar& calendar_;
  config::Problems& problems_;
  std::string set_;
  std::string version_;
  std::map<std::string, Document, std::less<>> documents_;
  std::map<std::string, config::Place> seen_;
};

void SetReader::read(const config::DataFiles::File& file, std::vector<Factor>& factors) {
  const config::Node root = config::parse_text(file.text, file.where, problems_);
  if (root.is_null()) return;
  config::Reader in(root, problems_);
  set_ = in.required<std::string>("set");
  version_ = in.required<std::string>("version");
  in.required<std::string>("publisher");
  in.optional<std::string>("name");
  in.optional<std::string>("notes");
  if (!set_.empty() && set_ != file.name)
    in.error("set", "is '" + set_ + "', but the file is named '" + file.name + "'");
  documents_.clear();
  seen_.clear();
  read_documents(in);
  for (const config::Node& node : in.required_items("factors")) read_factor(node, factors);
  in.finish();
}

void SetReader::read_documents(config::Reader& in) {
  const config::Node* documents = in.child("documents");
  if (!documents) return;
  if (!documents->is_map()) {
    in.error("documents", "expected a map of documents, each with a title and a date of publication");
    return;
  }
  for (const config::Node::Member& member : documents->members()) {
    config::Reader document(*member.value, problems_);
    documents_[member.key] = {.title = document.required<std::string>("title"),
                              .published = document.required<std::string>("published")};
    document.finish();
  }
}

void SetReader::read_factor(const config::Node& node, std::vector<Factor>& factors) {
  config::Reader in(node, problems_);
  Factor factor{.id = {},
                .set = set_,
                .version = version_,
                .carrier = in.required<std::string>("carrier"),
                .region = in.value_or("region", ""),
                .method = in.value_or("method", "default"),
                .valid_until = {},
                .value_text = {},
                .unit_text = {},
                .publication = {},
                .source = {},
                .confidence = {}};
  const std::size_t errors_before = problems_.all().size();
  const model::Carrier* carrier = model::find_carrier(factor.carrier);
  if (!carrier && !factor.carrier.empty()) {
    std::vector<std::string> known;
    for (const model::Carrier& c : model::all_carriers()) known.emplace_back(c.id);
    in.error("carrier", "unknown carrier '" + factor.carrier + "'" + config::suggestion(factor.carrier, known));
  }
  std::string label;
  read_validity(in, factor, label);
  read_origin(in, factor);
  in.optional<std::string>("name");
  in.optional<std::string>("note");
  factor.id = join({set_, factor.region.empty() ? factor.carrier : factor.region, factor.method, label}, "/");
  if (carrier) {
    read_value(in, *carrier, factor);
    in.finish();
  }
  if (problems_.all().size() != errors_before || !carrier) return;
  refuse_duplicate(in, factor, node.place());
  factors.push_back(std::move(factor));
}

// Either `year` (of the data: valid from its first day) or `valid_from`.
void SetReader::read_validity(config::Reader& in, Factor& factor, std::string& label) {
  const auto day = [&](std::string_view key) -> std::optional<Date> {
    const auto text = in.optional<std::string>(key);
    if (!text) return std::nullopt;
    const auto date = parse_date(*text);
    if (!date) in.error(key, "'" + *text + "' is not a date like 2023-01-01 between 1970 and 2199");
    return date;
  };
  const auto instant = [&](Date d) { return calendar_.begin_of_day(d.year, d.month, d.day); };

  if (in.has("year") == in.has("valid_from")) {
    in.error("year", "give either the year of the data or valid_from");
    in.optional<std::string>("year");
    in.optional<std::string>("valid_from");
  } else if (in.has("year")) {
    const int year = in.in_range<int>("year", kYearMin, kYearMin, kYearMax);
    factor.valid_from = instant({.year = year});
    label = std::to_string(year);
  } else if (const auto from = day("valid_from")) {
    factor.valid_from = instant(*from);
    label = *in.optional<std::string>("valid_from");
  }
  if (const auto until = day("valid_until")) {
    factor.valid_until = instant(*until);
    if (*factor.valid_until <= factor.valid_from) in.error("valid_until", "is not after the beginning of the validity");
  }
}

// Either `document`, one of the file's documents, or `source` with `publication`.
void SetReader::read_origin(config::Reader& in, Factor& factor) {
  if (const auto name = in.optional<std::string>("document")) {
    const auto document = documents_.find(*name);
    if (document == documents_.end()) {
      std::vector<std::string> known;
      for (const auto& [key, value] : documents_) known.push_back(key);
      in.error("document", "unknown document '" + *name + "'" + config::suggestion(*name, known));
    } else {
      factor.source = document->second.title;
      factor.publication = document->second.published;
    }
  } else {
    factor.source = in.required<std::string>("source");
    factor.publication = in.required<std::string>("publication");
  }
  factor.confidence = in.required<std::string>("confidence");
  if (!factor.confidence.empty() && std::ranges::find(kConfidences, factor.confidence) == std::end(kConfidences)) {
    const std::vector<std::string> known(std::begin(kConfidences), std::end(kConfidences));
    in.error("confidence",
             "unknown confidence '" + factor.confidence + "'" + config::suggestion(factor.confidence, known));
  }
}

std::optional<Fraction> SetReader::read_decimal(config::Reader& in, std::string_view key) {
  const std::string text = in.required<std::string>(key);
  if (text.empty()) return std::nullopt;
  const auto value = Fraction::decimal(text);
  if (!value) in.error(key, "'" + text + "' is not a plain decimal number >= 0 with at most 18 digits");
  return value;
}

// Combustion: net calorific value * carbon content * oxidation * 44/12.
std::optional<Fraction> SetReader::combustion(config::Reader& in, const model::Carrier& carrier, std::string& unit) {
  const auto ncv = read_decimal(in, "ncv");
  const std::string ncv_unit = in.required<std::string>("ncv_unit");
  const auto carbon = read_decimal(in, "carbon_t_per_gj");
  const auto oxidation = read_decimal(in, "oxidation_percent");
  if (!ncv || !carbon || !oxidation) return std::nullopt;
  if (!ncv_unit.starts_with("GJ/")) {
    in.error("ncv_unit", "'" + ncv_unit + "' is not GJ per an amount of " + std::string(carrier.id) + ", like GJ/t");
    return std::nullopt;
  }
  if (*oxidation->scaled(1'000'000) > 100'000'000) {
    in.error("oxidation_percent", "is above 100");
    return std::nullopt;
  }
  unit = "tCO2/" + ncv_unit.substr(3);
  auto value = ncv->times(*carbon);
  if (value) value = value->times(*oxidation);
  if (value) value = value->times(Fraction::of(44, 1'200));
  if (!value) in.error("ncv", "has too many digits to be multiplied exactly");
  return value;
}

// Either `value` with its `unit`, or the four figures of combustion.
void SetReader::read_value(config::Reader& in, const model::Carrier& carrier, Factor& factor) {
  std::optional<Fraction> value;
  if (in.has("ncv")) {
    value = combustion(in, carrier, factor.unit_text);
    if (!value) return;
    factor.value_text = model::format_fixed(value->scaled(1'000'000).value_or(0), 1'000'000);
  } else {
    value = read_decimal(in, "value");
    factor.value_text = in.optional<std::string>("value").value_or("");
    factor.unit_text = in.required<std::string>("unit");
    if (!value || factor.unit_text.empty()) return;
  }
  const std::string_view unit_key = in.has("ncv") ? "ncv_unit" : "unit";
  std::string why;
  const auto unit = parse_factor_unit(factor.unit_text, carrier, why);
  if (!unit) {
    in.error(unit_key, why);
    return;
  }
  const auto exact = value->times(unit->mg_per_quantum);
  const auto scaled = exact ? exact->scaled(model::kFactorScale) : std::nullopt;
  if (!scaled) {
    in.error(unit_key, "the value is too large, or has too many digits to be kept exactly");
    return;
  }
  factor.scaled_mg_per_quantum = *scaled;
}

void SetReader::refuse_duplicate(config::Reader& in, const Factor& factor, const config::Place& place) {
  const std::string series = join({factor.carrier, factor.region, factor.method}, "\n") + "\n" +
                             std::to_string(factor.valid_from.time_since_epoch().count());
  for (const std::string& key : {series, factor.id}) {
    const auto [first, fresh] = seen_.emplace(key, place);
    if (fresh) continue;
    in.error("carrier",
             "a second factor " + factor.id + "; the first is in line " + std::to_string(first->second.line));
    return;
  }
}

auto series_key(const Factor& f) {
  return std::tie(f.set, f.carrier, f.region, f.method);
}

bool before(const Factor& a, const Factor& b) {
  if (series_key(a) != series_key(b)) return series_key(a) < series_key(b);
  return a.valid_from < b.valid_from;
}

}  // namespace

FactorRegistry FactorRegistry::load(const config::DataFiles& data, std::span<const std::string> sets,
                                    std::string_view time_zone, config::Problems& problems) {
  FactorRegistry registry;
  registry.time_zone_ = time_zone;
  if (!Calendar::knows(time_zone)) {
    problems.error({}, "unknown time zone '" + registry.time_zone_ + "': emission factors have no dates without it");
    return registry;
  }
  Calendar calendar(time_zone);
  SetReader reader(calendar, problems);
  for (const std::string& name : std::set<std::string>(sets.begin(), sets.end())) {
    if (const auto file = data.find(kKind, name)) {
      reader.read(*file, registry.factors_);
    } else {
      const std::vector<std::string> known = data.names(kKind);
      problems.error({}, "there is no factor set '" + name + "'" + config::suggestion(name, known));
    }
  }
  registry.index();
  return registry;
}

void FactorRegistry::index() {
  std::ranges::sort(factors_, before);
  const auto same_series = [](const Factor& a, const Factor& b) { return series_key(a) == series_key(b); };
  const auto last = std::ranges::unique(factors_, [&](const Factor& a, const Factor& b) {
    return same_series(a, b) && a.valid_from == b.valid_from;  // refused with a problem already
  });
  factors_.erase(last.begin(), last.end());
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= factors_.size(); ++i) {
    if (i < factors_.size() && same_series(factors_[begin], factors_[i])) continue;
    const Factor& f = factors_[begin];
    series_[{f.set, f.carrier, f.region, f.method}] = {begin, i};
    begin = i;
  }
}

const FactorRegistry::Series* FactorRegistry::series(std::string_view set, std::string_view carrier,
                                                     std::string_view region, std::string_view method) const {
  const auto lookup = [&](std::string_view where) {
    return series_.find(Key{std::string(set), std::string(carrier), std::string(where), std::string(method)});
  };
  auto found = lookup(region);
  if (found == series_.end()) found = lookup("");
  return found == series_.end() ? nullptr : &found->second;
}

FactorRegistry::Holding FactorRegistry::look_up(std::string_view set, std::string_view carrier, std::string_view region,
                                                std::string_view method, Instant at) const {
  const Series* found = series(set, carrier, region, method);
  Holding holding{nullptr, Instant::min(), Instant::max()};
  if (!found) return holding;
  for (std::size_t i = found->begin; i < found->end; ++i) {
    const Factor& factor = factors_[i];
    if (factor.valid_from > at) {
      holding.until = std::min(holding.until, factor.valid_from);
      break;
    }
    holding = {&factor, factor.valid_from, Instant::max()};
    if (!factor.valid_until) continue;
    if (*factor.valid_until <= at) {
      holding = {nullptr, *factor.valid_until, Instant::max()};
    } else {
      holding.until = *factor.valid_until;
    }
  }
  return holding;
}

const Factor* FactorRegistry::find(std::string_view set, std::string_view carrier, std::string_view region,
                                   std::string_view method, Instant at) const {
  return look_up(set, carrier, region, method, at).factor;
}

std::string FactorRegistry::explain_missing(std::string_view set, std::string_view carrier, std::string_view region,
                                            std::string_view method, Instant at) const {
  if (find(set, carrier, region, method, at)) return "";
  const std::string set_name(set);
  const std::string carrier_name(carrier);
  const std::string region_name(region);
  const std::string method_name(method);
  if (const auto known = sets(); std::ranges::find(known, set_name) == known.end()) {
    return "there is no factor set '" + set_name + "'" + config::suggestion(set, known);
  }
  if (const auto known = carriers(set); std::ranges::find(known, carrier_name) == known.end()) {
    return set_name + " has no factor for " + carrier_name + config::suggestion(carrier, known);
  }
  const auto places = regions(set, carrier);
  if (std::ranges::find(places, region_name) == places.end() && std::ranges::find(places, "") == places.end()) {
    return set_name + " has no factor for " + carrier_name + " in '" + region_name + "'" +
           config::suggestion(region, places);
  }
  const Series* found = series(set, carrier, region, method);
  if (!found) {
    return set_name + " has no factor for " + carrier_name + (region.empty() ? "" : ", " + region_name) +
           " by the method '" + method_name + "'" + config::suggestion(method, methods(set, carrier, region));
  }
  const Factor& first = factors_[found->begin];
  const std::string what =
      set_name + " has no factor for " + carrier_name + (region.empty() ? "" : ", " + region_name) + ", " + method_name;
  if (at < first.valid_from) return what + " so early: the first is " + first.id;
  return what + " at that time: the last is " + factors_[found->end - 1].id;
}

std::vector<std::string> FactorRegistry::sets() const {
  std::set<std::string> names;
  for (const auto& [key, value] : series_) names.insert(key[0]);
  return {names.begin(), names.end()};
}

std::vector<std::string> FactorRegistry::carriers(std::string_view set) const {
  std::set<std::string> names;
  for (const auto& [key, value] : series_) {
    if (key[0] == set) names.insert(key[1]);
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> FactorRegistry::regions(std::string_view set, std::string_view carrier) const {
  std::set<std::string> names;
  for (const auto& [key, value] : series_) {
    if (key[0] == set && key[1] == carrier) names.insert(key[2]);
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> FactorRegistry::methods(std::string_view set, std::string_view carrier,
                                                 std::string_view region) const {
  std::set<std::string> names;
  for (const auto& [key, value] : series_) {
    if (key[0] == set && key[1] == carrier && (key[2] == region || key[2].empty())) names.insert(key[3]);
  }
  return {names.begin(), names.end()};
}

}  // namespace carbongate::pipeline
