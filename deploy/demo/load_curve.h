// Recorded energy as a load curve: the average power between two rows of a file, played round and round.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace carbongate::demo {

// A CSV file with one header line, plain or gzip; cells without quotes. Throws std::runtime_error that names the file.
class Table {
 public:
  static Table load(const std::filesystem::path& file);

  std::size_t rows() const { return rows_.size(); }

  // The column as numbers, one per row; NaN where the cell is empty. Throws if there is no such column.
  std::vector<double> column(std::string_view name) const;

 private:
  std::filesystem::path file_;
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// Power as a step function of the time since the beginning of the recorded year. After its end it begins again.
class LoadCurve {
 public:
  // Row i is the energy of the step that ends there.
  static LoadCurve from_energy_kwh(const std::vector<double>& energy_kwh, std::chrono::seconds step);

  // Row i is the state of a counter. What a gap (NaN) hid is spread evenly over it, as far as the counter tells.
  static LoadCurve from_counter_kwh(const std::vector<double>& counter_kwh, std::chrono::seconds step);

  double power_kw(std::chrono::duration<double> since_beginning) const;
  std::size_t steps() const { return power_kw_.size(); }
  double energy_kwh() const;  // of one round

 private:
  LoadCurve(std::vector<double> power_kw, std::chrono::seconds step);

  std::vector<double> power_kw_;
  std::chrono::seconds step_;
};

}  // namespace carbongate::demo
