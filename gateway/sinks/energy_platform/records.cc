#include "gateway/sinks/energy_platform/records.h"

#include <algorithm>

namespace carbongate::sinks::energy_platform {
namespace {

namespace codec = carbongate::energy_platform;
using Wide = __int128;

constexpr int kDecimalsOfInexact = 6;

std::int64_t power_of_ten(int exponent) {
  std::int64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

bool is_power_of_ten(std::int64_t number) {
  while (number % 10 == 0) number /= 10;
  return number == 1;
}

std::int64_t rounded(Wide numerator, Wide denominator) {
  const Wide half = denominator / 2;
  return static_cast<std::int64_t>((numerator < 0 ? numerator - half : numerator + half) / denominator);
}

}  // namespace

// A quarter hour that was estimated over a gap is exact only together with its neighbours; a day is, in which the gap
// lies, for it is what the counter moved: there the share that was watched decides. So it does of a longer period in
// which a counter was reset, and where the lack of a factor hides what the amount is like. A day that was measured only
// in part, as the first one, is none either.
bool is_valid(const codec::Dialect& dialect, const model::RollupRow& row) {
  const bool is_watched = 100 * row.covered >= dialect.valid_watched_percent * (row.end - row.begin);
  if (row.quality.rule == model::Rule::no_factor) return is_watched;
  const auto is_said = [&](model::Origin origin) {
    return std::ranges::find(dialect.valid_origins, to_string(origin)) != dialect.valid_origins.end();
  };
  const bool is_longer = row.period != model::Period::quarter_hour;
  if (!usable(row.quality)) {
    const model::Rule rule = row.quality.rule;
    return is_longer && is_watched && (model::leaves_unknown(rule) || lack_of_factor(rule) != 0);
  }
  const bool is_whole = !is_longer || row.quality.origin > model::Origin::late;
  if (is_said(row.quality.origin)) return is_whole || is_watched;
  return row.quality.origin == model::Origin::estimated && is_longer && is_watched;
}

std::optional<codec::StatType> stat_type_of(model::Period period) {
  switch (period) {
    case model::Period::quarter_hour: return codec::StatType::real_time;
    case model::Period::hour: return std::nullopt;
    case model::Period::day: return codec::StatType::day;
    case model::Period::month: return codec::StatType::month;
    case model::Period::year: return codec::StatType::year;
  }
  return std::nullopt;
}

Cadence cadence_of(codec::StatType type) {
  if (type == codec::StatType::real_time) return Cadence::real_time;
  return type == codec::StatType::day ? Cadence::days : Cadence::months;
}

// 2^63 quanta times 10^9 times the milliseconds of an hour are below 2^127.
std::string value_of(const Item& item, const model::RollupRow& row) {
  const std::int64_t quanta = row.amount.quanta();
  if (!item.is_rate && !item.decimals && is_power_of_ten(item.quanta_per_unit)) {
    return model::format_fixed(quanta, item.quanta_per_unit);
  }
  const int decimals = item.decimals.value_or(kDecimalsOfInexact);
  Wide numerator = static_cast<Wide>(quanta) * power_of_ten(decimals);
  Wide denominator = item.quanta_per_unit;
  if (item.is_rate) {
    numerator *= std::chrono::milliseconds(std::chrono::hours(1)).count();
    denominator *= std::max<std::int64_t>((row.end - row.begin).count(), 1);
  }
  return model::format_fixed(rounded(numerator, denominator), power_of_ten(decimals));
}

std::string date_text(tables::LocalTime& time, Instant at) {
  std::string text = time(std::chrono::floor<std::chrono::seconds>(at)).substr(0, 19);
  std::ranges::replace(text, 'T', ' ');
  return text;
}

Instant due(model::Period period, Instant end, std::chrono::seconds upload_time, std::uint32_t month_day) {
  switch (period) {
    case model::Period::quarter_hour:
    case model::Period::hour: return end;
    case model::Period::day: return end + upload_time;
    case model::Period::month:
    case model::Period::year: return end + std::chrono::hours(24) * (month_day - 1) + upload_time;
  }
  return end;
}

std::vector<codec::Record> RecordMaker::records_of(const model::StoredRow& row, Instant now) {
  std::vector<codec::Record> records;
  const auto* rollup = row.body.get_if<model::RollupRow>();
  const auto type = rollup ? stat_type_of(rollup->period) : std::nullopt;
  if (!type || cadence_of(*type) != cadence_) return records;
  const std::string point = row.series->device + "." + row.series->point;
  for (const Item& item : config_.items) {
    if (item.user != row.series->user || item.point != point || !item.carrier) continue;
    if (item.carrier->id != row.series->carrier) continue;
    if (std::ranges::find(item.periods, *type) == item.periods.end()) continue;
    const model::Quality quality = rollup->quality;
    records.push_back({.code = item.code,
                       .value = value_of(item, *rollup),
                       .input_type = quality.origin == model::Origin::manual ? codec::kHandFilled : item.input_type,
                       .stat_type = *type,
                       .stat_date = date_text(time_, rollup->begin),
                       .upload_date = date_text(time_, now),
                       .scope = item.scope,
                       .is_valid = is_valid(config_.dialect, *rollup)});
  }
  return records;
}

}  // namespace carbongate::sinks::energy_platform
