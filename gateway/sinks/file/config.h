// One element of `sinks` with `type: file`; sample.yaml beside this file shows every key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "config/reader/reader.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::sinks::file {

struct Config {
  std::string name;                 // unique among the sinks
  std::filesystem::path directory;  // of this sink alone
  tables::TableWriter::Format format = tables::TableWriter::Format::csv;
  std::string time_zone = "UTC";  // of the site: of times in the files, and of the days by which they are rotated
  bool rotate_daily = true;
  std::uint64_t rotate_bytes = 64ull << 20;

  // What all files together, and the complete ones, may come to.
  std::uint64_t size_max = 10ull << 30;
  std::size_t files_max = 10'000;
  enum class Keep : std::uint8_t {
    everything,  // nothing is removed: the sink says that it is full, and rows wait in the journal
    newest,      // the oldest complete file makes room
  } keep = Keep::everything;

  std::size_t batch_rows = 5'000;

  // Problems go to the reader; what comes back then is not to be used. `root`: of the whole configuration.
  static Config from(config::Reader& in, const config::Node& root);
};

}  // namespace carbongate::sinks::file
