// One change of users or tokens by the command line: read, changed, written and noted in the audit log, under the lock.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/app/gateway_config.h"
#include "gateway/ops/access/files.h"

namespace carbongate::cli {

// The configuration; nullopt: it has errors, which `err` has been told. `store` not empty: takes the place of the
// configured directory.
std::optional<app::GatewayConfig> load_for_access(const std::filesystem::path& config,
                                                  const std::filesystem::path& store, std::ostream& err);

// nullopt: the files cannot be used, and `err` has been told why.
std::optional<access::People> load_people(const std::filesystem::path& directory, std::ostream& err);

// Notes in the audit log what whoever sits at the machine has done. What cannot be noted is told.
void note_in_audit(const std::filesystem::path& directory, std::string_view action, const std::string& detail,
                   std::ostream& err);

// `change` returns why not, or "". The directory is made if it is missing: people are there before the gateway first
// runs. `detail`: for the audit log.
//
// Exit status: 0; 65 (EX_DATAERR) for what `change` refuses; 73 (EX_CANTCREAT) if the files cannot be used.
int change_people(const std::filesystem::path& directory, std::string_view action, const std::string& detail,
                  const std::function<std::string(access::People&)>& change, std::ostream& err);

}  // namespace carbongate::cli
