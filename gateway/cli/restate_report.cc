#include "gateway/cli/restate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "gateway/model/coverage.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::cli {
namespace {

using model::EmissionEntry;

// What was added later stands behind what was there before it.
constexpr tables::TableWriter::Column kColumns[] = {
    {"user"},
    {"carrier"},
    {"point"},
    {"day"},
    {"unit"},
    {"amount_published", tables::TableWriter::Type::number},
    {"amount_known", tables::TableWriter::Type::number},
    {"amount_restated", tables::TableWriter::Type::number},
    {"amount_difference", tables::TableWriter::Type::number},
    {"co2e_kg_published", tables::TableWriter::Type::number},
    {"co2e_kg_known", tables::TableWriter::Type::number},
    {"co2e_kg_restated", tables::TableWriter::Type::number},
    {"co2e_kg_difference", tables::TableWriter::Type::number},
    {"entries", tables::TableWriter::Type::number},
    {"cause"},
    {"market_co2e_kg_published", tables::TableWriter::Type::number},
    {"market_co2e_kg_known", tables::TableWriter::Type::number},
    {"market_co2e_kg_restated", tables::TableWriter::Type::number},
    {"market_co2e_kg_difference", tables::TableWriter::Type::number},
    {"coverage_percent", tables::TableWriter::Type::number},
    {"coal_kgce_published", tables::TableWriter::Type::number},
    {"coal_kgce_known", tables::TableWriter::Type::number},
    {"coal_kgce_restated", tables::TableWriter::Type::number},
    {"coal_kgce_difference", tables::TableWriter::Type::number},
};
constexpr std::size_t kMarketBegins = 15;
constexpr std::size_t kCoverage = 19;
constexpr std::size_t kCoalBegins = 20;
constexpr std::size_t kCause = 14;
constexpr const char* kTableHeader[] = {"user",
                                        "carrier",
                                        "point",
                                        "day",
                                        "unit",
                                        "published",
                                        "known",
                                        "restated",
                                        "difference",
                                        "kg published",
                                        "kg known",
                                        "kg restated",
                                        "kg difference",
                                        "entries",
                                        "cause",
                                        "market kg published",
                                        "market kg known",
                                        "market kg restated",
                                        "market kg difference",
                                        "coverage %",
                                        "kgce published",
                                        "kgce known",
                                        "kgce restated",
                                        "kgce difference"};
static_assert(std::size(kColumns) == std::size(kTableHeader));

template <class Mass>
std::string kilograms(Mass mass) {
  return model::format_fixed(mass.quanta(), model::kMilligramsPerKilogram);
}

books::Figures figures_of(const EmissionEntry& correction) {
  books::QuarterHour alone(correction.begin);
  alone.add(correction);
  return alone.now();
}

}  // namespace

void RestateFigures::add(const books::Figures& figures) {
  amount += figures.amount;
  coal += figures.coal;
  co2e += figures.emitted[model::Basis::primary].co2e;
  market += figures.emitted[model::Basis::market].co2e;
}

void RestateFigures::add(const RestateFigures& other) {
  amount += other.amount;
  coal += other.coal;
  co2e += other.co2e;
  market += other.market;
  covered += other.covered;
}

void RestateLine::add(const RestateLine& other) {
  published.add(other.published);
  known.add(other.known);
  difference.add(other.difference);
  entries += other.entries;
  watchable += other.watchable;
}

RestateReport::Day RestateReport::day_of(model::AccountId account, Instant begin) {
  return {account, calendar_.period(model::Period::day, begin).begin};
}

Duration RestateReport::shown_of(const Day& day) {
  const model::Account& account = site_.accounts.at(model::index(day.first));
  Instant from = from_;
  Instant to = to_;
  for (const app::CertifiedGroup& group : groups_) {
    if (!group.has(account.user, account.carrier->id)) continue;
    from = std::min(from, group.from);
    to = std::max(to, group.to);
  }
  const pipeline::Span span = calendar_.period(model::Period::day, day.second);
  return std::min(span.end, to) - std::max(span.begin, from);
}

void RestateReport::add(std::span<const model::Amendment> differences) {
  for (const model::Amendment& amendment : differences) {
    const EmissionEntry& correction = amendment.correction;
    const Day day = day_of(amendment.account, correction.begin);
    RestateLine& line = days_[day];
    line.difference.add(figures_of(correction));
    const bool has_market = site_.accounts.at(model::index(amendment.account)).market.has_value();
    if (!correction.market && has_market) line.difference.market -= correction.primary.emitted.co2e;
    if (correction.market) with_market_.emplace(amendment.account, correction.begin);
    line.difference.covered += correction.covered - amendment.covered_before;
    ++line.entries;
    market_alone_ = market_alone_ || correction.correction->cause == model::Cause::certificate;
    std::string& causes = causes_[day];
    const auto name = [&causes](model::Cause cause) {
      const std::string word(to_string(cause));
      if (causes.find(word) == std::string::npos) causes += (causes.empty() ? "" : "+") + word;
    };
    name(correction.correction->cause);
    if (amendment.another_factor) name(model::Cause::factor);
  }
}

void RestateReport::add_known(model::AccountId account, std::span<const EmissionEntry> revisions, Instant now) {
  const Instant begin = revisions.front().begin;
  RestateLine& line = days_[day_of(account, begin)];
  books::QuarterHour known(begin);
  bool has_market = false;
  for (const EmissionEntry& entry : revisions) {
    if (entry.correction && entry.correction->booked_at == now) continue;
    known.add(entry);
    has_market = has_market || entry.market;
  }
  line.published.add(known.first());
  line.known.add(known.now());
  line.known.covered += known.covered();
  // A correction that brings the first market-based result takes the place of the other one.
  if (!has_market && with_market_.contains({account, begin})) {
    line.difference.market -= known.now().emitted[model::Basis::primary].co2e;
  }
}

void RestateReport::add_unused(std::span<const app::UnusedCertificate> unused) {
  unused_.insert(unused_.end(), unused.begin(), unused.end());
}

void RestateReport::add_refused(std::span<const app::RefusedHours> refused) {
  refused_.insert(refused_.end(), refused.begin(), refused.end());
}

std::size_t RestateReport::differing() const {
  std::size_t count = 0;
  for (const auto& [day, line] : days_) count += line.entries;
  return count;
}

void RestateReport::write(std::ostream& out, const std::string& format) {
  if (format == "csv") return csv(out);
  if (format == "json") return json(out);
  table(out);
}

void RestateReport::tell(std::ostream& err) {
  for (const auto& [certificate, amount] : unused_) {
    err << fmt::format("{} {} of {}: {} of {} found no consumption from {} to {}\n",
                       certificate->contract ? "contract" : "certificate", certificate->serial,
                       certificate->users_text(), amount_of(*certificate, amount),
                       amount_of(*certificate, certificate->volume), time_(certificate->generated_from),
                       time_(certificate->generated_until));
  }
  for (const app::RefusedHours& refused : refused_) {
    err << fmt::format(
        "{}: {} hours without valid data have no substitute, the first from {}: too few valid hours; "
        "--manual enters what is known otherwise\n",
        name_of(refused.account), refused.hours, time_(refused.first));
  }
}

std::string RestateReport::name_of(model::AccountId id) const {
  const model::Account& account = site_.accounts.at(model::index(id));
  return account.user + "/" + std::string(account.carrier->id) + "/" +
         site_.points.at(index(account.source)).full_name();
}

std::string RestateReport::amount_of(const model::Certificate& certificate, model::Activity amount) const {
  const model::Carrier* carrier = model::find_carrier(certificate.carrier);
  if (!carrier) return {};
  return model::format_fixed(amount.quanta(), carrier->quanta_per_display) + " " + std::string(carrier->display.symbol);
}

std::vector<std::string> RestateReport::cells(const model::Account* account, const std::string& day,
                                              const RestateLine& line, const std::string& cause) const {
  const auto amount = [&](model::Activity a) {
    return account ? model::format_fixed(a.quanta(), account->carrier->quanta_per_display) : std::string();
  };
  const auto market = [&](model::Co2e co2e) { return !account || account->market ? kilograms(co2e) : std::string(); };
  const auto coal = [&](model::StandardCoal mass) {
    return !account || account->coal ? kilograms(mass) : std::string();
  };
  RestateFigures restated = line.known;
  restated.add(line.difference);
  return {account ? account->user : "total",
          account ? std::string(account->carrier->id) : "",
          account ? site_.points.at(index(account->source)).full_name() : "",
          day,
          account ? std::string(account->carrier->display.symbol) : "",
          amount(line.published.amount),
          amount(line.known.amount),
          amount(restated.amount),
          amount(line.difference.amount),
          kilograms(line.published.co2e),
          kilograms(line.known.co2e),
          kilograms(restated.co2e),
          kilograms(line.difference.co2e),
          std::to_string(line.entries),
          cause,
          market(line.published.market),
          market(line.known.market),
          market(restated.market),
          market(line.difference.market),
          model::coverage_percent(restated.covered, line.watchable),
          coal(line.published.coal),
          coal(line.known.coal),
          coal(restated.coal),
          coal(line.difference.coal)};
}

std::vector<std::vector<std::string>> RestateReport::rows() {
  std::vector<std::vector<std::string>> rows;
  std::map<model::AccountId, RestateLine> accounts;
  for (auto& [day, line] : days_) {
    line.watchable = shown_of(day);
    accounts[day.first].add(line);
    if (line.entries == 0) continue;
    rows.push_back(
        cells(&site_.accounts.at(model::index(day.first)), time_(day.second).substr(0, 10), line, causes_[day]));
  }
  RestateLine total;
  for (const auto& [account, line] : accounts) {
    if (model::in_site_total(site_, site_.accounts.at(model::index(account)))) total.add(line);
    if (line.entries != 0) rows.push_back(cells(&site_.accounts.at(model::index(account)), "total", line, ""));
  }
  rows.push_back(cells(nullptr, "total", total, ""));
  return rows;
}

void RestateReport::csv(std::ostream& out) {
  tables::TableWriter writer(out, tables::TableWriter::Format::csv, kColumns);
  for (const auto& row : rows()) {
    for (const std::string& cell : row) writer.cell(cell);
  }
  writer.flush();
}

void RestateReport::json(std::ostream& out) {  // decimals as texts: exact
  boost::json::array lines;
  for (const auto& row : rows()) {
    boost::json::object line;
    for (std::size_t i = 0; i < row.size(); ++i) line[kColumns[i].name] = row[i];
    lines.push_back(std::move(line));
  }
  boost::json::array unused, unused_contracts;
  for (const auto& [certificate, amount] : unused_) {
    boost::json::object object{{"serial", certificate->serial},
                               {"user", certificate->users_text()},
                               {"volume", amount_of(*certificate, certificate->volume)},
                               {"unused", amount_of(*certificate, amount)}};
    if (certificate->contract) object["supplier"] = certificate->contract->supplier;
    (certificate->contract ? unused_contracts : unused).push_back(std::move(object));
  }
  boost::json::array refused_hours;
  for (const app::RefusedHours& refused : refused_) {
    refused_hours.push_back(boost::json::object{
        {"account", name_of(refused.account)}, {"hours", refused.hours}, {"first", time_(refused.first)}});
  }
  boost::json::object all;
  all["entries_compared"] = entries;
  all["entries_differing"] = differing();
  all["certificates_unused"] = std::move(unused);
  all["contracts_unused"] = std::move(unused_contracts);
  all["substitutes_refused"] = std::move(refused_hours);
  all["lines"] = std::move(lines);
  out << boost::json::serialize(all) << "\n";
}

void RestateReport::table(std::ostream& out) {
  const bool coal =
      std::ranges::any_of(days_, [](const auto& day) { return day.second.difference.coal != model::StandardCoal{}; });
  std::vector<std::vector<std::string>> lines{{std::begin(kTableHeader), std::end(kTableHeader)}};
  for (auto& row : rows()) lines.push_back(std::move(row));
  for (auto& line : lines) {  // the cause comes last
    if (!coal) line.resize(kCoalBegins);
    if (!market_alone_) line.erase(line.begin() + kMarketBegins, line.begin() + kCoverage);
    std::rotate(line.begin() + kCause, line.begin() + kMarketBegins, line.end());
  }
  const std::size_t cause = lines.front().size() - 1;
  std::vector<std::size_t> widths(lines.front().size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool number = i >= 5 && i != cause;
      text += number ? fmt::format("{:>{}}  ", line[i], widths[i]) : fmt::format("{:<{}}  ", line[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << "\n";
  }
}

}  // namespace carbongate::cli
