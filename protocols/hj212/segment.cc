#include "protocols/hj212/segment.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace carbongate::hj212 {
namespace {

constexpr std::string_view kArea = "CP=&&";
constexpr std::string_view kAreaEnd = "&&";
constexpr std::string_view kQuote = "//";

// Where the next of `separators` is from `at` on that no "//" encloses; the end of the text if there is none.
std::size_t separator(std::string_view text, std::size_t at, std::string_view separators) {
  while (at < text.size()) {
    if (text.substr(at, kQuote.size()) == kQuote) {
      const std::size_t close = text.find(kQuote, at + kQuote.size());
      if (close != std::string_view::npos) {
        at = close + kQuote.size();
        continue;
      }
    }
    if (separators.find(text[at]) != std::string_view::npos) return at;
    ++at;
  }
  return text.size();
}

Value value_of(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {std::string(text), std::nullopt};
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

std::vector<Item> parse_area(std::string_view text) {
  std::vector<Item> items;
  if (text.empty()) return items;
  Item item;
  for (std::size_t at = 0;;) {
    const std::size_t end = separator(text, at, ";,");
    if (end > at || !item.empty() || (end < text.size() && text[end] == ',')) {
      item.push_back(value_of(text.substr(at, end - at)));
    }
    const bool ends_item = end == text.size() || text[end] == ';';
    if (ends_item) items.push_back(std::exchange(item, {}));
    if (end == text.size()) return items;
    at = end + 1;
  }
}

void append(std::string& out, const Value& value) {
  out += value.name;
  if (value.text) out.append("=").append(*value.text);
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::size_t place(const std::vector<Value>& fields, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(fields, name, &Value::name) - fields.begin());
}

}  // namespace

Item single(std::string_view name, std::string text) {
  return {Value{std::string(name), std::move(text)}};
}

boost::system::result<Segment, Malformed> parse_segment(std::string_view text) {
  Segment segment;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.substr(at, kArea.size()) == kArea) {
      const std::size_t begin = at + kArea.size();
      if (text.size() < begin + kAreaEnd.size() || !text.ends_with(kAreaEnd)) {
        return Malformed{text.size(), "CP does not end with &&"};
      }
      segment.area = parse_area(text.substr(begin, text.size() - kAreaEnd.size() - begin));
      return segment;
    }
    const std::size_t end = std::min(text.find(';', at), text.size());
    Value field = value_of(text.substr(at, end - at));
    if (!field.text) return Malformed{at, "a field without '=': " + field.name.substr(0, 32)};
    segment.fields.push_back(std::move(field));
    if (end == text.size()) return segment;
    at = end + 1;
    if (at == text.size()) return Malformed{end, "nothing follows the last ';'"};
  }
  return Malformed{0, "the segment is empty"};
}

std::string to_text(const std::vector<Item>& area) {
  std::string out;
  for (std::size_t i = 0; i < area.size(); ++i) {
    if (i > 0) out += ';';
    for (std::size_t j = 0; j < area[i].size(); ++j) {
      if (j > 0) out += ',';
      append(out, area[i][j]);
    }
  }
  return out;
}

std::string to_text(const Segment& segment) {
  std::string out;
  for (const Value& field : segment.fields) {
    if (!out.empty()) out += ';';
    append(out, field);
  }
  if (!segment.area) return out;
  if (!out.empty()) out += ';';
  return out.append(kArea).append(to_text(*segment.area)).append(kAreaEnd);
}

std::optional<std::string_view> find(const std::vector<Value>& values, std::string_view name) {
  const auto found = std::ranges::find(values, name, &Value::name);
  if (found == values.end() || !found->text) return std::nullopt;
  return *found->text;
}

std::optional<std::string_view> find(const std::vector<Item>& area, std::string_view name) {
  for (const Item& item : area) {
    if (const auto found = find(item, name)) return found;
  }
  return std::nullopt;
}

boost::system::result<Head, Malformed> head_of(const Segment& segment) {
  Head head;
  const std::vector<Value>& fields = segment.fields;
  const auto take = [&](std::string_view name, std::string& to, std::size_t bytes_max) {
    const auto text = find(fields, name);
    if (!text || text->empty()) {
      head.deviations.push_back(std::string(name) + " is missing");
      return;
    }
    to = *text;
    if (text->size() > bytes_max) {
      head.deviations.push_back(std::string(name) + " has " + std::to_string(text->size()) + " characters, more than " +
                                std::to_string(bytes_max));
    }
  };
  take("QN", head.qn, 17);
  take("ST", head.st, 2);
  take("CN", head.cn, 4);
  take("PW", head.pw, 6);
  take("MN", head.mn, 24);
  if (head.cn.empty()) return Malformed{0, "CN is missing: nobody knows what the packet is for"};
  if (head.mn.empty()) return Malformed{0, "MN is missing: nobody knows whose packet it is"};

  if (const auto text = find(fields, "Flag")) {
    const auto bits = number_in<std::uint8_t>(*text);
    if (!bits) return Malformed{0, "Flag is not a number of 0 to 255: " + std::string(text->substr(0, 16))};
    head.flag = Flag{*bits};
  } else {
    head.deviations.emplace_back("Flag is missing");
  }
  const auto total = find(fields, "PNUM");
  const auto number = find(fields, "PNO");
  if (total || number) {
    const auto count = number_in<std::uint32_t>(total.value_or(""));
    const auto which = number_in<std::uint32_t>(number.value_or(""));
    if (!count || !which || *which < 1 || *which > *count) {
      return Malformed{0, "PNO " + std::string(number.value_or("-").substr(0, 16)) + " of PNUM " +
                              std::string(total.value_or("-").substr(0, 16)) + " is no part of a whole"};
    }
    head.part = Part{*which, *count};
    if (place(fields, "PNO") < place(fields, "PNUM")) head.deviations.emplace_back("PNO comes before PNUM");
    if (!head.flag || !head.flag->is_numbered()) {
      head.deviations.emplace_back("PNUM and PNO without bit D of Flag");
    }
  } else if (head.flag && head.flag->is_numbered()) {
    head.deviations.emplace_back("bit D of Flag without PNUM and PNO");
  }
  if (!segment.area) head.deviations.emplace_back("CP is missing");
  if (segment.area && to_text(*segment.area).size() > kAreaBytesTaken) {
    head.deviations.push_back("CP has more than " + std::to_string(kAreaBytesTaken) + " characters");
  }
  return head;
}

std::vector<Value> fields_of(const Head& head) {
  std::vector<Value> fields;
  const auto put = [&](std::string_view name, std::string text) {
    if (!text.empty()) fields.push_back({std::string(name), std::move(text)});
  };
  put("QN", head.qn);
  put("ST", head.st);
  put("CN", head.cn);
  put("PW", head.pw);
  put("MN", head.mn);
  if (head.flag) put("Flag", std::to_string(head.flag->bits));
  if (head.part) {
    put("PNUM", std::to_string(head.part->total));
    put("PNO", std::to_string(head.part->number));
  }
  return fields;
}

std::vector<std::vector<Item>> split(const std::vector<Item>& repeated, const std::vector<Item>& items,
                                     std::size_t bytes_max) {
  std::vector<std::vector<Item>> parts;
  const std::size_t before = to_text(repeated).size();
  std::size_t bytes = 0;
  for (const Item& item : items) {
    const std::size_t more = to_text(std::vector<Item>{item}).size() + 1;
    if (parts.empty() || (bytes + more > bytes_max && parts.back().size() > repeated.size())) {
      parts.push_back(repeated);
      bytes = before;
    }
    parts.back().push_back(item);
    bytes += more;
  }
  if (parts.empty()) parts.push_back(repeated);
  return parts;
}

}  // namespace carbongate::hj212
