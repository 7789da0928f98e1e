// One element of `sinks` with `type: energy-platform`; sample.yaml beside this file shows every key.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/reader/reader.h"
#include "gateway/model/carrier.h"
#include "gateway/sinks/shared/http_endpoint.h"
#include "protocols/energy_platform/messages.h"

namespace carbongate::sinks::energy_platform {

// What is told of one account under one code.
struct Item {
  std::string user;
  std::string point;                        // "incomer.import"
  const model::Carrier* carrier = nullptr;  // static storage
  carbongate::energy_platform::DataCode code;
  std::string name;
  std::vector<carbongate::energy_platform::StatType> periods;
  int input_type = 4;  // of what is not typed in
  int scope = 1;
  double min = 0;
  double max = 0;
  std::string unit;                  // of the platform, "10000 kWh" is {unit: kWh, per: 10000}
  std::int64_t quanta_per_unit = 1;  // of the carrier, in one unit of the platform
  bool is_rate = false;              // the unit is one of a rate: the mean of the period
  std::optional<int> decimals;       // nullopt: exact where it can be, else six
  std::string remark;
  boost::json::object meter;  // by our names; empty: nothing reads it
};

struct Config : shared::HttpEndpoint {
  carbongate::energy_platform::Dialect dialect;
  std::string enterprise_code;  // 统一社会信用代码
  std::string region;           // 行政区划代码
  boost::json::object enterprise;
  std::vector<Item> items;
  std::string time_zone;               // of the site
  std::chrono::seconds upload_time{};  // of days, unless the platform assigns one
  std::chrono::milliseconds check_every{};
  std::size_t batch_records = 300;
  std::chrono::milliseconds timeout{};  // of one request

  // Problems go to the reader; what comes back then is not to be used.
  static Config from(config::Reader& in, const config::Node& root);
};

}  // namespace carbongate::sinks::energy_platform
