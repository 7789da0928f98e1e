#include "gateway/cli/explain.h"

#include <sysexits.h>

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <ostream>
#include <utility>

#include "config/reader/data_files.h"
#include "gateway/app/offline_config.h"
#include "gateway/app/results_again.h"
#include "gateway/cli/explain_json.h"
#include "gateway/cli/explain_text.h"
#include "gateway/cli/fault_status.h"
#include "gateway/cli/time_text.h"
#include "gateway/explain/explain.h"
#include "gateway/model/carrier.h"
#include "gateway/pipeline/former_factors.h"

namespace carbongate::cli {
namespace {

// The site's factors once more, by the GWP sets that older entries were booked by. Each is loaded when it is asked for.
class OtherGwpSets {
 public:
  OtherGwpSets(const config::DataFiles& data, const app::GatewayConfig& config) : data_(data), config_(config) {}

  std::optional<explain::FactorsByGwp> find(const std::string& name) {
    auto known = loaded_.find(name);
    if (known == loaded_.end()) {
      config::Problems problems;
      auto gwp = pipeline::GwpSet::load(data_, name, problems);
      pipeline::FactorSources sources = config_.factor_sources;
      sources.gwp = name;
      auto factors = pipeline::FactorRegistry::load(data_, sources, config_.site.time_zone, problems);
      if (problems.has_errors()) gwp.reset();
      known = loaded_.emplace(name, Loaded{std::move(factors), std::move(gwp)}).first;
    }
    if (!known->second.gwp) return std::nullopt;
    return explain::FactorsByGwp{&known->second.factors, &*known->second.gwp};
  }

 private:
  struct Loaded {
    pipeline::FactorRegistry factors;
    std::optional<pipeline::GwpSet> gwp;
  };
  const config::DataFiles& data_;
  const app::GatewayConfig& config_;
  std::map<std::string, Loaded> loaded_;
};

int status_of_answer(const model::Fault& fault) {
  if (fault.code == boost::system::errc::invalid_argument) return EX_USAGE;
  if (fault.code == boost::system::errc::argument_out_of_domain) return EX_NOINPUT;
  return status_of(fault);
}

// The device that has the point, asked where one of its values comes from.
std::optional<Origin> origin_of(const app::GatewayConfig& config, PointId point, double value) {
  for (const app::ConfiguredDevice& device : config.devices) {
    const std::vector<Point>& points = device.plan->points();
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (points[i].id == point) return device.plan->origin(i, value);
    }
  }
  return std::nullopt;
}

double repaired(const app::GatewayConfig& config, PointId point, Instant at, double value) {
  for (const app::Repair& repair : config.repairs) {
    if (repair.point == point && repair.covers(at)) value = repair(value).value_or(std::nan(""));
  }
  return value;
}

model::Result<explain::Knowledge::ResultsAgain> results_again(const app::GatewayConfig& config, store::History& history,
                                                              PointId point, Instant begin, Instant end,
                                                              std::uint64_t through) {
  const auto made =
      app::results_again(history, config.site, config.factors, config.repairs, point, begin, end, through);
  if (made.has_error()) return made.error();
  explain::Knowledge::ResultsAgain again;
  for (const auto& [of, result] : *made) {
    again[of].push_back({.at = result.at, .sequence = 0, .value = result.value, .quality = result.quality});
  }
  return again;
}

std::vector<std::string> notes_of(const app::GatewayConfig& config, PointId point, Instant at) {
  std::vector<std::string> notes;
  for (const app::Repair& repair : config.repairs) {
    if (repair.point == point && repair.covers(at)) {
      notes.push_back("a repair of the configuration covers this time: " + repair.reason +
                      "; values are shown as they were stored, and counted as the correction has them");
    }
  }
  return notes;
}

}  // namespace

int run_explain(const app::GatewayConfig& site, const std::filesystem::path& directory, const ExplainOptions& options,
                std::ostream& out, std::ostream& err) {
  const auto fail = [&](const model::Fault& fault) {
    err << fault.text << "\n";
    return status_of_answer(fault);
  };
  const auto question = explain::parse_question(options.entry, site.site.time_zone);
  if (question.has_error()) return fail(question.error());

  const auto result = options.result.empty() ? std::nullopt : parse_time(options.result, site.site.time_zone);
  if (!options.result.empty() && !result) {
    err << "'" << options.result << "' is no time: write 2026-01-03T00:14:30, with or without an offset\n";
    return EX_USAGE;
  }

  const config::DataFiles data(directory);
  config::Problems ignored;  // it was loaded once already, with the factors
  const auto gwp = pipeline::GwpSet::load(data, site.factors.gwp(), ignored);
  OtherGwpSets others(data, site);
  const explain::Knowledge known{
      .site = site.site,
      .factors = site.factors,
      .gwp = gwp ? &*gwp : nullptr,
      .certificates = site.certificates,
      .by_gwp = [&](const std::string& name) { return others.find(name); },
      .former =
          [&](std::string_view id, std::string_view version) {
            return pipeline::find_former(data, site.factors.gwp(), site.site.time_zone, id, version);
          },
      .origin = [&](PointId point, double value) { return origin_of(site, point, value); },
      .repaired = [&](PointId point, Instant at, double value) { return repaired(site, point, at, value); },
      .results_again = [&](store::History& history, PointId point, Instant begin, Instant end,
                           std::uint64_t through) { return results_again(site, history, point, begin, end, through); },
      .notes = [&](PointId point, Instant at) { return notes_of(site, point, at); }};
  const explain::Limits limits{
      .readings = options.readings,
      .entries = options.entries == 0 ? std::numeric_limits<std::size_t>::max() : options.entries,
      .result = result};
  const auto answer =
      explain::explain(options.store.empty() ? site.store.path : options.store, known, *question, limits);
  if (answer.has_error()) return fail(answer.error());
  out << (options.json ? explain_json(*answer, site.site) : explain_text(*answer, site.site));
  out.flush();
  return out.good() ? 0 : EX_IOERR;
}

int run_explain(const std::filesystem::path& config, const ExplainOptions& options, std::ostream& out,
                std::ostream& err) {
  config::Problems problems;
  const app::GatewayConfig site = app::load_offline_config(config, problems);
  if (problems.has_errors()) {
    err << problems.to_text();
    return EX_CONFIG;
  }
  return run_explain(site, config.parent_path(), options, out, err);
}

}  // namespace carbongate::cli
