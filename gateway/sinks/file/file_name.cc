#include "gateway/sinks/file/file_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace carbongate::sinks::file {
namespace {

using Format = tables::TableWriter::Format;

constexpr std::string_view kPart = ".part";
constexpr std::size_t kDayLength = 10;
constexpr std::size_t kDigits = 12;

std::string_view extension(Format format) {
  return format == Format::csv ? ".csv" : ".jsonl";
}

bool take_end(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

bool is_day(std::string_view text) {
  for (std::size_t i = 0; i < kDayLength; ++i) {
    const bool is_dash = i == 4 || i == 7;
    if (is_dash ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

}  // namespace

std::string FileName::text() const {
  return fmt::format("{}-{}-{:0{}}{}{}", tables::name_of(kind), day, after, kDigits, extension(format),
                     is_complete ? "" : kPart);
}

std::optional<FileName> FileName::parse(std::string_view text) {
  FileName name;
  name.is_complete = !take_end(text, kPart);
  name.format = text.ends_with(extension(Format::csv)) ? Format::csv : Format::jsonl;
  if (!take_end(text, extension(name.format))) return std::nullopt;
  const auto kind = std::ranges::find_if(tables::kKinds, [&](tables::Kind candidate) {
    return text.starts_with(std::string(tables::name_of(candidate)) + "-");
  });
  if (kind == tables::kKinds.end()) return std::nullopt;
  name.kind = *kind;
  text.remove_prefix(tables::name_of(name.kind).size() + 1);
  if (text.size() < kDayLength + 1 + kDigits || !is_day(text) || text[kDayLength] != '-') return std::nullopt;
  name.day = text.substr(0, kDayLength);
  text.remove_prefix(kDayLength + 1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), name.after);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return name;
}

}  // namespace carbongate::sinks::file
