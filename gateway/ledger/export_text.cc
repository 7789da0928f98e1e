#include "gateway/ledger/export_text.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "gateway/ledger/canonical.h"

namespace carbongate::ledger {
namespace {

namespace json = boost::json;

using Cells = std::vector<std::string>;

constexpr std::string_view kSealColumns[] = {"first", "last", "sealed_at", "key", "next_key", "signature"};
constexpr std::size_t kNumber = 1;
constexpr std::size_t kFirstField = 2;
constexpr std::size_t kSite = kFirstField + 1;

// Of a CSV with this many fields of an entry.
struct Layout {
  std::size_t fields = kFields.size();
  std::size_t hash() const { return kFirstField + fields; }
  std::size_t first_of_seal() const { return hash() + 1; }
  std::size_t columns() const { return first_of_seal() + std::size(kSealColumns); }
};

constexpr std::string_view kAnchorMembers[] = {"number", "hash"};
constexpr std::string_view kSealMembers[] = {"number",    "site", "first",    "last",     "head",
                                             "sealed_at", "key",  "next_key", "signature"};

std::span<const std::string_view> first_fields(std::size_t count) {
  return std::span(kFields).first(count);
}

std::vector<std::string_view> make_entry_members(std::size_t count) {
  const auto fields = first_fields(count);
  std::vector<std::string_view> members{"number"};
  members.insert(members.end(), fields.begin(), fields.end());
  members.push_back("hash");
  return members;
}

// Of an entry with this many members in all.
const std::vector<std::string_view>& entry_members(std::size_t members) {
  static const auto of_1 = make_entry_members(kFields1);
  static const auto of_2 = make_entry_members(kFields2);
  static const auto of_3 = make_entry_members(kFields.size());
  return members == of_1.size() ? of_1 : members == of_2.size() ? of_2 : of_3;
}

std::optional<std::uint64_t> whole(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number > kNumberMax || end != text.data() + text.size() || std::to_string(number) != text)
    return std::nullopt;
  return number;
}

// ---- rows and cells

Cells anchor_cells(const Anchor& anchor) {
  return {std::to_string(anchor.head.number), to_hex(anchor.head.hash)};
}

Cells entry_cells(const EntryRow& entry) {
  Cells cells{std::to_string(entry.number)};
  for (const std::string_view field : split_fields(entry.line)) cells.emplace_back(field);
  cells.push_back(to_hex(entry.hash));
  return cells;
}

Cells seal_cells(const SignedSeal& signed_seal) {
  Cells cells;
  const std::string line = to_line(signed_seal.seal);
  for (const std::string_view field : split_fields(line)) cells.emplace_back(field);
  cells.erase(cells.begin());           // the format
  std::swap(cells.at(0), cells.at(1));  // number, site
  cells.push_back(to_hex(signed_seal.signature));
  return cells;
}

Row damaged(std::string why) {
  return DamagedRow{.where = {}, .why = std::move(why)};
}

Row anchor_of(std::span<const std::string> cells) {
  const auto number = whole(cells[0]);
  const auto hash = from_hex<32>(cells[1]);
  if (!number || !hash) return damaged("the number or hash of the beginning cannot be read");
  return Anchor{{*number, *hash}};
}

// How many of the fields are the line: those of its format, and more only if there is something in them. The hash is
// another one then.
std::size_t line_fields(std::span<const std::string> fields) {
  const auto is_empty = [](const std::string& field) { return field.empty(); };
  for (const std::size_t count : {kFields1, kFields2}) {
    if (count < fields_of(fields.front())) continue;
    if (count >= fields.size() || std::ranges::all_of(fields.subspan(count), is_empty)) return count;
  }
  return kFields.size();
}

// `cells`: number, fields, hash.
Row entry_of(std::span<const std::string> cells) {
  const auto number = whole(cells.front());
  const auto hash = from_hex<32>(cells.back());
  if (!number || *number == 0 || !hash) return damaged("the number or hash of an entry cannot be read");
  EntryRow entry{.number = *number, .line = {}, .hash = *hash, .damage = {}};
  const auto fields = cells.subspan(1, cells.size() - 2);
  const std::size_t count = line_fields(fields);
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) entry.line += '\t';
    if (i >= fields.size()) continue;
    if (fields[i].find_first_of("\t\r\n") != std::string::npos) return damaged("a field holds a tab or a line end");
    entry.line += fields[i];
  }
  return entry;
}

Row seal_of(std::span<const std::string> cells) {
  std::string line(kSealFormat);
  for (const std::size_t member : {1, 0, 2, 3, 4, 5, 6, 7}) (line += '\t') += cells[member];
  auto seal = parse_seal(line);
  const auto signature = from_hex<64>(cells[8]);
  if (!seal || !signature) return damaged("a seal that cannot be read");
  return SignedSeal{.seal = std::move(*seal), .signature = *signature};
}

// ---- CSV (RFC 4180); no cell holds a line end

void append_csv(std::string& line, std::string_view cell) {
  if (cell.find_first_of(",\"") == std::string_view::npos) {
    line += cell;
    return;
  }
  line += '"';
  for (const char c : cell) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

std::string csv_line(const Cells& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i != 0) line += ',';
    append_csv(line, cells[i]);
  }
  return line + '\n';
}

std::optional<Cells> parse_csv(std::string_view line) {
  Cells cells;
  while (true) {
    std::string cell;
    if (line.starts_with('"')) {
      line.remove_prefix(1);
      while (true) {
        const auto quote = line.find('"');
        if (quote == std::string_view::npos) return std::nullopt;
        cell += line.substr(0, quote);
        line.remove_prefix(quote + 1);
        if (!line.starts_with('"')) break;
        cell += '"';
        line.remove_prefix(1);
      }
    } else {
      const auto end = std::min(line.find(','), line.size());
      cell = line.substr(0, end);
      if (cell.find('"') != std::string::npos) return std::nullopt;
      line.remove_prefix(end);
    }
    cells.push_back(std::move(cell));
    if (line.empty()) return cells;
    if (line.front() != ',') return std::nullopt;
    line.remove_prefix(1);
  }
}

Cells csv_header(const Layout& layout) {
  Cells cells{"row", "number"};
  for (const std::string_view field : first_fields(layout.fields)) cells.emplace_back(field);
  cells.emplace_back("hash");
  for (const std::string_view column : kSealColumns) cells.emplace_back(column);
  return cells;
}

Cells wide(std::string_view kind, std::string number, std::string hash) {
  constexpr Layout kLayout;
  Cells cells(kLayout.columns());
  cells[0] = kind;
  cells[kNumber] = std::move(number);
  cells[kLayout.hash()] = std::move(hash);
  return cells;
}

Cells csv_cells(const Anchor& anchor) {
  auto cells = anchor_cells(anchor);
  return wide("anchor", cells[0], cells[1]);
}

Cells csv_cells(const EntryRow& entry) {
  constexpr Layout kLayout;
  Cells cells = entry_cells(entry);
  const std::string hash = std::move(cells.back());
  cells.pop_back();
  cells.insert(cells.begin(), "entry");
  cells.resize(kLayout.columns());
  cells[kLayout.hash()] = hash;
  return cells;
}

Cells csv_cells(const SignedSeal& seal) {
  const Cells narrow = seal_cells(seal);
  Cells cells = wide("seal", narrow[0], narrow[4]);
  cells[kSite] = narrow[1];
  const std::size_t members[] = {2, 3, 5, 6, 7, 8};  // of kSealMembers, in the order of kSealColumns
  for (std::size_t i = 0; i < std::size(members); ++i) cells[Layout().first_of_seal() + i] = narrow[members[i]];
  return cells;
}

// What is not of its kind must be empty: nothing in an export is without meaning.
bool others_empty(const Cells& cells, std::initializer_list<std::pair<std::size_t, std::size_t>> used) {
  for (std::size_t i = kNumber; i < cells.size(); ++i) {
    bool is_used = false;
    for (const auto& [first, last] : used) is_used = is_used || (first <= i && i <= last);
    if (!is_used && !cells[i].empty()) return false;
  }
  return true;
}

Row csv_row(std::string_view line, const Layout& layout) {
  const auto cells = parse_csv(line);
  if (!cells) return damaged("the quotes of a cell do not fit");
  if (cells->size() != layout.columns()) {
    return damaged(std::to_string(layout.columns()) + " cells expected, " + std::to_string(cells->size()) + " found");
  }
  const std::span<const std::string> all(*cells);
  const std::string& kind = all[0];
  const std::size_t hash = layout.hash();
  const char* const more = "there is something in a column that such a row does not have";
  if (kind == "anchor") {
    if (!others_empty(*cells, {{kNumber, kNumber}, {hash, hash}})) return damaged(more);
    return anchor_of(Cells{all[kNumber], all[hash]});
  }
  if (kind == "entry") {
    if (!others_empty(*cells, {{kNumber, hash}})) return damaged(more);
    return entry_of(all.subspan(kNumber, hash));
  }
  if (kind == "seal") {
    if (!others_empty(*cells, {{kNumber, kNumber}, {kSite, kSite}, {hash, layout.columns()}})) return damaged(more);
    const std::size_t s = layout.first_of_seal();
    return seal_of(
        Cells{all[kNumber], all[kSite], all[s], all[s + 1], all[hash], all[s + 2], all[s + 3], all[s + 4], all[s + 5]});
  }
  return damaged("neither anchor nor entry nor seal");
}

// ---- JSON lines

std::string json_line(std::string_view kind, std::span<const std::string_view> members, const Cells& cells) {
  std::string line = "{\"";
  (line += kind) += "\":{";
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i != 0) line += ',';
    ((line += '"') += members[i]) += "\":";
    line += json::serialize(json::string_view(cells[i].data(), cells[i].size()));
  }
  return line + "}}\n";
}

// Of a line that is JSON. A parser keeps one of two members of a name: what the other one says would go unseen.
std::size_t count_strings(std::string_view line) {
  std::size_t quotes = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\')
      ++i;  // only within a string
    else if (line[i] == '"')
      ++quotes;
  }
  return quotes / 2;
}

std::optional<Cells> cells_of(const json::value& value, std::span<const std::string_view> members) {
  const json::object* object = value.if_object();
  if (!object || object->size() != members.size()) return std::nullopt;
  Cells cells;
  for (const std::string_view member : members) {
    const json::value* cell = object->if_contains(json::string_view(member.data(), member.size()));
    const json::string* text = cell ? cell->if_string() : nullptr;
    if (!text) return std::nullopt;
    cells.emplace_back(text->data(), text->size());
  }
  return cells;
}

Row json_row(std::string_view line) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
  const json::object* object = error ? nullptr : value.if_object();
  if (!object || object->size() != 1) return damaged("an object with one member expected");
  const auto& member = *object->begin();
  const std::string_view kind(member.key().data(), member.key().size());
  const json::object* members = member.value().if_object();
  if (members && count_strings(line) > 1 + 2 * members->size()) return damaged("a member stands there twice");
  if (kind == "anchor") {
    if (const auto cells = cells_of(member.value(), kAnchorMembers)) return anchor_of(*cells);
  } else if (kind == "entry") {
    const auto& names = entry_members(members ? members->size() : 0);
    if (const auto cells = cells_of(member.value(), names)) return entry_of(*cells);
  } else if (kind == "seal") {
    if (const auto cells = cells_of(member.value(), kSealMembers)) return seal_of(*cells);
  } else {
    return damaged("neither anchor nor entry nor seal");
  }
  return damaged("the members of this " + std::string(kind) + " are not those it should have");
}

struct ToText {
  TextFormat format;

  std::string operator()(const Anchor& anchor) const {
    if (format == TextFormat::csv) return csv_line(csv_cells(anchor));
    return json_line("anchor", kAnchorMembers, anchor_cells(anchor));
  }
  std::string operator()(const EntryRow& entry) const {
    if (!entry.damage.empty()) return {};
    if (format == TextFormat::csv) return csv_line(csv_cells(entry));
    const Cells cells = entry_cells(entry);
    return json_line("entry", entry_members(cells.size()), cells);
  }
  std::string operator()(const SignedSeal& seal) const {
    if (format == TextFormat::csv) return csv_line(csv_cells(seal));
    return json_line("seal", kSealMembers, seal_cells(seal));
  }
  std::string operator()(const StrayRow&) const { return {}; }
  std::string operator()(const DamagedRow&) const { return {}; }
};

}  // namespace

std::string header(TextFormat format) {
  return format == TextFormat::csv ? csv_line(csv_header({})) : std::string();
}

std::string to_text(const Row& row, TextFormat format) {
  return std::visit(ToText{format}, row);
}

std::optional<Row> TextReader::read(std::string_view line) {
  ++lines_;
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (lines_ == 1) {
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    const auto cells = parse_csv(line);
    for (const std::size_t fields : {kFields.size(), kFields2, kFields1}) {
      if (cells != csv_header({fields})) continue;
      format_ = TextFormat::csv;
      fields_ = fields;
      return std::nullopt;
    }
    if (line.starts_with('{')) format_ = TextFormat::jsonl;
  }
  if (!format_ || line.empty()) return std::nullopt;
  Row row = *format_ == TextFormat::csv ? csv_row(line, {fields_}) : json_row(line);
  if (auto* bad = std::get_if<DamagedRow>(&row)) bad->where = "line " + std::to_string(lines_);
  return row;
}

}  // namespace carbongate::ledger
