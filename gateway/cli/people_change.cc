#include "gateway/cli/people_change.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdlib>
#include <ostream>
#include <stdexcept>

#include "gateway/app/offline_config.h"
#include "gateway/ops/access/audit_file.h"
#include "protocols/io/system_clock.h"

namespace carbongate::cli {
namespace {

// Who sits at the machine: before sudo, if that was used.
std::string who_types() {
  if (const char* sudo = std::getenv("SUDO_USER"); sudo != nullptr && *sudo != '\0') return sudo;
  const passwd* const entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : "uid " + std::to_string(::getuid());
}

void make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  if (std::filesystem::is_directory(directory, error)) return;
  std::filesystem::create_directories(directory, error);
  if (error) throw std::runtime_error(directory.string() + ": " + error.message());
  ::chmod(directory.c_str(), 0750);
}

}  // namespace

std::optional<app::GatewayConfig> load_for_access(const std::filesystem::path& config,
                                                  const std::filesystem::path& store, std::ostream& err) {
  config::Problems problems;
  app::GatewayConfig loaded = app::load_offline_config(config, problems);
  if (problems.has_errors()) {  // what it only warns of is for `check`
    err << problems.to_text();
    return std::nullopt;
  }
  if (!store.empty()) loaded.store.path = store;
  return loaded;
}

std::optional<access::People> load_people(const std::filesystem::path& directory, std::ostream& err) {
  config::Problems problems;
  access::People people = access::read_people(directory, problems);
  err << problems.to_text();
  if (problems.has_errors()) return std::nullopt;
  return people;
}

void note_in_audit(const std::filesystem::path& directory, std::string_view action, const std::string& detail,
                   std::ostream& err) {
  access::AuditFile audit(directory);
  const auto noted = audit.append({.at = io::SystemClock().now(),
                                   .user = who_types(),
                                   .by = "command line",
                                   .address = "",
                                   .action = std::string(action),
                                   .outcome = "done",
                                   .detail = detail});
  if (noted.has_error()) err << "warning: it was done, but not noted: " << noted.error().text << "\n";
}

int change_people(const std::filesystem::path& directory, std::string_view action, const std::string& detail,
                  const std::function<std::string(access::People&)>& change, std::ostream& err) {
  try {
    make_directory(directory);
    {
      const access::AccessLock lock(directory);
      const auto before = load_people(directory, err);
      if (!before) return EX_CANTCREAT;
      access::People people = *before;
      if (const std::string why = change(people); !why.empty()) {
        err << why << "\n";
        return EX_DATAERR;
      }
      if (people.users != before->users) {
        access::write_private(directory / access::kUsersFile, access::to_text(people.users));
      }
      if (people.tokens != before->tokens) {
        access::write_private(directory / access::kTokensFile, access::to_text(people.tokens));
      }
    }
    note_in_audit(directory, action, detail, err);
    return 0;
  } catch (const std::exception& error) {
    err << error.what() << "\n";
    return EX_CANTCREAT;
  }
}

}  // namespace carbongate::cli
