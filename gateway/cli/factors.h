// `carbongate factors`: which factors there are, where one comes from, and how two sets differ.
//
// list  one row a factor: id, kind, carrier, region, method, value, unit, co2e (kg per unit of the carrier; empty for
//       standard coal), valid_from, valid_until, version, publication, confidence, source, point. A live set is one
//       row, with its newest value if the site's store has one; `point` says where its values come from, and is empty
//       for all else
// show  one factor: gases, CO2e by every set of global warming potentials, uncertainty, formula, validity, what it
//       supersedes and what supersedes it, provenance; a live set: its point, limits, fallback and newest values
// diff  two sets, or two files of one set: added, removed and changed rows, with the change in percent
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace carbongate::cli {

struct FactorOptions {
  // Without a configuration: the sets that ship with the program and those in ./factors; dates in the default zone.
  std::filesystem::path config = {};
  std::vector<std::string> sets = {};               // only these; empty: those of the configuration, or all
  std::string gwp = {};                             // empty: that of the configuration, or the default
  std::optional<std::filesystem::path> store = {};  // of live sets, instead of the configured one

  std::string carrier = {};  // list: only these; empty: any
  std::string region = {};
  std::string method = {};
  std::string at = {};           // only what applies then: 2026-11-01
  std::string format = "table";  // or csv, jsonl
};

// Exit status: 0; 1 where diff found a difference; 65 (EX_DATAERR) for a set, a factor or an option that does not
// exist; 74 (EX_IOERR) when the output cannot be written; 78 (EX_CONFIG) for a configuration or a factor file with
// errors.
int run_factors_list(const FactorOptions& options, std::ostream& out, std::ostream& err);
int run_factors_show(const FactorOptions& options, const std::string& id, std::ostream& out, std::ostream& err);

// `before` and `after`: names of sets, or files (with a '/' or ending in .yaml).
int run_factors_diff(const FactorOptions& options, const std::string& before, const std::string& after,
                     std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli
