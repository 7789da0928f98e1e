#include "gateway/pipeline/factor_set.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/factor_value.h"

namespace carbongate::pipeline {
namespace {

using model::Factor;

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
                .scaled_gas = {},
                .gwp_set = {},
                .value_text = {},
                .unit_text = {},
                .publication = {},
                .source = {},
                .formula = {},
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
    factor.ncv_text = *in.optional<std::string>("ncv");
    factor.ncv_unit_text = *in.optional<std::string>("ncv_unit");
    factor.carbon_text = *in.optional<std::string>("carbon_t_per_gj");
    factor.oxidation_text = *in.optional<std::string>("oxidation_percent");
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
  factor.scaled_gas[model::Gas::co2] = *scaled;
  factor.scaled_co2e = *scaled;
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

}  // namespace

void read_factor_set(const config::DataFiles::File& file, Calendar& calendar, config::Problems& problems,
                     std::vector<model::Factor>& factors) {
  SetReader(calendar, problems).read(file, factors);
}

}  // namespace carbongate::pipeline
