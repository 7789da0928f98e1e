// The revisions of one entry, told apart by what they rest on. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "gateway/model/rows.h"

namespace carbongate::books {

// What follows from readings is computed again when more is known. Substitutions, manual amounts and certificates stand
// beside it and are decided anew, each by its own rule. Figures are sums: of the four together, what is known now.
//
// A substitution is in force until data come: a later revision that rests on readings, and is watched for longer than
// the one before, took it back together with what had been computed until then. Or until a person says what it was: a
// later manual revision took its place, and is a part of the manual layer with it.
struct Layers {
  model::EmissionEntry computed;      // factors, coverage and quality are those of its newest revision
  model::EmissionEntry substituted;   // in force; factors and quality likewise
  model::EmissionEntry manual;        // entered by a person
  model::EmissionEntry certificates;  // market-based emission only
  bool has_computed = false;          // else it was never published, nor computed later
  bool has_substituted = false;
  bool has_manual = false;
  bool has_certificates = false;  // there is a revision of that cause, also one that took all back
  std::string certificate_note;   // of the newest of these
  std::uint32_t newest = 0;       // revision

  // What certificates are matched with: everything else, with the newest factors and coverage. The quality is that of
  // the newest revision of any cause.
  model::EmissionEntry without_certificates() const;

  // The same without what a person entered: what is known of an entry by itself.
  model::EmissionEntry without_manual() const;

  // What a person's amount takes the place of: the one before, and a substitution in force.
  model::EmissionEntry before_manual() const;

  model::Quality newest_quality;
};

// `revisions`: of one account and begin, at least one, ascending.
Layers layers_of(std::span<const model::EmissionEntry> revisions);

}  // namespace carbongate::books
