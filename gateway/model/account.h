// Who consumes what from which meter: one account per energy user, carrier and metering point.
#pragma once

#include <cstdint>
#include <string>

#include "drivers/api/point.h"
#include "gateway/model/carrier.h"

namespace carbongate::model {

enum class AccountId : std::uint32_t {};  // dense, from 0, in the order of the configuration; valid for one run
constexpr std::size_t index(AccountId id) {
  return static_cast<std::size_t>(id);
}

struct Account {
  AccountId id{};
  std::string user;                  // "press-shop"
  std::string user_name;             // 冲压车间
  const Carrier* carrier = nullptr;  // static storage
  PointId source{};
  std::string factor_set;     // "cn-grid"
  std::string factor_region;  // "CN-SC"
  std::string factor_method;  // "average"
};

}  // namespace carbongate::model
