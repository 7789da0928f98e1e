#include "gateway/store/value_column.h"

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

namespace carbongate::store {
namespace {

// How a double is a whole number. Numbers in the file: never change.
//   0                bits of the double, in the order of the numbers
//   1                the same of a float of 32 bits
//   2 + e            n / 10^e
//   kTimes + e - 1   n * 10^-e, which is not always the same double
constexpr int kModeBits = 5;
constexpr int kDouble = 0;
constexpr int kFloat = 1;
constexpr int kOver = 2;
constexpr int kTimes = 12;
constexpr int kModes = 21;
// A single value is its number alone: 21 a double, 22 a float, 23 + e the n of n / 10^e.
constexpr int kSingle = 21;
constexpr int kSingleModes = 11;
constexpr std::array kPowers{1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
constexpr std::array kParts{1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9};
constexpr double kExactMax = 9'007'199'254'740'992.0;  // 2^53

// A few that are none of the mode's stand apart with all their bits.
constexpr std::size_t kStrangerShare = 16;

// What is coded of the numbers m, which are those of the mode less the first, divided by what divides them all.
enum class Form : std::uint8_t {
  level = 0,   // above the least
  step = 1,    // differences
  change = 2,  // differences of differences
  climb = 3,   // differences above the least
};
constexpr int kFormBits = 2;

std::uint64_t bits_of(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

// Floats are ordered as their bits are, but for the sign.
template <class Bits>
Bits ordered(Bits bits) {
  constexpr Bits kSign = Bits{1} << (sizeof(Bits) * 8 - 1);
  return bits & kSign ? ~bits : bits | kSign;
}
template <class Bits>
Bits unordered(Bits bits) {
  constexpr Bits kSign = Bits{1} << (sizeof(Bits) * 8 - 1);
  return bits & kSign ? bits & ~kSign : ~bits;
}

double value_of(int mode, std::uint64_t number) {
  const auto whole = [&] { return static_cast<double>(static_cast<std::int64_t>(number)); };
  if (mode == kDouble) return std::bit_cast<double>(unordered(number));
  if (mode == kFloat) return std::bit_cast<float>(unordered(static_cast<std::uint32_t>(number)));
  if (mode < kTimes) return whole() / kPowers.at(static_cast<std::size_t>(mode - kOver));
  return whole() * kParts.at(static_cast<std::size_t>(mode - kTimes) + 1);
}

// nullopt: it is none of this mode.
std::optional<std::uint64_t> number_of(int mode, double value) {
  if (mode == kDouble) return ordered(bits_of(value));
  std::uint64_t number = 0;
  if (mode == kFloat) {
    if (!(std::abs(value) <= std::numeric_limits<float>::max())) return std::nullopt;
    number = ordered(std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  } else {
    const auto power = static_cast<std::size_t>(mode < kTimes ? mode - kOver : mode - kTimes + 1);
    const double scaled = value * kPowers.at(power);
    if (!(std::abs(scaled) < kExactMax)) return std::nullopt;
    number = static_cast<std::uint64_t>(std::llround(scaled));
  }
  if (bits_of(value_of(mode, number)) != bits_of(value)) return std::nullopt;
  return number;
}

struct Numbers {
  int mode = kDouble;
  std::vector<std::uint64_t> all;
  std::vector<std::size_t> strangers;
};

// False: too many are none of this mode.
bool take(int mode, std::span<const double> values, Numbers& numbers) {
  numbers.mode = mode;
  numbers.all.clear();
  numbers.strangers.clear();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (const auto number = number_of(mode, values[i])) {
      numbers.all.push_back(*number);
    } else {
      if (numbers.strangers.size() == values.size() / kStrangerShare) return false;
      numbers.strangers.push_back(i);
      numbers.all.push_back(numbers.all.empty() ? 0 : numbers.all.back());
    }
  }
  return true;
}

Numbers numbers_of(std::span<const double> values) {
  Numbers numbers;
  for (int mode = kOver; mode < kModes; ++mode) {
    if (take(mode, values, numbers)) return numbers;
  }
  if (!take(kFloat, values, numbers)) take(kDouble, values, numbers);
  return numbers;
}

// What is left of m in a form, all of it to be written as small numbers.
struct Residue {
  std::uint64_t base = 0;  // the least level or step, zigzag
  std::vector<std::uint64_t> rest;
  std::uint64_t cost = 0;  // bits, about
};

Residue residue_of(Form form, std::span<const std::int64_t> m) {
  const auto minus = [](std::int64_t a, std::int64_t b) {
    return static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
  };
  Residue residue;
  residue.rest.reserve(m.size());
  std::int64_t least = 0;
  if (form == Form::level) {
    for (const std::int64_t number : m) least = std::min(least, number);
    for (const std::int64_t number : m) residue.rest.push_back(minus(number, least));
  } else {
    std::uint64_t before = 0;
    if (form == Form::climb && m.size() > 1) {
      least = std::numeric_limits<std::int64_t>::max();
      for (std::size_t i = 1; i < m.size(); ++i) {
        least = std::min(least, static_cast<std::int64_t>(minus(m[i], m[i - 1])));
      }
    }
    for (std::size_t i = 1; i < m.size(); ++i) {
      const std::uint64_t step = minus(m[i], m[i - 1]);
      if (form == Form::climb) {
        residue.rest.push_back(step - static_cast<std::uint64_t>(least));
      } else {
        residue.rest.push_back(zigzag(form == Form::change ? step - before : step));
      }
      before = step;
    }
  }
  residue.base = zigzag(static_cast<std::uint64_t>(least));
  for (const std::uint64_t number : residue.rest) residue.cost += static_cast<std::uint64_t>(std::bit_width(number));
  if (form == Form::level || form == Form::climb)
    residue.cost += static_cast<std::uint64_t>(std::bit_width(residue.base));
  return residue;
}

bool has_base(Form form) {
  return form == Form::level || form == Form::climb;
}

std::uint64_t divisor_of(const Numbers& numbers) {
  if (numbers.mode < kOver) return 1;  // bits have none
  std::uint64_t divisor = 0;
  for (const std::uint64_t number : numbers.all) {
    const auto difference = static_cast<std::int64_t>(number - numbers.all.front());  // both below 2^53
    divisor = std::gcd(divisor, static_cast<std::uint64_t>(std::abs(difference)));
    if (divisor == 1) break;
  }
  return divisor == 0 ? 1 : divisor;
}

}  // namespace

void encode_values(std::span<const double> values, BitWriter& out) {
  if (values.empty()) return;
  const Numbers numbers = numbers_of(values);
  if (values.size() == 1 && numbers.mode < kSingleModes) {
    out.bits(static_cast<std::uint64_t>(kSingle + numbers.mode), kModeBits);
    out.number(zigzag(numbers.all.front()));
    return;
  }
  out.bits(static_cast<std::uint64_t>(numbers.mode), kModeBits);
  out.number(numbers.strangers.size());
  for (const std::size_t i : numbers.strangers) {
    out.number(i);
    out.bits(bits_of(values[i]), 64);
  }
  const std::uint64_t divisor = divisor_of(numbers);
  std::vector<std::int64_t> m;
  m.reserve(values.size());
  for (const std::uint64_t number : numbers.all) {
    const auto difference = static_cast<std::int64_t>(number - numbers.all.front());
    m.push_back(divisor == 1 ? difference : difference / static_cast<std::int64_t>(divisor));
  }
  Form best = Form::step;
  Residue residue = residue_of(best, m);
  for (const Form form : {Form::level, Form::change, Form::climb}) {
    if (residue.cost == 0) break;
    if (Residue other = residue_of(form, m); other.cost < residue.cost) {
      best = form;
      residue = std::move(other);
    }
  }
  out.number(zigzag(numbers.all.front()));
  out.number(divisor);
  out.bits(static_cast<std::uint64_t>(best), kFormBits);
  if (has_base(best)) out.number(residue.base);
  RiceCode code;
  for (const std::uint64_t number : residue.rest) code.put(out, number);
}

void decode_values(BitReader& in, std::span<double> values) {
  if (values.empty()) return;
  const auto mode = static_cast<int>(in.bits(kModeBits));
  if (mode >= kSingle && values.size() == 1) {
    values.front() = value_of(mode - kSingle, unzigzag(in.number()));
    return;
  }
  if (mode >= kModes) throw DamagedRecord("a block of readings has values of an unknown kind");
  const std::uint64_t strangers = in.number();
  if (strangers > values.size()) throw DamagedRecord("a block of readings has more exceptions than values");
  std::vector<std::pair<std::size_t, double>> apart;
  for (std::uint64_t i = 0; i < strangers; ++i) {
    const std::uint64_t at = in.number();
    if (at >= values.size()) throw DamagedRecord("a block of readings has an exception beyond its values");
    apart.emplace_back(at, std::bit_cast<double>(in.bits(64)));
  }
  const std::uint64_t first = unzigzag(in.number());
  const std::uint64_t divisor = in.number();
  const auto form = static_cast<Form>(in.bits(kFormBits));
  const std::uint64_t least = has_base(form) ? unzigzag(in.number()) : 0;
  RiceCode code;
  std::uint64_t m = 0;
  std::uint64_t step = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (form == Form::level) {
      m = code.get(in) + least;
    } else if (i > 0) {
      if (form == Form::climb) {
        step = code.get(in) + least;
      } else {
        step = unzigzag(code.get(in)) + (form == Form::change ? step : 0);
      }
      m += step;
    }
    values[i] = value_of(mode, first + m * divisor);
  }
  for (const auto& [at, value] : apart) values[at] = value;
}

}  // namespace carbongate::store
