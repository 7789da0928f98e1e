#include "gateway/ledger/canonical.h"

#include <charconv>
#include <cstdint>

namespace carbongate::ledger {
namespace {

// Field numbers of kFields that name an entry.
constexpr std::size_t kSite = 1;
constexpr std::size_t kUser = 2;
constexpr std::size_t kCarrier = 4;
constexpr std::size_t kDevice = 5;
constexpr std::size_t kPoint = 6;
constexpr std::size_t kBegin = 11;
constexpr std::size_t kRevision = 31;
static_assert(kFields[kSite] == "site" && kFields[kUser] == "user" && kFields[kCarrier] == "carrier");
static_assert(kFields[kDevice] == "device" && kFields[kPoint] == "point" && kFields[kBegin] == "begin");
static_assert(kFields[kRevision] == "revision");

class Line {
 public:
  Line() { text_.reserve(512); }

  Line& text(std::string_view value) {
    next();
    append_escaped(text_, value);
    return *this;
  }
  Line& integer(std::int64_t value) {
    next();
    char digits[24];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    return *this;
  }
  Line& time(Instant at) { return text(model::format_utc(at)); }
  Line& empty(int fields) {
    for (; fields > 0; --fields) next();
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  void next() {
    if (started_) text_ += '\t';
    started_ = true;
  }
  std::string text_;
  bool started_ = false;
};

std::string gases_text(const model::GasMasses& gases) {
  std::string text;
  gases.each([&](model::Gas gas, model::GasMass mass) {
    if (!text.empty()) text += ';';
    text += model::to_string(gas);
    text += '=';
    text += std::to_string(mass.quanta());
  });
  return text;
}

// The structured bindings here and below name every member on purpose: one that is added to the model does not compile
// until the ledger covers it.
void append(Line& line, const model::Emission& emission) {
  const auto& [emitted, factor_id, factor_version, gwp_set] = emission;  // the set comes last in the line
  const auto& [co2e, gases, u95_activity, u95_factor] = emitted;
  line.integer(co2e.quanta()).text(gases_text(gases)).integer(u95_activity.quanta()).integer(u95_factor.quanta());
  line.text(factor_id).text(factor_version);
}

}  // namespace

void append_escaped(std::string& line, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '\\': line += "\\\\"; break;
      case '\t': line += "\\t"; break;
      case '\n': line += "\\n"; break;
      case '\r': line += "\\r"; break;
      default: line += c;
    }
  }
}

std::string canonical_line(const model::Series& series, const model::EmissionEntry& entry) {
  // No entry has a `rule`. A correction's `readings_through` is no part of what an entry says: it tells later
  // restatements what this one considered, as `bridged` tells what needs no substitute.
  const auto& [site, device, point, unit, user, user_name, carrier, region, scope, flow, part_of, rule] = series;
  const auto& [begin, end, amount, coal, coal_factor_id, primary, market, covered, bridged, quality, revision,
               correction, names_part_of] = entry;
  const std::string_view gwp_set = primary.gwp_set;
  const std::string_view market_gwp_set = market ? std::string_view(market->gwp_set) : std::string_view();
  const bool names_gwp_set = names_part_of || !gwp_set.empty() || !market_gwp_set.empty();
  Line line;
  line.text(names_part_of   ? kEntryFormat3
            : names_gwp_set ? kEntryFormat2
                            : kEntryFormat1)
      .text(site)
      .text(user)
      .text(user_name)
      .text(carrier)
      .text(device)
      .text(point)
      .text(unit);
  line.text(region).text(to_string(scope)).text(to_string(flow)).time(begin).time(end);
  line.integer(amount.quanta()).integer(covered.count()).integer(coal.quanta()).text(coal_factor_id);
  append(line, primary);
  if (market)
    append(line, *market);
  else
    line.empty(6);
  line.text(to_string(quality.origin)).text(to_string(quality.rule)).integer(revision);
  if (correction)
    line.text(to_string(correction->cause)).text(correction->note).time(correction->booked_at);
  else
    line.empty(3);
  if (names_gwp_set) line.text(gwp_set).text(market_gwp_set);
  if (names_part_of) line.text(part_of);
  return line.take();
}

std::size_t fields_of(std::string_view format) {
  if (format == kEntryFormat1) return kFields1;
  return format == kEntryFormat2 ? kFields2 : kFields.size();
}

std::vector<std::string_view> split_fields(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const auto tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

std::optional<model::EntryName> name_of(std::string_view line) {
  const auto fields = split_fields(line);
  if (fields.size() != kFields.size() && fields.size() != kFields2 && fields.size() != kFields1) return std::nullopt;
  std::string text;
  text.append(fields[kUser]).append("/").append(fields[kCarrier]).append("/").append(fields[kDevice]).append(".");
  text.append(fields[kPoint]).append("@").append(fields[kBegin]).append("#").append(fields[kRevision]);
  return model::parse_entry_name(text);
}

std::string_view site_of(std::string_view line) {
  const auto fields = split_fields(line);
  return fields.size() > kSite ? fields[kSite] : std::string_view();
}

}  // namespace carbongate::ledger
