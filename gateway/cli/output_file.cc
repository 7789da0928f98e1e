#include "gateway/cli/output_file.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <ostream>

namespace carbongate::cli {

int write_output(const std::filesystem::path& file, std::ostream& out, std::ostream& err,
                 const std::function<int(std::ostream& stream, const std::string& name)>& write) {
  if (file.empty()) return write(out, "standard output");
  std::error_code ignored;
  const auto type = std::filesystem::status(file, ignored).type();
  const bool replaces = type == std::filesystem::file_type::regular || type == std::filesystem::file_type::not_found;
  const std::filesystem::path target =
      replaces ? std::filesystem::path(file.string() + ".part") : file;  // else a pipe or a device
  std::ofstream stream(target, std::ios::binary | std::ios::trunc);
  if (!stream) {
    err << fmt::format("{}: cannot be written: {}\n", target.string(), std::strerror(errno));
    return EX_IOERR;
  }
  const int status = write(stream, target.string());
  stream.close();
  if (!replaces) return status;
  std::error_code error;
  if (status == 0) std::filesystem::rename(target, file, error);
  if (status != 0 || error) std::filesystem::remove(target, ignored);
  if (error) {
    err << fmt::format("{}: cannot be written: {}\n", file.string(), error.message());
    return EX_IOERR;
  }
  return status;
}

}  // namespace carbongate::cli
