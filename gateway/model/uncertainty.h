// How far a metered amount may lie from the truth (JCGM 100, "GUM"): limits of error of instruments as data, and the
// arithmetic that combines them. Whatever goes into the books is worked out in integers, so that a statement has the
// same digits on every machine.
//
// Standard uncertainty of an instrument whose error lies anywhere within +-a alike: a / sqrt(3) (JCGM 100, 4.3.7).
// Independent ones add as squares; U = 2 u covers about 95 %.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string_view>

namespace carbongate::model {

// Limits of error in percent of the reading, in millionths of it.
struct MeterClass {
  std::string_view id;           // "0.5S", as in configuration and statements
  std::string_view what;         // for people: "electricity"
  std::int32_t limit_ppm;        // in the range where a well-chosen meter works; power factor 1
  std::int32_t limit_light_ppm;  // lightly loaded: S classes at 1..5 % of In, others at 0.05 Ib; else the same
  std::string_view source;
};

std::span<const MeterClass> meter_classes();  // static storage

// "1.0" is "1". nullptr: no such class.
const MeterClass* find_meter_class(std::string_view id);

// Standard uncertainty, in percent, of what errs by at most +-limit_percent.
inline double rectangular(double limit_percent) {
  return limit_percent / std::sqrt(3.0);
}

// What an amount passes through on its way from the wire to the register: limits of error, each rectangular and
// independent of the others, in millionths of the reading. 0: not there.
struct MeterChain {
  std::int32_t meter_ppm = 0;
  std::int32_t ct_ppm = 0;     // current transformer
  std::int32_t pt_ppm = 0;     // voltage transformer
  std::int32_t extra_ppm = 0;  // whatever else: a corrector of gas volumes, a sampling

  // Half-width of the 95 % interval in millionths: 2 * sqrt(sum of squares / 3), rounded to nearest.
  std::int32_t u95_ppm() const;
};

// Independent half-widths, combined: the root of the sum of their squares. Exact until the final rounding; beyond 64
// bits (9.2 Gt) it stays at the largest number there is.
class Quadrature {
 public:
  void add(std::int64_t half_width);
  std::int64_t root() const;  // rounded to nearest

 private:
  unsigned __int128 squares_ = 0;
  bool overflown_ = false;
};

// Of a sum: what one meter leads to adds linearly, and so does what one factor leads to; meters and factors are
// independent of each other. What is taken off is added with a minus.
template <class Meter, class Factor>
class CombinedUncertainty {
 public:
  void add(const Meter& meter, std::int64_t by_meter, const Factor& factor, std::int64_t by_factor) {
    meters_[meter] += by_meter;
    factors_[factor] += by_factor;
  }
  std::int64_t root() const {
    Quadrature sum;
    for (const auto& [meter, half_width] : meters_) sum.add(half_width);
    for (const auto& [factor, half_width] : factors_) sum.add(half_width);
    return sum.root();
  }

 private:
  std::map<Meter, std::int64_t> meters_;
  std::map<Factor, std::int64_t> factors_;
};

}  // namespace carbongate::model
