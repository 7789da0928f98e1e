// What rules of alerts look at: patterns of names become points, devices and users.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/model/site.h"

namespace carbongate::app {

class AlertSubjects {
 public:
  AlertSubjects(const model::Site& site, const std::set<std::string>& doubtful_devices, bool users_are_complete)
      : site_(site), doubtful_(doubtful_devices), users_are_complete_(users_are_complete) {}

  // The watches of a rule that has been read but for them: their ids and places are left to the caller. Problems go to
  // `in`, which is asked for points, devices, users, carrier and per.
  std::vector<model::Watch> read(config::Reader& in, const model::AlertRule& rule) const;

  // The names that fit, each once, in their order. A name without wildcards that is not known is an error.
  std::vector<std::string> chosen(config::Reader& in, std::string_view key, std::vector<std::string> known,
                                  std::string_view what) const;

  std::vector<std::string> device_names() const;
  std::vector<std::string> user_names() const;

 private:
  void add_points(config::Reader& in, const model::AlertRule& rule, std::vector<model::Watch>& watches) const;
  void add_devices(config::Reader& in, const model::AlertRule& rule, std::vector<model::Watch>& watches) const;
  void add_users(config::Reader& in, const model::AlertRule& rule, std::vector<model::Watch>& watches) const;
  std::optional<model::Watch> user(config::Reader& in, const std::string& name, const model::AlertRule& rule,
                                   const std::string& carrier, bool is_meant) const;
  std::vector<model::AccountId> product(config::Reader& in, std::string& unit) const;

  const model::Site& site_;
  const std::set<std::string>& doubtful_;
  bool users_are_complete_;
};

}  // namespace carbongate::app
