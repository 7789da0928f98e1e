#include "gateway/cli/check.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>

#include "config/reader/byte_size.h"
#include "gateway/app/gateway_config.h"
#include "gateway/pipeline/factor_set.h"
#include "protocols/io/system_clock.h"

namespace carbongate::cli {
namespace {

std::string counted(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string verdict(const std::filesystem::path& file, const config::Problems& problems) {
  const auto warnings = static_cast<std::size_t>(
      std::ranges::count(problems.all(), config::Problem::Severity::warning, &config::Problem::severity));
  const std::size_t errors = problems.all().size() - warnings;
  std::string text = fmt::format("{}: ", file.string());
  if (errors != 0) text += counted(errors, "error") + (warnings != 0 ? ", " : "");
  if (warnings != 0) text += counted(warnings, "warning");
  return text + "\n";
}

void print_devices(const app::GatewayConfig& config, std::ostream& out) {
  std::size_t widest = 0;
  for (const app::ConfiguredDevice& device : config.devices) widest = std::max(widest, device.plan->id().size());
  out << fmt::format("devices: {} with {}\n", config.devices.size(),
                     counted(config.site.points.size() - config.site.derived.size(), "point"));
  for (const app::ConfiguredDevice& device : config.devices) {
    out << fmt::format("  {:<{}}  {} {}, {}\n", device.plan->id(), widest, device.type->name, device.plan->group(),
                       counted(device.plan->points().size(), "point"));
  }
}

void print_derived(const model::Site& site, std::ostream& out) {
  if (site.derived.empty()) return;
  out << fmt::format("derived: {}\n", counted(site.derived.size(), "point"));
  for (const model::Derived& derived : site.derived) {
    const Point& point = site.points[index(derived.result)];
    std::string inputs;
    for (const model::DerivedInput& input : derived.inputs) {
      if (input.point) inputs += (inputs.empty() ? "" : ", ") + site.points[index(*input.point)].full_name();
    }
    out << fmt::format("  {} in {} from {}\n", point.full_name(), point.unit.symbol, inputs);
  }
}

std::string factor_text(const app::GatewayConfig& config, const model::Account& account, Instant now) {
  if (!account.factor) return "no emissions";
  const model::Factor* factor = config.factors.find(*account.factor, *account.carrier, now);
  if (config.factors.is_live(*account.factor, *account.carrier))
    return config.factors.explain_missing(account.factor->set, account.carrier->id, account.factor->region,
                                          account.factor->method, now);
  if (!factor) return "no emission factor at present";
  return fmt::format("{} {} ({} version {}; {})", factor->value_text, factor->unit_text, factor->id, factor->version,
                     factor->source);
}

std::string coal_text(const app::GatewayConfig& config, const model::Account& account, Instant now) {
  const model::FactorChoice* choice = config.factors.coal_choice(account, now);
  if (!choice) return "";
  const model::Factor* coal = config.factors.find(*choice, *account.carrier, now);
  return coal ? fmt::format("; {} {}", coal->value_text, coal->unit_text) : "; no standard-coal coefficient at present";
}

void print_users(const app::GatewayConfig& config, Instant now, std::ostream& out) {
  std::size_t users = 0;
  std::string_view last;
  for (const model::Account& account : config.site.accounts) users += std::exchange(last, account.user) != account.user;
  out << fmt::format("energy users: {} with {}\n", users, counted(config.site.accounts.size(), "account"));
  last = "";
  for (const model::Account& account : config.site.accounts) {
    if (std::exchange(last, account.user) != account.user) {
      out << "  " << account.user << (account.user_name == account.user ? "" : "  " + account.user_name) << "\n";
    }
    const model::Containment* container = model::container_of(config.site, account);
    out << fmt::format("    {} from {}: {}{}{}\n", account.carrier->id,
                       config.site.points[index(account.source)].full_name(), factor_text(config, account, now),
                       coal_text(config, account, now), container ? "; part of " + container->of : "");
  }
}

void print_factors(const app::GatewayConfig& config, std::ostream& out) {
  out << fmt::format("factors: CO2e by {}; standard coal of electricity by its {} value{}\n", config.factors.gwp(),
                     config.electricity_coal_method,
                     config.electricity_coal_method == pipeline::kCalorific
                         ? " (site.standard_coal.electricity_equivalent states another)"
                         : "");
}

void print_summary(const app::GatewayConfig& config, Instant now, std::ostream& out) {
  const model::Site& site = config.site;
  out << fmt::format("site: {}{}, {}, grid region {}\n", site.id, site.name == site.id ? "" : "  " + site.name,
                     site.time_zone, site.grid_region);
  print_devices(config, out);
  print_derived(site, out);
  print_users(config, now, out);
  print_factors(config, out);
  out << fmt::format("store: {}, at most {}, readings kept {}\n", config.store.path.string(),
                     config::format_byte_size(config.store.size_max),
                     config::format_duration(config.store.keep_readings));
  out << fmt::format("sinks: {}\n", config.sinks.size());
  for (const auto& sink : config.sinks) out << "  " << sink->name() << "\n";
}

}  // namespace

int run_check(const std::filesystem::path& file, std::ostream& out, std::ostream& err, Instant now) {
  config::Problems problems;
  const app::GatewayConfig config = app::load_config(file, problems, now);
  err << problems.to_text();
  if (!problems.all().empty()) err << verdict(file, problems);
  if (problems.has_errors()) return EX_CONFIG;
  print_summary(config, now, out);
  return 0;
}

int run_check(const std::filesystem::path& file, std::ostream& out, std::ostream& err) {
  return run_check(file, out, err, io::SystemClock().now());
}

}  // namespace carbongate::cli
