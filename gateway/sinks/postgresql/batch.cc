#include "gateway/sinks/postgresql/batch.h"

#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <variant>

#include "gateway/model/carrier.h"
#include "gateway/model/stated.h"
#include "gateway/sinks/postgresql/tables.h"
#include "gateway/sinks/shared/place_in_time.h"
#include "protocols/postgresql/copy_binary.h"

namespace carbongate::sinks::postgresql {
namespace {

using carbongate::postgresql::CopyWriter;

constexpr int kCenti = 2;
constexpr int kMilli = 3;
constexpr int kMicro = 6;  // milligrams as kilograms

int decimals(std::int64_t quanta_per_display) {
  int count = 0;
  for (; quanta_per_display > 1; quanta_per_display /= 10) ++count;
  return count;
}

bool is_in_time(Instant at) {
  const auto ms = at.time_since_epoch().count();
  return ms >= carbongate::postgresql::kTimeMinMs && ms <= carbongate::postgresql::kTimeMaxMs;
}

struct Times {
  bool operator()(const model::JudgedReading& row) const { return is_in_time(row.at); }
  bool operator()(const model::EnergyInterval& row) const { return is_in_time(row.begin) && is_in_time(row.end); }
  bool operator()(const model::EmissionEntry& row) const {
    return is_in_time(row.begin) && is_in_time(row.end) && (!row.correction || is_in_time(row.correction->booked_at));
  }
  bool operator()(const model::RollupRow& row) const { return is_in_time(row.begin) && is_in_time(row.end); }
  bool operator()(const model::RunningTotal& row) const {
    return is_in_time(row.at) && (!row.since || is_in_time(*row.since));
  }
  bool operator()(const model::Report&) const { return true; }
  bool operator()(const model::Alert& row) const {
    const bool of = !row.of || (is_in_time(row.of->begin) && is_in_time(row.of->end));
    return of && is_in_time(row.at) && is_in_time(row.since);
  }
};

std::string json_of(const model::GasMasses& gases) {
  std::string json = "{";
  gases.each([&](model::Gas gas, model::GasMass mass) {
    json += json.size() == 1 ? "\"" : ", \"";
    json.append(to_string(gas)).append("\": ");
    json += model::format_fixed(mass.quanta(), model::kMilligramsPerKilogram);
  });
  return json + "}";
}

// Fields of one row, in the order of columns_of().
class Fields {
 public:
  Fields(CopyWriter& out, Table table, std::int32_t subject, std::int32_t row) : out_(out) {
    out_.row(static_cast<std::int16_t>(kStagedColumns + columns_of(table).size()));
    out_.int32(subject);
    out_.int32(row);
  }

  void text(std::string_view value) { out_.text(value); }
  void text_or_null(std::string_view value) { value.empty() ? out_.null() : out_.text(value); }
  void time(Instant at) { out_.timestamptz(at.time_since_epoch().count()); }
  void number(std::uint32_t value) { out_.int32(static_cast<std::int32_t>(value)); }
  void null(int count = 1) {
    for (; count > 0; --count) out_.null();
  }
  void float_or_null(double value) { std::isnan(value) ? out_.null() : out_.float8(value); }
  void kilograms(model::Co2e co2e) { out_.numeric(co2e.quanta(), kMicro); }
  void coal(std::optional<model::StandardCoal> coal) { coal ? out_.numeric(coal->quanta(), kMicro) : out_.null(); }
  void percent(std::optional<std::int64_t> hundredths) { hundredths ? out_.numeric(*hundredths, kCenti) : out_.null(); }
  void seconds(Duration duration) { out_.numeric(duration.count(), kMilli); }

  void amount(model::Activity amount, const model::Carrier& carrier) {
    out_.numeric(amount.quanta(), decimals(carrier.quanta_per_display));
    out_.text(carrier.display.symbol);
  }

  void uncertainty(const model::Co2eWithin& emitted, model::Stated stated) {
    if (stated != model::Stated::none) {
      kilograms(emitted.u95());
    } else {
      null();
    }
    kilograms(emitted.u95_activity);
    kilograms(emitted.u95_factor);
  }

  void uncertainty_and_gases(const model::Emitted& emitted, model::Stated stated) {
    uncertainty(emitted.without_gases(), stated);
    out_.jsonb(json_of(emitted.gases));
  }

  // `market`: nullopt outside of scope 2.
  void stated(model::Stated primary, std::optional<model::Stated> market) {
    text(to_string(primary));
    market ? text(to_string(*market)) : null();
  }

  void market(const model::Emitted& market, model::Stated stated) {
    kilograms(market.co2e);
    uncertainty_and_gases(market, stated);
  }

  void quality(model::Quality quality) {
    text(to_string(quality.origin));
    text_or_null(to_string(quality.rule));
  }

 private:
  CopyWriter& out_;
};

class Builder {
 public:
  void add(const model::StoredRow& row) {
    ++row_;
    row.body.visit([&](const auto& body) { put(*row.series, body); });
  }

  Batch finish(std::string_view schema) {
    Batch batch;
    batch.sql = "BEGIN; ";
    std::string merges;
    for (std::size_t i = 0; i < kTableCount; ++i) {
      if (copies_[i].rows() == 0) continue;
      batch.sql += copy_sql(static_cast<Table>(i)) + "; ";
      batch.copies.push_back(copies_[i].finish());
      merges += merge_sql(static_cast<Table>(i), schema) + "; ";
    }
    batch.sql += merges + "COMMIT";
    return batch;
  }

 private:
  using PointKey = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view>;
  using AccountKey = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view,
                                std::string_view, std::string_view>;
  using RuleKey = AccountKey;

  CopyWriter& of(Table table) { return copies_[static_cast<std::size_t>(table)]; }

  // The subject's number in this batch. An account is staged again when its attributes have changed: the last one
  // holds.
  std::int32_t point(const model::Series& series) {
    const PointKey key{series.site, series.device, series.point, series.unit};
    const auto [found, is_new] = points_.try_emplace(key, static_cast<std::int32_t>(points_.size()));
    if (is_new) {
      Fields out(of(Table::points), Table::points, found->second, row_);
      for (const auto* name : {&series.site, &series.device, &series.point, &series.unit}) out.text(*name);
    }
    return found->second;
  }

  std::int32_t account(const model::Series& series) {
    const AccountKey key{series.site, series.user, series.carrier, series.device, series.point, to_string(series.flow)};
    const auto [found, is_new] =
        accounts_.try_emplace(key, Account{static_cast<std::int32_t>(accounts_.size()), &series});
    const model::Series& known = *found->second.series;
    if (!is_new && (&known == &series || (known.user_name == series.user_name && known.scope == series.scope &&
                                          known.region == series.region && known.part_of == series.part_of))) {
      return found->second.number;
    }
    found->second.series = &series;
    Fields out(of(Table::accounts), Table::accounts, found->second.number, row_);
    for (const auto* name : {&series.site, &series.user, &series.carrier, &series.device, &series.point})
      out.text(*name);
    out.text(to_string(series.flow));
    out.text(series.user_name);
    if (series.scope == model::Scope::none) {
      out.null();
    } else {
      out.number(static_cast<std::uint32_t>(series.scope));
    }
    out.text(series.region);
    out.text_or_null(series.part_of);
    return found->second.number;
  }

  // Staged again when its names have changed: the last ones hold.
  std::int32_t rule(const model::Series& series, const model::Alert& alert) {
    const RuleKey key{series.site, series.rule, series.device, series.point, series.user, series.carrier};
    const auto [found, is_new] = rules_.try_emplace(key, Rule{static_cast<std::int32_t>(rules_.size()), &alert});
    const model::Alert& known = *found->second.alert;
    if (!is_new && known.name == alert.name && known.name_zh == alert.name_zh) return found->second.number;
    found->second.alert = &alert;
    Fields out(of(Table::rules), Table::rules, found->second.number, row_);
    for (const auto* name : {&series.site, &series.rule, &series.device, &series.point, &series.user, &series.carrier,
                             &alert.name, &alert.name_zh}) {
      out.text(*name);
    }
    return found->second.number;
  }

  void put(const model::Series& series, const model::JudgedReading& reading) {
    Fields out(of(Table::readings), Table::readings, point(series), row_);
    out.time(reading.at);
    out.float_or_null(reading.value);
    out.quality(reading.quality);
  }

  void put(const model::Series& series, const model::EnergyInterval& interval) {
    Fields out(of(Table::intervals), Table::intervals, point(series), row_);
    out.text(series.carrier);
    out.time(interval.begin);
    out.time(interval.end);
    out.amount(interval.amount, *model::find_carrier(series.carrier));
    out.seconds(interval.covered);
    out.quality(interval.quality);
  }

  void put(const model::Series& series, const model::EmissionEntry& entry) {
    Fields out(of(Table::entries), Table::entries, account(series), row_);
    out.time(entry.begin);
    out.number(entry.revision);
    out.time(entry.end);
    out.amount(entry.amount, *model::find_carrier(series.carrier));
    // A correction may take back what a factor gave that no longer applies.
    const bool all = entry.correction.has_value();
    co2e(out, entry.primary.emitted.co2e, all || !model::lacks_factor(entry.primary, series.scope));
    const model::Stated primary = model::stated(entry.primary, series.scope);
    out.uncertainty_and_gases(entry.primary.emitted, primary);
    out.text_or_null(entry.primary.factor_id);
    out.text_or_null(entry.primary.factor_version);
    const auto market = entry.market ? std::optional(model::stated(*entry.market, series.scope)) : std::nullopt;
    if (market && (all || !model::lacks_factor(*entry.market, series.scope))) {
      out.market(entry.market->emitted, *market);
    } else {
      out.null(5);
    }
    out.text_or_null(entry.market ? entry.market->factor_id : "");
    out.text_or_null(entry.market ? entry.market->factor_version : "");
    out.coal(all && entry.coal != model::StandardCoal{} ? entry.coal : model::known_coal(entry.coal, entry.quality));
    out.text_or_null(entry.coal_factor_id);
    out.seconds(entry.covered);
    out.quality(entry.quality);
    if (entry.correction) {
      out.text(to_string(entry.correction->cause));
      out.text_or_null(entry.correction->note);
      out.time(entry.correction->booked_at);
    } else {
      out.null(3);
    }
    out.text_or_null(entry.primary.gwp_set);
    out.text_or_null(entry.market ? entry.market->gwp_set : "");
    out.stated(primary, market);
  }

  void put(const model::Series& series, const model::RollupRow& rollup) {
    Fields out(of(Table::rollups), Table::rollups, account(series), row_);
    out.text(to_string(rollup.period));
    out.time(rollup.begin);
    out.number(rollup.revision);
    out.time(rollup.end);
    out.amount(rollup.amount, *model::find_carrier(series.carrier));
    const model::Emitted& primary = rollup.emitted[model::Basis::primary];
    const model::Stated stated = model::stated(primary, rollup.quality);
    co2e(out, primary.co2e, !model::lacks_factor(rollup.quality));
    out.uncertainty_and_gases(primary, stated);
    const model::Emitted& market = rollup.emitted[model::Basis::market];
    const bool has_market = series.scope == model::Scope::energy;
    const model::Stated market_stated = model::stated(market, rollup.quality);
    if (has_market && !model::lacks_factor(market, rollup.quality)) {
      out.market(market, market_stated);
    } else {
      out.null(5);
    }
    out.coal(model::known_coal(rollup.coal, rollup.quality));
    out.seconds(rollup.covered);
    if (rollup.period < model::Period::day) {
      out.null();
    } else {
      out.number(rollup.valid_hours);
    }
    out.text_or_null(to_string(rollup.validity));
    out.quality(rollup.quality);
    out.stated(stated, has_market ? std::optional(market_stated) : std::nullopt);
  }

  void put(const model::Series& series, const model::RunningTotal& total) {
    Fields out(of(Table::totals), Table::totals, account(series), row_);
    out.time(total.at);
    out.amount(total.amount, *model::find_carrier(series.carrier));
    const model::Co2eWithin& primary = total.emitted[model::Basis::primary];
    const model::Co2eWithin& market = total.emitted[model::Basis::market];
    const bool has_market = series.scope == model::Scope::energy;
    out.kilograms(primary.co2e);
    if (has_market) {
      out.kilograms(market.co2e);
    } else {
      out.null();
    }
    out.float_or_null(total.amount_per_hour);
    out.float_or_null(total.co2e_kg_per_hour);
    if (total.since) {
      out.time(*total.since);
      out.seconds(total.covered);
    } else {
      out.null(2);
    }
    out.quality(total.quality);
    const model::Stated stated = model::stated(primary, total.quality);
    const model::Stated market_stated = model::stated(market, total.quality);
    out.uncertainty(primary, stated);
    if (has_market) {
      out.uncertainty(market, market_stated);
    } else {
      out.null(3);
    }
    out.stated(stated, has_market ? std::optional(market_stated) : std::nullopt);
  }

  void put(const model::Series&, const model::Report&) {}  // fate_of(): there is nothing

  void put(const model::Series& series, const model::Alert& alert) {
    Fields out(of(Table::alerts), Table::alerts, rule(series, alert), row_);
    out.text(alert.id);
    out.number(alert.revision);
    out.time(alert.at);
    out.time(alert.since);
    out.text(to_string(alert.severity));
    out.text(to_string(alert.stage));
    out.float_or_null(alert.value);
    out.float_or_null(alert.limit);
    out.text(alert.unit);
    out.text_or_null(alert.cause ? to_string(*alert.cause) : "");
    out.text_or_null(alert.by);
    out.text_or_null(alert.note);
    out.number(alert.suppressed);
    if (alert.of) {
      out.time(alert.of->begin);
      out.time(alert.of->end);
      out.percent(alert.of->coverage);
    } else {
      out.null(3);
    }
  }

  static void co2e(Fields& out, model::Co2e co2e, bool has_figure) {
    if (!has_figure) return out.null();
    out.kilograms(co2e);
  }

  struct Account {
    std::int32_t number = 0;
    const model::Series* series = nullptr;  // of the row that was staged last
  };

  struct Rule {
    std::int32_t number = 0;
    const model::Alert* alert = nullptr;  // of the row that was staged last
  };

  std::array<CopyWriter, kTableCount> copies_;
  std::map<PointKey, std::int32_t> points_;
  std::map<AccountKey, Account> accounts_;
  std::map<RuleKey, Rule> rules_;
  std::int32_t row_ = 0;
};

}  // namespace

Fate fate_of(const model::StoredRow& row, std::string& reason) {
  if (row.body.get_if<model::Report>()) return Fate::nothing;  // of values that are readings, which have a table
  if (const auto* reading = row.body.get_if<model::JudgedReading>()) {
    if (!shared::has_place_in_time(reading->quality)) return Fate::nothing;
  } else if (!row.body.get_if<model::Alert>() && model::find_carrier(row.series->carrier) == nullptr) {
    reason = "its energy carrier '" + row.series->carrier + "' is not known";
    return Fate::refused;
  }
  if (row.body.visit(Times{})) return Fate::sent;
  reason = "its time is outside the years 4713 BC to 294276 that PostgreSQL holds";
  return Fate::refused;
}

Batch make_batch(std::span<const model::StoredRow* const> rows, std::string_view schema) {
  Builder builder;
  for (const model::StoredRow* row : rows) builder.add(*row);
  return builder.finish(schema);
}

}  // namespace carbongate::sinks::postgresql
