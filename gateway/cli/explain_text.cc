#include "gateway/cli/explain_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gateway/cli/explain_sections.h"
#include "gateway/explain/words.h"
#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"
#include "gateway/tables/number_text.h"

namespace carbongate::cli {
namespace {

using explain::Breakdown;
using explain::BreakdownLine;
using explain::Explanation;

std::string amount_of(const BreakdownLine& line) {
  if (!line.carrier) return {};
  return model::format_fixed(line.sum.amount.quanta(), line.carrier->quanta_per_display) + " " +
         std::string(line.carrier->display.symbol);
}

std::string co2e_of(const BreakdownLine& line) {
  return Figures::kilograms(line.sum.primary.emitted.co2e.quanta());
}

// "0.03", ">0.03" where part of it is not stated, "" where nothing is.
std::string u95_of(const BreakdownLine& line) {
  if (!line.uncertainty || line.uncertainty->stated == books::Stated::none) return "";
  return (line.uncertainty->stated == books::Stated::part ? ">" : "") +
         Figures::kilograms(line.uncertainty->u95.quanta());
}

std::string flow_of(const BreakdownLine& line) {
  if (!line.part_of.empty()) return "in " + line.part_of;
  return std::string(to_string(line.series.flow));
}

// What the total of the site leaves out, and why.
std::string left_out(const Breakdown& b) {
  std::string text;
  if (std::ranges::any_of(b.accounts, [](const BreakdownLine& line) { return !model::in_total(line.series.flow); }))
    text = ", without what is exported, produced or measured beside it";
  if (std::ranges::any_of(b.accounts, [](const BreakdownLine& line) { return !line.part_of.empty(); })) {
    text += std::string(text.empty() ? ", without" : ", nor") +
            " accounts that are in another user's consumption (flow \"in ...\")";
  }
  return text;
}

constexpr std::string_view kNameTitle = "name, to be explained further 可再解释的名称";

void write_accounts(Page& page, const std::vector<BreakdownLine>& lines) {
  std::vector<std::vector<std::string>> rows;
  for (const BreakdownLine& line : lines) {
    rows.push_back({co2e_of(line), Figures::kilograms(line.first.quanta()), u95_of(line), amount_of(line),
                    flow_of(line), std::to_string(line.entries), line.name});
  }
  page.table({{"kgCO2e", true},
              {"first 首次公布", true},
              {"+-95 %", true},
              {"activity 活动数据", true},
              {"flow 流向", false},
              {"entries 分录", true},
              {kNameTitle, false, true}},
             rows);
}

void write_sums(Page& page, const std::vector<BreakdownLine>& lines, bool with_u95) {
  std::vector<std::vector<std::string>> rows;
  for (const BreakdownLine& line : lines) {
    rows.push_back({co2e_of(line), Figures::kilograms(line.first.quanta())});
    if (with_u95) rows.back().push_back(u95_of(line));
    rows.back().push_back(std::to_string(line.entries));
    rows.back().push_back(line.name);
  }
  std::vector<Page::Column> columns{{"kgCO2e", true}, {"first 首次公布", true}};
  if (with_u95) columns.push_back({"+-95 %", true});
  columns.push_back({"entries 分录", true});
  columns.push_back({kNameTitle, false, true});
  page.table(columns, rows);
}

// Of a user that others are part of: theirs, and what is left.
void write_allocations(Page& page, const Breakdown& b, int& number) {
  for (const books::Allocation& allocation : b.allocations) {
    const auto period = b.name.substr(b.name.find('@'));
    const model::Carrier* carrier = model::find_carrier(allocation.whole.carrier);
    const auto cells = [&](const books::Line& line, std::string name) {
      const std::string amount = model::format_fixed(line.now.amount.quanta(), carrier->quanta_per_display);
      return std::vector<std::string>{
          Figures::kilograms(line.now.emitted[model::Basis::primary].co2e.quanta()),
          line.has_market ? Figures::kilograms(line.now.emitted[model::Basis::market].co2e.quanta()) : std::string(),
          amount + " " + std::string(carrier->display.symbol), std::move(name)};
    };
    page.section(fmt::format("{} Parts of {} 分项", ++number, allocation.whole.carrier));
    std::vector<std::vector<std::string>> rows;
    for (const books::Line& part : allocation.parts) {
      rows.push_back(cells(part, part.user + "/" + part.carrier + period));
    }
    const bool below_zero = is_below_zero(allocation.unallocated);
    rows.push_back(cells(allocation.unallocated, below_zero
                                                     ? "unallocated 未分配: the parts exceed the whole 分项大于总量"
                                                     : "unallocated 未分配"));
    rows.push_back(cells(allocation.whole, "all 总量"));
    page.table(
        {{"kgCO2e", true}, {"market-based 市场法", true}, {"activity 活动数据", true}, {kNameTitle, false, true}},
        rows);
  }
}

void write_entries(Page& page, const std::vector<BreakdownLine>& lines) {
  std::vector<std::vector<std::string>> rows;
  for (const BreakdownLine& line : lines) {
    rows.push_back({co2e_of(line), amount_of(line), flow_of(line), Figures::quality(line.sum.quality),
                    std::to_string(line.revisions - 1), line.name});
  }
  page.table({{"kgCO2e", true},
              {"activity 活动数据", true},
              {"flow 流向", false},
              {"quality 质量", false},
              {"corr. 更正", true},
              {kNameTitle, false, true}},
             rows);
}

std::string text_of(const Breakdown& b, const model::Site& site) {
  tables::LocalTime time(site.time_zone);
  Page page;
  std::uint64_t all = 0;  // entries
  for (const BreakdownLine& account : b.accounts) all += account.entries;
  page.line(b.name);
  page.field("Period 时段", fmt::format("{} .. {} ({})", time(b.span.begin), time(b.span.end), site.time_zone));
  page.field("CO2e, location-based 位置法", co2e_of(b.total) + " kg" + (all == b.total.entries ? "" : left_out(b)));
  if (b.beside) {
    page.field("Beside 另计", fmt::format("all of it is {}: it is in no total 不计入合计", to_string(*b.beside)));
    if (b.total.carrier) page.field("Activity 活动数据", amount_of(b.total));
  }
  page.field("First published 首次公布", Figures::kilograms(b.total.first.quanta()) + " kg");
  if (const std::string u95 = u95_of(b.total); !u95.empty()) {
    page.field(
        "Uncertainty 不确定度",
        fmt::format("+-{} kg at 95 %{}", u95, u95.starts_with('>') ? ", a lower bound: part of it is not stated" : ""));
  } else if (b.total.uncertainty) {
    page.field("Uncertainty 不确定度", "not stated by any meter or factor");
  }
  page.field("CO2e, market-based 市场法", Figures::kilograms(b.market.quanta()) + " kg");
  page.field("Standard coal 标准煤", Figures::kilograms(b.total.sum.coal.quanta()) + " kgce");
  page.field("Coverage 覆盖率", Figures::coverage(b.total.sum.covered, b.total.watchable()));
  page.field("Entries 分录",
             fmt::format("{}; worst quality: {}", b.total.entries, Figures::quality(b.total.sum.quality)));

  for (const model::Containment& containment : b.part_of) {
    page.field("Part of 属于", fmt::format("{} ({}{}): in no total of the site 不重复计入企业合计", containment.of,
                                           containment.carrier, containment.own_supply ? ", own-renewable" : ""));
  }

  int number = 0;
  if (!b.users.empty()) {
    page.section(fmt::format("{} Users 用能单位", ++number));
    write_sums(page, b.users, true);
  }
  page.section(fmt::format("{} Accounts 账户", ++number));
  write_accounts(page, b.accounts);
  write_allocations(page, b, number);
  if (!b.parts.empty()) {
    page.section(fmt::format("{} {}", ++number, b.period == model::Period::year ? "Months 月" : "Days 日"));
    write_sums(page, b.parts, false);
  }
  page.section(fmt::format("{} Entries, largest first 分录", ++number));
  write_entries(page, b.entries);
  if (all > b.entries.size()) {
    page.paragraph(fmt::format("and {} more: --entries 0 shows all", all - b.entries.size()));
  }
  return std::move(page).text();
}

std::string text_of(const Explanation& e, const model::Site& site) {
  Figures figures(e, site);
  Page page;
  write_entry(page, e, figures, site);
  write_corrections(page, e, figures);
  write_formulas(page, e, figures);
  write_factors(page, e, figures);
  write_uncertainty(page, e, figures);
  write_interval(page, e, figures);
  write_registers(page, e, figures);
  write_derived(page, e, figures);
  write_ledger(page, e, figures);
  return std::move(page).text();
}

}  // namespace

std::string Figures::amount(model::Activity amount) const {
  return model::format_fixed(amount.quanta(), explanation_.carrier->quanta_per_display) + " " + unit();
}

std::string Figures::clock(Instant at) {
  const std::string local = time_(at);
  return local.substr(0, std::min<std::size_t>(local.find_last_of("+-"), local.size()));
}

std::string Figures::unit() const {
  return std::string(explanation_.carrier->display.symbol);
}

std::string Figures::kilograms(std::int64_t milligrams) {
  return model::format_fixed(milligrams, model::kMilligramsPerKilogram);
}

std::string Figures::percent(std::int64_t ppm) {
  return model::format_fixed(ppm, 10'000) + " %";
}

std::string Figures::coverage(Duration covered, Duration whole) {
  const std::string seconds = fmt::format("({} s of {} s)", model::format_fixed(covered.count(), 1'000),
                                          model::format_fixed(whole.count(), 1'000));
  if (whole <= Duration::zero()) return seconds;
  return model::coverage_percent(covered, whole) + " % " + seconds;
}

std::string Figures::number(double value) {
  return std::isnan(value) ? "-" : tables::number_text(value);
}

std::string Figures::rounded(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.12g}", value);
}

std::string Figures::quality(model::Quality quality) {
  std::string text(to_string(quality.origin));
  if (quality.rule != model::Rule::none) text += " (" + std::string(to_string(quality.rule)) + ")";
  return text;
}

std::string explain_text(const explain::Answer& answer, const model::Site& site) {
  return std::visit([&](const auto& one) { return text_of(one, site); }, answer);
}

}  // namespace carbongate::cli
