// A table of published values for tests: CSV with a header line, quoted fields by RFC 4180.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace carbongate::pipeline {

using CsvRow = std::map<std::string, std::string>;

inline std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[i++];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else if (line[i] != '\r') {
      fields.back() += line[i];
    }
  }
  return fields;
}

inline std::vector<CsvRow> read_csv(const std::string& name) {
  const auto path = std::filesystem::path(CARBONGATE_SOURCE_DIR) / "tests/unit/gateway/pipeline/factors_csv" / name;
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line)) throw std::runtime_error("cannot read " + path.string());
  const auto header = csv_fields(line);
  std::vector<CsvRow> rows;
  while (std::getline(in, line)) {
    const auto fields = csv_fields(line);
    if (fields.size() != header.size()) throw std::runtime_error(name + ": " + line);
    CsvRow& row = rows.emplace_back();
    for (std::size_t i = 0; i < header.size(); ++i) row[header[i]] = fields[i];
  }
  return rows;
}

}  // namespace carbongate::pipeline
