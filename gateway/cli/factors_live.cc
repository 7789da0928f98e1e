#include "gateway/cli/factors_live.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <ranges>

#include "gateway/model/carrier.h"
#include "gateway/pipeline/live_factors.h"
#include "gateway/store/history.h"

namespace carbongate::cli {
namespace {

constexpr std::size_t kShown = 12;

std::string hours(Duration duration) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(duration).count();
  return minutes % 60 == 0 ? fmt::format("{} h", minutes / 60) : fmt::format("{} min", minutes);
}

std::string number(double value) {
  return pipeline::plain_decimal(value).value_or(fmt::format("{}", value));
}

std::string limits_of(const LiveSeries& series) {
  const PointLimits& limits = series.limits;
  return fmt::format("{} to {} {}: a value beyond is rejected", limits.min ? number(*limits.min) : "any",
                     limits.max ? number(*limits.max) : "any", series.plan.like.unit_text);
}

// In force from the first quarter hour on that begins then.
bool came_late(const model::LiveValue& value) {
  return value.since - value.at >= std::chrono::minutes(15);
}

}  // namespace

const model::LiveValue* LiveSeries::newest() const {
  return state && !state->values.empty() ? &state->values.back() : nullptr;
}

const model::LiveValue* LiveSeries::in_force(Instant at) const {
  if (!state) return nullptr;
  const auto next = std::ranges::upper_bound(state->values, at, {}, &model::LiveValue::at);
  if (next == state->values.begin()) return nullptr;
  const model::LiveValue& value = *std::prev(next);
  return at <= value.until ? &value : nullptr;
}

std::optional<model::Factor> LiveSeries::named(std::string_view factor_id) const {
  if (!state) return std::nullopt;
  const pipeline::FactorRegistry none{};
  const std::vector<model::LiveFactor> plans{plan};
  pipeline::LiveFactors live(plans, none);
  live.restore(plan.source, *state);
  auto* found = live.find({plan.like.set, plan.like.region, plan.like.method}, *model::find_carrier(plan.like.carrier));
  const model::Factor* factor = found ? live.named(*found, factor_id) : nullptr;
  return factor ? std::optional(*factor) : std::nullopt;
}

std::optional<model::Factor> LiveSeries::factor(const model::LiveValue& value) const {
  return named(pipeline::live_factor_id(plan.like, value.at));
}

std::vector<LiveSeries> read_live_series(const app::GatewayConfig& config, const std::filesystem::path& store,
                                         std::ostream& err) {
  std::vector<LiveSeries> found;
  std::optional<model::Checkpoint> known;
  std::error_code ignored;
  if (!config.site.live_factors.empty() && std::filesystem::exists(store, ignored)) {
    auto history = store::History::open(store);
    if (history.has_error()) {
      err << history.error().text << "\n";
    } else if (auto checkpoint = (*history)->checkpoint(config.site); checkpoint.has_error()) {
      err << checkpoint.error().text << "\n";
    } else {
      known = std::move(*checkpoint);
    }
  }
  for (const model::LiveFactor& plan : config.site.live_factors) {
    const model::Factor& like = plan.like;
    const Point& point = config.site.points.at(index(plan.source));
    found.push_back({.plan = plan,
                     .id = like.set + "/" + (like.region.empty() ? like.carrier : like.region) + "/" + like.method,
                     .point = point.full_name(),
                     .limits = point.limits,
                     .state = {}});
    if (known) found.back().state = known->points.at(index(plan.source)).live.value_or(model::LiveFactorState());
  }
  return found;
}

void write_live_table(std::span<const LiveSeries* const> series, std::optional<Instant> at, tables::LocalTime& local,
                      std::ostream& out) {
  if (series.empty()) return;
  std::vector<std::array<std::string, 5>> rows{
      {"live set", "value", at ? "in force since" : "newest", "point", "confidence"}};
  for (const LiveSeries* one : series) {
    const model::LiveValue* value = at ? one->in_force(*at) : one->newest();
    rows.push_back({one->id, (value ? number(value->value) + " " : "") + one->plan.like.unit_text,
                    value ? local(value->at) : "none heard", one->point, one->plan.like.confidence});
  }
  std::array<std::size_t, 4> width{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < width.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  out << "\n";
  for (const auto& row : rows) {
    out << fmt::format("{:<{}}  {:<{}}  {:<{}}  {:<{}}  {}\n", row[0], width[0], row[1], width[1], row[2], width[2],
                       row[3], width[3], row[4]);
  }
}

void show_live_series(const LiveSeries& series, tables::LocalTime& local, std::ostream& out) {
  const model::Factor& like = series.plan.like;
  const model::Carrier& carrier = *model::find_carrier(like.carrier);
  out << series.id << "\n";
  out << fmt::format("  value         heard from {}, in {}\n", series.point, like.unit_text);
  out << fmt::format("  carrier       {} {}, in {}\n", carrier.id, carrier.name_zh, carrier.display.symbol);
  out << fmt::format("  region        {}\n", like.region.empty() ? "everywhere" : like.region);
  out << fmt::format("  method        {}\n", like.method);
  out << fmt::format("  limits        {}\n", limits_of(series));
  out << fmt::format("  valid         from its stamp until the next value, at most for {}\n", hours(series.plan.hold));
  const auto& fallback = series.plan.fallback;
  out << fmt::format("  fallback      {}\n", fallback ? fallback->set + "/" + fallback->region + "/" + fallback->method
                                                      : "none: no factor applies then");
  out << (like.u95_ppm == 0
              ? "  uncertainty   not stated\n"
              : fmt::format("  uncertainty   ± {} % (95 %)\n", model::format_fixed(like.u95_ppm, 10'000)));
  out << fmt::format("  set           {}, version {}\n  source        {}\n  published     {}\n  confidence    {}\n",
                     like.set, like.version, like.source, like.publication, like.confidence);
  if (!series.newest()) {
    out << (series.state ? "  values        none heard\n" : "  values        there is no store yet\n");
    return;
  }
  std::string_view label = "values";
  for (const model::LiveValue& value : std::views::reverse(series.state->values) | std::views::take(kShown)) {
    out << fmt::format("  {:<12}  {} {}, {}{}\n", label, number(value.value), like.unit_text, local(value.at),
                       came_late(value) ? ", heard late" : "");
    label = "";
  }
}

}  // namespace carbongate::cli
