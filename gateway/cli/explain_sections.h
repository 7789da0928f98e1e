// The parts of explain_text(), each a section of the page.
#pragma once

#include <string>

#include "gateway/cli/page.h"
#include "gateway/explain/explanation.h"
#include "gateway/model/site.h"
#include "gateway/tables/local_time.h"

namespace carbongate::cli {

// What figures look like, in one place for all sections. Not thread-safe.
class Figures {
 public:
  Figures(const explain::Explanation& explanation, const model::Site& site)
      : explanation_(explanation), time_(site.time_zone) {}

  std::string time(Instant at) { return time_(at); }
  std::string clock(Instant at);                     // the same without its offset: of tables
  std::string amount(model::Activity amount) const;  // "12.5 kWh"
  std::string unit() const;                          // "kWh"

  static std::string kilograms(std::int64_t milligrams);          // "1.955"
  static std::string percent(std::int64_t ppm);                   // "0.6633 %"
  static std::string coverage(Duration covered, Duration whole);  // "100 % (900 s of 900 s)"
  static std::string number(double value);                        // shortest; "-" for NaN
  static std::string rounded(double value);                       // to twelve digits: of what is worked out again
  static std::string quality(model::Quality quality);             // "estimated (gap)"

 private:
  const explain::Explanation& explanation_;
  tables::LocalTime time_;
};

void write_entry(Page& page, const explain::Explanation& e, Figures& figures, const model::Site& site);
void write_corrections(Page& page, const explain::Explanation& e, Figures& figures);
void write_formulas(Page& page, const explain::Explanation& e, Figures& figures);
void write_factors(Page& page, const explain::Explanation& e, Figures& figures);
void write_uncertainty(Page& page, const explain::Explanation& e, Figures& figures);
void write_interval(Page& page, const explain::Explanation& e, Figures& figures);
void write_registers(Page& page, const explain::Explanation& e, Figures& figures);
void write_derived(Page& page, const explain::Explanation& e, Figures& figures);
void write_ledger(Page& page, const explain::Explanation& e, Figures& figures);

}  // namespace carbongate::cli
