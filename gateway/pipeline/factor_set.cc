#include "gateway/pipeline/factor_set.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include "config/reader/reader.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/factor_document.h"
#include "gateway/pipeline/factor_worth.h"

namespace carbongate::pipeline {
namespace {

using model::Factor;
using model::FactorKind;

constexpr int kYearMin = 1970;
constexpr int kYearMax = 2199;
constexpr std::string_view kKind = "factors";
constexpr std::string_view kByHeatingValue = "/ncv";  // no file is named so

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
  config::Place until_place;     // of `valid_until`
  std::string path;              // "factors[3]"
  std::optional<Factor> coal{};  // of emissions, by a measured heating value
};

auto order(const Row& row) {
  return std::tie(row.factor.carrier, row.factor.region, row.factor.method, row.factor.valid_from);
}
bool same_series(const Row& a, const Row& b) {
  return a.factor.carrier == b.factor.carrier && a.factor.region == b.factor.region &&
         a.factor.method == b.factor.method;
}

// As the emission, among the standard coal.
void name_coal(const Factor& emission, Factor& coal) {
  coal.set = coal_set_of(emission.set);
  coal.id = coal.set + emission.id.substr(emission.set.size());
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
  const std::size_t errors_before = problems_.times_reported();
  const config::Node root = config::parse_text(file.text, file.where, problems_);
  if (root.is_null() && problems_.times_reported() != errors_before) return;
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
  const config::Node* list = root.find("factors");
  if (!extends && list != nullptr && (list->is_null() || (list->is_sequence() && list->items().empty()))) {
    in.error("factors", "is empty: a set without factors would take away the emissions of what is counted by it");
  }
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
    const std::string rest = factor.id.substr(factor.set.size());
    factor.id = set_ + rest;
    if (seen_.contains(factor.id)) factor.id = set_ + "/" + factor.carrier + rest;  // of another carrier here
    factor.set = set_;
    if (row.coal) {
      row.coal->inherited_from = factor.inherited_from;
      name_coal(factor, *row.coal);
    }
    rows_.push_back(std::move(row));
  }
}

// Two factors of one series must not claim the same time, nor leave time between them without a word. Those that are
// inherited were held against each other in their own set; where this one's begins before theirs ends, it takes over.
void SetReader::check_validities(bool gaps_are_errors) {
  std::ranges::sort(rows_, {}, order);
  for (std::size_t i = 1; i < rows_.size(); ++i) {
    const Row& row = rows_[i - 1];
    const Row& next = rows_[i];
    const bool inherited = !row.factor.inherited_from.empty();
    if (!same_series(row, next) || !row.factor.valid_until) continue;
    if (inherited && (!next.factor.inherited_from.empty() || *row.factor.valid_until > next.factor.valid_from))
      continue;
    const std::string what = inherited ? next.path + ": " : row.path + ".valid_until: ";
    const config::Place& place = inherited ? next.place : row.until_place;
    if (*row.factor.valid_until > next.factor.valid_from) {
      problems_.error(place, what + row.factor.id + " overlaps " + next.factor.id + " (line " +
                                 std::to_string(next.place.line) + "), which begins before it ends");
    } else if (*row.factor.valid_until < next.factor.valid_from) {
      const std::string text = what + "a gap: nothing applies between the end of " + row.factor.id +
                               " and the beginning of " + next.factor.id + " (line " + std::to_string(next.place.line) +
                               ")";
      if (gaps_are_errors) {
        problems_.error(place, text + "; if that is meant, write 'continuous: false' in the set");
      } else {
        problems_.warning(place, text);
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
    const WorthReader worth(kind_, reading_.gwp, documents_);
    worth.read(in, *carrier, factor);
    in.finish();
    if (problems_.times_reported() == errors_before) row.coal = worth.measured_coal(in, *carrier, factor);
    if (row.coal) name_coal(factor, *row.coal);
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
    factor.unit_text = WorthReader::kCoalPerKilowattHour;
    const auto value = read_decimal(in, "kgce_per_kwh");
    // Power supply burnt 0.29 to 0.36 in the last decades: outside of this it is another unit (g, t per 10^4 kWh).
    if (value && (value->scaled(1000).value_or(0) < 200 || value->scaled(1000).value_or(0) > 500)) {
      in.error("kgce_per_kwh", "is not between 0.2 and 0.5 kgce/kWh, as the coal consumption of power supply is");
    } else if (value) {
      const WorthReader worth(kind_, reading_.gwp, documents_);
      factor.scaled_coal = worth.read_coal_per_kwh(in, "kgce_per_kwh", *value);
    }
    in.finish();
    if (problems_.times_reported() == errors_before) add_row(in, std::move(row));
  }
  check_validities(false);
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

// What was measured ends where the next row begins, though that may be none of a measured heating value.
std::vector<Factor> SetReader::take() && {
  std::vector<Factor> factors;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    std::optional<Factor>& coal = rows_[i].coal;
    if (!coal) continue;
    if (i + 1 < rows_.size() && same_series(rows_[i], rows_[i + 1])) {
      const Instant next = rows_[i + 1].factor.valid_from;
      coal->valid_until = std::min(coal->valid_until.value_or(next), next);
    }
    factors.push_back(std::move(*coal));
  }
  for (Row& row : rows_) factors.push_back(std::move(row.factor));
  return factors;
}

}  // namespace

std::string coal_set_of(std::string_view emission_set) {
  return std::string(emission_set) + std::string(kByHeatingValue);
}

bool are_of_one_row(std::string_view coal_id, std::string_view emission_id) {
  const std::string_view set = emission_id.substr(0, emission_id.find('/'));
  return coal_id == coal_set_of(set) + std::string(emission_id.substr(set.size()));
}

std::string emission_set_of(std::string_view coal_set) {
  if (!coal_set.ends_with(kByHeatingValue)) return "";
  return std::string(coal_set.substr(0, coal_set.size() - kByHeatingValue.size()));
}

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
