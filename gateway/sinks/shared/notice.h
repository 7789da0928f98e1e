// Alerts and reports in words: for mails and logs that people read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/reader/reader.h"
#include "gateway/model/rows.h"
#include "gateway/tables/local_time.h"

namespace carbongate::sinks::shared {

enum class Language : std::uint8_t { zh, en };

struct Notice {
  std::string headline;    // one line
  std::string text;        // several
  bool is_urgent = false;  // a critical alert that fires
};

// What is said of an alert, in fmt's syntax with names in braces: {site} {severity} {state} {rule} {name} {subject}
// {device} {point} {user} {value} {since} {at} {id} {revision} {cause} {by} {note} {escalated_from}. `name` is the
// rule's in the language, `value` the value with limit and unit, times are the site's, all of them texts. A line of the
// text that would end with a colon, for what it names is empty, is left out; so are marks at the end of a headline.
// What is told in place of another sink says so first, in the headline and in a line of its own, unless the template
// says it.
struct NoticeConfig {
  Language language = Language::zh;
  std::string time_zone = "UTC";  // of the site
  std::string headline;           // of alerts; empty: the language's own, with value, limit and unit
  std::string text;
  std::string escalated_from;  // the other sink; "": it is told in place of none. Not read: the sink's context has it

  // Reads `lang`, `headline` and `text`. Problems go to the reader.
  static NoticeConfig from(config::Reader& in, const config::Node& root);
};

// Not thread-safe.
class NoticeWriter {
 public:
  explicit NoticeWriter(NoticeConfig config);

  // Of an alert or a report; of other rows it is empty.
  Notice write(const model::StoredRow& row);

 private:
  Notice of_alert(const model::Alert& alert, const model::Series& series);
  Notice of_report(const model::Report& report, const model::Series& series);

  NoticeConfig config_;
  tables::LocalTime time_;
};

}  // namespace carbongate::sinks::shared
