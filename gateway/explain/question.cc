#include "gateway/explain/question.h"

#include <charconv>
#include <chrono>

#include "config/reader/text.h"
#include "gateway/model/entry_name.h"

namespace carbongate::explain {
namespace {

using model::Period;

constexpr std::string_view kScopePrefix = "scope-";
constexpr std::string_view kUtc = "2026-01-01T00:15:00";

model::Fault wrong(std::string_view text, const std::string& why) {
  return {make_error_code(boost::system::errc::invalid_argument),
          "'" + config::printable(text) + "': " + why +
              "; an entry is named USER/CARRIER/DEVICE.POINT@2026-01-01T00:15:00Z#0, a sum USER@2026-01"};
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Cuts `text` at the first `separator`; what was in front of it. nullopt: there is none.
std::optional<std::string_view> take_until(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at + 1);
  return part;
}

// "2026-01-03", "2026-01", "2026". False: none of them.
bool read_date(std::string_view text, const std::string& time_zone, Question& question) {
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return false;
  if ((text.size() > 4 && text[4] != '-') || (text.size() > 7 && text[7] != '-')) return false;
  const auto year = whole_number<unsigned>(text.substr(0, 4));
  const auto month = text.size() > 4 ? whole_number<unsigned>(text.substr(5, 2)) : 1U;
  const auto day = text.size() > 7 ? whole_number<unsigned>(text.substr(8, 2)) : 1U;
  if (!year || !month || !day || *year < 1970) return false;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day));
  if (!date.ok()) return false;
  pipeline::Calendar calendar(time_zone);
  question.period = text.size() == 4 ? Period::year : text.size() == 7 ? Period::month : Period::day;
  question.span = calendar.period(*question.period, calendar.begin_of_day(static_cast<int>(*year), *month, *day));
  return true;
}

// In UTC, or with an offset as exports have it.
std::optional<Instant> read_instant(std::string_view text) {
  if (const auto utc = model::parse_utc(text)) return utc;
  if (text.size() < kUtc.size() + 6) return std::nullopt;
  const std::string_view offset = text.substr(text.size() - 6);
  if ((offset[0] != '+' && offset[0] != '-') || offset[3] != ':') return std::nullopt;
  const auto hours = whole_number<int>(offset.substr(1, 2));
  const auto minutes = whole_number<int>(offset.substr(4, 2));
  const auto local = model::parse_utc(std::string(text.substr(0, text.size() - 6)) + "Z");
  if (!local || !hours || !minutes || *hours > 18 || *minutes > 59 || *hours < 0 || *minutes < 0) return std::nullopt;
  const Duration ahead = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return offset[0] == '+' ? *local - ahead : *local + ahead;
}

}  // namespace

std::string Question::part() const {
  if (scope) return "/" + std::string(kScopePrefix) + std::string(to_string(*scope));
  return (carrier.empty() ? "" : "/" + carrier) + (device.empty() ? "" : "/" + device + "." + point);
}

std::string Question::account() const {
  return user + part();
}

model::Result<Question> parse_question(std::string_view text, const std::string& time_zone) {
  std::string_view rest = text;
  auto who = take_until(rest, '@');
  if (!who) return wrong(text, "there is no '@' before the time");
  Question question;
  if (const auto user = take_until(*who, '/')) {
    question.user = *user;
    if (const auto carrier = take_until(*who, '/')) {
      question.carrier = *carrier;
      const auto device = take_until(*who, '.');
      if (!device || device->empty() || who->empty()) return wrong(text, "a metering point is DEVICE.POINT");
      question.device = *device;
      question.point = *who;
    } else {
      question.carrier = *who;
    }
    if (question.carrier.empty()) return wrong(text, "the carrier is missing");
    if (question.carrier.starts_with(kScopePrefix)) {
      const std::string number = question.carrier.substr(kScopePrefix.size());
      for (const model::Scope scope : {model::Scope::direct, model::Scope::energy}) {
        if (number == to_string(scope)) question.scope = scope;
      }
      if (!question.scope || !question.device.empty())
        return wrong(text, "a scope is scope-1 or scope-2, and that is all");
      question.carrier.clear();
    }
  } else {
    question.user = *who;
  }
  if (question.user.empty()) return wrong(text, "the energy user is missing");

  const auto mark = rest.find('#');
  if (mark != std::string_view::npos) {
    question.revision = whole_number<std::uint32_t>(rest.substr(mark + 1));
    if (!question.revision) return wrong(text, "what follows '#' is no revision");
    rest = rest.substr(0, mark);
  }
  if (read_date(rest, time_zone, question)) {
    if (question.revision) return wrong(text, "only an entry has revisions, and this is a period");
    return question;
  }
  const auto begin = read_instant(rest);
  if (!begin) {
    return wrong(
        text, "'" + config::printable(rest) + "' is no time: write 2026-01-01T00:15:00Z, 2026-01-01, 2026-01 or 2026");
  }
  if (question.device.empty()) return wrong(text, "an entry belongs to a metering point, and there is none");
  question.span = {*begin, *begin + Duration(1)};
  return question;
}

}  // namespace carbongate::explain
