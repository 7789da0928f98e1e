#include "gateway/store/series_table.h"

#include <string>
#include <utility>

namespace carbongate::store {
namespace {

constexpr std::int64_t kPoint = 0;
constexpr std::int64_t kAccount = 1;
constexpr std::int64_t kWatch = 2;
constexpr std::int64_t kStation = 3;

std::int64_t kind_of(const model::Series& series) {
  if (!series.rule.empty()) return kWatch;
  if (!series.user.empty()) return kAccount;
  return series.point.empty() ? kStation : kPoint;
}

}  // namespace

model::Series describe(const model::Site& site, const Point& point, std::string_view carrier) {
  return {.site = site.id,
          .device = point.device,
          .point = point.name,
          .unit = std::string(point.unit.symbol),
          .user = {},
          .user_name = {},
          .carrier = std::string(carrier),
          .region = {}};
}

model::Series describe(const model::Site& site, const model::Account& account) {
  const Point& source = site.points.at(index(account.source));
  const model::Containment* container = model::container_of(site, account);
  return {.site = site.id,
          .device = source.device,
          .point = source.name,
          .unit = std::string(source.unit.symbol),
          .user = account.user,
          .user_name = account.user_name,
          .carrier = std::string(account.carrier->id),
          .region = account.factor ? account.factor->region : std::string(),
          .scope = account.scope,
          .flow = account.flow,
          .part_of = container ? container->of : std::string()};
}

model::Series describe(const model::Site& site, const model::Watch& watch) {
  return {.site = site.id,
          .device = watch.device,
          .point = watch.point,
          .unit = watch.unit,
          .user = watch.user,
          .user_name = watch.user_name,
          .carrier = std::string(watch.carrier ? watch.carrier->id : ""),
          .region = {},
          .rule = watch.rule};
}

model::Series describe(const model::Site& site, const model::Station& station) {
  return {.site = site.id,
          .device = station.name,
          .point = {},
          .unit = {},
          .user = {},
          .user_name = {},
          .carrier = {},
          .region = {}};
}

SeriesTable::SeriesTable(Database& database) : database_(database) {
  Statement statement(database_,
                      "SELECT s.id, s.subject, s.site, t.device, t.point, s.unit, t.user, s.user_name, t.carrier, "
                      "s.region, s.scope, t.flow, s.part_of, t.rule FROM series s JOIN subject t ON t.id = s.subject");
  for (Rows rows(statement); rows.next();) {
    const auto text = [&](int column) { return std::string(statement.text(column)); };
    auto series =
        std::make_shared<model::Series>(model::Series{.site = text(2),
                                                      .device = text(3),
                                                      .point = text(4),
                                                      .unit = text(5),
                                                      .user = text(6),
                                                      .user_name = text(7),
                                                      .carrier = text(8),
                                                      .region = text(9),
                                                      .scope = static_cast<model::Scope>(statement.integer(10)),
                                                      .flow = static_cast<model::Flow>(statement.integer(11)),
                                                      .part_of = text(12),
                                                      .rule = text(13)});
    all_[statement.integer(0)] = {statement.integer(1), std::move(series)};
  }
}

void SeriesTable::enrol(const model::Site& site) {
  std::vector<std::string_view> carriers(site.points.size());
  for (const model::Account& account : site.accounts) carriers.at(index(account.source)) = account.carrier->id;
  for (const Point& point : site.points) points_.push_back(enrol(describe(site, point, carriers[points_.size()])));
  for (const model::Account& account : site.accounts) accounts_.push_back(enrol(describe(site, account)));
  for (const model::Watch& watch : site.watches) watches_.push_back(enrol(describe(site, watch)));
  for (const model::Station& station : site.stations) stations_.push_back(enrol(describe(site, station)));
}

SeriesTable::Ids SeriesTable::enrol(const model::Series& series) {
  const auto find_or_add = [this](const char* find, const char* add, const auto& bind) {
    Statement finder(database_, find);
    bind(finder);
    if (finder.step()) return finder.integer(0);
    Statement adder(database_, add);
    bind(adder);
    adder.step();
    return adder.integer(0);
  };
  Ids ids;
  ids.subject = find_or_add(
      "SELECT id FROM subject WHERE kind = ?1 AND device = ?2 AND point = ?3 AND unit = ?4 AND user = ?5 AND carrier = "
      "?6 AND flow = ?7 AND rule = ?8",
      "INSERT INTO subject(kind, device, point, unit, user, carrier, flow, rule) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
      "RETURNING id",
      [&](Statement& s) {
        s.bind(1, kind_of(series)).bind(2, std::string_view(series.device)).bind(3, std::string_view(series.point));
        s.bind(4, kind_of(series) == kPoint ? std::string_view(series.unit) : std::string_view(""));
        s.bind(5, std::string_view(series.user)).bind(6, std::string_view(series.carrier));
        s.bind(7, static_cast<std::int64_t>(series.flow)).bind(8, std::string_view(series.rule));
      });
  ids.series = find_or_add(
      "SELECT id FROM series WHERE subject = ?1 AND site = ?2 AND unit = ?3 AND user_name = ?4 AND region = ?5 AND "
      "scope = ?6 AND part_of = ?7",
      "INSERT INTO series(subject, site, unit, user_name, region, scope, part_of) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) "
      "RETURNING id",
      [&](Statement& s) {
        s.bind(1, ids.subject).bind(2, std::string_view(series.site)).bind(3, std::string_view(series.unit));
        s.bind(4, std::string_view(series.user_name)).bind(5, std::string_view(series.region));
        s.bind(6, static_cast<std::int64_t>(series.scope)).bind(7, std::string_view(series.part_of));
      });
  Entry& entry = all_[ids.series];
  if (!entry.series) entry = {ids.subject, std::make_shared<model::Series>(series)};
  return ids;
}

const std::shared_ptr<const model::Series>& SeriesTable::series(std::int64_t id) const {
  const auto found = all_.find(id);
  if (found == all_.end()) throw DamagedRecord("a row refers to series " + std::to_string(id) + ", which is not there");
  return found->second.series;
}

}  // namespace carbongate::store
