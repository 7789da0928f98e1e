#include "deploy/demo/load_curve.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>

namespace carbongate::demo {
namespace {

std::string read_all(const std::filesystem::path& file) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(file.c_str(), "rb"),
                                                      &gzclose);  // reads plain text as well
  if (!in) throw std::runtime_error(file.string() + ": cannot be opened");
  std::string text;
  std::vector<char> block(1 << 16);
  int length = 0;
  while ((length = gzread(in.get(), block.data(), static_cast<unsigned>(block.size()))) > 0) {
    text.append(block.data(), static_cast<std::size_t>(length));
  }
  if (length < 0) throw std::runtime_error(file.string() + ": damaged gzip file");
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Table Table::load(const std::filesystem::path& file) {
  Table table;
  table.file_ = file;
  for (const std::string& line : split(read_all(file), '\n')) {
    if (line.empty()) continue;
    std::vector<std::string> cells = split(line, ',');
    if (table.header_.empty()) {
      table.header_ = std::move(cells);
      continue;
    }
    table.rows_.push_back(std::move(cells));
    if (table.rows_.back().size() != table.header_.size()) {
      throw std::runtime_error(file.string() + ": row " + std::to_string(table.rows_.size()) + " has " +
                               std::to_string(table.rows_.back().size()) + " cells instead of " +
                               std::to_string(table.header_.size()));
    }
  }
  return table;
}

std::vector<double> Table::column(std::string_view name) const {
  const auto found = std::ranges::find(header_, name);
  if (found == header_.end()) throw std::runtime_error(file_.string() + ": no column " + std::string(name));
  const auto index = static_cast<std::size_t>(found - header_.begin());
  std::vector<double> values;
  values.reserve(rows_.size());
  for (const auto& row : rows_) {
    const std::string& cell = row[index];
    char* end = nullptr;
    values.push_back(cell.empty() ? std::numeric_limits<double>::quiet_NaN() : std::strtod(cell.c_str(), &end));
    if (!cell.empty() && *end != '\0') throw std::runtime_error(file_.string() + ": not a number: " + cell);
  }
  return values;
}

LoadCurve::LoadCurve(std::vector<double> power_kw, std::chrono::seconds step)
    : power_kw_(std::move(power_kw)), step_(step) {
  if (power_kw_.empty()) throw std::runtime_error("a load curve needs at least one step");
}

LoadCurve LoadCurve::from_energy_kwh(const std::vector<double>& energy_kwh, std::chrono::seconds step) {
  const double per_hour = 3600.0 / static_cast<double>(step.count());
  std::vector<double> power_kw;
  power_kw.reserve(energy_kwh.size());
  for (const double energy : energy_kwh) power_kw.push_back(std::isnan(energy) ? 0.0 : energy * per_hour);
  return {std::move(power_kw), step};
}

LoadCurve LoadCurve::from_counter_kwh(const std::vector<double>& counter_kwh, std::chrono::seconds step) {
  const double step_h = static_cast<double>(step.count()) / 3600.0;
  std::vector<double> power_kw(counter_kwh.empty() ? 0 : counter_kwh.size() - 1, 0.0);
  std::size_t known = 0;  // last row with a value
  for (std::size_t i = 1; i < counter_kwh.size(); ++i) {
    if (std::isnan(counter_kwh[i])) continue;
    if (!std::isnan(counter_kwh[known])) {
      const double power = (counter_kwh[i] - counter_kwh[known]) / (static_cast<double>(i - known) * step_h);
      std::fill(power_kw.begin() + static_cast<std::ptrdiff_t>(known),
                power_kw.begin() + static_cast<std::ptrdiff_t>(i), std::max(power, 0.0));
    }
    known = i;
  }
  return {std::move(power_kw), step};
}

double LoadCurve::power_kw(std::chrono::duration<double> since_beginning) const {
  const double position = std::floor(since_beginning / std::chrono::duration<double>(step_));
  const double round = std::fmod(position, static_cast<double>(power_kw_.size()));
  return power_kw_[static_cast<std::size_t>(std::max(round, 0.0))];
}

double LoadCurve::energy_kwh() const {
  return std::accumulate(power_kw_.begin(), power_kw_.end(), 0.0) * static_cast<double>(step_.count()) / 3600.0;
}

}  // namespace carbongate::demo
