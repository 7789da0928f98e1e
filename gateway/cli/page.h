// Text of a fixed width for terminals: sections, fields with a label, and tables. Chinese characters take two columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace carbongate::cli {

class Page {
 public:
  static constexpr std::size_t kWidth = 100;
  static constexpr std::size_t kLabelWidth = 30;

  void line(std::string_view text);
  void section(std::string_view title);                       // an empty line, and the title
  void field(std::string_view label, std::string_view text);  // wrapped at spaces, continued under itself
  void paragraph(std::string_view text, std::size_t indent = 3);

  struct Column {
    std::string_view title;
    bool right = false;
    bool apart = false;  // where not all rows have room for it, it begins a line of its own in each
  };
  // Each column as wide as its widest cell; a row that gets too long is broken before the column that does not fit.
  void table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

  std::string text() && { return std::move(text_); }

 private:
  void wrapped(std::string_view text, std::size_t used, std::size_t indent);

  std::string text_;
};

}  // namespace carbongate::cli
