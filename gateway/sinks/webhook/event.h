// Alerts and reports as others read them.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "gateway/model/rows.h"
#include "gateway/sinks/shared/json_row.h"

namespace carbongate::sinks::webhook {

struct Event {
  std::string id;  // the row's key: of a repeat the same
  std::string body;
};

// CloudEvents 1.0, structured JSON. `type` is cn.carbongate.alert.STAGE or cn.carbongate.report, `source`
// urn:carbongate:SITE, `subject` what it is about, `data` the row as JsonRow has it. False: `out.body` says why not.
bool write_cloud_event(const model::StoredRow& row, const std::string& store, shared::JsonRow& json, Event& out);

// An alert as the array of one that Alertmanager takes. Labels name it for ever: alertname (the rule), site, severity,
// device, point, user, carrier, id. It ends when it is resolved or withdrawn, and else at `ends`, if it is not told
// again before. `escalated_from`: the sink in whose place it is told; "": none. Another row: an empty body.
Event alertmanager_event(const model::StoredRow& row, const std::string& store, Instant ends,
                         const std::string& escalated_from);

// What such labels say of the alert's series.
model::Series series_of(const boost::json::object& labels);

}  // namespace carbongate::sinks::webhook
