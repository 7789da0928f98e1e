#include "gateway/cli/users.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <vector>

#include "config/reader/text.h"
#include "gateway/cli/option_word.h"
#include "gateway/cli/page.h"
#include "gateway/cli/password_input.h"
#include "gateway/cli/people_change.h"
#include "gateway/tables/table_writer.h"

namespace carbongate::cli {
namespace {

using access::People;
using access::User;

std::string no_such_user(const std::string& name, const People& people) {
  std::vector<std::string> names;
  for (const User& user : people.users) names.push_back(user.name);
  return fmt::format("there is no user '{}'{}", config::printable(name), config::suggestion(name, names));
}

std::string on_user(People& people, const std::string& name, const std::function<void(User&)>& change) {
  const auto found = std::ranges::find(people.users, name, &User::name);
  if (found == people.users.end()) return no_such_user(name, people);
  change(*found);
  return "";
}

bool is_last_administrator(const People& people, const std::string& name) {
  const auto is_one = [](const User& user) { return user.role == access::Role::administrator; };
  return std::ranges::count_if(people.users, is_one) == 1 && std::ranges::find_if(people.users, is_one)->name == name;
}

void warn_of_last(const People& people, const std::string& name, std::ostream& err) {
  if (is_last_administrator(people, name)) err << "warning: nobody is administrator now\n";
}

bool is_role(const std::string& role, std::ostream& err) {
  return is_one_of("--role", role, {"viewer", "operator", "administrator"}, err);
}

// The password, checked for this user. nullopt: `status` says why.
std::optional<config::Secret> password_for(const UsersOptions& options, int& status, std::ostream& err) {
  auto password = read_password(options.password_file, err);
  if (!password) {
    status = EX_NOINPUT;
    return std::nullopt;
  }
  if (const std::string why = access::why_no_password(password->reveal(), options.name); !why.empty()) {
    err << why << "\n";
    status = EX_DATAERR;
    return std::nullopt;
  }
  return password;
}

}  // namespace

int run_users_list(const UsersOptions& options, std::ostream& out, std::ostream& err) {
  if (!is_one_of("--format", options.format, {"table", "csv", "jsonl"}, err)) return EX_USAGE;
  const auto config = load_for_access(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const auto people = load_people(config->store.path, err);
  if (!people) return EX_CANTCREAT;
  if (options.format == "table") {
    if (people->users.empty()) {
      const bool logins = config->ops && config->ops->logins;
      out << (logins ? "no users: logins are on, and nobody can log in; 'carbongate users add' makes the first\n"
                     : "no users: logins are off, and the server may listen on loopback alone\n");
      return 0;
    }
    Page page;
    std::vector<std::vector<std::string>> rows;
    for (const User& user : people->users) rows.push_back({user.name, std::string(name_of(user.role))});
    page.table({{.title = "name"}, {.title = "role"}}, rows);
    out << std::move(page).text();
    return 0;
  }
  constexpr auto kColumns = std::to_array<tables::TableWriter::Column>({{"name"}, {"role"}});
  using Format = tables::TableWriter::Format;
  tables::TableWriter writer(out, options.format == "csv" ? Format::csv : Format::jsonl, kColumns);
  for (const User& user : people->users) writer.cell(user.name).cell(name_of(user.role));
  return writer.flush() ? 0 : EX_IOERR;
}

int run_users_add(const UsersOptions& options, std::ostream& out, std::ostream& err) {
  if (!is_role(options.role, err)) return EX_USAGE;
  if (const std::string why = access::why_no_name(options.name); !why.empty()) {
    err << why << "\n";
    return EX_DATAERR;
  }
  const auto config = load_for_access(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  int status = 0;
  const auto password = password_for(options, status, err);
  if (!password) return status;
  const User user{.name = options.name,
                  .role = *access::find_role(options.role),
                  .password = access::hash_password(password->reveal(), access::system_randomness)};
  status = change_people(
      config->store.path, "add user", options.name + " as " + options.role,
      [&user](People& people) -> std::string {
        if (std::ranges::find(people.users, user.name, &User::name) != people.users.end()) {
          return "there is a user '" + user.name + "' already; 'users CONFIG password' and 'role' change him";
        }
        if (people.users.size() >= access::kUsersMax) {
          return fmt::format("there are {} users, and there cannot be more", access::kUsersMax);
        }
        people.users.push_back(user);
        return "";
      },
      err);
  if (status == 0) out << options.name << " may log in as " << options.role << "\n";
  return status;
}

int run_users_remove(const UsersOptions& options, std::ostream& out, std::ostream& err) {
  const auto config = load_for_access(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const int status = change_people(
      config->store.path, "remove user", options.name,
      [&](People& people) -> std::string {
        const auto found = std::ranges::find(people.users, options.name, &User::name);
        if (found == people.users.end()) return no_such_user(options.name, people);
        warn_of_last(people, options.name, err);
        people.users.erase(found);
        return "";
      },
      err);
  if (status == 0) out << options.name << " is no user any more\n";
  return status;
}

int run_users_password(const UsersOptions& options, std::ostream& out, std::ostream& err) {
  const auto config = load_for_access(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const auto people = load_people(config->store.path, err);
  if (!people) return EX_CANTCREAT;
  if (std::ranges::find(people->users, options.name, &User::name) == people->users.end()) {  // before he types
    err << no_such_user(options.name, *people) << "\n";
    return EX_DATAERR;
  }
  int status = 0;
  const auto password = password_for(options, status, err);
  if (!password) return status;
  const auto hash = access::hash_password(password->reveal(), access::system_randomness);
  status = change_people(
      config->store.path, "change password", options.name,
      [&](People& now) { return on_user(now, options.name, [&hash](User& user) { user.password = hash; }); }, err);
  if (status == 0) out << options.name << " has a new password; sessions of before have ended\n";
  return status;
}

int run_users_role(const UsersOptions& options, std::ostream& out, std::ostream& err) {
  if (!is_role(options.role, err)) return EX_USAGE;
  const auto config = load_for_access(options.config, options.store, err);
  if (!config) return EX_CONFIG;
  const access::Role role = *access::find_role(options.role);
  const int status = change_people(
      config->store.path, "change role", options.name + " to " + options.role,
      [&](People& people) {
        if (role != access::Role::administrator) warn_of_last(people, options.name, err);
        return on_user(people, options.name, [role](User& user) { user.role = role; });
      },
      err);
  if (status == 0) out << options.name << " is " << options.role << " now\n";
  return status;
}

}  // namespace carbongate::cli
