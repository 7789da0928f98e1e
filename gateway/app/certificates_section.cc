#include "gateway/app/certificates_section.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "config/reader/text.h"
#include "gateway/pipeline/calendar.h"

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
    std::vector<model::Certificate> certificates;
    for (const config::Node& node : root_.items("certificates")) {
      config::Reader in(node, root_.problems());
      certificates.push_back(read_one(in));
      in.finish();
    }
    return certificates;
  }

 private:
  model::Certificate read_one(config::Reader& in) {
    model::Certificate certificate;
    certificate.serial = in.required<std::string>("serial");
    if (certificate.serial.find_first_of(";()") != std::string::npos) {
      in.error("serial",
               "'" + printable(certificate.serial) + "' holds one of ; ( ), which separate serials in the books");
    }
    const auto [first, fresh] = serials_.emplace(certificate.serial, in.node().place());
    if (!fresh && !certificate.serial.empty()) {
      in.error("serial", "'" + printable(certificate.serial) + "' is there already, in line " +
                             std::to_string(first->second.line) + "; one serial counts once");
    }
    certificate.user = in.required<std::string>("user");
    certificate.carrier = in.value_or("carrier", "electricity");
    check_purchase(in, certificate);
    read_volume(in, certificate);
    read_dates(in, certificate);
    certificate.plant = in.value_or("plant", "");
    certificate.technology = in.value_or("technology", "");
    certificate.owner = in.value_or("owner", "");
    return certificate;
  }

  void check_purchase(config::Reader& in, const model::Certificate& certificate) {
    if (certificate.user.empty()) return;
    std::set<std::string> users;
    bool purchases = false;
    const model::Containment* container = nullptr;
    for (const model::Account& account : site_.accounts) {
      users.insert(account.user);
      if (account.user != certificate.user || account.carrier->id != certificate.carrier ||
          account.scope != model::Scope::energy || account.flow != model::Flow::consumed) {
        continue;
      }
      purchases = true;
      if (!container) container = model::container_of(site_, account);
    }
    if (!users.contains(certificate.user)) {
      if (root_.node().is_complete()) {
        in.error("user", "unknown energy user '" + printable(certificate.user) + "'" +
                             suggestion(certificate.user, std::vector(users.begin(), users.end())));
      }
    } else if (!purchases) {
      in.error(in.has("carrier") ? "carrier" : "user",
               "'" + certificate.user + "' purchases no " + printable(certificate.carrier));
    } else if (container) {
      in.warning("user", "'" + certificate.user + "' is part of '" + container->of +
                             "': a certificate of a part changes no total of the site");
    }
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
    if (!period && !generated.empty()) {
      in.error("generated",
               "'" + printable(generated) + "' is not a year, a month or a day such as 2026, 2026-03, 2026-03-31");
    }
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
};

}  // namespace

std::vector<model::Certificate> read_certificates(config::Reader& root, const model::Site& site) {
  if (!root.has("certificates")) return {};
  return Certificates(root, site).read();
}

}  // namespace carbongate::app
