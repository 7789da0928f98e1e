#include "gateway/sinks/energy_platform/items.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include "config/reader/text.h"

namespace carbongate::sinks::energy_platform {
namespace {

namespace codec = carbongate::energy_platform;
using config::printable;
using config::suggestion;

constexpr std::size_t kItemsMax = 10'000;
constexpr std::int64_t kPerMax = 1'000'000'000;

struct KnownAccount {
  std::string user;
  std::string point;
  std::string carrier;
  const config::Node* node = nullptr;
};

std::string text_of(const config::Node& node, std::string_view key) {
  const config::Node* child = node.is_map() ? node.find(key) : nullptr;
  return child && child->is_scalar() ? child->scalar() : std::string();
}

std::vector<KnownAccount> accounts_of(const config::Node& root) {
  std::vector<KnownAccount> accounts;
  const config::Node* users = root.find("energy_users");
  if (!users || !users->is_sequence()) return accounts;
  for (const config::Node& user : users->items()) {
    for (const char* list : {"consumes", "emits", "exports", "produces"}) {
      const config::Node* items = user.is_map() ? user.find(list) : nullptr;
      if (!items || !items->is_sequence()) continue;
      for (const config::Node& item : items->items()) {
        accounts.push_back({text_of(user, "id"), text_of(item, "from"), text_of(item, "carrier"), &item});
      }
    }
  }
  return accounts;
}

class ItemsReader {
 public:
  ItemsReader(config::Reader& in, const config::Node& root)
      : in_(in), is_complete_(root.is_complete()), accounts_(accounts_of(root)) {}

  std::vector<Item> read() {
    const auto& nodes = in_.required_items("items");
    if (in_.has("items") && in_.child("items")->is_sequence() && nodes.empty()) {
      in_.error("items", "an empty list: there is nothing to tell");
    }
    if (nodes.size() > kItemsMax) in_.error("items", "more than " + std::to_string(kItemsMax));
    for (const config::Node& node : nodes) read_item(node);
    return std::move(items_);
  }

 private:
  void read_item(const config::Node& node) {
    config::Reader in(node, in_.problems());
    Item item;
    item.user = in.required<std::string>("user");
    item.point = in.required<std::string>("from");
    const KnownAccount* account = find_account(in, item);
    if (account) item.carrier = model::find_carrier(account->carrier);
    const std::string code = in.required<std::string>("code");
    if (const auto parsed = codec::parse_data_code(code)) {
      item.code = *parsed;
    } else if (!code.empty()) {
      in.error("code", "'" + printable(code) +
                           "' is no data code: 16 digits, such as 00-00-0000-023300-11 or 0000000002330011");
    }
    item.name = in.value_or("name", item.point);
    item.input_type = in.in_range<int>("input_type", item.input_type, 1, 5);
    read_periods(in, item);
    item.scope = in.in_range<int>("scope", item.scope, 1, 4);
    item.min = in.value_or("min", 0.0);
    item.max = in.required<double>("max");
    if (in.has("max") && item.max <= item.min) in.error("max", "is not above `min`");
    read_unit(in, item);
    item.remark = in.value_or("remark", "");
    read_meter(in, account, item);
    in.finish();
    for (const codec::StatType period : item.periods) {
      if (item.code.digits.empty() || keys_.insert({item.code, period}).second) continue;
      in.error("code", "'" + printable(code) + "' is told twice for the same period: the platform would keep the last");
      break;
    }
    items_.push_back(std::move(item));
  }

  const KnownAccount* find_account(config::Reader& in, const Item& item) {
    std::vector<std::string> users;
    std::vector<std::string> points;
    for (const KnownAccount& account : accounts_) {
      users.push_back(account.user);
      if (account.user != item.user) continue;
      if (account.point == item.point) return &account;
      points.push_back(account.point);
    }
    if (!is_complete_ || item.user.empty() || item.point.empty()) return nullptr;
    if (points.empty()) {
      in.error("user", "unknown energy user '" + printable(item.user) + "'" + suggestion(item.user, users));
    } else {
      in.error("from", "no account of '" + printable(item.user) + "' is counted from '" + printable(item.point) + "'" +
                           suggestion(item.point, points));
    }
    return nullptr;
  }

  static void read_periods(config::Reader& in, Item& item) {
    constexpr codec::StatType kAll[] = {codec::StatType::real_time, codec::StatType::day, codec::StatType::month,
                                        codec::StatType::year};
    std::vector<std::string> usual{"15min", "day", "month"};
    if (item.input_type == codec::kHandFilled) usual.erase(usual.begin());  // nobody types in quarter hours
    const auto words = in.value_or("periods", std::move(usual));
    if (words.empty()) in.error("periods", "an empty list");
    for (const std::string& word : words) {
      const auto found = std::ranges::find_if(kAll, [&](codec::StatType type) { return to_string(type) == word; });
      if (found == std::end(kAll)) {
        in.error("periods", "'" + printable(word) + "' is not one of 15min, day, month, year");
      } else if (std::ranges::find(item.periods, *found) == item.periods.end()) {
        item.periods.push_back(*found);
      }
    }
  }

  static void read_unit(config::Reader& in, Item& item) {
    const auto symbol = in.optional<std::string>("unit");
    const auto per = in.in_range<std::int64_t>("per", 1, 1, kPerMax);
    if (in.has("decimals")) item.decimals = in.in_range<int>("decimals", 0, 0, 9);
    if (!item.carrier) return;
    const auto unit = symbol ? find_unit(*symbol) : std::optional(item.carrier->display);
    const auto scale = unit ? model::ActivityScale::between(*unit, *item.carrier) : std::nullopt;
    const auto quanta = scale ? (*scale)(static_cast<double>(per)) : std::nullopt;
    if (!quanta || quanta->quanta() <= 0) {
      std::vector<std::string> fitting;
      for (const Unit& known : all_units()) {
        if (model::ActivityScale::between(known, *item.carrier)) fitting.emplace_back(known.symbol);
      }
      return in.error("unit", "'" + printable(symbol.value_or("")) + "' is no unit of " +
                                  std::string(item.carrier->id) + suggestion(symbol.value_or(""), fitting));
    }
    item.is_rate = unit->dimension != item.carrier->dimension;
    item.quanta_per_unit = quanta->quanta();
    item.unit = (per == 1 ? "" : std::to_string(per) + " ") + std::string(unit->symbol);
  }

  // What the account's `metering` says of it, and over that what stands here.
  static void read_meter(config::Reader& in, const KnownAccount* account, Item& item) {
    if (const config::Node* metering = account ? account->node->find("metering") : nullptr) {
      for (const auto& [from, to] : {std::pair("device", "model"),
                                     {"class", "accuracy"},
                                     {"calibration", "calibrated"},
                                     {"ct", "ct"},
                                     {"pt", "pt"}}) {
        if (const std::string text = text_of(*metering, from); !text.empty()) item.meter[to] = text;
      }
    }
    const config::Node* node = in.child("meter");
    if (!node) return;
    config::Reader meter(*node, in.problems());
    for (const char* key : {"name", "type", "maker", "model", "number", "accuracy", "range", "calibration_state",
                            "calibrated", "calibrated_until", "place", "installer", "ct", "pt", "ratio"}) {
      if (const auto text = meter.optional<std::string>(key)) item.meter[key] = *text;
    }
    item.meter["level"] = meter.in_range<int>("level", 1, 1, 3);
    if (meter.has("calibration_months"))
      item.meter["calibration_months"] = meter.in_range<int>("calibration_months", 12, 1, 240);
    item.meter["state"] = meter.in_range<int>("state", 1, 1, 3);
    meter.finish();
  }

  config::Reader& in_;
  bool is_complete_;
  std::vector<KnownAccount> accounts_;
  std::set<std::pair<codec::DataCode, codec::StatType>> keys_;
  std::vector<Item> items_;
};

}  // namespace

std::vector<Item> read_items(config::Reader& in, const config::Node& root) {
  return ItemsReader(in, root).read();
}

}  // namespace carbongate::sinks::energy_platform
