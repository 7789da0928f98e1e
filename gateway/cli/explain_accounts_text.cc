// Of an entry: its figures, corrections, formulas, factors and uncertainty.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "gateway/cli/explain_sections.h"
#include "gateway/explain/words.h"
#include "gateway/model/carrier.h"
#include "gateway/model/entry_name.h"
#include "gateway/model/stated.h"
#include "gateway/model/uncertainty.h"

namespace carbongate::cli {
namespace {

using explain::Explanation;
using explain::FactorUsed;
using explain::Formula;
using explain::Product;
using explain::Result;
using explain::Revision;

std::string_view name_of(Result result, const Explanation& e) {
  const bool energy = e.series.scope == model::Scope::energy;
  switch (result) {
    case Result::primary: return energy ? "Location-based 位置法" : "Emission 排放";
    case Result::market: return "Market-based 市场法";
    case Result::coal: return "Standard coal 标准煤";
  }
  return "";
}

std::string title_of(const Formula& formula, const Explanation& e) {
  return std::string(name_of(formula.result, e)) + (formula.entered ? ", entered 人工" : "");
}

// What the last digit of a product is a mass of.
std::string_view kind_of(const Formula& formula, const Product& product) {
  return formula.result == Result::coal ? "kgce" : product.of == "CO2e" ? "kgCO2e" : "kg";
}

// By which set its gases were added up; nothing where there is nothing to add up.
std::string gwp_text(const Explanation& e, Result result, const model::Emission& emission) {
  if (!emission.gwp_set.empty()) return " (" + emission.gwp_set + ")";
  const auto formula = std::ranges::find(e.formulas, result, &Formula::result);
  const bool added_up =
      formula != e.formulas.end() && formula->factor.factor && !formula->factor.factor->gwp_set.empty();
  return added_up ? " (GWP set not stated)" : "";
}

std::string with_gwp(const Explanation& e, Result result, const model::Emission& emission) {
  return Figures::kilograms(emission.emitted.co2e.quanta()) + " kg" + gwp_text(e, result, emission) +
         (e.series.scope == model::Scope::none ? ", of no scope" : "");
}

void write_gases(Page& page, const model::GasMasses& gases) {
  gases.each([&](model::Gas gas, model::GasMass mass) {
    page.field(fmt::format("  {}{}", to_string(gas), gas == model::Gas::co2_biogenic ? ", apart" : ""),
               Figures::kilograms(mass.quanta()) + " kg");
  });
}

void write_meaning(Page& page, model::Quality quality) {
  const explain::Words origin = explain::words_of(quality.origin);
  page.field("", fmt::format("{} {}: {}", to_string(quality.origin), origin.chinese, origin.sentence));
  if (quality.rule == model::Rule::none) return;
  const explain::Words rule = explain::words_of(quality.rule);
  page.field("", fmt::format("{} {}: {}", to_string(quality.rule), rule.chinese, rule.sentence));
}

// A date, where it begins at midnight.
std::string day(Figures& figures, Instant at) {
  const std::string text = figures.time(at);
  return text.size() > 19 && text.substr(11, 8) == "00:00:00" ? text.substr(0, 10) : text;
}

std::string with_name(const std::string& id, const std::string& name) {
  return name.empty() || name == id ? id : id + " " + name;
}

std::string scope_of(const Explanation& e) {
  const std::string_view scope = to_string(e.series.scope);
  return fmt::format("{} {}, {}{}", e.series.carrier, e.carrier->name_zh, to_string(e.series.flow),
                     scope.empty() ? "" : fmt::format(", scope {}", scope));
}

// How the value came about, and what it is, unless it holds that already.
std::string derivation_of(const model::Factor& factor) {
  if (factor.formula.find(factor.value_text) != std::string::npos) return factor.formula;
  return factor.formula + " = " + factor.value_text + " " + factor.unit_text;
}

std::string validity(const FactorUsed& used, Figures& figures) {
  const model::Factor& factor = *used.factor;
  const std::string from = "from " + day(figures, factor.valid_from);
  if (factor.valid_until) return from + " until " + day(figures, *factor.valid_until);
  if (used.valid_until) return from + " until a newer one begins on " + day(figures, *used.valid_until);
  return from + " until a newer one begins";
}

void write_factor(Page& page, const FactorUsed& used, Figures& figures) {
  if (!used.factor) {
    page.field("Not known 未知", used.missing);
  } else {
    const model::Factor& factor = *used.factor;
    if (used.former) page.field("In use 使用", "no: a set or a version that the configuration does not count by now");
    page.field("Value 数值", factor.value_text + " " + factor.unit_text);
    if (!factor.formula.empty()) {
      page.field("Derivation 推导", derivation_of(factor));
    }
    if (!factor.ncv_text.empty()) {
      page.field("Fuel 燃料",
                 fmt::format("net calorific value {} {}{}{}", factor.ncv_text, factor.ncv_unit_text,
                             factor.carbon_text.empty() ? "" : ", carbon " + factor.carbon_text + " tC/GJ",
                             factor.oxidation_text.empty() ? "" : ", oxidation " + factor.oxidation_text + " %"));
    }
    page.field("Valid 有效期", validity(used, figures));
    page.field("Source 来源", factor.source);
    page.field("Published 发布",
               fmt::format("{}; set {}{}, version {}", factor.publication, factor.set,
                           factor.inherited_from.empty() ? "" : " from " + factor.inherited_from, factor.version));
    page.field("Confidence 可信度", factor.confidence);
    page.field("Uncertainty 不确定度",
               factor.u95_ppm == 0 ? "not stated" : "+-" + Figures::percent(factor.u95_ppm) + " (95 %)");
    if (!factor.note.empty()) page.field("Note 备注", factor.note);
  }
  std::string label = "Chosen 选取";
  for (const std::string& step : used.lookup) {
    page.field(label, step);
    label = "";
  }
  if (used.chosen_now) {
    page.field("", used.chosen_now->empty() ? "the same question has no answer now"
                                            : "the same question has another answer now: " + *used.chosen_now +
                                                  "; 'carbongate restate' shows what that would change");
  }
}

// Class and transformers, and how their limits of error become one half-width (model/uncertainty.h).
void write_meter(Page& page, const model::MeterDescription& meter, std::int32_t u95_ppm) {
  page.field("Meter 计量器具", meter.accuracy + (meter.device.empty() ? "" : "; " + meter.device) +
                                   (meter.calibration.empty() ? "" : ", calibrated " + meter.calibration));
  const std::string_view text = meter.accuracy;
  const model::MeterClass* known = model::find_meter_class(text.substr(0, text.find_first_of(", (")));
  if (known) {
    const bool light = text.find("(light load)") != std::string_view::npos;
    page.field("", fmt::format("class {}: limit of error +-{} ({})", known->id,
                               Figures::percent(light ? known->limit_light_ppm : known->limit_ppm), known->source));
  }
  page.field("", text.starts_with("U95")
                     ? "stated as a whole: +-" + Figures::percent(u95_ppm)
                     : "2 x root of (sum of the squared limits / 3) = +-" + Figures::percent(u95_ppm));
}

void write_product(Page& page, const Explanation& e, const Formula& formula, const Product& product,
                   std::string_view label) {
  const std::string_view kg = kind_of(formula, product);
  page.field(label, fmt::format("{} x {} {}/{} = {} {}",
                                model::format_fixed(formula.amount.quanta(), e.carrier->quanta_per_display) + " " +
                                    std::string(e.carrier->display.symbol),
                                product.factor, kg, e.carrier->display.symbol, product.exact, kg));
  if (product.carried == "0") {
    page.field("", fmt::format("booked {} {}: equal", product.booked, kg));
  } else if (product.fits) {
    page.field(
        "", fmt::format("booked {} {}; {} {} were carried {} the quarter hours around, below 1 mg", product.booked, kg,
                        product.carried.starts_with('-') ? product.carried.substr(1) : product.carried, kg,
                        product.carried.starts_with('-') ? "into" : "in from"));
  } else {
    page.field("", fmt::format("booked {} {}: NOT equal, by {} {}; the factor or the amount was another one then",
                               product.booked, kg, product.carried, kg));
  }
}

}  // namespace

void write_entry(Page& page, const Explanation& e, Figures& figures, const model::Site& site) {
  page.line(model::to_string(e.name));
  page.section("1 Entry 分录");
  page.field("Site 场所", site.id == e.series.site ? with_name(site.id, site.name) : e.series.site);
  page.field("Energy user 用能单位", with_name(e.series.user, e.series.user_name));
  page.field("Carrier 能源品种", scope_of(e));
  page.field("Metering point 计量点", e.series.device + "." + e.series.point);
  page.field("Interval 区间",
             fmt::format("{} .. {} ({})", figures.time(e.known.begin), figures.time(e.known.end), site.time_zone));
  page.field("Activity 活动数据", figures.amount(e.known.amount));
  page.field("Coverage 覆盖率", Figures::coverage(e.known.covered, e.known.end - e.known.begin));
  page.field("Quality 数据质量", Figures::quality(e.known.quality));
  write_meaning(page, e.known.quality);
  const bool energy = e.series.scope == model::Scope::energy;
  page.field(energy ? "CO2e, location-based 位置法" : "CO2e 二氧化碳当量",
             with_gwp(e, Result::primary, e.known.primary));
  write_gases(page, e.known.primary.emitted.gases);
  if (e.known.market) {
    page.field("CO2e, market-based 市场法", with_gwp(e, Result::market, *e.known.market));
    write_gases(page, e.known.market->emitted.gases);
  }
  if (!e.known.coal_factor_id.empty() || e.known.coal != model::StandardCoal{}) {
    page.field("Standard coal 标准煤", Figures::kilograms(e.known.coal.quanta()) + " kgce (GB/T 2589)");
  }
  if (!e.account_missing.empty()) page.field("Not known 未知", e.account_missing);
}

void write_corrections(Page& page, const Explanation& e, Figures& figures) {
  page.section("2 Corrections 更正");
  if (e.revisions.size() == 1 && e.published) {
    page.paragraph("none: the figures are as first published 无更正");
  } else {
    const auto by_set = [](const model::Emission& emission) {
      return emission.gwp_set.empty() ? std::string() : " by " + emission.gwp_set;
    };
    // In the table only where it makes a difference.
    const bool mixed = std::ranges::any_of(e.revisions, [&](const Revision& revision) {
      return revision.entry.primary.gwp_set != e.known.primary.gwp_set;
    });
    const auto figure = [&](const model::Emission& emission) {
      return Figures::kilograms(emission.emitted.co2e.quanta()) + (mixed ? by_set(emission) : "");
    };
    std::vector<std::vector<std::string>> rows;
    for (const Revision& revision : e.revisions) {
      const model::EmissionEntry& entry = revision.entry;
      rows.push_back({std::to_string(entry.revision), figures.amount(entry.amount), figure(entry.primary),
                      entry.market ? figure(*entry.market) : "",
                      entry.correction ? std::string(to_string(entry.correction->cause)) : "as first published",
                      entry.correction ? figures.clock(entry.correction->booked_at) : ""});
    }
    page.table({{"rev. 版次", true},
                {"activity 活动数据", true},
                {"kgCO2e", true},
                {"market 市场法", true},
                {"cause 原因", false},
                {"booked 入账", false}},
               rows);
    for (const Revision& revision : e.revisions) {
      if (!revision.entry.correction) continue;
      const explain::Words words = explain::words_of(revision.entry.correction->cause);
      page.field(fmt::format("Revision 版次 {}", revision.entry.revision),
                 fmt::format("{} {} Note: {}", words.chinese, words.sentence, revision.entry.correction->note));
    }
    const auto state = [&](std::string_view label, const model::EmissionEntry& entry) {
      page.field(label, fmt::format("{}, {} kgCO2e{}", figures.amount(entry.amount),
                                    Figures::kilograms(entry.primary.emitted.co2e.quanta()), by_set(entry.primary)));
    };
    if (e.published) {
      state("First published 首次公布", *e.published);
    } else {
      page.field("First published 首次公布", "nothing was published in time");
    }
    state(e.one_revision ? fmt::format("With revision 至版次 {}", e.known.revision) : "As now known 现知", e.known);
    if (e.one_revision) page.paragraph("There are later revisions; what follows explains the state with this one.");
  }
  for (const model::Certificate& c : e.certificates) {
    if (c.contract) {
      const model::SupplyContract& contract = *c.contract;
      page.field("Contract 购电合同",
                 fmt::format("{}: {} at {}, by {}, delivered {} .. {} to {}{}", c.serial, figures.amount(c.volume),
                             contract.factor_text, contract.supplier, day(figures, c.generated_from),
                             day(figures, c.generated_until), c.users_text(),
                             contract.source.empty() ? "" : "; " + contract.source));
      continue;
    }
    page.field("Certificate 绿证",
               fmt::format("{}: {}, {}{}generated {} .. {}, retired {}", c.serial, figures.amount(c.volume), c.plant,
                           c.technology.empty() ? (c.plant.empty() ? "" : ", ")
                                                : (c.plant.empty() ? "" : " ") + c.technology + ", ",
                           day(figures, c.generated_from), day(figures, c.generated_until), c.retired));
  }
  if (!e.certificates.empty()) {
    page.paragraph(
        "A certificate or contract changes this entry's market-based figure only where a revision above says so.");
  }
}

void write_formulas(Page& page, const Explanation& e, Figures&) {
  page.section("3 Formula 计算公式");
  for (const Formula& formula : e.formulas) {
    if (formula.products.empty()) {
      page.field(title_of(formula, e), formula.factor.id.empty() ? "no factor applied: nothing is multiplied"
                                                                 : "cannot be shown: the factor is not known");
      continue;
    }
    const Product& total = formula.products.front();
    write_product(page, e, formula, total, title_of(formula, e));
    const model::Factor& factor = *formula.factor.factor;
    if (!factor.formula.empty()) {
      page.field("  the factor 因子", derivation_of(factor));
    } else if (factor.value_text != total.factor) {
      page.field("  the factor 因子", fmt::format("{} {}, as published", factor.value_text, factor.unit_text));
    }
    const auto gases = std::span(formula.products).subspan(1);
    const bool simple = gases.size() == 1 && gases.front().of == "CO2" && gases.front().factor == total.factor;
    if (!simple && !gases.empty()) {
      std::string sum;
      for (const Product& gas : gases) {
        write_product(page, e, formula, gas, "  " + gas.of);
        if (gas.gwp == "0") continue;
        sum += (sum.empty() ? "" : " + ") + gas.of + " " + gas.factor + " x " + (gas.gwp.empty() ? "?" : gas.gwp);
      }
      page.field("  by GWP 全球变暖潜势",
                 fmt::format("{}: {} = {} kgCO2e/{}", factor.gwp_set.empty() ? "CO2 alone" : factor.gwp_set, sum,
                             total.factor, e.carrier->display.symbol));
    }
    if (formula.beside != "0") {
      page.field("  beside 另计", formula.beside + " kg by certificates or contracts, see the corrections above");
    }
  }
}

void write_factors(Page& page, const Explanation& e, Figures& figures) {
  page.section("4 Factor 排放因子");
  std::vector<std::string_view> shown;
  for (const Formula& formula : e.formulas) {
    const FactorUsed& used = formula.factor;
    page.field(title_of(formula, e), used.id.empty()
                                         ? std::string("none applied")
                                         : used.id + (used.version.empty() ? "" : ", version " + used.version) +
                                               (used.gwp_set.empty() ? "" : ", by " + used.gwp_set));
    if (used.id.empty() && !used.choice) continue;
    if (std::ranges::find(shown, used.id) != shown.end()) {
      page.field("", "as above");
      continue;
    }
    shown.push_back(used.id);
    write_factor(page, used, figures);
  }
}

void write_uncertainty(Page& page, const Explanation& e, Figures&) {
  page.section("5 Uncertainty 不确定度 (95 %, JCGM 100)");
  if (!e.activity_u95_ppm) {
    page.field("Meter 计量器具", "not known: the configuration has no such account any more");
  } else if (!e.meter || e.meter->accuracy.empty()) {
    page.field("Meter 计量器具", "its class is not stated: taken as 0, so that what follows is a lower bound");
  } else {
    write_meter(page, *e.meter, *e.activity_u95_ppm);
  }
  const auto write = [&](std::string_view label, const model::Emission& emission, const Formula* formula) {
    const model::Emitted& emitted = emission.emitted;
    const model::Stated stated = model::stated(emission, e.series.scope);
    const model::Factor* factor = formula && formula->factor.factor ? &*formula->factor.factor : nullptr;
    const auto half_width = [](model::Co2e u95, const std::string& how) {
      if (u95 == model::Co2e{}) return std::string("not stated");
      return fmt::format("+-{} kg ({})", Figures::kilograms(u95.quanta()), how);
    };
    const bool matched = formula && formula->result == Result::market && formula->beside != "0";
    const std::string of_activity =
        e.activity_u95_ppm && *e.activity_u95_ppm != 0 ? Figures::percent(*e.activity_u95_ppm) : "as configured then";
    page.field(label,
               fmt::format("activity {}, factor {}",
                           half_width(emitted.u95_activity,
                                      of_activity + (matched ? " of the whole amount: what certificates and contracts "
                                                               "match of it is exact"
                                                             : "")),
                           half_width(emitted.u95_factor, !factor                ? "its percentage is not known"
                                                          : factor->u95_ppm == 0 ? "as it was then"
                                                                                 : Figures::percent(factor->u95_ppm))));
    if (stated == model::Stated::none) return;
    page.field("", fmt::format("combined: root of the sum of squares = {}+-{} kg of {} kg",
                               stated == model::Stated::part ? ">" : "", Figures::kilograms(emitted.u95().quanta()),
                               Figures::kilograms(emitted.co2e.quanta())));
  };
  std::vector<Result> shown;  // of what was computed and of what was entered together
  for (const Formula& formula : e.formulas) {
    if (std::ranges::find(shown, formula.result) != shown.end()) continue;
    shown.push_back(formula.result);
    if (formula.result == Result::primary) write(name_of(formula.result, e), e.known.primary, &formula);
    if (formula.result == Result::market && e.known.market) {
      write(name_of(formula.result, e), *e.known.market, &formula);
    }
  }
  page.field("Correlation 相关性",
             "The meter and the factor err the same way all year: over time each adds linearly, and so does one factor "
             "behind several accounts. Meter and factor are independent, as are different meters: squares.");
}

}  // namespace carbongate::cli
