// What Alertmanager was told fires: it forgets what it is not told again.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "drivers/api/reading.h"
#include "gateway/model/rows.h"

namespace carbongate::sinks::webhook {

// Of each alert that fires the change that was told last. Not thread-safe.
class FiringAlerts {
 public:
  static constexpr std::size_t kMax = 1'000;

  // True: it is told again from now on. False: there are too many.
  bool has_room_for(const std::string& id) const { return alerts_.size() < kMax || alerts_.contains(id); }

  void put(const std::string& id, std::string_view body);  // of alertmanager_event()
  void drop(const std::string& id);

  // At most `most` of them, those behind `after` by id, as the array that Alertmanager takes; they end then. `after`
  // becomes the last one. "": there are none.
  std::string told_again(std::string& after, std::size_t most, Instant ends) const;

  bool is_changed() const { return is_changed_; }  // since to_text() was asked for
  std::string to_text();
  void keep_again() { is_changed_ = true; }  // what it gave is not kept

  // What to_text() gave, without those that nothing will end any more; how many these are. `is_offered`: whether what
  // becomes of such an alert is; empty: of each.
  std::size_t read(std::string_view text, const std::function<bool(const model::Series&)>& is_offered);

 private:
  std::map<std::string, boost::json::object> alerts_;  // by id
  bool is_changed_ = false;
};

}  // namespace carbongate::sinks::webhook
