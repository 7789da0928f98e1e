#include "gateway/ops/names.h"

#include <algorithm>

#include "gateway/ops/live.h"

namespace carbongate::ops {

std::string_view word_of(model::Period period) {
  return period == model::Period::quarter_hour ? "quarter_hour" : to_string(period);
}

std::string_view word_of(model::Category category) {
  switch (category) {
    case model::Category::electricity: return "electricity";
    case model::Category::heat: return "heat";
    case model::Category::fuel: return "fuel";
    case model::Category::gas: return "gas";
    case model::Category::working_medium: return "working_medium";
    case model::Category::product: return "product";
    case model::Category::process_input: return "process_input";
  }
  return "";
}

std::string_view word_of(Kind kind) {
  switch (kind) {
    case Kind::cumulative: return "cumulative";
    case Kind::interval: return "interval";
    case Kind::instantaneous: return "instantaneous";
  }
  return "";
}

std::string_view word_of(DeviceStatus::State state) {
  switch (state) {
    case DeviceStatus::State::starting: return "starting";
    case DeviceStatus::State::online: return "online";
    case DeviceStatus::State::offline: return "offline";
  }
  return "";
}

boost::json::value scope_number(model::Scope scope) {
  if (scope == model::Scope::none) return nullptr;
  return static_cast<std::int64_t>(scope);
}

std::vector<UserText> users_of(const model::Site& site) {
  std::vector<UserText> users;
  for (const model::Account& account : site.accounts) {
    if (std::ranges::find(users, account.user, &UserText::id) != users.end()) continue;
    const auto container = std::ranges::find(site.containments, account.user, &model::Containment::user);
    users.push_back({.id = account.user,
                     .name = account.user_name,
                     .part_of = container == site.containments.end() ? std::string() : container->of});
  }
  return users;
}

SourceText source_text(const model::Account& account) {
  const model::Carrier& carrier = *account.carrier;
  SourceText source{.id = supply_of(account),
                    .carrier = std::string(carrier.id),
                    .kind = "other",
                    .name = std::string(carrier.id),
                    .name_zh = std::string(carrier.name_zh)};
  if (model::is_own_supply(account)) {
    source.kind = "own";
    source.name = "own generation";
    source.name_zh = "自发自用";
    source.renewable = true;  // what the set `own-generation` is for
  } else if (carrier.category == model::Category::electricity) {
    source.kind = "grid";
    source.name = "grid";
    source.name_zh = "电网";
  } else if (carrier.category == model::Category::heat) {
    source.kind = "purchased";
  } else if (carrier.category == model::Category::fuel) {
    source.kind = "fuel";
  }
  return source;
}

}  // namespace carbongate::ops
