#include "gateway/pipeline/open_quarter.h"

#include <cstdlib>
#include <optional>

namespace carbongate::pipeline {
namespace {

using model::Basis;

constexpr std::int64_t kCarried = 2;  // milligrams: of what goes in and what goes out

std::optional<model::OpenPeriod>& quarter_of(model::AccountState& account) {
  return account.open[static_cast<std::size_t>(model::Period::quarter_hour)];
}

void add_to_open(model::AccountState& account, Basis basis, const model::Emitted& emitted) {
  for (std::optional<model::OpenPeriod>& open : account.open) {
    if (open) open->emitted[basis] += emitted;
  }
}

void add_to_open(model::AccountState& account, model::StandardCoal coal) {
  account.coal += coal;
  for (std::optional<model::OpenPeriod>& open : account.open) {
    if (open) open->coal += coal;
  }
}

std::optional<model::FactorRate> rate_at(FactorSeries& factors, Instant at) {
  const model::Factor* factor = factors.chosen() ? factors.at(at) : nullptr;
  if (!factor) return std::nullopt;
  return model::FactorRate{.scaled_gas = factor->scaled_gas, .scaled_co2e = factor->scaled_co2e};
}

std::int64_t scaled_coal_at(AccountFactors& factors, Instant at) {
  const model::Factor* factor = factors.coal.at(at);
  return factor ? factor->scaled_coal : 0;
}

}  // namespace

OpenSetAside::OpenSetAside(model::AccountState& account, AccountFactors& factors) : account_(account) {
  const auto& quarter = quarter_of(account);
  if (!quarter) return;
  amount_ = quarter->amount;
  for (const Basis basis : model::kBases) {
    const auto rate = rate_at(factors[basis], quarter->begin);
    if (!rate) continue;
    model::EmissionState state = account.emissions[basis];
    const model::Emitted taken = emit(-amount_, *rate, state);
    model::Emitted left = quarter->emitted[basis];
    left += taken;
    if (!near(left, {}, kCarried)) continue;  // it was counted by more than this factor
    account.emissions[basis] = state;
    taken_.push_back({basis, *rate, taken});
  }
  const std::int64_t scaled_coal = scaled_coal_at(factors, quarter->begin);
  std::int64_t remainder = account.coal_remainder;
  const auto taken = model::StandardCoal::of(multiply(-amount_, scaled_coal, remainder));
  if (std::llabs((quarter->coal + taken).quanta()) > kCarried) return;
  scaled_coal_ = scaled_coal;
  taken_coal_ = taken;
  account.coal_remainder = remainder;
}

void OpenSetAside::put_back() {
  for (const auto& [basis, rate, taken] : taken_) {
    model::Emitted moved = emit(amount_, rate, account_.emissions[basis]);
    moved += taken;
    add_to_open(account_, basis, moved);
  }
  add_to_open(account_,
              model::StandardCoal::of(multiply(amount_, scaled_coal_, account_.coal_remainder)) + taken_coal_);
}

bool price_open_quarter(model::AccountState& account, AccountFactors& factors) {
  auto& quarter = quarter_of(account);
  if (!quarter) return false;
  bool is_changed = false;
  for (const Basis basis : model::kBases) {
    const auto rate = rate_at(factors[basis], quarter->begin);
    model::EmissionState fresh;
    const model::Emitted right = rate ? emit(quarter->amount, *rate, fresh) : model::Emitted{};
    if (near(quarter->emitted[basis], right, kCarried)) continue;
    model::EmissionState& state = account.emissions[basis];
    state.total -= quarter->emitted[basis];
    model::Emitted moved = rate ? emit(quarter->amount, *rate, state) : model::Emitted{};
    moved -= quarter->emitted[basis];
    add_to_open(account, basis, moved);
    is_changed = true;
  }
  const std::int64_t scaled_coal = scaled_coal_at(factors, quarter->begin);
  std::int64_t remainder = account.coal_remainder;
  const auto right = model::StandardCoal::of(multiply(quarter->amount, scaled_coal, remainder));
  if (std::llabs((right - quarter->coal).quanta()) > kCarried) {
    account.coal_remainder = remainder;
    add_to_open(account, right - quarter->coal);
    is_changed = true;
  }
  if (!is_changed) return false;
  if (model::lack_of_factor(quarter->quality.rule) != 0)
    quarter->quality = {};  // of what lies beneath nothing is known
  quarter->quality = worse(quarter->quality, lack_of_factors(factors, quarter->begin));
  for (std::optional<model::OpenPeriod>& open : account.open) {
    if (open) open->quality = worse(open->quality, quarter->quality);
  }
  return true;
}

}  // namespace carbongate::pipeline
