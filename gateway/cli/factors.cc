#include "gateway/cli/factors.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <ostream>

#include "config/reader/data_files.h"
#include "config/reader/node.h"
#include "gateway/app/offline_config.h"
#include "gateway/cli/factors_live.h"
#include "gateway/cli/time_text.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_set.h"
#include "gateway/pipeline/gwp.h"
#include "gateway/tables/local_time.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::cli {
namespace {

using model::Factor;
using model::FactorKind;

constexpr int kDifferent = 1;

// What is asked about: the sets, read.
struct Sources {
  config::DataFiles data{"."};
  std::string zone = model::Site{}.time_zone;
  std::string gwp = std::string(pipeline::kDefaultGwp);
  pipeline::FactorRegistry factors;
  std::vector<LiveSeries> live;
  int status = 0;  // not 0: told already, and nothing more can be done
};

Sources fail(Sources sources, int status, const std::string& text, std::ostream& err) {
  err << text;
  sources.status = status;
  return sources;
}

Sources open(const FactorOptions& options, std::ostream& err) {
  Sources sources;
  if (!options.carrier.empty() && model::find_carrier(options.carrier) == nullptr) {
    std::vector<std::string> carriers;
    for (const model::Carrier& carrier : model::all_carriers()) carriers.emplace_back(carrier.id);
    return fail(std::move(sources), EX_DATAERR,
                "there is no carrier '" + options.carrier + "'" + config::suggestion(options.carrier, carriers) + "\n",
                err);
  }
  config::Problems problems;
  bool ready = false;
  if (!options.config.empty()) {
    app::GatewayConfig config = app::load_offline_config(options.config, problems);
    if (problems.has_errors()) return fail(std::move(sources), EX_CONFIG, problems.to_text(), err);
    sources.data = config::DataFiles(options.config.parent_path());
    sources.zone = config.site.time_zone;
    sources.gwp = config.factors.gwp();
    sources.live = read_live_series(config, options.store.value_or(config.store.path), err);
    std::erase_if(sources.live, [&](const LiveSeries& series) {
      return !options.sets.empty() && std::ranges::find(options.sets, series.plan.like.set) == options.sets.end();
    });
    sources.factors = std::move(config.factors);
    ready = options.sets.empty() && options.gwp.empty();
  }
  if (!options.gwp.empty()) sources.gwp = options.gwp;
  if (ready) return sources;

  std::vector<std::string> known;
  for (const std::string& name : sources.data.names("factors")) {
    if (pipeline::kind_of(*sources.data.find("factors", name)) != pipeline::SetKind::gwp) known.push_back(name);
  }
  std::vector<std::string> wanted;
  for (const std::string& name : options.sets) {
    if (std::ranges::any_of(sources.live, [&](const LiveSeries& series) { return series.plan.like.set == name; }))
      continue;
    wanted.push_back(name);
    if (std::ranges::find(known, name) != known.end()) continue;
    return fail(std::move(sources), EX_DATAERR,
                "there is no factor set '" + name + "'" + config::suggestion(name, known) + "\n", err);
  }
  if (const auto names = pipeline::gwp_names(sources.data); std::ranges::find(names, sources.gwp) == names.end()) {
    const std::string said = "there is no set of global warming potentials '" + sources.gwp + "'" +
                             config::suggestion(sources.gwp, names) + "\n";
    return fail(std::move(sources), EX_DATAERR, said, err);
  }
  config::Problems of_sets;
  sources.factors = pipeline::FactorRegistry::load(
      sources.data, {.sets = options.sets.empty() ? known : wanted, .gwp = sources.gwp, .own = {}}, sources.zone,
      of_sets);
  if (of_sets.has_errors()) return fail(std::move(sources), EX_CONFIG, of_sets.to_text(), err);
  return sources;
}

// A scaled value, per unit in which the carrier is shown, in kg: exact.
std::string per_display(std::int64_t scaled, const model::Carrier& carrier) {
  constexpr std::int64_t kScaleOfMilligrams = 1'000'000'000'000'000'000;  // 10^12 parts of a mg, 10^6 mg a kg
  return model::format_fixed(scaled, kScaleOfMilligrams / carrier.quanta_per_display);
}

std::string unit_of(const Factor& factor) {
  return std::string(model::find_carrier(factor.carrier)->display.symbol);
}

bool coal(const Factor& factor) {
  return factor.kind == FactorKind::standard_coal;
}

// What the factor is worth, in one figure.
std::int64_t worth(const Factor& factor) {
  return coal(factor) ? factor.scaled_coal : factor.scaled_co2e;
}

std::string shown_worth(const Factor& factor) {
  return per_display(worth(factor), *model::find_carrier(factor.carrier)) + (coal(factor) ? " kgce/" : " kgCO2e/") +
         unit_of(factor);
}

std::string day(tables::LocalTime& local, Instant at) {
  return local(at).substr(0, 10);
}

bool same_series(const Factor& a, const Factor& b) {
  return a.set == b.set && a.carrier == b.carrier && a.region == b.region && a.method == b.method;
}

// ---- list

constexpr std::array<tables::TableWriter::Column, 15> kColumns{{{"id"},
                                                                {"kind"},
                                                                {"carrier"},
                                                                {"region"},
                                                                {"method"},
                                                                {"value"},
                                                                {"unit"},
                                                                {"co2e_kg", tables::TableWriter::Type::number},
                                                                {"valid_from"},
                                                                {"valid_until"},
                                                                {"version"},
                                                                {"publication"},
                                                                {"confidence"},
                                                                {"source"},
                                                                {"point"}}};

std::vector<const Factor*> chosen(const FactorOptions& options, const Sources& sources, std::optional<Instant> at) {
  const auto wants = [](const std::string& word, const std::string& value) { return word.empty() || word == value; };
  std::vector<const Factor*> factors;
  for (const Factor& factor : sources.factors.all()) {
    if (!wants(options.carrier, factor.carrier) || !wants(options.region, factor.region) ||
        !wants(options.method, factor.method)) {
      continue;
    }
    if (at && sources.factors.find(factor.set, factor.carrier, factor.region, factor.method, *at) != &factor) continue;
    factors.push_back(&factor);
  }
  return factors;
}

std::vector<const LiveSeries*> chosen_live(const FactorOptions& options, const Sources& sources) {
  const auto wants = [](const std::string& word, const std::string& value) { return word.empty() || word == value; };
  std::vector<const LiveSeries*> series;
  for (const LiveSeries& one : sources.live) {
    const Factor& like = one.plan.like;
    if (wants(options.carrier, like.carrier) && wants(options.region, like.region) &&
        wants(options.method, like.method))
      series.push_back(&one);
  }
  return series;
}

void write_table(const std::vector<const Factor*>& factors, tables::LocalTime& local, std::ostream& out) {
  std::size_t id = 2, value = 5;
  for (const Factor* f : factors) {
    id = std::max(id, f->id.size());
    value = std::max(value, f->value_text.size() + 1 + f->unit_text.size());
  }
  out << fmt::format("{:<{}}  {:<{}}  {:<10}  {:<10}  {}\n", "id", id, "value", value, "from", "until", "confidence");
  for (const Factor* f : factors) {
    out << fmt::format("{:<{}}  {:<{}}  {:<10}  {:<10}  {}\n", f->id, id, f->value_text + " " + f->unit_text, value,
                       day(local, f->valid_from), f->valid_until ? day(local, *f->valid_until) : "", f->confidence);
  }
}

// ---- show

// 20243 ppm: "2.0243".
std::string percent(std::int32_t ppm) {
  return model::format_fixed(ppm, 10'000);
}

std::string co2e_by(const Factor& factor, const pipeline::GwpSet& gwp) {
  std::int64_t sum = 0;
  std::string missing;
  factor.scaled_gas.each([&](model::Gas gas, std::int64_t scaled) {
    const auto potential = gwp.of(gas);
    const auto product = potential ? potential->times(pipeline::Fraction::of(scaled)) : std::nullopt;
    if (!product) {
      missing = std::string(model::to_string(gas));
    } else {
      sum += product->scaled(1).value_or(0);
    }
  });
  if (!missing.empty()) return "no value for " + missing;
  return per_display(sum, *model::find_carrier(factor.carrier)) + " kgCO2e/" + unit_of(factor);
}

void show_gases(const Factor& factor, const Sources& sources, std::ostream& out) {
  const model::Carrier& carrier = *model::find_carrier(factor.carrier);
  factor.scaled_gas.each([&](model::Gas gas, std::int64_t scaled) {
    out << fmt::format("  gas           {} {} kg/{}{}\n", model::to_string(gas), per_display(scaled, carrier),
                       carrier.display.symbol, gas == model::Gas::co2_biogenic ? ", reported apart" : "");
  });
  for (const std::string& name : pipeline::gwp_names(sources.data)) {
    config::Problems ignored;
    if (const auto gwp = pipeline::GwpSet::load(sources.data, name, ignored)) {
      out << fmt::format("  CO2e by {:<5} {}{}\n", gwp->name(), co2e_by(factor, *gwp),
                         gwp->name() == sources.factors.gwp() ? "  (in use)" : "");
    }
  }
}

void show_validity(const Factor& factor, const Sources& sources, std::ostream& out) {
  tables::LocalTime local(sources.zone);
  if (factor.version == model::kLiveVersion) {
    out << fmt::format("  valid         from {} until {}\n", local(factor.valid_from), local(*factor.valid_until));
    return;
  }
  const Factor* older = nullptr;
  const Factor* newer = nullptr;
  for (const Factor& other : sources.factors.all()) {
    if (!same_series(factor, other)) continue;
    if (other.valid_from < factor.valid_from) older = &other;
    if (other.valid_from > factor.valid_from && !newer) newer = &other;
  }
  std::string until = "until a newer one begins";
  if (factor.valid_until) {
    until = "until " + day(local, *factor.valid_until);
  } else if (newer) {
    until = "until " + day(local, newer->valid_from);
  }
  out << fmt::format("  valid         from {} {}\n", day(local, factor.valid_from), until);
  if (older) out << "  supersedes    " << older->id << "\n";
  if (newer) out << "  superseded by " << newer->id << "\n";
}

// ---- diff

struct DiffSide {
  std::string name;                       // "cn-grid version 2025-12-31"
  std::map<std::string, Factor> factors;  // by what follows the set in the id
};

bool is_file(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".yaml");
}

// nullopt: no such file.
std::optional<config::DataFiles::File> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  config::DataFiles::File file{.name = {}, .where = path, .text = {std::istreambuf_iterator<char>(in), {}}};
  config::Problems ignored;
  const config::Node root = config::parse_text(file.text, path, ignored);
  // Two versions of one set cannot both be named as the set is.
  if (const config::Node* set = root.find("set"); set && set->is_scalar()) file.name = set->scalar();
  return file;
}

std::optional<DiffSide> read_side(const std::string& name, const Sources& sources, int& status, std::ostream& err) {
  const auto file = is_file(name) ? read_file(name) : sources.data.find("factors", name);
  if (!file) {
    status = EX_DATAERR;
    err << (is_file(name)
                ? "cannot read " + name
                : "there is no factor set '" + name + "'" + config::suggestion(name, sources.data.names("factors")))
        << "\n";
    return std::nullopt;
  }
  config::Problems problems;
  pipeline::Calendar calendar(sources.zone);
  const auto gwp = pipeline::GwpSet::load(sources.data, sources.gwp, problems);
  std::vector<Factor> factors;
  pipeline::read_factor_set(*file, {sources.data, calendar, gwp ? &*gwp : nullptr, problems}, factors);
  if (problems.has_errors()) {
    status = EX_CONFIG;
    err << problems.to_text();
    return std::nullopt;
  }
  DiffSide side{.name = name, .factors = {}};
  for (Factor& factor : factors) {
    if (factor.inherited_from.empty()) side.name = name + " (" + file->name + " version " + factor.version + ")";
    side.factors.emplace(factor.id.substr(file->name.size() + 1), std::move(factor));
  }
  return side;
}

std::string change(std::int64_t before, std::int64_t after) {
  if (before == 0) return "";
  const double ratio = static_cast<double>(after) / static_cast<double>(before) - 1.0;
  return fmt::format(" ({:+.2f} %)", ratio * 100);
}

// What else differs, besides the value.
std::string other_changes(const Factor& a, const Factor& b) {
  std::string text;
  const auto note = [&](std::string_view what, const std::string& before, const std::string& after) {
    if (before != after) text += fmt::format("      {}: {} -> {}\n", what, before, after);
  };
  note("uncertainty", percent(a.u95_ppm) + " %", percent(b.u95_ppm) + " %");
  note("source", a.source, b.source);
  note("publication", a.publication, b.publication);
  note("confidence", a.confidence, b.confidence);
  note("formula", a.formula, b.formula);
  note("note", a.note, b.note);
  if (a.valid_until != b.valid_until) text += "      the end of its validity changed\n";
  return text;
}

}  // namespace

int run_factors_list(const FactorOptions& options, std::ostream& out, std::ostream& err) {
  const Sources sources = open(options, err);
  if (sources.status != 0) return sources.status;
  const std::vector<std::string> formats{"table", "csv", "jsonl"};
  if (std::ranges::find(formats, options.format) == formats.end()) {
    err << "--format: '" << options.format << "' is not one of table, csv, jsonl"
        << config::suggestion(options.format, formats) << "\n";
    return EX_DATAERR;
  }
  std::optional<Instant> at;
  if (!options.at.empty() && !(at = parse_time(options.at, sources.zone))) {
    err << "--at: '" << options.at << "' is not a time; write 2026-11-01 or 2026-11-01T08:00:00+08:00\n";
    return EX_DATAERR;
  }
  const auto factors = chosen(options, sources, at);
  const auto live = chosen_live(options, sources);
  tables::LocalTime local(sources.zone);
  if (options.format == "table") {
    write_table(factors, local, out);
    write_live_table(live, at, local, out);
    out.flush();
    return out.good() ? 0 : EX_IOERR;
  }
  tables::TableWriter table(
      out, options.format == "csv" ? tables::TableWriter::Format::csv : tables::TableWriter::Format::jsonl, kColumns);
  for (const Factor* f : factors) {
    table.cell(f->id).cell(coal(*f) ? "standard-coal" : "emission").cell(f->carrier).cell(f->region).cell(f->method);
    table.cell(f->value_text).cell(f->unit_text);
    table.cell(coal(*f) ? "" : per_display(f->scaled_co2e, *model::find_carrier(f->carrier)));
    table.cell(day(local, f->valid_from)).cell(f->valid_until ? day(local, *f->valid_until) : "");
    table.cell(f->version).cell(f->publication).cell(f->confidence).cell(f->source).cell("");
  }
  for (const LiveSeries* series : live) {
    const model::LiveValue* value = at ? series->in_force(*at) : series->newest();
    const auto factor = value ? series->factor(*value) : std::nullopt;
    const Factor& f = factor ? *factor : series->plan.like;
    table.cell(series->id).cell("emission").cell(f.carrier).cell(f.region).cell(f.method);
    table.cell(f.value_text).cell(f.unit_text);
    table.cell(factor ? per_display(f.scaled_co2e, *model::find_carrier(f.carrier)) : "");
    table.cell(factor ? local(f.valid_from) : "").cell(factor ? local(*f.valid_until) : "");
    table.cell(f.version).cell(f.publication).cell(f.confidence).cell(f.source).cell(series->point);
  }
  return table.flush() ? 0 : EX_IOERR;
}

int run_factors_show(const FactorOptions& options, const std::string& id, std::ostream& out, std::ostream& err) {
  const Sources sources = open(options, err);
  if (sources.status != 0) return sources.status;
  const Factor* factor = sources.factors.find_id(id);
  std::optional<Factor> heard;
  for (const LiveSeries& series : sources.live) {
    if (factor) break;
    if (series.id == id) {
      tables::LocalTime local(sources.zone);
      show_live_series(series, local, out);
      out.flush();
      return out.good() ? 0 : EX_IOERR;
    }
    if ((heard = series.named(id))) factor = &*heard;
  }
  if (!factor) {
    std::vector<std::string> known;
    for (const LiveSeries& series : sources.live) known.push_back(series.id);
    for (const Factor& f : sources.factors.all()) known.push_back(f.id);
    const std::string near = config::nearest(id, known);
    err << "there is no factor '" << id << "'"
        << (near.empty() ? "; 'carbongate factors list' shows all" : "; did you mean '" + near + "'?") << "\n";
    return EX_DATAERR;
  }
  const model::Carrier& carrier = *model::find_carrier(factor->carrier);
  out << factor->id << "\n";
  out << fmt::format("  value         {} {}\n", factor->value_text, factor->unit_text);
  if (!factor->formula.empty()) out << fmt::format("  formula       {}\n", factor->formula);
  out << fmt::format("  carrier       {} {}, in {}\n", carrier.id, carrier.name_zh, carrier.display.symbol);
  out << fmt::format("  region        {}\n", factor->region.empty() ? "everywhere" : factor->region);
  out << fmt::format("  method        {}\n", factor->method);
  if (coal(*factor)) {
    out << fmt::format("  standard coal {}\n", shown_worth(*factor));
  } else {
    show_gases(*factor, sources, out);
  }
  out << (factor->u95_ppm == 0 ? "  uncertainty   not stated\n"
                               : fmt::format("  uncertainty   ± {} % (95 %)\n", percent(factor->u95_ppm)));
  show_validity(*factor, sources, out);
  out << fmt::format("  set           {}, version {}\n",
                     factor->inherited_from.empty() ? factor->set : factor->set + " from " + factor->inherited_from,
                     factor->version);
  out << fmt::format("  source        {}\n  published     {}\n  confidence    {}\n", factor->source,
                     factor->publication, factor->confidence);
  if (!factor->note.empty()) out << fmt::format("  note          {}\n", factor->note);
  out.flush();
  return out.good() ? 0 : EX_IOERR;
}

int run_factors_diff(const FactorOptions& options, const std::string& before, const std::string& after,
                     std::ostream& out, std::ostream& err) {
  const Sources sources = open(options, err);
  if (sources.status != 0) return sources.status;
  int status = 0;
  const auto old_side = read_side(before, sources, status, err);
  if (!old_side) return status;
  const auto new_side = read_side(after, sources, status, err);
  if (!new_side) return status;

  std::size_t added = 0, removed = 0, changed = 0, same = 0;
  std::string text;
  for (const auto& [key, factor] : old_side->factors) {
    if (new_side->factors.contains(key)) continue;
    ++removed;
    text += fmt::format("- {}: {} {}\n", key, factor.value_text, factor.unit_text);
  }
  for (const auto& [key, factor] : new_side->factors) {
    const auto old = old_side->factors.find(key);
    if (old == old_side->factors.end()) {
      ++added;
      text += fmt::format("+ {}: {} {}\n", key, factor.value_text, factor.unit_text);
      continue;
    }
    const Factor& was = old->second;
    const bool value_changed =
        worth(was) != worth(factor) || !(was.scaled_gas == factor.scaled_gas) || was.kind != factor.kind;
    const std::string others = other_changes(was, factor);
    if (!value_changed && others.empty()) {
      ++same;
      continue;
    }
    ++changed;
    text += value_changed ? fmt::format("~ {}: {} {} -> {} {}{}\n", key, was.value_text, was.unit_text,
                                        factor.value_text, factor.unit_text, change(worth(was), worth(factor)))
                          : fmt::format("~ {}: {} {}, as before\n", key, factor.value_text, factor.unit_text);
    text += others;
  }
  out << fmt::format("--- {}\n+++ {}\n{}{} added, {} removed, {} changed, {} as before\n", old_side->name,
                     new_side->name, text, added, removed, changed, same);
  out.flush();
  if (!out.good()) return EX_IOERR;
  return added + removed + changed == 0 ? 0 : kDifferent;
}

}  // namespace carbongate::cli
