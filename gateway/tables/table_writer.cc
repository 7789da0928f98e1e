#include "gateway/tables/table_writer.h"

#include <boost/json/serialize.hpp>

namespace carbongate::tables {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

// JSON has no word for infinite and not-a-number.
bool is_json_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

bool is_plain(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') return false;
  }
  return true;
}

}  // namespace

TableWriter::TableWriter(std::ostream& out, Format format, std::span<const Column> columns, Header header)
    : out_(out), format_(format), columns_(columns) {
  if (format_ != Format::csv || header == Header::absent) return;
  for (const Column& column : columns_) cell(column.name);
}

TableWriter& TableWriter::cell(std::string_view text) {
  const Column& column = columns_[next_];
  if (format_ == Format::csv)
    csv(text);
  else
    json(text, column);
  if (++next_ < columns_.size()) return *this;
  next_ = 0;
  buffer_ += format_ == Format::csv ? "\n" : "}\n";
  if (buffer_.size() >= kBufferBytes) flush();
  return *this;
}

void TableWriter::csv(std::string_view text) {
  if (next_ != 0) buffer_ += ',';
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    buffer_ += text;
    return;
  }
  buffer_ += '"';
  for (const char c : text) {
    if (c == '"') buffer_ += '"';
    buffer_ += c;
  }
  buffer_ += '"';
}

void TableWriter::json(std::string_view text, const Column& column) {
  buffer_ += next_ == 0 ? '{' : ',';
  ((buffer_ += '"') += column.name) += "\":";
  if (column.type == Type::number) {
    buffer_ += is_json_number(text) ? text : "null";
  } else if (is_plain(text)) {
    ((buffer_ += '"') += text) += '"';
  } else {
    buffer_ += boost::json::serialize(boost::json::string_view(text.data(), text.size()));
  }
}

bool TableWriter::flush() {
  out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.clear();
  out_.flush();
  return out_.good();
}

}  // namespace carbongate::tables
