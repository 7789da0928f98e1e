#include "gateway/store/unknown_time.h"

#include <bit>
#include <string_view>

namespace carbongate::store {
namespace {

constexpr std::string_view kBoot = "clock_boot";
constexpr std::string_view kBegin = "clock_begin";  // ms since 1970 UTC
constexpr std::string_view kBase = "clock_base";    // ms
constexpr std::string_view kAfter = "clock_after";

}  // namespace

std::optional<model::UnknownTime> load_unknown_time(Database& database) {
  Statement get(database, "SELECT value FROM meta WHERE name = ?1");
  const auto value_of = [&get](std::string_view name) -> std::optional<std::int64_t> {
    Rows rows(get.bind(1, name));
    return rows.next() ? std::optional(get.integer(0)) : std::nullopt;
  };
  const auto boot = value_of(kBoot);
  const auto begin = value_of(kBegin);
  const auto base = value_of(kBase);
  const auto after = value_of(kAfter);
  if (!boot || !begin || !base || !after) return std::nullopt;
  return model::UnknownTime{.boot = std::bit_cast<std::uint64_t>(*boot),
                            .begin = Instant(Duration(*begin)),
                            .base = Duration(*base),
                            .after = static_cast<std::uint64_t>(*after)};
}

void save_unknown_time(Database& database, const std::optional<model::UnknownTime>& unknown) {
  if (!unknown) {
    database.execute("DELETE FROM meta WHERE name IN ('clock_boot', 'clock_begin', 'clock_base', 'clock_after')");
    return;
  }
  Statement put(database, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)");
  put.bind(1, kBoot).bind(2, std::bit_cast<std::int64_t>(unknown->boot)).run();
  put.bind(1, kBegin).bind(2, static_cast<std::int64_t>(unknown->begin.time_since_epoch().count())).run();
  put.bind(1, kBase).bind(2, static_cast<std::int64_t>(unknown->base.count())).run();
  put.bind(1, kAfter).bind(2, static_cast<std::int64_t>(unknown->after)).run();
}

}  // namespace carbongate::store
