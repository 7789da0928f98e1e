#include "gateway/cli/statement_columns.h"

#include <algorithm>
#include <cstdint>

#include "gateway/books/quality_shares.h"
#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"
#include "gateway/model/live_factor.h"

namespace carbongate::cli {
namespace {

using books::Level;
using books::Line;
using model::Basis;
using model::Gas;
using Context = StatementContext;

std::string account_key(model::Flow flow, std::string_view user, std::string_view carrier, std::string_view point) {
  return std::string(to_string(flow)) + "\n" + std::string(user) + "\n" + std::string(carrier) + "\n" +
         std::string(point);
}

std::optional<model::Flow> flow_of(books::Sum sum) {
  switch (sum) {
    case books::Sum::consumed: return model::Flow::consumed;
    case books::Sum::exported: return model::Flow::exported;
    case books::Sum::produced: return model::Flow::produced;
    case books::Sum::emitted: return model::Flow::emitted;
    case books::Sum::measured: return model::Flow::measured;
    default: return std::nullopt;
  }
}

template <class Quantity>
std::string kilograms(Quantity quantity) {
  return model::format_fixed(quantity.quanta(), model::kMilligramsPerKilogram);
}

std::string amount(const Line& line, model::Activity activity) {
  const model::Carrier* carrier = model::find_carrier(line.carrier);
  return carrier ? model::format_fixed(activity.quanta(), carrier->quanta_per_display) : "";
}

// part / whole in percent, rounded to nearest at `decimals`, ties away from zero; "" of nothing.
std::string percent(std::int64_t part, std::int64_t whole, int decimals) {
  if (whole == 0) return "";
  const __int128 magnitude = whole < 0 ? -__int128{whole} : __int128{whole};
  std::int64_t scale = 1;
  for (int i = 0; i < decimals; ++i) scale *= 10;
  const __int128 scaled = __int128{part} * 100 * scale;
  const __int128 half = scaled < 0 ? -(magnitude / 2) : magnitude / 2;
  return model::format_fixed(static_cast<std::int64_t>((scaled + half) / magnitude), scale);
}

template <Basis basis>
std::string u95(const Context&, const Line& line) {
  const books::Uncertainty& uncertainty = line.uncertainty[basis];
  const bool there = uncertainty.stated != books::Stated::none && (basis == Basis::primary || line.has_market);
  return there ? kilograms(uncertainty.u95) : "";
}

template <Basis basis>
std::string u95_percent(const Context& context, const Line& line) {
  if (u95<basis>(context, line).empty()) return "";
  return percent(line.uncertainty[basis].u95.quanta(), line.now.emitted[basis].co2e.quanta(), 4);
}

template <model::Origin origin>
std::string share(const Context& context, const Line& line) {
  const auto shares = books::quality_shares(line, context.length);
  return shares ? model::format_fixed((*shares)[static_cast<std::size_t>(origin)], model::kPerPercent) : "";
}

template <Gas gas>
std::string mass(const Context&, const Line& line) {
  return kilograms(line.now.emitted[Basis::primary].gases[gas]);
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

std::string or_no_factor(const std::string& series) {
  return series.empty() ? "no-factor" : series;
}

std::string name_of(const books::FactorUse& use) {
  return use.id + (use.version.empty() ? "" : "@" + use.version);
}

std::string uses(const std::vector<books::FactorUse>& factors) {
  std::vector<std::string> parts;
  for (const books::FactorUse& use : factors) parts.push_back(name_of(use));
  return join(parts);
}

bool is_fuel(const Line& line) {
  const model::Carrier* carrier = model::find_carrier(line.carrier);
  return carrier && carrier->category == model::Category::fuel;
}

std::string source(const Context& context, const Line& line) {
  if (line.carrier.empty() || line.sum == books::Sum::unallocated) return "";
  const std::string energy = line.carrier == "electricity" ? "electricity" : "heat";
  switch (line.sum) {
    case books::Sum::exported: return "exported-" + (line.scope == model::Scope::energy ? energy : line.carrier);
    case books::Sum::produced: return "produced";
    case books::Sum::emitted:
    case books::Sum::measured: return "released";
    default: break;
  }
  const model::Account* account = context.account(line);
  if (line.scope == model::Scope::energy) {
    return (account && model::is_own_supply(*account) ? "own-" : "purchased-") + energy;
  }
  if (line.scope != model::Scope::direct) return "";
  const auto set = std::string_view(line.factors_of).substr(0, line.factors_of.find('/'));
  const bool of_account = line.level == Level::account;
  if (!of_account) return "";
  return set.ends_with("process") || !is_fuel(line) ? "process" : "combustion";
}

// Of the factors that an account's line used, each text once; and behind it which of them are not known any more.
// Nothing where a known one has no such text; nor where an unknown one has none, as of combustion what is no fuel. A
// live one has no texts.
template <class Text>
std::string of_factors(const Context& context, const Line& line, const Text& text, bool of_combustion = false) {
  if (line.level != Level::account) return "";
  std::vector<std::string> parts;
  std::vector<std::string> unknown;
  for (const books::FactorUse& use : line.factors) {
    const model::Factor* factor = context.factor(use);
    if (!factor && use.version != model::kLiveVersion) {
      if (of_combustion && !is_fuel(line)) return "";
      unknown.push_back("unknown: " + name_of(use));
      continue;
    }
    const std::string part = factor ? text(*factor) : std::string();
    if (part.empty()) return "";
    if (std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
  }
  parts.insert(parts.end(), unknown.begin(), unknown.end());
  return join(parts);
}

template <std::string model::Factor::* member>
std::string factor_text(const Context& context, const Line& line) {
  return of_factors(context, line, [](const model::Factor& factor) { return factor.*member; });
}

template <std::string model::Factor::* member>
std::string combustion_text(const Context& context, const Line& line) {
  return of_factors(context, line, [](const model::Factor& factor) { return factor.*member; }, true);
}

std::string ncv_source(const Context& context, const Line& line) {
  const auto text = [](const model::Factor& factor) -> std::string {
    if (factor.ncv_text.empty()) return "";
    if (factor.confidence == "own_measurement") return "measured";
    return factor.confidence == "supplier" ? "supplier" : "default";
  };
  return of_factors(context, line, text, true);
}

std::string acquisition(const Context& context, const Line& line) {
  const model::Account* account = context.account(line);
  if (!account) return "";
  switch (context.point(*account)->kind) {
    case Kind::cumulative: return "register";
    case Kind::interval: return "interval";
    case Kind::instantaneous: return "integrated";
  }
  return "";
}

std::string missing_data(const Context& context, const Line& line) {
  const model::Account* account = context.account(line);
  if (!account) return "";
  const bool filled = line.time_by_origin[static_cast<std::size_t>(model::Origin::substituted)] != Duration{};
  const bool by_register = context.point(*account)->kind == Kind::cumulative;
  return std::string(by_register ? "register-difference" : "not-filled") + (filled ? "; substituted" : "");
}

std::string measured_every(const Context& context, const Line& line) {
  const model::Account* account = context.account(line);
  if (!account) return "";
  const Duration interval = context.point(*account)->limits.interval;
  return interval == Duration::zero() ? "" : model::format_fixed(interval.count(), 1'000);
}

template <class Text>
std::string of_account(const Context& context, const Line& line, const Text& text) {
  const model::Account* account = context.account(line);
  return account ? text(*account) : std::string();
}

constexpr StatementColumn kColumns[] = {
    {"period", "统计周期", false, [](const Context& c, const Line&) { return c.period; }},
    {"begin", "开始时间", false, [](const Context& c, const Line&) { return c.begin; }},
    {"end", "结束时间", false, [](const Context& c, const Line&) { return c.end; }},
    {"site", "企业", false, [](const Context& c, const Line&) { return c.site; }},
    {"level", "汇总层级", false, [](const Context&, const Line& l) { return std::string(to_string(l.level)); }},
    {"sum", "汇总内容", false, [](const Context&, const Line& l) { return std::string(to_string(l.sum)); }},
    {"user", "用能单位", false, [](const Context&, const Line& l) { return l.user; }},
    {"user_name", "排放设施/用能单位名称", false, [](const Context&, const Line& l) { return l.user_name; }},
    {"scope", "范围", false,
     [](const Context&, const Line& l) { return l.scope ? std::string(to_string(*l.scope)) : std::string(); }},
    {"source", "排放源", false, source},
    {"carrier", "能源品种", false, [](const Context&, const Line& l) { return l.carrier; }},
    {"device", "计量点设备", false, [](const Context&, const Line& l) { return l.device; }},
    {"point", "计量点", false, [](const Context&, const Line& l) { return l.point; }},
    {"amount", "消耗量", true, [](const Context&, const Line& l) { return amount(l, l.now.amount); }},
    {"unit", "消耗量单位", false,
     [](const Context&, const Line& l) {
       const model::Carrier* carrier = model::find_carrier(l.carrier);
       return carrier ? std::string(carrier->display.symbol) : std::string();
     }},
    {"amount_first", "首次公布消耗量", true, [](const Context&, const Line& l) { return amount(l, l.first.amount); }},
    {"ncv", "低位发热量", false, combustion_text<&model::Factor::ncv_text>},
    {"ncv_unit", "低位发热量单位", false, combustion_text<&model::Factor::ncv_unit_text>},
    {"factor_value", "排放因子", false, factor_text<&model::Factor::value_text>},
    {"factor_unit", "排放因子单位", false, factor_text<&model::Factor::unit_text>},
    {"coal_kgce", "折标准煤(kgce)", true, [](const Context&, const Line& l) { return kilograms(l.now.coal); }},
    {"coal_first_kgce", "首次公布折标准煤(kgce)", true,
     [](const Context&, const Line& l) { return kilograms(l.first.coal); }},
    {"co2e_kg", "排放量(kgCO2e)", true,
     [](const Context&, const Line& l) { return kilograms(l.now.emitted[Basis::primary].co2e); }},
    {"co2e_first_kg", "首次公布排放量(kgCO2e)", true,
     [](const Context&, const Line& l) { return kilograms(l.first.emitted[Basis::primary].co2e); }},
    {"u95_kg", "扩展不确定度U95(kgCO2e)", true, u95<Basis::primary>},
    {"u95_percent", "相对扩展不确定度(%)", true, u95_percent<Basis::primary>},
    {"u95_stated", "不确定度完整性", false,
     [](const Context&, const Line& l) { return std::string(to_string(l.uncertainty[Basis::primary].stated)); }},
    {"market_co2e_kg", "基于市场排放量(kgCO2e)", true,
     [](const Context&, const Line& l) {
       return l.has_market ? kilograms(l.now.emitted[Basis::market].co2e) : std::string();
     }},
    {"market_co2e_first_kg", "首次公布基于市场排放量(kgCO2e)", true,
     [](const Context&, const Line& l) {
       return l.has_market ? kilograms(l.first.emitted[Basis::market].co2e) : std::string();
     }},
    {"market_u95_kg", "基于市场扩展不确定度U95(kgCO2e)", true, u95<Basis::market>},
    {"market_u95_percent", "基于市场相对扩展不确定度(%)", true, u95_percent<Basis::market>},
    {"market_u95_stated", "基于市场不确定度完整性", false,
     [](const Context&, const Line& l) {
       return l.has_market ? std::string(to_string(l.uncertainty[Basis::market].stated)) : std::string();
     }},
    {"coverage_percent", "数据覆盖率(%)", true,
     [](const Context& c, const Line& l) {
       return model::coverage_percent(l.covered, c.length * static_cast<std::int64_t>(l.points));
     }},
    {"entries", "记录数", true, [](const Context&, const Line& l) { return std::to_string(l.entries); }},
    {"corrections", "更正数", true, [](const Context&, const Line& l) { return std::to_string(l.corrections); }},
    {"quality", "最差数据质量", false,
     [](const Context&, const Line& l) { return l.worst ? std::string(to_string(l.worst->origin)) : std::string(); }},
    {"rule", "质量规则", false,
     [](const Context&, const Line& l) { return l.worst ? std::string(to_string(l.worst->rule)) : std::string(); }},
    {"measured_percent", "实测时间占比(%)", true, share<model::Origin::measured>, "shares_percent", "measured"},
    {"late_percent", "迟到时间占比(%)", true, share<model::Origin::late>, "shares_percent", "late"},
    {"estimated_percent", "估算时间占比(%)", true, share<model::Origin::estimated>, "shares_percent", "estimated"},
    {"substituted_percent", "替代时间占比(%)", true, share<model::Origin::substituted>, "shares_percent",
     "substituted"},
    {"manual_percent", "人工时间占比(%)", true, share<model::Origin::manual>, "shares_percent", "manual"},
    {"missing_percent", "缺失时间占比(%)", true, share<model::Origin::missing>, "shares_percent", "missing"},
    {"factors", "排放因子标识", false, [](const Context&, const Line& l) { return uses(l.factors); }},
    {"market_factors", "基于市场排放因子标识", false,
     [](const Context&, const Line& l) { return uses(l.market_factors); }},
    {"gwp_set", "全球变暖潜势", false, [](const Context&, const Line& l) { return join(l.gwp_sets); }},
    {"co2_kg", "CO2(kg)", true, mass<Gas::co2>, "gases_kg", "CO2"},
    {"co2_biogenic_kg", "生物源CO2(kg)", true, mass<Gas::co2_biogenic>, "gases_kg", "CO2-biogenic"},
    {"ch4_fossil_kg", "化石CH4(kg)", true, mass<Gas::ch4_fossil>, "gases_kg", "CH4-fossil"},
    {"ch4_kg", "CH4(kg)", true, mass<Gas::ch4>, "gases_kg", "CH4"},
    {"n2o_kg", "N2O(kg)", true, mass<Gas::n2o>, "gases_kg", "N2O"},
    {"sf6_kg", "SF6(kg)", true, mass<Gas::sf6>, "gases_kg", "SF6"},
    {"nf3_kg", "NF3(kg)", true, mass<Gas::nf3>, "gases_kg", "NF3"},
    {"cf4_kg", "CF4(kg)", true, mass<Gas::cf4>, "gases_kg", "CF4"},
    {"c2f6_kg", "C2F6(kg)", true, mass<Gas::c2f6>, "gases_kg", "C2F6"},
    {"hfc_23_kg", "HFC-23(kg)", true, mass<Gas::hfc23>, "gases_kg", "HFC-23"},
    {"hfc_32_kg", "HFC-32(kg)", true, mass<Gas::hfc32>, "gases_kg", "HFC-32"},
    {"hfc_125_kg", "HFC-125(kg)", true, mass<Gas::hfc125>, "gases_kg", "HFC-125"},
    {"hfc_134a_kg", "HFC-134a(kg)", true, mass<Gas::hfc134a>, "gases_kg", "HFC-134a"},
    {"hfc_143a_kg", "HFC-143a(kg)", true, mass<Gas::hfc143a>, "gases_kg", "HFC-143a"},
    {"hfc_152a_kg", "HFC-152a(kg)", true, mass<Gas::hfc152a>, "gases_kg", "HFC-152a"},
    {"hfc_227ea_kg", "HFC-227ea(kg)", true, mass<Gas::hfc227ea>, "gases_kg", "HFC-227ea"},
    {"hcfc_22_kg", "HCFC-22(kg)", true, mass<Gas::hcfc22>, "gases_kg", "HCFC-22"},
    {"unsplit_co2e_kg", "未分气体CO2e(kg)", true, mass<Gas::unsplit>, "gases_kg", "CO2e"},
    {"calculated_co2_kg", "核算法CO2(kg)", true,
     [](const Context&, const Line& l) {
       return l.sum == books::Sum::difference ? kilograms(l.calculated) : std::string();
     }},
    {"difference_percent", "实测与核算相对差(%)", true,
     [](const Context&, const Line& l) {
       if (l.sum != books::Sum::difference) return std::string();
       return percent(l.now.emitted[Basis::primary].co2e.quanta(), l.calculated.quanta(), 2);
     }},
    {"part_of", "上级用能单位", false, [](const Context&, const Line& l) { return l.part_of; }},
    {"unallocated_percent", "未分配占比(%)", true,
     [](const Context&, const Line& l) {
       if (l.sum != books::Sum::unallocated) return std::string();
       return percent(l.now.amount.quanta(), l.whole.quanta(), 2);
     }},
    {"remark", "备注", false,
     [](const Context&, const Line& l) {
       std::vector<std::string> remarks;
       if (l.sum == books::Sum::unallocated && is_below_zero(l)) remarks.emplace_back("parts-exceed-whole");
       for (const std::string& series : l.superseded_by) remarks.push_back("superseded-by:" + or_no_factor(series));
       for (const std::string& series : l.supersedes) remarks.push_back("supersedes:" + or_no_factor(series));
       return join(remarks);
     }},
    {"open_since", "未结账起始时间", false,
     [](const Context& c, const Line& l) { return l.open_since ? c.time(*l.open_since) : std::string(); }},
};

constexpr StatementColumn kMonthColumns[] = {
    {"fuel", "燃料品种", false,
     [](const Context&, const Line& l) {
       const model::Carrier* carrier = l.level == Level::account ? model::find_carrier(l.carrier) : nullptr;
       return carrier ? std::string(carrier->name_zh) : std::string();
     }},
    {"ncv_source", "低位发热量来源", false, ncv_source},
    {"carbon_t_per_gj", "单位热值含碳量(tC/GJ)", false, combustion_text<&model::Factor::carbon_text>},
    {"oxidation_percent", "碳氧化率(%)", false, combustion_text<&model::Factor::oxidation_text>},
    {"factor_source", "排放因子来源", false, factor_text<&model::Factor::source>},
    {"meter_device", "计量设备", false,
     [](const Context& c, const Line& l) {
       return of_account(c, l, [](const model::Account& account) { return account.meter.device; });
     }},
    {"meter_accuracy", "计量设备准确度", false,
     [](const Context& c, const Line& l) {
       return of_account(c, l, [](const model::Account& account) { return account.meter.accuracy; });
     }},
    {"meter_calibration", "检定/校准日期", false,
     [](const Context& c, const Line& l) {
       return of_account(c, l, [](const model::Account& account) { return account.meter.calibration; });
     }},
    {"meter_u95_percent", "计量扩展不确定度(%)", true,
     [](const Context& c, const Line& l) {
       return of_account(c, l, [](const model::Account& account) {
         return account.activity_u95_ppm == 0 ? std::string() : model::format_fixed(account.activity_u95_ppm, 10'000);
       });
     }},
    {"acquisition", "数据获取方式", false, acquisition},
    {"measured_every_s", "计量频次(s)", true, measured_every},
    {"recorded_every", "记录频次", false,
     [](const Context&, const Line& l) { return std::string(l.level == Level::account ? "15min" : ""); }},
    {"missing_data", "数据缺失处理方式", false, missing_data},
};

}  // namespace

StatementContext::StatementContext(const app::GatewayConfig& config, Former former, model::Period kind,
                                   const pipeline::Span& span)
    : period(to_string(kind)),
      site(config.site.id),
      site_name(config.site.name),
      time_zone(config.site.time_zone),
      length(span.end - span.begin),
      config_(config),
      find_former_(std::move(former)) {
  begin = time(span.begin);
  end = time(span.end);
  for (const model::Account& account : config.site.accounts) {
    accounts_.emplace(account_key(account.flow, account.user, account.carrier->id, point(account)->full_name()),
                      &account);
  }
  for (const model::Factor& factor : config.factors.all()) factors_.emplace(factor.id, &factor);
}

std::string StatementContext::time(Instant at) const {
  return tables::LocalTime(time_zone)(at);
}

const model::Account* StatementContext::account(const books::Line& line) const {
  const auto flow = flow_of(line.sum);
  if (line.level != Level::account || !flow) return nullptr;
  const auto found = accounts_.find(account_key(*flow, line.user, line.carrier, line.device + "." + line.point));
  return found == accounts_.end() ? nullptr : found->second;
}

const Point* StatementContext::point(const model::Account& account) const {
  return &config_.site.points.at(index(account.source));
}

const model::Factor* StatementContext::factor(const books::FactorUse& use) const {
  const auto found = factors_.find(use.id);
  if (found != factors_.end() && found->second->version == use.version) return found->second;
  if (use.version == model::kLiveVersion) return nullptr;
  const auto [former, is_new] = former_.try_emplace({use.id, use.version});
  if (is_new) former->second = find_former_(use.id, use.version);
  return former->second ? &*former->second : nullptr;
}

std::vector<StatementColumn> statement_columns(model::Period period) {
  std::vector<StatementColumn> columns(std::begin(kColumns), std::end(kColumns));
  if (period == model::Period::month) {
    columns.insert(columns.end(), std::begin(kMonthColumns), std::end(kMonthColumns));
  }
  return columns;
}

}  // namespace carbongate::cli
