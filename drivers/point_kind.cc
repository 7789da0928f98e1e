#include "drivers/point_kind.h"

#include <array>
#include <string>
#include <vector>

#include "config/reader/text.h"

namespace carbongate {
namespace {

bool is_amount(Dimension dimension) {
  switch (dimension) {
    case Dimension::ratio:
    case Dimension::energy:
    case Dimension::reactive_energy:
    case Dimension::apparent_energy:
    case Dimension::volume:
    case Dimension::normal_volume:
    case Dimension::mass:
    case Dimension::pieces:
    case Dimension::duration: return true;
    default: return false;
  }
}

}  // namespace

void read_unit(config::Reader& in, Point& point) {
  const std::string symbol = in.required<std::string>("unit");
  if (symbol.empty()) return;
  if (const auto unit = find_unit(symbol)) {
    point.unit = *unit;
    return;
  }
  std::vector<std::string> known;
  for (const Unit& unit : all_units()) known.emplace_back(unit.symbol);
  in.error("unit", "unknown unit '" + config::printable(symbol) + "'" + config::suggestion(symbol, known));
}

void read_kind(config::Reader& in, Point& point) {
  const bool amount = is_amount(point.unit.dimension) && point.unit.dimension != Dimension::ratio;
  constexpr std::array kKinds{Kind::cumulative, Kind::interval, Kind::instantaneous};
  point.kind = kKinds[in.one_of("kind", {"cumulative", "interval", "instantaneous"}, amount ? 0 : 2)];
  if (in.has("unit") && point.kind != Kind::instantaneous && !is_amount(point.unit.dimension)) {
    in.error("kind", "a " + std::string(to_string(point.unit.dimension)) + " in " + std::string(point.unit.symbol) +
                         " is a rate or a state: it can only be instantaneous");
  }
}

}  // namespace carbongate
