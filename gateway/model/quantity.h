// Fixed-point quantities: 64-bit integers of one fixed unit. Sums are exact and associative, so replays are byte-equal
// and the rows of a day add up to the day. Doubles end at the quality stage.
#pragma once

#include <compare>
#include <cstdint>

namespace carbongate::model {

// An amount, like a std::chrono::duration. Two different tags have no operator in common.
template <class Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  static constexpr Quantity of(std::int64_t quanta) {
    Quantity q;
    q.quanta_ = quanta;
    return q;
  }
  constexpr std::int64_t quanta() const { return quanta_; }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return of(a.quanta_ + b.quanta_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return of(a.quanta_ - b.quanta_); }
  friend constexpr Quantity operator-(Quantity a) { return of(-a.quanta_); }
  constexpr Quantity& operator+=(Quantity other) { return *this = *this + other; }
  constexpr Quantity& operator-=(Quantity other) { return *this = *this - other; }

 private:
  std::int64_t quanta_ = 0;
};

// A running total, like a time_point: the difference of two is an amount; adding two does not compile.
template <class Q>
class Cumulative {
 public:
  constexpr Cumulative() = default;
  static constexpr Cumulative at(Q since_zero) {
    Cumulative c;
    c.since_zero_ = since_zero;
    return c;
  }
  constexpr Q since_zero() const { return since_zero_; }

  friend constexpr auto operator<=>(Cumulative, Cumulative) = default;
  friend constexpr Q operator-(Cumulative a, Cumulative b) { return a.since_zero_ - b.since_zero_; }
  friend constexpr Cumulative operator+(Cumulative a, Q b) { return at(a.since_zero_ + b); }

 private:
  Q since_zero_{};
};

// Activity data, in the quantum of its carrier (carrier.h): 1 mWh of electricity, 1 J of heat, 1 mL of a gas at 0 °C
// and 101.325 kPa, 1 mL of a liquid, 1 mg of a fuel by mass. 2^63 mWh is 9.2 PWh.
using Activity = Quantity<struct ActivityTag>;

// Greenhouse gas as CO2 equivalent, in milligrams: 2^63 mg is 9.2 Gt.
using Co2e = Quantity<struct Co2eTag>;

}  // namespace carbongate::model
