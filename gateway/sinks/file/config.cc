#include "gateway/sinks/file/config.h"

#include "config/reader/byte_size.h"
#include "config/reader/directory.h"
#include "gateway/sinks/shared/site_zone.h"

namespace carbongate::sinks::file {
namespace {

constexpr std::uint64_t kRotateMin = 4ull << 10;
constexpr std::uint64_t kRotateMax = 4ull << 30;
constexpr std::uint64_t kSizeMin = 1ull << 20;
constexpr std::uint64_t kSizeMax = 16ull << 40;
constexpr std::size_t kBatchRowsMax = 50'000;

}  // namespace

Config Config::from(config::Reader& in, const config::Node& root) {
  Config config;
  config.directory = config::read_directory(in, "path");
  config.name = in.value_or("name", "file " + in.value_or("path", ""));
  if (config.name.empty()) in.error("name", "is empty; leave it out to name the sink by its directory");
  config.format = in.one_of("format", {"csv", "jsonl"}, 0) == 0 ? tables::TableWriter::Format::csv
                                                                : tables::TableWriter::Format::jsonl;
  config.time_zone = shared::zone_of_site(root);
  config.rotate_daily = in.one_of("rotate_every", {"day", "never"}, 0) == 0;
  config.rotate_bytes = config::read_byte_size(in, "rotate_size", config.rotate_bytes, {kRotateMin, kRotateMax});
  config.size_max = config::read_byte_size(in, "size_max", config.size_max, {kSizeMin, kSizeMax});
  if (config.size_max < 2 * config.rotate_bytes) {
    in.error(in.has("size_max") ? "size_max" : "rotate_size",
             "`size_max` must be at least twice `rotate_size`: one file is being written while another may be removed");
  }
  config.files_max = in.in_range<std::size_t>("files_max", config.files_max, 1, 1'000'000);
  config.keep = in.one_of("keep", {"everything", "newest"}, 0) == 0 ? Keep::everything : Keep::newest;
  config.batch_rows = in.in_range<std::size_t>("batch_rows", config.batch_rows, 1, kBatchRowsMax);
  return config;
}

}  // namespace carbongate::sinks::file
