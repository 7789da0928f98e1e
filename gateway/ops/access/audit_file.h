// The audit log on disk: audit.jsonl in the store's directory, and what was there before as audit.1.jsonl,
// audit.2.jsonl and so on. A full file moves on by one; the last one goes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "gateway/model/errors.h"
#include "gateway/ops/access/audit.h"
#include "gateway/ops/access/files.h"

namespace carbongate::access {

inline constexpr std::string_view kAuditFile = "audit.jsonl";

struct AuditLimits {
  std::int64_t file_bytes_max = 4 << 20;
  int files_max = 8;  // the present one included
};

// Blocks, on one thread at a time. The gateway and the command line may write at the same time.
class AuditFile {
 public:
  explicit AuditFile(std::filesystem::path directory, AuditLimits limits = {});

  // On disk when this returns. Its number, or why it could not be written. A line that was torn before is left alone,
  // and the new one begins after it.
  model::Result<std::uint64_t> append(AuditEntry entry);

 private:
  std::uint64_t append_locked(AuditEntry& entry);
  std::uint64_t last_number(const std::filesystem::path& file) const;
  void move_on();

  std::filesystem::path directory_;
  AuditLimits limits_;
  FileStamp written_;         // the file as we left it
  std::uint64_t number_ = 0;  // of its last line
};

struct AuditPage {
  std::vector<AuditEntry> entries;    // the newest first
  std::optional<std::uint64_t> next;  // for the page after this one; nullopt: there is none
  std::uint64_t unreadable = 0;       // lines that were met and are none
};

// At most `limit` entries with numbers below `before`, if given.
model::Result<AuditPage> read_audit(const std::filesystem::path& directory, std::optional<std::uint64_t> before,
                                    std::size_t limit);

}  // namespace carbongate::access
