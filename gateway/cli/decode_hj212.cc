#include "gateway/cli/decode_hj212.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "protocols/hj212/codes.h"
#include "protocols/hj212/frame.h"
#include "protocols/hj212/segment.h"

namespace carbongate::cli {
namespace {

namespace json = boost::json;
using hj212::Code;

json::object code(std::string_view text, const Code* known) {
  json::object out{{"code", text}};
  if (known != nullptr) {
    out["name"] = known->name;
    out["name_zh"] = known->name_zh;
  }
  return out;
}

std::string_view edition(std::uint8_t version) {
  switch (version) {
    case 0: return "2005";
    case hj212::Flag::kVersion2017: return "2017";
    case hj212::Flag::kVersion2025: return "2025";
    default: return "unknown";
  }
}

json::array data(const std::vector<hj212::Item>& area, std::vector<std::string>& deviations) {
  json::array items;
  for (const hj212::Item& item : area) {
    json::object object;
    for (const hj212::Value& value : item) {
      const bool is_new = !object.contains(value.name);
      if (!is_new) deviations.push_back(value.name + " is there twice in one item");
      object[value.name] = value.text ? json::value(*value.text) : json::value();
    }
    items.push_back(std::move(object));
  }
  return items;
}

// false: something in it cannot be read.
bool describe(const std::string& text, json::object& out) {
  const auto segment = hj212::parse_segment(text);
  const auto head = segment ? hj212::head_of(*segment) : segment.error();
  if (!head) {
    out["error"] = fmt::format("byte {} of the segment: {}", head.error().at, head.error().text);
    return false;
  }
  std::vector<std::string> deviations = head->deviations;
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) out[key] = value;
  };
  put("qn", head->qn);
  if (!head->st.empty()) out["st"] = code(head->st, hj212::find_system(head->st));
  out["cn"] = code(head->cn, hj212::find_command(head->cn));
  put("pw", head->pw);
  put("mn", head->mn);
  if (head->flag) {
    out["flag"] = {{"bits", head->flag->bits},
                   {"version", edition(head->flag->version())},
                   {"wants_answer", head->flag->wants_answer()}};
  }
  if (head->part) out["part"] = {{"number", head->part->number}, {"of", head->part->total}};
  if (segment->area) {
    out["data"] = data(*segment->area, deviations);
    if (const auto result = hj212::find(*segment->area, "QnRtn")) {
      out["result"] = code(*result, hj212::find_request_result(*result));
    } else if (const auto executed = hj212::find(*segment->area, "ExeRtn")) {
      out["result"] = code(*executed, hj212::find_execution_result(*executed));
    }
  }
  if (!deviations.empty()) out["deviations"] = json::array(deviations.begin(), deviations.end());
  return true;
}

}  // namespace

std::string with_line_ends(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' && !out.ends_with('\r')) out += '\r';
    out += c;
  }
  if (!out.ends_with('\n')) out += "\r\n";
  return out;
}

int decode_hj212(std::string_view stream, std::ostream& out) {
  bool failed = false;
  hj212::FrameReader reader(hj212::kSegmentBytesEver);
  const auto error = [&](std::uint64_t at, std::string_view text) {
    failed = true;
    out << json::serialize(json::object{{"error", fmt::format("byte {}: {}", at, text)}}) << "\n";
  };
  while (!stream.empty()) {
    stream.remove_prefix(reader.push(stream));
    while (const auto found = reader.next()) {
      if (found->damage) {
        error(found->damage->at, found->damage->text);
        continue;
      }
      const std::string& segment = found->frame->segment;
      json::object line{{"segment_bytes", segment.size()}, {"crc", fmt::format("{:04X}", hj212::crc16(segment))}};
      failed |= !describe(segment, line);
      if (segment.size() > hj212::kSegmentBytesMax) {
        if (!line.contains("deviations")) line["deviations"] = json::array();
        line["deviations"].as_array().push_back(json::string("a segment of more than 1024 bytes"));
      }
      out << json::serialize(line) << "\n";
    }
  }
  if (reader.pending() != 0)
    error(reader.position(), fmt::format("the packet ends too early, after {} bytes", reader.pending()));
  return failed ? 1 : 0;
}

}  // namespace carbongate::cli
