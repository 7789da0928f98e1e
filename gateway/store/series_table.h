// The names behind the numbers: which subject and series of the database a point, account, watch or station of this run
// is.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "gateway/model/rows.h"
#include "gateway/model/site.h"
#include "gateway/store/database.h"

namespace carbongate::store {

class SeriesTable {
 public:
  explicit SeriesTable(Database& database);  // knows every series in the database

  // Finds the site's points, accounts, watches and stations, adding those that are new. Call within a transaction.
  void enrol(const model::Site& site);

  struct Ids {
    std::int64_t subject = 0;
    std::int64_t series = 0;
  };
  const Ids& ids(PointId point) const { return points_.at(index(point)); }
  const Ids& ids(model::AccountId account) const { return accounts_.at(model::index(account)); }
  const Ids& ids(model::WatchId watch) const { return watches_.at(model::index(watch)); }
  const Ids& ids(model::StationId station) const { return stations_.at(model::index(station)); }
  const Ids& ids(const model::Subject& subject) const {
    return std::visit([this](auto id) -> const Ids& { return ids(id); }, subject);
  }

  // Throws DamagedRecord for a number that is not there.
  const std::shared_ptr<const model::Series>& series(std::int64_t id) const;

  struct Entry {
    std::int64_t subject = 0;
    std::shared_ptr<const model::Series> series;
  };
  const std::unordered_map<std::int64_t, Entry>& all() const { return all_; }

 private:
  Ids enrol(const model::Series& series);

  Database& database_;
  std::unordered_map<std::int64_t, Entry> all_;
  std::vector<Ids> points_;
  std::vector<Ids> accounts_;
  std::vector<Ids> watches_;
  std::vector<Ids> stations_;
};

// How rows of a point, account, watch or station are described. `carrier` of a point: that of the accounts that use it.
model::Series describe(const model::Site& site, const Point& point, std::string_view carrier);
model::Series describe(const model::Site& site, const model::Account& account);
model::Series describe(const model::Site& site, const model::Watch& watch);
model::Series describe(const model::Site& site, const model::Station& station);

}  // namespace carbongate::store
