#include "gateway/sinks/selection.h"

#include <algorithm>
#include <chrono>

#include "config/reader/text.h"

namespace carbongate::sinks {
namespace {

using namespace std::chrono_literals;

bool has_wildcard(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos;
}

std::size_t length_of_character(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) ++length;
  return length;
}

std::vector<std::string> read_patterns(config::Reader& in, std::string_view key, const std::vector<std::string>* known,
                                       std::string_view what) {
  const auto patterns = in.optional<std::vector<std::string>>(key);
  if (!patterns) return {};
  if (patterns->empty()) in.error(key, "is empty: nothing would be sent; leave it out to send everything");
  for (const std::string& pattern : *patterns) {
    const auto is_meant = [&](const std::string& name) { return fits(pattern, name); };
    if (!known || std::ranges::any_of(*known, is_meant)) continue;
    const std::string shown = "'" + config::printable(pattern) + "'";
    if (has_wildcard(pattern)) {
      in.warning(key, shown + " fits no " + std::string(what));
    } else {
      in.error(key, "there is no " + std::string(what) + " " + shown + config::suggestion(pattern, *known));
    }
  }
  return *patterns;
}

bool any(const std::vector<std::string>& patterns, const std::string& name) {
  return patterns.empty() ||
         std::ranges::any_of(patterns, [&](const std::string& pattern) { return fits(pattern, name); });
}

}  // namespace

bool fits(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last one passed: it takes more when what follows does not fit
  std::size_t taken_until = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken_until = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t += length_of_character(text.substr(t));
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken_until;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string alert_name(const model::Series& of) {
  return of.site + " " + of.rule + " " + model::subject_name(of.device, of.point, of.user, of.carrier);
}

bool Selection::takes(const model::StoredRow& row) const {
  const shared::RowKind kind = shared::kind_of(row.body);
  const model::Series& series = *row.series;
  if (kind == shared::RowKind::alert) return takes_alert(series, row.body.get<model::Alert>().severity);
  if (!rows.test(static_cast<std::size_t>(kind))) return false;
  if (kind == shared::RowKind::report) return true;
  if (!points.empty() && !any(points, series.device + "." + series.point)) return false;
  const bool is_of_account = kind != shared::RowKind::reading && kind != shared::RowKind::interval;
  return !is_of_account || any(users, series.user);
}

bool Selection::takes_alert(const model::Series& of, model::Severity of_rule) const {
  if (!rows.test(static_cast<std::size_t>(shared::RowKind::alert))) return false;
  if (of_rule < severity || !any(rules, of.rule)) return false;
  if (!of.user.empty()) return any(users, of.user);
  return of.point.empty() || any(points, of.device + "." + of.point);
}

Selection Selection::from(config::Reader& in, const SelectableNames* names) {
  if (names && !names->complete) names = nullptr;
  Selection selection;
  selection.rows = shared::read_row_kinds(in);
  const config::Node* node = in.child("select");
  if (!node) return selection;
  config::Reader select(*node, in.problems());
  if (select.has("rows")) {
    if (in.has("rows")) select.error("rows", "and `rows` beside `type` exclude each other");
    selection.rows = shared::read_row_kinds(select);
  }
  selection.points = read_patterns(select, "points", names ? &names->points : nullptr, "point");
  selection.users = read_patterns(select, "users", names ? &names->users : nullptr, "energy user");
  selection.rules = read_patterns(select, "rules", names ? &names->rules : nullptr, "rule of alerts");
  selection.severity = static_cast<model::Severity>(select.one_of("severity", {"info", "warning", "critical"}, 0));
  const bool has_alerts = selection.rows.test(static_cast<std::size_t>(shared::RowKind::alert));
  for (const char* key : {"rules", "severity"}) {
    if (select.has(key) && !has_alerts) select.warning(key, "is about alerts, and `rows` leaves those out");
  }
  selection.every = select.in_range<Duration>("every", 0s, 1s, 24h * 31);
  const bool has_readings = selection.rows.test(static_cast<std::size_t>(shared::RowKind::reading));
  if (selection.every != Duration::zero() && !has_readings) {
    select.warning("every", "thins readings, and `rows` leaves those out");
  }
  select.finish();
  return selection;
}

}  // namespace carbongate::sinks
