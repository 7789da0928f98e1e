#include "gateway/app/certificates_section.h"

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "config/reader/text.h"
#include "gateway/model/factor.h"
#include "gateway/model/gas.h"
#include "gateway/pipeline/calendar.h"
#include "gateway/pipeline/factor_value.h"

namespace carbongate::app {
namespace {

using config::printable;
using config::suggestion;

struct Date {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  int parts = 0;  // 1: a year, 2: a month, 3: a day
};

// "2026", "2026-03", "2026-03-31".
std::optional<Date> parse_date(const std::string& text) {
  Date date;
  const char* at = text.data();
  const char* end = at + text.size();
  const auto number = [&](auto& out, std::ptrdiff_t digits) {
    const auto [stop, code] = std::from_chars(at, end, out);
    if (code != std::errc{} || stop - at != digits) return false;
    at = stop;
    ++date.parts;
    return true;
  };
  const auto dash = [&] { return at != end && *at++ == '-'; };
  if (!number(date.year, 4)) return std::nullopt;
  if (at != end && !(dash() && number(date.month, 2))) return std::nullopt;
  if (at != end && !(dash() && number(date.day, 2))) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(date.year), std::chrono::month(date.month),
                                        std::chrono::day(date.day)};
  if (at != end || !day.ok() || date.year < 1970 || date.year > 2199) return std::nullopt;
  return date;
}

pipeline::Span period_of(const Date& date, pipeline::Calendar& calendar) {
  constexpr model::Period kPeriods[] = {model::Period::year, model::Period::month, model::Period::day};
  return calendar.period(kPeriods[date.parts - 1], calendar.begin_of_day(date.year, date.month, date.day));
}

class Certificates {
 public:
  Certificates(config::Reader& root, const model::Site& site) : root_(root), site_(site), calendar_(site.time_zone) {}

  std::vector<model::Certificate> read() {
    for (const config::Node& node : root_.items("certificates")) {
      config::Reader in(node, root_.problems());
      certificates_.push_back(read_one(in));
      in.finish();
    }
    for (const config::Node& node : root_.items("contracts")) {
      config::Reader in(node, root_.problems());
      read_contract(in);
      in.finish();
    }
    return std::move(certificates_);
  }

 private:
  struct Delivered {
    pipeline::Span span;
    std::string name;  // "2026-03"
  };

  model::Certificate read_one(config::Reader& in) {
    model::Certificate certificate;
    certificate.serial = read_serial(in, "serial", "serial");
    certificate.users = {in.required<std::string>("user")};
    certificate.carrier = in.value_or("carrier", "electricity");
    check_purchases(in, "user", certificate);
    read_volume(in, certificate);
    read_dates(in, certificate);
    certificate.plant = in.value_or("plant", "");
    certificate.technology = in.value_or("technology", "");
    certificate.owner = in.value_or("owner", "");
    return certificate;
  }

  // What its deliveries have in common, then each of them.
  void read_contract(config::Reader& in) {
    model::Certificate common;
    model::SupplyContract contract;
    contract.id = read_serial(in, "id", "id");
    contract.supplier = in.required<std::string>("supplier");
    common.users = in.required<std::vector<std::string>>("users");
    common.carrier = in.value_or("carrier", "electricity");
    check_purchases(in, "users", common);
    read_factor(in, common.carrier, contract);
    const double percent = in.in_range<double>("uncertainty_percent", 0.0, 0.0, 1000.0);
    contract.u95_ppm = static_cast<std::int32_t>(percent * 10'000.0 + 0.5);
    contract.source = in.value_or("source", "");
    common.contract = contract;
    std::vector<Delivered> delivered;
    for (const config::Node& node : in.required_items("deliveries")) {
      config::Reader one(node, root_.problems());
      model::Certificate delivery = common;
      read_volume(one, delivery);
      const auto period = read_delivered(one);
      one.finish();
      if (!period) continue;
      const auto overlapping = std::ranges::find_if(delivered, [&](const Delivered& other) {
        return other.span.begin < period->span.end && period->span.begin < other.span.end;
      });
      if (overlapping != delivered.end()) {
        one.error(one.has("period") ? "period" : "from",
                  "overlaps the delivery of " + overlapping->name + "; what was delivered counts once");
      }
      delivered.push_back(*period);
      delivery.serial = contract.id + "/" + period->name;
      if (serials_.contains(boost::algorithm::to_lower_copy(delivery.serial))) {
        in.error("id", "the delivery " + delivery.serial + " has the serial of a certificate");
      }
      delivery.generated_from = period->span.begin;
      delivery.generated_until = period->span.end;
      certificates_.push_back(std::move(delivery));
    }
    if (in.has("deliveries") && in.child("deliveries")->is_sequence() && in.items("deliveries").empty()) {
      in.error("deliveries", "an empty list; a contract that delivered nothing yet is left out");
    }
  }

  std::string read_serial(config::Reader& in, std::string_view key, const std::string& what) {
    std::string serial = in.required<std::string>(key);
    if (serial.find_first_of(";()") != std::string::npos) {
      in.error(key, "'" + printable(serial) + "' holds one of ; ( ), which separate serials in the books");
    }
    const bool has_value = in.has(key) && !in.child(key)->is_null();
    if (has_value && (serial.empty() || serial.front() == ' ' || serial.back() == ' ')) {
      in.error(key, "'" + printable(serial) + "' is empty, or begins or ends with a blank");
    }
    // Registers print theirs in capitals; two that differ in nothing else are one.
    const bool is_registered = key == "serial";
    const auto [first, fresh] =
        serials_.emplace(is_registered ? boost::algorithm::to_lower_copy(serial) : serial, in.node().place());
    if (!fresh && !serial.empty()) {
      in.error(key, "'" + printable(serial) + "' is there already, in line " + std::to_string(first->second.line) +
                        "; one " + what + " counts once");
    }
    return serial;
  }

  void check_purchases(config::Reader& in, std::string_view key, const model::Certificate& certificate) {
    std::set<std::string> listed;
    for (const std::string& user : certificate.users) {
      if (!listed.insert(user).second) in.error(key, "'" + printable(user) + "' stands there twice");
      check_purchase(in, key, user, certificate.carrier);
    }
    if (certificate.users.empty() && in.has(key)) in.error(key, "an empty list; name who may use it");
  }

  void check_purchase(config::Reader& in, std::string_view key, const std::string& user, const std::string& carrier) {
    if (user.empty()) return;
    std::set<std::string> users;
    bool purchases = false;
    const model::Containment* container = nullptr;
    for (const model::Account& account : site_.accounts) {
      users.insert(account.user);
      if (account.user != user || account.carrier->id != carrier || account.scope != model::Scope::energy ||
          account.flow != model::Flow::consumed) {
        continue;
      }
      purchases = true;
      if (!container) container = model::container_of(site_, account);
    }
    if (!users.contains(user)) {
      if (root_.node().is_complete()) {
        in.error(key, "unknown energy user '" + printable(user) + "'" +
                          suggestion(user, std::vector(users.begin(), users.end())));
      }
    } else if (!purchases) {
      in.error(in.has("carrier") ? "carrier" : key, "'" + user + "' purchases no " + printable(carrier));
    } else if (container) {
      in.warning(key, "'" + user + "' is part of '" + container->of +
                          "': what is bought for a part changes no total of the site");
    }
  }

  // "0.05 kgCO2e/kWh".
  void read_factor(config::Reader& in, const std::string& carrier_id, model::SupplyContract& contract) {
    contract.factor_text = in.required<std::string>("factor");
    const model::Carrier* carrier = model::find_carrier(carrier_id);
    if (contract.factor_text.empty() || !carrier) return;
    const std::string_view text = contract.factor_text;
    const auto blank = text.find(' ');
    const auto value = pipeline::Fraction::decimal(text.substr(0, blank));
    std::string why = "it has no unit";
    const auto unit = blank == std::string_view::npos
                          ? std::nullopt
                          : pipeline::parse_factor_unit(text.substr(blank + 1), *carrier, why);
    const auto gas = unit ? model::find_gas(unit->species) : std::nullopt;
    const auto exact = value && unit ? value->times(unit->mg_per_quantum) : std::nullopt;
    const auto scaled = exact ? exact->scaled(model::kFactorScale) : std::nullopt;
    const std::string said = "'" + printable(contract.factor_text) + "' is not a factor such as 0.05 kgCO2e/" +
                             std::string(carrier->display.symbol);
    if (!value) {
      in.error("factor", said + ": its number is not a plain decimal number >= 0");
    } else if (!unit) {
      in.error("factor", said + ": " + why);
    } else if (gas != model::Gas::co2 && gas != model::Gas::unsplit) {
      in.error("factor", said + ": it is of CO2 or CO2e");
    } else if (!scaled) {
      in.error("factor", said + ": too large, or with too many digits to be kept exactly");
    } else {
      contract.gas = *gas;
      contract.scaled_factor = *scaled;
    }
  }

  // `period`, or `from` and `until`.
  std::optional<Delivered> read_delivered(config::Reader& in) {
    if (!in.has("from") && !in.has("until")) {
      const std::string text = in.required<std::string>("period");
      const auto date = parse_date(text);
      if (!date && !text.empty()) refuse_period(in, "period", text);
      return date ? std::optional(Delivered{period_of(*date, calendar_), text}) : std::nullopt;
    }
    if (in.optional<std::string>("period"))
      in.error("period", "stands beside 'from' or 'until'; one of both says when");
    const auto from = read_day(in, "from");
    const auto until = read_day(in, "until");
    if (!from || !until) return std::nullopt;
    if (from->first >= until->first) {
      in.error("until", "'" + until->second + "' is not after 'from'; the day itself is not in it");
      return std::nullopt;
    }
    return Delivered{{from->first, until->first}, from->second + ".." + until->second};
  }

  std::optional<std::pair<Instant, std::string>> read_day(config::Reader& in, std::string_view key) {
    const std::string text = in.required<std::string>(key);
    const auto date = parse_date(text);
    if (date && date->parts == 3) return std::pair(calendar_.begin_of_day(date->year, date->month, date->day), text);
    if (!text.empty()) in.error(key, "'" + printable(text) + "' is not a day such as 2026-04-10");
    return std::nullopt;
  }

  static void refuse_period(config::Reader& in, std::string_view key, const std::string& text) {
    in.error(key, "'" + printable(text) + "' is not a year, a month or a day such as 2026, 2026-03, 2026-03-31");
  }

  // "1 MWh", "2.5GWh".
  void read_volume(config::Reader& in, model::Certificate& certificate) {
    const std::string text = in.required<std::string>("volume");
    const model::Carrier* carrier = model::find_carrier(certificate.carrier);
    if (text.empty() || !carrier) return;
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, number);
    std::string_view symbol(stop, static_cast<std::size_t>(end - stop));
    while (symbol.starts_with(' ')) symbol.remove_prefix(1);
    const auto unit = find_unit(symbol);
    const auto amount = code == std::errc{} && unit && unit->dimension == carrier->dimension
                            ? model::to_activity(number, *unit, *carrier)
                            : std::nullopt;
    if (!amount || *amount <= model::Activity{}) {
      in.error("volume",
               "'" + printable(text) + "' is not an amount of " + std::string(carrier->id) + ", such as '1 MWh'");
      return;
    }
    certificate.volume = *amount;
  }

  void read_dates(config::Reader& in, model::Certificate& certificate) {
    const std::string generated = in.required<std::string>("generated");
    const auto period = parse_date(generated);
    if (!period && !generated.empty()) refuse_period(in, "generated", generated);
    certificate.retired = in.required<std::string>("retired");
    const auto retired = parse_date(certificate.retired);
    if (!certificate.retired.empty() && (!retired || retired->parts != 3)) {
      in.error("retired", "'" + printable(certificate.retired) + "' is not a day such as 2026-04-10");
    }
    if (!period) return;
    const pipeline::Span span = period_of(*period, calendar_);
    certificate.generated_from = span.begin;
    certificate.generated_until = span.end;
    if (retired && calendar_.begin_of_day(retired->year, retired->month, retired->day) < span.begin) {
      in.error("retired", "was retired before its generation began");
    }
  }

  config::Reader& root_;
  const model::Site& site_;
  pipeline::Calendar calendar_;
  std::map<std::string, config::Place> serials_;
  std::vector<model::Certificate> certificates_;
};

}  // namespace

std::vector<model::Certificate> read_certificates(config::Reader& root, const model::Site& site) {
  if (!root.has("certificates") && !root.has("contracts")) return {};
  return Certificates(root, site).read();
}

}  // namespace carbongate::app
