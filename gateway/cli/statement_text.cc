#include "gateway/cli/statement_text.h"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <optional>
#include <sstream>

#include "gateway/app/live_table.h"
#include "gateway/model/carrier.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::cli {
namespace {

using books::Level;
using books::Line;
using books::Sum;
using model::Basis;

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

// Objects and lists that know where a comma belongs. What is a line of a statement is a line of text.
class Json {
 public:
  Json& open(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
    return *this;
  }
  Json& close(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
  }
  Json& key(std::string_view name) {
    separate();
    text_ += quoted(name) + ":";
    first_ = true;  // no comma before the value
    return *this;
  }
  Json& value(std::string_view text, bool is_number = false) {
    separate();
    text_ += is_number ? std::string(text) : quoted(text);
    return *this;
  }
  Json& member(std::string_view name, std::string_view text, bool is_number = false) {
    return key(name).value(text, is_number);
  }
  Json& new_line() {
    if (!first_) text_ += ',';
    text_ += '\n';
    first_ = true;
    return *this;
  }
  std::string text() && { return std::move(text_) + "\n"; }

 private:
  void separate() {
    if (!first_) text_ += ',';
    first_ = false;
  }

  std::string text_;
  bool first_ = true;
};

std::optional<Instant> open_since(const std::vector<Line>& lines) {
  std::optional<Instant> since;
  for (const Line& line : lines) {
    if (line.open_since) since = std::min(since.value_or(*line.open_since), *line.open_since);
  }
  return since;
}

void append_header(Json& json, const StatementText& statement) {
  const StatementContext& context = statement.context;
  json.key("statement").open('{');
  json.member("site", context.site).member("name", context.site_name).member("period", context.period);
  json.member("begin", context.begin).member("end", context.end).member("timezone", context.time_zone);
  if (const auto since = open_since(statement.lines)) json.member("open_since", context.time(*since));
  json.close('}');
}

bool in_header(std::string_view id) {
  return id == "period" || id == "begin" || id == "end" || id == "site";
}

void append_line(Json& json, const std::vector<StatementColumn>& columns, const StatementText& statement,
                 const Line& line) {
  json.open('{');
  std::string_view group;
  const auto leave = [&] {
    if (!group.empty()) json.close('}');
    group = {};
  };
  for (const StatementColumn& column : columns) {
    if (in_header(column.id)) continue;
    const std::string text = column.text(statement.context, line);
    if (text.empty() || (!column.group.empty() && text == "0")) continue;
    if (column.group != group) leave();
    if (column.group.empty()) {
      json.member(column.id, text, column.is_number);
      continue;
    }
    if (group.empty()) json.key(column.group).open('{');
    group = column.group;
    json.member(column.member, text, column.is_number);
  }
  leave();
  json.close('}');
}

// Lines [begin, end) of one user, or of the site.
void append_block(Json& json, const std::vector<StatementColumn>& columns, const StatementText& statement,
                  std::span<const Line> lines) {
  static constexpr std::pair<Level, std::string_view> kLists[] = {
      {Level::account, "accounts"}, {Level::carrier, "carriers"}, {Level::scope, "scopes"}};
  for (const auto& list : kLists) {
    const auto in_list = [&](const Line& line) { return line.level == list.first; };
    if (std::ranges::none_of(lines, in_list)) continue;
    json.new_line().key(list.second).open('[');
    for (const Line& line : lines) {
      if (!in_list(line)) continue;
      json.new_line();
      append_line(json, columns, statement, line);
    }
    json.close(']');
  }
  for (const Line& line : lines) {
    if (line.level != Level::user && line.level != Level::site) continue;
    json.new_line().key(to_string(line.sum));
    append_line(json, columns, statement, line);
  }
}

// ---- the table

std::string pad(std::string_view text, std::size_t width, bool to_the_right) {
  const std::size_t used = app::display_width(text);
  const std::string spaces(used < width ? width - used : 0, ' ');
  return to_the_right ? spaces + std::string(text) : std::string(text) + spaces;
}

struct TableColumn {
  std::string_view name;
  std::string_view name_zh;
  bool to_the_right;
};

// As wide as they need to be.
std::string format_table(std::span<const TableColumn> columns, bool zh,
                         const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t width = app::display_width(zh ? columns[i].name_zh : columns[i].name);
    for (const auto& row : rows) width = std::max(width, app::display_width(row[i]));
    widths.push_back(width);
  }
  std::string text;
  const auto append = [&](const auto& cell) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line += (i == 0 ? "" : "  ") + pad(cell(i), widths[i], columns[i].to_the_right);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  append([&](std::size_t i) { return zh ? columns[i].name_zh : columns[i].name; });
  for (const auto& row : rows) append([&](std::size_t i) { return std::string_view(row[i]); });
  return text;
}

std::string title(const StatementContext& context) {
  return context.site + (context.site_name == context.site ? "" : "  " + context.site_name) + "  " + context.period +
         "  " + context.begin + " .. " + context.end + "\n";
}

// Words of a table, for people; CSV and JSON have the same ones in every language.
std::string word_of(Level level, bool zh) {
  if (!zh) return std::string(to_string(level));
  switch (level) {
    case Level::account: return "计量点";
    case Level::carrier: return "能源品种";
    case Level::scope: return "范围";
    case Level::user: return "用能单位";
    case Level::site: return "企业";
  }
  return "";
}

std::string word_of(Sum sum, bool zh) {
  if (!zh) return std::string(to_string(sum));
  switch (sum) {
    case Sum::consumed: return "消费";
    case Sum::exported: return "外送";
    case Sum::produced: return "生产";
    case Sum::emitted: return "排放";
    case Sum::measured: return "实测";
    case Sum::total: return "合计";
    case Sum::net: return "净值";
    case Sum::difference: return "差额";
    case Sum::unallocated: return "未分配";
  }
  return "";
}

std::string word_of(model::Scope scope, bool zh) {
  if (scope == model::Scope::none) return zh ? "无范围" : "no scope";
  if (zh) return scope == model::Scope::direct ? "范围一" : "范围二";
  return "scope " + std::string(to_string(scope));
}

std::string quality_in_chinese(const Line& line) {
  if (!line.worst) return "";
  switch (line.worst->origin) {
    case model::Origin::measured: return "实测";
    case model::Origin::late: return "迟到";
    case model::Origin::estimated: return "估算";
    case model::Origin::substituted: return "替代";
    case model::Origin::manual: return "人工";
    case model::Origin::missing: return "缺失";
  }
  return "";
}

// A line that is in another user's says so.
std::string what(const Line& line, bool zh) {
  const std::string within = line.part_of.empty() ? "" : (zh ? ", 属于 " : ", part of ") + line.part_of;
  if (line.level == Level::account) return "  " + line.device + "." + line.point;
  if (line.level == Level::site || line.level == Level::user) {
    return word_of(line.level, zh) + (zh ? "" : " ") + word_of(line.sum, zh) + within;
  }
  if (line.level == Level::scope) return word_of(*line.scope, zh) + within;
  if (line.sum == Sum::unallocated) {
    const std::string name = word_of(line.sum, zh);
    return is_below_zero(line) ? name + (zh ? ": 分项大于总量!" : ": parts exceed whole!") : name;
  }
  return word_of(line.sum, zh) + within;
}

std::string cell(const std::vector<StatementColumn>& columns, std::string_view id, const StatementText& statement,
                 const Line& line) {
  const auto column = std::ranges::find(columns, id, &StatementColumn::id);
  return column == columns.end() ? std::string() : column->text(statement.context, line);
}

// What tells two lines of one account apart. Where all was counted again by another factor, the series is left.
std::string factors_of(const std::vector<StatementColumn>& columns, const StatementText& statement, const Line& line) {
  return line.factors.empty() ? line.factors_of : cell(columns, "factors", statement, line);
}

// What a correction counted again by another factor is first published on one line and known on another.
std::string moved(const Line& line, bool zh) {
  std::string text;
  const auto append = [&](const std::vector<std::string>& series, std::string_view words) {
    for (std::size_t i = 0; i < series.size(); ++i) {
      text += (i == 0 ? std::string(words) : std::string(", "));
      text += series[i].empty() ? (zh ? "无因子" : "no factor") : series[i];
    }
  };
  append(line.superseded_by, zh ? "; 经更正改用 " : "; superseded by correction: ");
  append(line.supersedes, zh ? "; 更正前用 " : "; by correction instead of ");
  return text;
}

std::string plus_minus(const std::string& u95, const Line& line) {
  if (u95.empty()) return "";
  return (line.uncertainty[Basis::primary].stated == books::Stated::all ? "" : ">") + u95;
}

// ---- by gas

struct GasRow {
  const Line* line;
  model::Gas gas;
};

std::vector<GasRow> gas_rows(const std::vector<Line>& lines) {
  std::vector<GasRow> rows;
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < model::kGasCount; ++i) {
      const auto gas = static_cast<model::Gas>(i);
      const bool any = line.now.emitted[Basis::primary].gases[gas] != model::GasMass{} ||
                       line.first.emitted[Basis::primary].gases[gas] != model::GasMass{};
      if (any) rows.push_back({&line, gas});
    }
  }
  return rows;
}

constexpr tables::TableWriter::Column kGasColumns[] = {{"period"},
                                                       {"begin"},
                                                       {"end"},
                                                       {"site"},
                                                       {"level"},
                                                       {"sum"},
                                                       {"user"},
                                                       {"scope"},
                                                       {"gas"},
                                                       {"mass_kg", tables::TableWriter::Type::number},
                                                       {"mass_first_kg", tables::TableWriter::Type::number}};
constexpr std::string_view kGasColumnsZh[] = {"统计周期", "开始时间", "结束时间",        "企业",
                                              "汇总层级", "汇总内容", "用能单位",        "范围",
                                              "气体",     "质量(kg)", "首次公布质量(kg)"};
constexpr std::size_t kGasHeader = 4;  // the columns that JSON has in its header

std::array<std::string, std::size(kGasColumns)> gas_cells(const StatementContext& context, const GasRow& row) {
  const auto mass = [&](const books::Figures& figures) {
    return model::format_fixed(figures.emitted[Basis::primary].gases[row.gas].quanta(), model::kMilligramsPerKilogram);
  };
  const Line& line = *row.line;
  return {context.period,
          context.begin,
          context.end,
          context.site,
          std::string(to_string(line.level)),
          std::string(to_string(line.sum)),
          line.user,
          line.scope ? std::string(to_string(*line.scope)) : std::string(),
          std::string(to_string(row.gas)),
          mass(line.now),
          mass(line.first)};
}

std::string gas_json(const StatementText& statement) {
  Json json;
  json.open('{');
  append_header(json, statement);
  json.new_line().key("gases").open('[');
  for (const GasRow& row : gas_rows(statement.lines)) {
    const auto cells = gas_cells(statement.context, row);
    json.new_line().open('{');
    for (std::size_t i = kGasHeader; i < cells.size(); ++i) {
      if (!cells[i].empty()) {
        json.member(kGasColumns[i].name, cells[i], kGasColumns[i].type == tables::TableWriter::Type::number);
      }
    }
    json.close('}');
  }
  return std::move(json.close(']').close('}')).text();
}

template <class Columns, class Rows, class Cells>
std::string csv(const Columns& columns, const Rows& rows, const Cells& cells) {
  std::ostringstream out;
  tables::TableWriter writer(out, tables::TableWriter::Format::csv, columns);
  for (const auto& row : rows) {
    for (const std::string& text : cells(row)) writer.cell(text);
  }
  writer.flush();
  return out.str();
}

// Under a table, as well as the next.
std::string not_closed(const StatementText& statement) {
  const auto since = open_since(statement.lines);
  if (!since) return "";
  const std::string time = statement.context.time(*since);
  return statement.zh ? "尚未结账, 未计入上表: 自 " + time + " 起的用量\n"
                      : "not closed yet, and in no line above: amounts since " + time + "\n";
}

// A table has no column for them.
std::string mixed_gwp_sets(const StatementText& statement) {
  const auto columns = statement_columns(statement.period);
  std::string text;
  for (const Line& line : statement.lines) {
    const bool of_site = line.level == Level::site && line.sum == books::Sum::total;
    if (line.gwp_sets.size() < 2 || (line.level != Level::account && !of_site)) continue;
    text += std::string(statement.zh ? "混用多套全球变暖潜势" : "by more than one GWP set") + ": " +
            (of_site ? "" : line.user) + what(line, statement.zh) + ": " + cell(columns, "gwp_set", statement, line) +
            "\n";
  }
  return text;
}

}  // namespace

std::string statement_csv(const StatementText& statement) {
  const auto columns = statement_columns(statement.period);
  std::vector<tables::TableWriter::Column> header;
  for (const StatementColumn& column : columns) header.push_back({statement.zh ? column.name_zh : column.id});
  return csv(header, statement.lines, [&](const Line& line) {
    std::vector<std::string> cells;
    for (const StatementColumn& column : columns) cells.push_back(column.text(statement.context, line));
    return cells;
  });
}

std::string statement_json(const StatementText& statement) {
  const auto columns = statement_columns(statement.period);
  const std::span<const Line> lines(statement.lines);
  Json json;
  json.open('{');
  append_header(json, statement);
  std::size_t next = 0;
  bool users = false;
  while (next < lines.size() && !lines[next].user.empty()) {
    std::size_t end = next;
    while (end < lines.size() && lines[end].user == lines[next].user) ++end;
    if (!std::exchange(users, true)) json.new_line().key("users").open('[');
    json.new_line().open('{').member("user", lines[next].user).member("name", lines[next].user_name);
    append_block(json, columns, statement, lines.subspan(next, end - next));
    json.close('}');
    next = end;
  }
  if (users) json.close(']');
  append_block(json, columns, statement, lines.subspan(next));
  return std::move(json.close('}')).text();
}

std::string statement_table(const StatementText& statement) {
  static constexpr TableColumn kColumns[] = {{"user", "用能单位", false},
                                             {"line", "汇总", false},
                                             {"carrier", "能源品种", false},
                                             {"amount", "消耗量", true},
                                             {"", "", false},
                                             {"CO2e kg", "排放量 kgCO2e", true},
                                             {"first published", "首次公布", true},
                                             {"+-95 %", "不确定度 U95", true},
                                             {"market-based", "基于市场", true},
                                             {"coverage %", "覆盖率 %", true},
                                             {"quality", "数据质量", false},
                                             {"factor", "排放因子", false}};
  static constexpr std::string_view kIds[] = {"carrier",        "amount",           "unit",
                                              "co2e_kg",        "co2e_first_kg",    "u95_kg",
                                              "market_co2e_kg", "coverage_percent", "quality"};
  const auto columns = statement_columns(statement.period);
  std::vector<std::vector<std::string>> rows;
  for (const Line& line : statement.lines) {
    std::vector<std::string> row{line.user, what(line, statement.zh)};
    for (const std::string_view id : kIds) {
      std::string text = cell(columns, id, statement, line);
      if (statement.zh && id == "quality") text = quality_in_chinese(line);
      if (const model::Carrier* carrier = statement.zh && id == "carrier" ? model::find_carrier(text) : nullptr) {
        text = carrier->name_zh;
      }
      row.push_back(id == "u95_kg" ? plus_minus(text, line) : text);
    }
    row.push_back(line.level == Level::account ? factors_of(columns, statement, line) + moved(line, statement.zh)
                                               : std::string());
    rows.push_back(std::move(row));
  }
  return title(statement.context) + format_table(kColumns, statement.zh, rows) + mixed_gwp_sets(statement) +
         not_closed(statement);
}

std::string statement_by_gas(const StatementText& statement, std::string_view format) {
  if (format == "json") return gas_json(statement);
  const auto rows = gas_rows(statement.lines);
  if (format == "csv") {
    std::vector<tables::TableWriter::Column> columns(std::begin(kGasColumns), std::end(kGasColumns));
    for (std::size_t i = 0; statement.zh && i < columns.size(); ++i) columns[i].name = kGasColumnsZh[i];
    return csv(columns, rows, [&](const GasRow& row) { return gas_cells(statement.context, row); });
  }
  std::vector<TableColumn> columns;
  for (std::size_t i = kGasHeader; i < std::size(kGasColumns); ++i) {
    columns.push_back(
        {kGasColumns[i].name, kGasColumnsZh[i], kGasColumns[i].type == tables::TableWriter::Type::number});
  }
  std::vector<std::vector<std::string>> cells;
  for (const GasRow& row : rows) {
    auto all = gas_cells(statement.context, row);
    all[kGasHeader] = word_of(row.line->level, statement.zh);
    all[kGasHeader + 1] = word_of(row.line->sum, statement.zh);
    cells.emplace_back(all.begin() + kGasHeader, all.end());
  }
  return title(statement.context) + format_table(columns, statement.zh, cells) + not_closed(statement);
}

}  // namespace carbongate::cli
