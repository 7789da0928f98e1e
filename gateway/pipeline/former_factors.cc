#include "gateway/pipeline/former_factors.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_set.h"
#include "gateway/pipeline/gwp.h"

namespace carbongate::pipeline {

std::optional<model::Factor> find_former(const config::DataFiles& data, std::string_view gwp,
                                         std::string_view time_zone, std::string_view id, std::string_view version) {
  const auto slash = id.find('/');
  if (slash == std::string_view::npos || !Calendar::knows(time_zone)) return std::nullopt;
  const std::string set(id.substr(0, slash));
  config::Problems ignored;
  Calendar calendar{std::string(time_zone)};
  const auto potentials = GwpSet::load(data, gwp, ignored);
  const FactorReading reading{data, calendar, potentials ? &*potentials : nullptr, ignored};
  const auto find_in = [&](std::optional<config::DataFiles::File> file) -> std::optional<model::Factor> {
    if (!file) return std::nullopt;
    file->name = set;  // a file that is kept may have any name
    std::vector<model::Factor> factors;
    read_factor_set(*file, reading, factors);
    const auto found = std::ranges::find_if(factors, [&](const model::Factor& factor) {
      return factor.id == id && (version.empty() || factor.version == version);
    });
    return found == factors.end() ? std::nullopt : std::optional(*found);
  };
  if (auto found = find_in(data.find("factors", set))) return found;
  for (const std::string& name : data.names(kFormerKind)) {
    if (auto found = find_in(data.find(kFormerKind, name))) return found;
  }
  return std::nullopt;
}

}  // namespace carbongate::pipeline
