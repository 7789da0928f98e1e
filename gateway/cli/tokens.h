// `carbongate tokens`: what programs show instead of a password.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct TokensOptions {
  std::filesystem::path config = {};
  std::filesystem::path store = {};  // directory; empty: the configured one
  std::string name = {};             // of add: what it is for
  std::string id = {};               // of revoke
  std::string role = "viewer";       // or metrics, operator, administrator
  std::string expires = "90d";       // after this time, or never, or at a time as parse_time() reads it
  std::string format = "table";      // or csv or jsonl
};

// Exit status of all: 0; 64 (EX_USAGE) for an option that is not understood; 65 (EX_DATAERR) for a name, id or time
// that cannot be; 73 (EX_CANTCREAT) if the files cannot be used; 78 (EX_CONFIG).
int run_tokens_list(const TokensOptions& options, std::ostream& out, std::ostream& err);

// The token itself goes to `out`, alone on its line and this once.
int run_tokens_add(const TokensOptions& options, std::ostream& out, std::ostream& err);
int run_tokens_revoke(const TokensOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli
