#include "gateway/cli/page.h"

#include <algorithm>

#include "gateway/app/live_table.h"

namespace carbongate::cli {
namespace {

using app::display_width;

constexpr std::size_t kIndent = 3;

std::string padded(std::string_view text, std::size_t width, bool right) {
  const std::size_t used = display_width(text);
  const std::string space(used < width ? width - used : 0, ' ');
  return right ? space + std::string(text) : std::string(text) + space;
}

void end_line(std::string& text) {
  text.erase(text.find_last_not_of(' ') + 1);
  text += '\n';
}

}  // namespace

void Page::line(std::string_view text) {
  text_ += text;
  end_line(text_);
}

void Page::section(std::string_view title) {
  text_ += '\n';
  line(title);
}

// `used` columns of the present line are taken already.
void Page::wrapped(std::string_view text, std::size_t used, std::size_t indent) {
  bool first = true;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t width = display_width(word);
    if (!first && used + 1 + width > kWidth) {
      end_line(text_);
      text_ += std::string(indent, ' ');
      used = indent;
      first = true;
    }
    if (!first) text_ += ' ';
    text_ += word;
    used += width + (first ? 0 : 1);
    first = false;
  }
  end_line(text_);
}

void Page::field(std::string_view label, std::string_view text) {
  text_ += std::string(kIndent, ' ') + padded(label, kLabelWidth, false);
  const std::size_t used = kIndent + std::max(kLabelWidth, display_width(label));
  if (used > kIndent + kLabelWidth - 1 && display_width(label) >= kLabelWidth) text_ += ' ';
  wrapped(text, used, kIndent + kLabelWidth);
}

void Page::paragraph(std::string_view text, std::size_t indent) {
  text_ += std::string(indent, ' ');
  wrapped(text, indent, indent);
}

void Page::table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const Column& column : columns) widths.push_back(display_width(column.title));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::size_t whole = kIndent - 2;
  for (const std::size_t width : widths) whole += width + 2;
  const auto write = [&](const auto& cell) {
    std::size_t used = kIndent;
    text_ += std::string(kIndent, ' ');
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string text = padded(cell(i), widths[i], columns[i].right);
      const std::size_t needed = display_width(std::string_view(text).substr(0, text.find_last_not_of(' ') + 1));
      const bool apart = columns[i].apart && whole > kWidth;
      if (used > kIndent && (apart || used + 2 + needed > kWidth)) {
        end_line(text_);
        text_ += std::string(kIndent * 2, ' ');
        used = kIndent * 2;
      } else if (used > kIndent) {
        text_ += "  ";
        used += 2;
      }
      text_ += text;
      used += std::max(widths[i], needed);
    }
    end_line(text_);
  };
  write([&](std::size_t i) { return columns[i].title; });
  for (const auto& row : rows) write([&](std::size_t i) { return std::string_view(row[i]); });
}

}  // namespace carbongate::cli
