#include "gateway/sinks/shared/notice.h"

#include <fmt/args.h>
#include <fmt/format.h>

#include <utility>

#include "gateway/model/alert.h"
#include "gateway/sinks/shared/site_zone.h"
#include "gateway/tables/alert_text.h"

namespace carbongate::sinks::shared {
namespace {

constexpr std::string_view kHeadlineZh = "[{severity}] {state}: {name} {subject}: {value}";
constexpr std::string_view kHeadlineEn = "[{severity}] {state}: {name}, {subject}: {value}";
// Where there is no subject, as of a group.
constexpr std::string_view kHeadlineOfAll = "[{severity}] {state}: {name}: {value}";
constexpr std::string_view kTextZh =
    "{name}: {state}\n级别: {severity}\n站点: {site}\n对象: {subject}\n数值: {value}\n时段: {period}\n起始: "
    "{since}\n变更: {at}\n"
    "更正: {cause}\n确认: {by}\n备注: {note}\n规则: {rule}\n编号: {id}-{revision}\n";
constexpr std::string_view kTextEn =
    "{name}: {state}\nSeverity: {severity}\nSite: {site}\nSubject: {subject}\nValue: {value}\nPeriod: {period}\n"
    "Since: {since}\nChanged: {at}\nCorrection: {cause}\nAcknowledged by: {by}\nNote: {note}\nRule: {rule}\nId: "
    "{id}-{revision}\n";

constexpr std::size_t kTemplateBytesMax = 4'096;

using Words = fmt::dynamic_format_arg_store<fmt::format_context>;

void add(Words& words, const char* name, std::string_view text) {
  words.push_back(fmt::arg(name, std::string(text)));
}

Words words_of(const model::Alert& alert, const model::Series& series, const NoticeConfig& config,
               tables::LocalTime& time) {
  const bool zh = config.language == Language::zh;
  Words words;
  add(words, "site", series.site);
  add(words, "severity", zh ? to_string_zh(alert.severity) : to_string(alert.severity));
  add(words, "state", zh ? to_string_zh(alert.stage) : to_string(alert.stage));
  add(words, "rule", series.rule);
  const std::string& name = zh && !alert.name_zh.empty() ? alert.name_zh : alert.name;
  add(words, "name", name.empty() ? series.rule : name);
  add(words, "subject", model::subject_name(series.device, series.point, series.user, series.carrier));
  add(words, "device", series.device);
  add(words, "point", series.point);
  add(words, "user", zh && !series.user_name.empty() ? series.user_name : series.user);
  add(words, "value", tables::alert_value(alert, zh));
  add(words, "period", tables::alert_period(alert, zh, time));
  add(words, "since", time(alert.since));
  add(words, "at", time(alert.at));
  add(words, "id", alert.id);
  add(words, "revision", std::to_string(alert.revision));
  add(words, "cause", alert.cause ? to_string(*alert.cause) : std::string_view());
  add(words, "by", alert.by);
  add(words, "note", alert.note);
  add(words, "escalated_from", config.escalated_from);
  return words;
}

std::string_view trimmed(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \n") + 1);
}

// Line by line. One that ends with a name of which there is nothing to say, behind a colon, is left out.
std::string filled(std::string_view text, const Words& words) {
  std::string kept;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    const std::string_view line = text.substr(0, end + 1);
    const std::string said = fmt::vformat(line, words);
    const std::string_view words_of_it = trimmed(said);
    const bool is_empty = words_of_it.ends_with(':') || words_of_it.ends_with("：");
    if (!is_empty || !trimmed(line).ends_with('}')) kept += said;
    text.remove_prefix(end + 1);
  }
  return kept;
}

// "acknowledged: {value}" of what has no value is "acknowledged".
std::string headline_of(std::string_view text, const Words& words) {
  std::string said = fmt::vformat(text, words);
  bool is_cut = text.ends_with('}');
  while (is_cut) {
    is_cut = false;
    for (const std::string_view mark : {" ", ":", ",", ";", "：", "，", "；"}) {
      if (!said.ends_with(mark)) continue;
      said.resize(said.size() - mark.size());
      is_cut = true;
    }
  }
  return said;
}

// Why a template cannot be used; "" if it can.
std::string fault_of(const std::string& text) {
  tables::LocalTime time("UTC");
  try {
    (void)fmt::vformat(text, words_of({}, {}, {}, time));
  } catch (const fmt::format_error& error) {
    return error.what();
  }
  return {};
}

std::string read_template(config::Reader& in, const char* key) {
  std::string text = in.value_or<std::string>(key, "");
  if (text.size() > kTemplateBytesMax) {
    in.error(key, fmt::format("has {} bytes, the limit is {}", text.size(), kTemplateBytesMax));
  } else if (const std::string fault = fault_of(text); !fault.empty()) {
    in.error(key,
             fmt::format("cannot be filled in: {}; names in braces are site, severity, state, rule, name, subject, "
                         "device, point, user, value, period, since, at, id, revision, cause, by, note and "
                         "escalated_from; a brace itself is written twice",
                         fault));
  }
  return text;
}

bool says_escalated(std::string_view text) {
  return text.find("{escalated_from") != std::string_view::npos;
}

std::string_view period_of(model::ReportKind kind, bool zh) {
  if (!zh) return to_string(kind);
  switch (kind) {
    case model::ReportKind::real_time: return "实时";
    case model::ReportKind::minute: return "分钟";
    case model::ReportKind::hour: return "小时";
    case model::ReportKind::day: return "日";
  }
  return "?";
}

}  // namespace

NoticeConfig NoticeConfig::from(config::Reader& in, const config::Node& root) {
  NoticeConfig config;
  config.language = static_cast<Language>(in.one_of("lang", {"zh", "en"}, 0));
  config.time_zone = zone_of_site(root);
  config.headline = read_template(in, "headline");
  config.text = read_template(in, "text");
  return config;
}

NoticeWriter::NoticeWriter(NoticeConfig config) : config_(std::move(config)), time_(config_.time_zone) {}

Notice NoticeWriter::write(const model::StoredRow& row) {
  Notice notice;
  if (const auto* alert = row.body.get_if<model::Alert>()) notice = of_alert(*alert, *row.series);
  if (const auto* report = row.body.get_if<model::Report>()) notice = of_report(*report, *row.series);
  const std::string& from = config_.escalated_from;
  if (from.empty() || notice.headline.empty()) return notice;
  const bool zh = config_.language == Language::zh;
  const bool is_alert = row.body.get_if<model::Alert>() != nullptr;
  if (!is_alert || !says_escalated(config_.headline)) {
    notice.headline.insert(0, (zh ? "[升级自 " : "[escalated from ") + from + "] ");
  }
  if (!is_alert || !says_escalated(config_.text)) {
    notice.text.insert(0, (zh ? "升级自: " : "Escalated from: ") + from + "\n");
  }
  return notice;
}

Notice NoticeWriter::of_alert(const model::Alert& alert, const model::Series& series) {
  const bool zh = config_.language == Language::zh;
  const Words words = words_of(alert, series, config_, time_);
  const bool has_subject = !model::subject_name(series.device, series.point, series.user, series.carrier).empty();
  std::string_view headline = zh ? kHeadlineZh : kHeadlineEn;
  if (!has_subject) headline = kHeadlineOfAll;
  if (!config_.headline.empty()) headline = config_.headline;
  const std::string_view text = !config_.text.empty() ? std::string_view(config_.text) : zh ? kTextZh : kTextEn;
  Notice notice{.headline = headline_of(headline, words),
                .text = filled(text, words),
                .is_urgent = alert.stage == model::AlertStage::firing && alert.severity == model::Severity::critical};
  if (!notice.text.ends_with('\n')) notice.text += '\n';
  return notice;
}

Notice NoticeWriter::of_report(const model::Report& report, const model::Series& series) {
  const bool zh = config_.language == Language::zh;
  Notice notice;
  notice.headline = fmt::format(fmt::runtime(zh ? "{} {}数据 {}" : "{}: {} report of {}"), series.device,
                                period_of(report.kind, zh), time_(report.begin));
  notice.text = notice.headline + "\n";
  for (const model::ReportValue& value : report.values) {
    notice.text += value.code;
    const auto put = [&](std::string_view name, std::optional<double> number, int decimals) {
      if (number) notice.text += fmt::format("  {} {:.{}f}", name, *number, decimals);
    };
    put(zh ? "均值" : "mean", value.figures.value, value.decimals);
    put(zh ? "最小" : "least", value.figures.min, value.decimals);
    put(zh ? "最大" : "greatest", value.figures.max, value.decimals);
    put(zh ? "折算" : "converted", value.reduced.value, value.decimals);
    put(zh ? "总量" : "amount", value.amount, value.amount_decimals);
    notice.text += fmt::format("  {}\n", value.flag);
  }
  return notice;
}

}  // namespace carbongate::sinks::shared
