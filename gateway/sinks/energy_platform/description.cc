#include "gateway/sinks/energy_platform/description.h"

#include <boost/json/array.hpp>
#include <utility>

namespace carbongate::sinks::energy_platform {
namespace {

namespace json = boost::json;
namespace codec = carbongate::energy_platform;

class Names {
 public:
  explicit Names(const codec::Dialect& dialect) : dialect_(dialect) {}
  std::string operator()(std::string_view name) const {
    const auto found = dialect_.names.find(std::string(name));
    return found == dialect_.names.end() ? std::string(name) : found->second;
  }

 private:
  const codec::Dialect& dialect_;
};

// Our names of a meter's members, and what they are called in the interface.
constexpr std::pair<std::string_view, std::string_view> kMeter[] = {{"name", "name"},
                                                                    {"type", "type"},
                                                                    {"maker", "manufacturer"},
                                                                    {"model", "model"},
                                                                    {"number", "serialNumber"},
                                                                    {"accuracy", "accuracyClass"},
                                                                    {"range", "range"},
                                                                    {"level", "level"},
                                                                    {"calibration_state", "calibrationState"},
                                                                    {"calibration_months", "calibrationCycle"},
                                                                    {"calibrated", "lastCalibrationDate"},
                                                                    {"calibrated_until", "nextCalibrationDate"},
                                                                    {"state", "measureState"},
                                                                    {"place", "installPlace"},
                                                                    {"installer", "installOrganization"},
                                                                    {"ct", "CT"},
                                                                    {"pt", "PT"},
                                                                    {"ratio", "ratio"}};

}  // namespace

json::object configuration_of(const Config& config, const std::string& device_id) {
  const Names name(config.dialect);
  json::object enterprise;
  enterprise["code"] = config.enterprise_code;
  enterprise["regionCode"] = config.region;
  for (const auto& member : config.enterprise) enterprise[member.key()] = member.value();
  json::array items;
  for (const Item& item : config.items) {
    for (const codec::StatType period : item.periods) {
      json::object told;
      told[name("name")] = item.name;
      told[name("processCode")] = item.code.process();
      told[name("processUnitCode")] = item.code.process_unit();
      told[name("equipmentCode")] = item.code.equipment();
      told[name("equipmentUnitCode")] = item.code.equipment_unit();
      told[name("energyClassCode")] = item.code.energy_class();
      told[name("energyTypeCode")] = item.code.energy_type();
      told[name("dataUsageCode")] = item.code.usage();
      told[name("inputType")] = item.input_type;
      told[name("dataValueMax")] = item.max;
      told[name("dataValueMin")] = item.min;
      told[name("statType")] = static_cast<int>(period);
      told[name("scope")] = item.scope;
      told[name("collectSystemName")] = "CarbonGate";
      told[name("remark")] = item.remark;
      items.push_back(std::move(told));
    }
  }
  return {{"deviceId", device_id},
          {"enterpriseCode", config.enterprise_code},
          {"enterprise", std::move(enterprise)},
          {"process", json::array()},
          {"processUnit", json::array()},
          {"equipment", json::array()},
          {"collectItemConfig", std::move(items)}};
}

json::object meters_of(const Config& config, const std::string& device_id) {
  const Names name(config.dialect);
  json::array meters;
  for (const Item& item : config.items) {
    if (item.meter.empty()) continue;
    json::object meter;
    meter[name("dataCode")] = item.code.text(config.dialect.dashes);
    meter[name("name")] = item.name;
    meter[name("level")] = 1;
    meter[name("measureState")] = 1;
    for (const auto& [ours, theirs] : kMeter) {
      if (const json::value* value = item.meter.if_contains(ours)) meter[name(theirs)] = *value;
    }
    meters.push_back(std::move(meter));
  }
  return {{"deviceId", device_id}, {"enterpriseCode", config.enterprise_code}, {"meters", std::move(meters)}};
}

}  // namespace carbongate::sinks::energy_platform
