// `carbongate users`: who may log in. A running gateway takes up a change within seconds; sessions of whom it concerns
// end.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace carbongate::cli {

struct UsersOptions {
  std::filesystem::path config = {};
  std::filesystem::path store = {};  // directory; empty: the configured one
  std::string name = {};
  std::string role = "viewer";
  std::filesystem::path password_file = {};  // its first line; empty: asked for at the terminal
  std::string format = "table";              // or csv or jsonl
};

// Exit status of all: 0; 64 (EX_USAGE) for an option that is not understood; 65 (EX_DATAERR) for a name, role or
// password that cannot be; 66 (EX_NOINPUT) without a password; 73 (EX_CANTCREAT) if the files cannot be used; 78
// (EX_CONFIG).
int run_users_list(const UsersOptions& options, std::ostream& out, std::ostream& err);
int run_users_add(const UsersOptions& options, std::ostream& out, std::ostream& err);
int run_users_remove(const UsersOptions& options, std::ostream& out, std::ostream& err);
int run_users_password(const UsersOptions& options, std::ostream& out, std::ostream& err);
int run_users_role(const UsersOptions& options, std::ostream& out, std::ostream& err);

}  // namespace carbongate::cli
