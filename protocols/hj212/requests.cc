#include "protocols/hj212/requests.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "protocols/hj212/codes.h"

namespace carbongate::hj212 {
namespace {

using namespace std::chrono_literals;

constexpr std::array kReads = {"1011", "1061", "1063", "2031", "2051", "2061", "3019", "3020"};
constexpr std::array kMinuteIntervals = {1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30};  // table 4
constexpr std::size_t kQnDigits = 17;
constexpr std::size_t kDataTimeDigits = 14;
constexpr std::size_t kPasswordMax = 6;
constexpr std::size_t kShownMax = 16;

std::optional<int> number_in(std::optional<std::string_view> text) {
  if (!text || text->empty() || text->size() > 8) return std::nullopt;
  int number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

bool are_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void append_padded(std::string& out, int number, std::size_t digits) {
  std::string text = std::to_string(number);
  if (text.size() < digits) text.insert(0, digits - text.size(), '0');
  out += text;
}

bool has(const auto& words, std::string_view word) {
  return std::ranges::find(words, word) != std::end(words);
}

Verdict refused(int result, std::string why) {
  Verdict verdict;
  verdict.request_result = result;
  verdict.remark = "refused: " + std::move(why);
  return verdict;
}

Verdict ended(int result, std::string remark = {}) {
  Verdict verdict;
  verdict.execution_result = result;
  verdict.remark = std::move(remark);
  return verdict;
}

Verdict reply(std::vector<Item> area) {
  Verdict verdict;
  verdict.work = Reply{std::move(area)};
  verdict.execution_result = execution_result::kDone;
  return verdict;
}

Verdict change(SetByPlatform set, std::string remark) {
  Verdict verdict;
  verdict.work = Change{std::move(set)};
  verdict.remark = std::move(remark);
  return verdict;
}

Verdict wrong_value(std::string_view name) {
  return ended(execution_result::kCondition, std::string(name) + " is missing, or not what it may be");
}

Verdict set_timeouts(const std::vector<Item>& area) {
  const auto timeout = number_in(find(area, "OverTime"));
  const auto retries = number_in(find(area, "ReCount"));
  if (!timeout || *timeout < 1 || *timeout > 99) return wrong_value("OverTime");
  if (!retries || *retries < 1 || *retries > 99) return wrong_value("ReCount");
  return change({.timeout = std::chrono::seconds(*timeout), .retries = static_cast<std::uint32_t>(*retries)},
                "set: OverTime " + std::to_string(*timeout) + " s, ReCount " + std::to_string(*retries));
}

Verdict set_real_time_interval(const std::vector<Item>& area, const RequestLimits& limits) {
  const auto interval = number_in(find(area, "RtdInterval"));
  if (!interval || *interval < 30 || *interval > 3600) return wrong_value("RtdInterval");
  const std::chrono::seconds wanted(*interval);
  const std::string text = "RtdInterval " + std::to_string(*interval) + " s";
  if (wanted < limits.real_time) {
    return ended(execution_result::kCondition, text + ": the station makes no instants that often");
  }
  return change({.real_time_interval = wanted}, "set: " + text);
}

Verdict set_minute_interval(const std::vector<Item>& area, const RequestLimits& limits) {
  const auto interval = number_in(find(area, "MinInterval"));
  if (!interval || std::ranges::find(kMinuteIntervals, *interval) == kMinuteIntervals.end())
    return wrong_value("MinInterval");
  const std::chrono::minutes wanted(*interval);
  if (!limits.minute_intervals.empty() &&
      std::ranges::find(limits.minute_intervals, wanted) == limits.minute_intervals.end()) {
    return ended(execution_result::kCondition,
                 "MinInterval " + std::to_string(*interval) + ": the station makes no means of that length");
  }
  return change({.minute_interval = wanted}, "set: MinInterval " + std::to_string(*interval) + " min");
}

Verdict set_password(const std::vector<Item>& area) {
  const auto password = find(area, "NewPW");
  const bool is_alone = area.size() == 1 && area.front().size() == 1;  // else it has been cut at a ; or a ,
  if (!password || !is_alone || !can_be_password(*password)) return wrong_value("NewPW");
  return change({.password = std::string(*password)}, "set: a new password");
}

// The clock of this machine is kept by its time server alone.
Verdict compare_time(const std::vector<Item>& area, LocalTime now) {
  const auto text = find(area, "SystemTime");
  const auto said = text ? read_data_time(*text) : std::nullopt;
  if (!said) return wrong_value("SystemTime");
  const auto off = std::chrono::duration_cast<std::chrono::seconds>(now - *said);
  return ended(execution_result::kDone, "the platform's clock differs from ours by " + std::to_string(off.count()) +
                                            " s; ours is not set by it");
}

Verdict history(std::string_view cn, const std::vector<Item>& area) {
  const auto begin = find(area, "BeginTime");
  const auto end = find(area, "EndTime");
  const auto from = begin ? read_data_time(*begin) : std::nullopt;
  const auto until = end ? read_data_time(*end) : std::nullopt;
  if (!from) return wrong_value("BeginTime");
  if (!until || *until < *from) return wrong_value("EndTime");
  Verdict verdict;
  verdict.work = HistoryWanted{std::string(cn), *from, *until};
  verdict.remark = "asks for CN " + std::string(cn) + " from " + std::string(*begin) + " to " + std::string(*end);
  return verdict;
}

Verdict serial_number(const std::vector<Item>& area, const RequestLimits& limits) {
  if (limits.serial.empty()) return ended(execution_result::kNoData);
  const auto factor = find(area, "PolId");
  if (!factor || factor->empty() || factor->size() > kShownMax) return wrong_value("PolId");
  return reply({single("PolId", std::string(*factor)), single(std::string(*factor) + "-SN", limits.serial)});
}

}  // namespace

std::string to_data_time(LocalTime at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  std::string text;
  append_padded(text, static_cast<int>(date.year()), 4);
  append_padded(text, static_cast<int>(static_cast<unsigned>(date.month())), 2);
  append_padded(text, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  append_padded(text, static_cast<int>(time.hours().count()), 2);
  append_padded(text, static_cast<int>(time.minutes().count()), 2);
  append_padded(text, static_cast<int>(time.seconds().count()), 2);
  return text;
}

std::string to_qn(LocalTime at) {
  std::string text = to_data_time(at);
  append_padded(text, static_cast<int>((at - std::chrono::floor<std::chrono::seconds>(at)).count()), 3);
  return text;
}

std::optional<LocalTime> read_data_time(std::string_view text) {
  if (text.size() != kDataTimeDigits || !are_digits(text)) return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t digits) { return number_in(text.substr(at, digits)).value_or(0); };
  const std::chrono::year_month_day date{std::chrono::year(part(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(part(4, 2))),
                                         std::chrono::day(static_cast<unsigned>(part(6, 2)))};
  const int hour = part(8, 2), minute = part(10, 2), second = part(12, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::local_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

bool can_be_password(std::string_view text) {
  if (text.empty() || text.size() > kPasswordMax || text.find("//") != std::string_view::npos) return false;
  return std::ranges::all_of(text, [](unsigned char c) {
    return c > 0x20 && c < 0x7F && std::string_view("&;=,").find(static_cast<char>(c)) == std::string_view::npos;
  });
}

void SetByPlatform::add(const SetByPlatform& later) {
  const auto take = [](auto& to, const auto& from) {
    if (from) to = from;
  };
  take(real_time_interval, later.real_time_interval);
  take(minute_interval, later.minute_interval);
  take(timeout, later.timeout);
  take(retries, later.retries);
  take(password, later.password);
  take(sends_real_time, later.sends_real_time);
}

ClientSettings SetByPlatform::over(ClientSettings configured) const {
  return {.real_time_interval = real_time_interval.value_or(configured.real_time_interval),
          .minute_interval = minute_interval.value_or(configured.minute_interval),
          .timeout = timeout.value_or(configured.timeout),
          .retries = retries.value_or(configured.retries),
          .password = password.value_or(std::move(configured.password)),
          .sends_real_time = sends_real_time.value_or(configured.sends_real_time)};
}

std::string to_text(const SetByPlatform& set) {
  std::string text;
  const auto put = [&](std::string_view name, const std::string& value) {
    text.append(text.empty() ? "" : ";").append(name).append("=").append(value);
  };
  if (set.real_time_interval) put("RtdInterval", std::to_string(set.real_time_interval->count()));
  if (set.minute_interval) put("MinInterval", std::to_string(set.minute_interval->count()));
  if (set.timeout) put("OverTime", std::to_string(set.timeout->count()));
  if (set.retries) put("ReCount", std::to_string(*set.retries));
  if (set.sends_real_time) put("RealTime", *set.sends_real_time ? "1" : "0");
  if (set.password) put("PW", *set.password);
  return text;
}

SetByPlatform read_set(std::string_view text, const std::vector<std::string>& allow) {
  SetByPlatform set;
  const auto segment = parse_segment(text);
  if (!segment) return set;
  const auto number = [&](std::string_view name, int min, int max) {
    const auto value = number_in(find(segment->fields, name));
    return value && *value >= min && *value <= max ? value : std::nullopt;
  };
  if (const auto n = number("RtdInterval", 1, 3600)) set.real_time_interval = std::chrono::seconds(*n);
  if (const auto n = number("MinInterval", 1, 60)) set.minute_interval = std::chrono::minutes(*n);
  if (const auto n = number("OverTime", 1, 99)) set.timeout = std::chrono::seconds(*n);
  if (const auto n = number("ReCount", 1, 99)) set.retries = static_cast<std::uint32_t>(*n);
  if (const auto n = number("RealTime", 0, 1)) set.sends_real_time = *n == 1;
  if (const auto password = find(segment->fields, "PW"); password && !password->empty()) set.password = *password;
  constexpr std::array kAll = {"RtdInterval", "MinInterval", "OverTime", "ReCount", "RealTime", "PW"};
  if (!std::ranges::all_of(kAll, [&](const char* name) { return find(segment->fields, name).has_value(); })) return set;
  if (!has(allow, "1000")) set.timeout.reset();
  if (!has(allow, "1000")) set.retries.reset();
  if (!has(allow, "1062")) set.real_time_interval.reset();
  if (!has(allow, "1064")) set.minute_interval.reset();
  if (!has(allow, "1072")) set.password.reset();
  if (!has(allow, "2011") && !has(allow, "2012")) set.sends_real_time.reset();
  return set;
}

Verdict judge(const Head& head, const std::vector<Item>& area, const RequestLimits& limits,
              const ClientSettings& settings, LocalTime now) {
  using namespace request_result;
  if (head.pw != settings.password) return refused(kPassword, "PW is another one");
  if (head.mn != limits.mn) return refused(kName, "MN is another one");
  if (head.st != limits.st && head.st != "91") return refused(kSystem, "ST " + head.st.substr(0, kShownMax));
  if (!head.flag || head.flag->is_numbered())
    return refused(kFlag, "Flag is missing, or says that packets are numbered");
  if (head.qn.size() != kQnDigits || !are_digits(head.qn)) return refused(kNumber, "QN is not 17 digits");
  if (!read_data_time(head.qn.substr(0, kDataTimeDigits))) return refused(kNumber, "QN is no time");
  const std::string& cn = head.cn;
  if (!has(kReads, cn) && !has(kSettable, cn)) {
    if (find_command(cn) != nullptr) return refused(kRefused, "CN " + cn + " is none that this gateway carries out");
    return refused(kCommand, "CN " + cn.substr(0, kShownMax) + " is unknown");
  }
  if (has(kSettable, cn) && !has(limits.allow, cn)) return refused(kRefused, "CN " + cn + " is not in `allow`");

  if (cn == "1000") return set_timeouts(area);
  if (cn == "1011") {
    std::vector<Item> answer;
    if (const auto factor = find(area, "PolId"); factor && factor->size() <= kShownMax) {
      answer.push_back(single("PolId", std::string(*factor)));
    }
    answer.push_back(single("SystemTime", to_data_time(now)));
    return reply(std::move(answer));
  }
  if (cn == "1012") return compare_time(area, now);
  if (cn == "1061") return reply({single("RtdInterval", std::to_string(settings.real_time_interval.count()))});
  if (cn == "1062") return set_real_time_interval(area, limits);
  if (cn == "1063") return reply({single("MinInterval", std::to_string(settings.minute_interval.count()))});
  if (cn == "1064") return set_minute_interval(area, limits);
  if (cn == "1072") return set_password(area);
  if (cn == "2011" || cn == "2012") {
    const bool is_on = cn == "2011";
    Verdict verdict = change({.sends_real_time = is_on}, is_on ? "set: real-time data on" : "set: real-time data off");
    verdict.is_notification = cn == "2012";
    return verdict;
  }
  if (cn == "3019") return serial_number(area, limits);
  if (cn == "3020") return ended(execution_result::kNoData);
  return history(cn, area);
}

}  // namespace carbongate::hj212
