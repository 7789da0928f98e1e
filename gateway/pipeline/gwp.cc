#include "gateway/pipeline/gwp.h"

#include <algorithm>
#include <cctype>

#include "config/reader/node.h"
#include "config/reader/reader.h"
#include "gateway/pipeline/factor_document.h"

namespace carbongate::pipeline {
namespace {

using model::Gas;

constexpr std::string_view kPrefix = "gwp-";

std::string in_case(std::string_view text, int (*to)(int)) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(to(static_cast<unsigned char>(c)));
  return out;
}

bool by_definition(Gas gas) {
  return gas == Gas::co2_biogenic || gas == Gas::unsplit;
}

}  // namespace

std::optional<GwpSet> GwpSet::load(const config::DataFiles& data, std::string_view name, config::Problems& problems) {
  const auto file = data.find("factors", std::string(kPrefix) + in_case(name, std::tolower));
  if (!file) {
    problems.error({}, "there is no set of global warming potentials '" + std::string(name) + "'" +
                           config::suggestion(name, gwp_names(data)));
    return std::nullopt;
  }
  const std::size_t errors_before = problems.times_reported();
  const config::Node root = config::parse_text(file->text, file->where, problems);
  if (problems.times_reported() != errors_before) return std::nullopt;
  config::Reader in(root, problems);
  in.one_of("kind", {"gwp"}, 0);
  GwpSet set;
  set.name_ = in.required<std::string>("assessment");
  set.version_ = in.required<std::string>("version");
  in.required<std::string>("publisher");
  in.optional<std::string>("name");
  in.optional<std::string>("notes");
  const std::string id = in.required<std::string>("set");
  if (id != file->name) in.error("set", "is '" + id + "', but the file is named '" + file->name + "'");
  if (!set.name_.empty() && std::string(kPrefix) + in_case(set.name_, std::tolower) != file->name) {
    in.error("assessment", "is '" + set.name_ + "', but the file is named '" + file->name + "'");
  }
  Documents documents;
  documents.read(in);
  for (const config::Node& node : in.required_items("values")) {
    config::Reader row(node, problems);
    const std::string gas_name = row.required<std::string>("gas");
    const auto gas = model::find_gas(gas_name);
    const auto gwp100 = read_decimal(row, "gwp100");
    const std::string text = row.optional<std::string>("gwp100").value_or("");
    Origin origin = documents.read_origin(row);
    row.finish();
    if (gas_name.empty() || !gwp100) continue;
    if (!gas || by_definition(*gas)) {
      row.error("gas", gas ? "the potential of '" + gas_name + "' is so by definition, and not a published value"
                           : "unknown gas '" + gas_name + "'" + config::suggestion(gas_name, model::gas_names()));
    } else if (!set.values_
                    .try_emplace(*gas, Value{*gwp100, text, origin.source, origin.confidence, std::move(origin.note)})
                    .second) {
      row.error("gas", "a second value for " + gas_name);
    }
  }
  in.finish();
  if (problems.times_reported() != errors_before) return std::nullopt;
  return set;
}

std::optional<Fraction> GwpSet::of(Gas gas) const {
  if (gas == Gas::co2_biogenic) return Fraction::of(0);
  if (gas == Gas::unsplit) return Fraction::of(1);
  const Value* found = value(gas);
  return found ? std::optional(found->gwp100) : std::nullopt;
}

const GwpSet::Value* GwpSet::value(Gas gas) const {
  const auto found = values_.find(gas);
  return found == values_.end() ? nullptr : &found->second;
}

std::vector<std::string> gwp_names(const config::DataFiles& data) {
  std::vector<std::string> names;
  for (const std::string& name : data.names("factors")) {
    if (name.starts_with(kPrefix)) names.push_back(in_case(name.substr(kPrefix.size()), std::toupper));
  }
  return names;
}

}  // namespace carbongate::pipeline
