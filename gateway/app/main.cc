// The program: subcommands and their options. Everything else is in gateway/cli and gateway/app.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "gateway/app/daemon.h"
#include "gateway/app/version.h"
#include "gateway/cli/alerts.h"
#include "gateway/cli/audit.h"
#include "gateway/cli/backup.h"
#include "gateway/cli/check.h"
#include "gateway/cli/conservation.h"
#include "gateway/cli/dead_letters.h"
#include "gateway/cli/decode.h"
#include "gateway/cli/deliveries.h"
#include "gateway/cli/explain.h"
#include "gateway/cli/export.h"
#include "gateway/cli/factors.h"
#include "gateway/cli/key.h"
#include "gateway/cli/platforms.h"
#include "gateway/cli/read.h"
#include "gateway/cli/replay.h"
#include "gateway/cli/restate.h"
#include "gateway/cli/statement.h"
#include "gateway/cli/tokens.h"
#include "gateway/cli/users.h"
#include "gateway/cli/verify.h"

namespace {

using namespace carbongate;

// Logs go to standard error, where systemd's journal stamps and keeps them; standard output is for data.
void set_up_log() {
  auto logger = spdlog::stderr_logger_mt("carbongate");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

CLI::App* add_command(CLI::App& app, const char* name, const char* what, const char* examples) {
  CLI::App* command = app.add_subcommand(name, what);
  command->footer(std::string("Examples:\n") + examples);
  return command;
}

void add_config(CLI::App* command, std::filesystem::path& config) {
  command->add_option("CONFIG", config, "The site's configuration file")->required();
}

// `carbongate factors`: its own subcommands. The options live as long as the parsing.
struct FactorCommands {
  cli::FactorOptions options;
  std::string id, before, after;

  void add(CLI::App& app, int& status) {
    auto* factors = add_command(app, "factors", "Shows emission factors, standard coal and where they come from",
                                "  carbongate factors list park.yaml --at 2026-11-01\n"
                                "  carbongate factors show cn-grid/CN-SC/average/2023\n"
                                "  carbongate factors diff cn-fuels cn-fuels-b");
    factors->require_subcommand(1);
    auto* list = add_command(*factors, "list", "One row a factor: those of a site, or all that ship",
                             "  carbongate factors list park.yaml\n"
                             "  carbongate factors list --sets cn-grid --region CN-SC --at 2023-06-01\n"
                             "  carbongate factors list --carrier diesel --format csv");
    add_common(list);
    list->add_option("--carrier", options.carrier, "Only this carrier, such as natural-gas");
    list->add_option("--region", options.region, "Only this region, such as CN-SC");
    list->add_option("--method", options.method, "Only this method, such as average");
    list->add_option("--at", options.at, "Only what applies at this time, such as 2026-11-01");
    add_store(list);
    list->add_option("--format", options.format, "table, csv or jsonl")->capture_default_str();
    list->callback([this, &status] { status = cli::run_factors_list(options, std::cout, std::cerr); });

    auto* show = add_command(*factors, "show", "One factor: its gases, CO2e by every GWP set, validity, source",
                             "  carbongate factors show cn-grid/CN-SC/average/2023\n"
                             "  carbongate factors show ipcc-2006/diesel/default/2006 --gwp AR6");
    show->add_option("ID", id, "As list shows it")->required();
    add_common(show);
    add_store(show);
    show->callback([this, &status] { status = cli::run_factors_show(options, id, std::cout, std::cerr); });

    auto* diff = add_command(*factors, "diff",
                             "What differs between two sets, or two files of one set; status 1 if anything does",
                             "  carbongate factors diff cn-fuels cn-fuels-b\n"
                             "  carbongate factors diff ./cn_grid_2024.yaml cn-grid");
    diff->add_option("BEFORE", before, "A set, or a file")->required();
    diff->add_option("AFTER", after, "A set, or a file")->required();
    add_common(diff);
    diff->callback([this, &status] { status = cli::run_factors_diff(options, before, after, std::cout, std::cerr); });
  }

 private:
  void add_store(CLI::App* command) {
    command->add_option("--store", options.store, "Where the values of live sets are, instead of the configured store");
  }
  void add_common(CLI::App* command) {
    command->add_option("CONFIG", options.config, "A site's configuration: its sets, GWP set and time zone");
    command->add_option("--sets", options.sets, "Only these sets, such as cn-grid,cn-fuels")->delimiter(',');
    command->add_option("--gwp", options.gwp, "Global warming potentials: SAR, AR4, AR5 or AR6");
  }
};

// `carbongate users`, `tokens` and `audit`. The options live as long as the parsing.
struct AccessCommands {
  cli::UsersOptions user;
  cli::TokensOptions token;
  cli::AuditOptions audit;

  void add(CLI::App& app, int& status) {
    add_users(app, status);
    add_tokens(app, status);
    auto* log = add_command(app, "audit", "Shows who did what over HTTP and by the command line, the newest first",
                            "  carbongate audit park.yaml\n"
                            "  carbongate audit park.yaml --last 1000 --format csv");
    add_config(log, audit.config);
    log->add_option("--last", audit.last, "How many entries")->capture_default_str()->check(CLI::Range(1, 1'000'000));
    log->add_option("--before", audit.before, "Only entries of numbers below this one");
    log->add_option("--format", audit.format, "table, csv or jsonl")->capture_default_str();
    add_store(log, audit.store);
    log->callback([this, &status] { status = cli::run_audit(audit, std::cout, std::cerr); });
  }

 private:
  static void add_store(CLI::App* command, std::filesystem::path& store) {
    command->add_option("--store", store, "Directory to use, instead of the configured store");
  }

  CLI::App* add_user_command(CLI::App& users, int& status, const char* name, const char* what, const char* example,
                             int (*run)(const cli::UsersOptions&, std::ostream&, std::ostream&)) {
    auto* command = add_command(users, name, what, example);
    if (std::string_view(name) != "list") command->add_option("NAME", user.name, "The user's name")->required();
    command->callback([this, &status, run] { status = run(user, std::cout, std::cerr); });
    return command;
  }

  void add_users(CLI::App& app, int& status) {
    auto* users = add_command(app, "users", "Shows and changes who may log in",
                              "  carbongate users park.yaml list\n"
                              "  carbongate users park.yaml add li.wei --role operator");
    users->require_subcommand(1);
    add_config(users, user.config);
    add_store(users, user.store);
    constexpr const char* kRole = "viewer, operator or administrator";
    constexpr const char* kFile = "A file whose first line is the password; asked for at the terminal, if absent";
    auto* list = add_user_command(*users, status, "list", "One row a user", "  carbongate users park.yaml list",
                                  cli::run_users_list);
    list->add_option("--format", user.format, "table, csv or jsonl")->capture_default_str();
    auto* add = add_user_command(*users, status, "add", "A new user",
                                 "  carbongate users park.yaml add li.wei --role operator", cli::run_users_add);
    add->add_option("--role", user.role, kRole)->capture_default_str();
    add->add_option("--password-file", user.password_file, kFile);
    add_user_command(*users, status, "remove", "Takes a user away; his sessions end",
                     "  carbongate users park.yaml remove li.wei", cli::run_users_remove);
    auto* password = add_user_command(*users, status, "password", "Another password; sessions of before end",
                                      "  carbongate users park.yaml password li.wei", cli::run_users_password);
    password->add_option("--password-file", user.password_file, kFile);
    auto* role = add_user_command(*users, status, "role", "Another role; sessions of before end",
                                  "  carbongate users park.yaml role li.wei --role viewer", cli::run_users_role);
    role->add_option("--role", user.role, kRole)->required();
  }

  void add_tokens(CLI::App& app, int& status) {
    auto* tokens =
        add_command(app, "tokens", "Shows, makes and revokes tokens, which programs show instead of a password",
                    "  carbongate tokens park.yaml list\n"
                    "  carbongate tokens park.yaml add prometheus --role metrics --expires never");
    tokens->require_subcommand(1);
    add_config(tokens, token.config);
    add_store(tokens, token.store);
    auto* list = add_command(*tokens, "list", "One row a token; the tokens themselves are not kept",
                             "  carbongate tokens park.yaml list");
    list->add_option("--format", token.format, "table, csv or jsonl")->capture_default_str();
    list->callback([this, &status] { status = cli::run_tokens_list(token, std::cout, std::cerr); });
    auto* add = add_command(*tokens, "add", "A new token; it is shown this once",
                            "  carbongate tokens park.yaml add erp --role viewer --expires 365d");
    add->add_option("NAME", token.name, "What it is for")->required();
    add->add_option("--role", token.role, "metrics, viewer, operator or administrator")->capture_default_str();
    add->add_option("--expires", token.expires, "After 90d, at 2027-01-01, or never")->capture_default_str();
    add->callback([this, &status] { status = cli::run_tokens_add(token, std::cout, std::cerr); });
    auto* revoke = add_command(*tokens, "revoke", "From now on it is worth nothing",
                               "  carbongate tokens park.yaml revoke 9f2c01ab");
    revoke->add_option("ID", token.id, "As list shows it: the eight digits after cgt_")->required();
    revoke->callback([this, &status] { status = cli::run_tokens_revoke(token, std::cout, std::cerr); });
  }
};

}  // namespace

int main(int argc, char** argv) {
  set_up_log();
  CLI::App app{"CarbonGate: meters over Modbus and MQTT become energy and CO2e accounts"};
  app.require_subcommand(1);
  app.set_version_flag("--version", carbongate::app::version_text());
  app.footer("'carbongate COMMAND --help' shows a command's options with examples.");
  int status = 0;

  std::filesystem::path check_config;
  auto* check = add_command(app, "check", "Validates a configuration; opens and writes nothing",
                            "  carbongate check /etc/carbongate/park.yaml");
  add_config(check, check_config);
  check->callback([&] { status = cli::run_check(check_config, std::cout, std::cerr); });

  app::RunOptions run_options;
  auto* run = add_command(app, "run", "Runs the gateway until SIGTERM or SIGINT",
                          "  carbongate run /etc/carbongate/park.yaml\n"
                          "  carbongate run park.yaml --live --for 60s");
  add_config(run, run_options.config);
  run->add_flag("--live", run_options.live, "Show power, energy and CO2e per energy user on standard output");
  std::int64_t run_for_ms = 0;
  run->add_option("--for", run_for_ms, "End by itself after this time, such as 60s or 5min")
      ->transform(CLI::AsNumberWithUnit(
          std::map<std::string, std::int64_t>{{"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}},
          CLI::AsNumberWithUnit::UNIT_REQUIRED, "TIME"));
  run->callback([&] {
    constexpr std::int64_t kTenYearsMs = 10LL * 366 * 24 * 3'600'000;
    if (run->count("--for") != 0 && (run_for_ms <= 0 || run_for_ms > kTenYearsMs)) {
      throw CLI::ValidationError("--for", "must be more than 0 and at most ten years");
    }
    if (run_for_ms > 0) run_options.run_for = std::chrono::milliseconds(run_for_ms);
    status = app::run_daemon(run_options);
  });

  cli::ReadOptions read_options;
  auto* read = add_command(app, "read", "Asks the meters once and shows value, unit, quality and round trip",
                           "  carbongate read park.yaml\n"
                           "  carbongate read park.yaml incomer press-shop --json");
  add_config(read, read_options.config);
  read->add_option("DEVICE", read_options.devices, "Devices to ask; all, if none is named");
  read->add_flag("--json", read_options.json, "One JSON object instead of a table");
  read->callback([&] { status = cli::run_read(read_options, std::cout, std::cerr); });

  cli::ReplayOptions replay_options;
  auto* replay = add_command(app, "replay", "Plays recorded readings through the pipeline, in the data's own time",
                             "  carbongate replay park.yaml --input year.csv --store /tmp/year\n"
                             "  (year.csv: time,point,value / 2023-01-01T00:15:00+08:00,incomer.energy,3.17)");
  add_config(replay, replay_options.config);
  replay->add_option("--input", replay_options.input, "CSV file with the header time,point,value")->required();
  replay->add_option("--store", replay_options.store, "Empty directory to write to, instead of the configured store");
  replay->callback([&] { status = cli::run_replay(replay_options, std::cout, std::cerr); });

  cli::RestateOptions restate_options;
  auto* restate = add_command(app, "restate", "Computes a stretch of time again and shows, or books, the corrections",
                              "  carbongate restate park.yaml --from 2026-03-01 --to 2026-04-01\n"
                              "  carbongate restate park.yaml --from 2026-01-01 --factor-set cn-grid-2026=cn-grid\n"
                              "  carbongate restate park.yaml --from 2026-03-01 --book --reason \"CT ratio\"\n"
                              "  carbongate restate park.yaml --manual bills.csv --book --reason \"bills of March\"\n"
                              "  (bills.csv: user,carrier,point,begin,end,amount,unit,note /\n"
                              "  press-shop,electricity,incomer.energy,2026-03-01,2026-04-01,12500.5,kWh,bill 4711)");
  add_config(restate, restate_options.config);
  restate->add_option("--from", restate_options.from, "First instant, such as 2026-03-01; required without --manual");
  restate->add_option("--manual", restate_options.manual,
                      "CSV file of true amounts, from bills or stock-taking, instead of computing anything again");
  restate->add_option("--to", restate_options.to, "End, exclusive; absent: all that is closed");
  restate->add_option("--factor-set", restate_options.factor_set,
                      "NEW or NEW=OLD: as if the configuration counted by the set NEW (instead of OLD)");
  restate->add_option("--user", restate_options.user, "Only this energy user");
  restate->add_flag("--book", restate_options.book, "Book the corrections; the gateway must not run");
  restate->add_option("--reason", restate_options.reason, "Why, for the books; required with --book");
  restate->add_option("--format", restate_options.format, "table, csv or json")->capture_default_str();
  restate->add_option("--store", restate_options.store, "Directory to use, instead of the configured store");
  restate->callback([&] { status = cli::run_restate(restate_options, std::cout, std::cerr); });

  cli::ExportOptions export_options;
  std::filesystem::path export_config;
  auto* export_command = add_command(app, "export", "Writes what the store holds as CSV or JSON lines",
                                     "  carbongate export park.yaml --what entries --from 2026-11-01 --to 2026-12-01\n"
                                     "  carbongate export park.yaml --what rollups --format jsonl\n"
                                     "  carbongate export park.yaml --what readings --point press/power --every 15min");
  add_config(export_command, export_config);
  export_command
      ->add_option("--what", export_options.what,
                   "readings, intervals (as first counted), entries, rollups, alerts, reports, corrections or ledger")
      ->required();
  export_command->add_option("--from", export_options.from,
                             "First instant, such as 2026-11-01 or 2026-11-01T08:00:00+08:00");
  export_command->add_option("--to", export_options.to, "End, exclusive");
  export_command->add_option("--point", export_options.points, "Readings of this DEVICE/POINT only; may be repeated")
      ->take_all();
  export_command->add_option("--every", export_options.every,
                             "Readings by slots such as 15min: count, first, last, min, max, mean");
  export_command->add_option("--format", export_options.format, "csv or jsonl")->capture_default_str();
  export_command->add_option("--output", export_options.output, "File to write; standard output if absent");
  export_command->add_option("--store", export_options.store, "Directory to read, instead of the configured store");
  export_command->callback([&] { status = cli::run_export(export_config, export_options, std::cout, std::cerr); });

  cli::AlertsOptions alerts_options;
  auto* alerts = add_command(app, "alerts", "Shows which alerts fire, and acknowledges one",
                             "  carbongate alerts park.yaml\n"
                             "  carbongate alerts park.yaml --recent 30d --lang zh\n"
                             "  carbongate alerts park.yaml --acknowledge 68393ce6c826dfc0 --by \"Li Wei\" --note "
                             "\"electrician is on site\"");
  add_config(alerts, alerts_options.config);
  alerts->add_option("--recent", alerts_options.recent, "How long what ended is shown")->capture_default_str();
  alerts->add_option("--acknowledge", alerts_options.acknowledge, "The id of one that fires: somebody has seen it");
  alerts->add_option("--by", alerts_options.by, "Who; required with --acknowledge");
  alerts->add_option("--note", alerts_options.note, "What for, one line");
  alerts->add_option("--format", alerts_options.format, "table, csv or json")->capture_default_str();
  alerts->add_option("--lang", alerts_options.lang, "Language of the table: en or zh")->capture_default_str();
  alerts->add_option("--store", alerts_options.store, "Directory to use, instead of the configured store");
  alerts->callback([&] { status = cli::run_alerts(alerts_options, std::cout, std::cerr); });

  cli::StatementOptions statement_options;
  std::filesystem::path statement_config;
  auto* statement =
      add_command(app, "statement", "States energy and CO2e of a day, a month or a year, with uncertainty",
                  "  carbongate statement park.yaml --period month --of 2026-11\n"
                  "  carbongate statement park.yaml --period day --of 2026-11-28 --format table --lang zh\n"
                  "  carbongate statement park.yaml --period year --of 2026 --by gas --format json -o 2026.json");
  add_config(statement, statement_config);
  statement->add_option("--period", statement_options.period, "day, month or year")->required();
  statement->add_option("--of", statement_options.of, "Which one: 2026-11-28, 2026-11 or 2026")->required();
  statement->add_option("--user", statement_options.user, "This energy user alone; all and the site, if absent");
  statement->add_option("--by", statement_options.by, "user, scope, carrier or gas")->capture_default_str();
  statement->add_option("--format", statement_options.format, "csv, json or table")->capture_default_str();
  statement->add_option("--lang", statement_options.lang, "Language of the header: en or zh")->capture_default_str();
  statement->add_option("--store", statement_options.store, "Directory to read, instead of the configured store");
  statement->add_option("-o,--output", statement_options.output, "File to write; standard output if absent");
  statement->callback([&] { status = cli::run_statement(statement_config, statement_options, std::cout, std::cerr); });

  cli::ExplainOptions explain_options;
  std::filesystem::path explain_config;
  auto* explain = add_command(
      app, "explain", "Explains a figure: from a tonne down to the bytes of a register",
      "  carbongate explain park.yaml site@2026-01\n"
      "  carbongate explain park.yaml press-shop@2026-01\n"
      "  carbongate explain park.yaml press-shop/electricity/incomer.energy@2026-01-03\n"
      "  carbongate explain park.yaml press-shop/electricity/incomer.energy@2026-01-03T00:15:00Z\n"
      "  carbongate explain park.yaml 'press-shop/electricity/incomer.energy@2026-01-03T00:15:00Z#1' --json");
  add_config(explain, explain_config);
  explain
      ->add_option("ENTRY", explain_options.entry,
                   "USER/CARRIER/DEVICE.POINT@BEGIN#REVISION, as verify and explain name it; without #REVISION: with "
                   "all corrections; with a day, month or year for BEGIN, also USER@2026-01, USER/CARRIER@2026-01, "
                   "USER/scope-2@2026-01, and for all users site@2026-01, site/scope-1@2026-01 and "
                   "site/CARRIER@2026-01: the sum and its parts")
      ->required();
  explain->add_option("--store", explain_options.store, "Directory to read, instead of the configured store");
  explain->add_flag("--json", explain_options.json, "One JSON object instead of text");
  explain->add_option("--readings", explain_options.readings, "Readings shown of an interval")->capture_default_str();
  explain->add_option("--result", explain_options.result,
                      "Of a derived point: the result to take apart, by its time; the last of the interval if absent");
  explain->add_option("--entries", explain_options.entries, "Entries shown of a period; 0: all")->capture_default_str();
  explain->callback([&] { status = cli::run_explain(explain_config, explain_options, std::cout, std::cerr); });

  cli::VerifyOptions verify_options;
  auto* verify =
      add_command(app, "verify", "Finds changed, missing and reordered entries of a ledger; needs no network",
                  "  carbongate verify ledger.csv --key ledger.pub\n"
                  "  carbongate verify /var/lib/carbongate --key ledger.pub --expect-head 35040:9f2c...\n"
                  "  (status 1: there are findings; 2: there is neither entry nor seal, which proves nothing)");
  verify->add_option("LEDGER", verify_options.ledger, "A file of 'export --what ledger', or a store's directory")
      ->required();
  verify->add_option("--key", verify_options.key, "Public key (PEM) that the seals must be signed with");
  verify->add_option("--expect-head", verify_options.expected_head, "NUMBER:HASH, as an earlier verify printed it");
  verify->add_flag("--all-sealed", verify_options.all_sealed, "Entries that no seal stands for yet are a finding too");
  verify->callback([&] { status = cli::run_verify(verify_options, std::cout, std::cerr); });

  cli::ConservationOptions conservation_options;
  auto* conservation = add_command(app, "conservation", "Shows for each sink what became of every row meant for it",
                                   "  carbongate conservation park.yaml\n"
                                   "  carbongate conservation park.yaml --format json");
  add_config(conservation, conservation_options.config);
  conservation->add_option("--store", conservation_options.store, "Directory to read, instead of the configured store");
  conservation->add_option("--format", conservation_options.format, "table or json")->capture_default_str();
  conservation->callback([&] { status = cli::run_conservation(conservation_options, std::cout, std::cerr); });

  cli::BackupOptions backup_options;
  auto* backup = add_command(app, "backup", "Copies the store as it is at one moment; the gateway may run",
                             "  carbongate backup park.yaml /mnt/usb/carbongate-2026-11-28\n"
                             "  (to go back to it: stop the gateway, put the copy where store.path points, start)");
  add_config(backup, backup_options.config);
  backup->add_option("DIRECTORY", backup_options.to, "Where to; must not be there yet, or be empty")->required();
  backup->add_flag("--with-key", backup_options.with_key, "Copy the ledger's private key too");
  backup->add_option("--store", backup_options.store, "Directory to read, instead of the configured store");
  backup->callback([&] { status = cli::run_backup(backup_options, std::cout, std::cerr); });

  cli::RepairOptions repair_options;
  auto* repair =
      add_command(app, "repair", "Reads the whole store; a damaged one is set aside and what can be read of it goes on",
                  "  carbongate repair park.yaml --check\n"
                  "  carbongate repair park.yaml");
  add_config(repair, repair_options.config);
  repair->add_flag("--check", repair_options.check, "Look only, also beside a running gateway; status 1: damaged");
  repair->add_option("--store", repair_options.store, "Directory to use, instead of the configured store");
  repair->callback([&] { status = cli::run_repair(repair_options, std::cout, std::cerr); });

  cli::KeyOptions key_options;
  auto* key = add_command(app, "key", "Shows the public key of the ledger's seals, or replaces it",
                          "  carbongate key park.yaml > ledger.pub\n"
                          "  carbongate key park.yaml --rotate");
  add_config(key, key_options.config);
  key->add_option("--store", key_options.store, "Directory to read, instead of the configured store");
  key->add_flag("--rotate", key_options.rotate,
                "Make a new key, announced by a seal of the old one; the gateway must be stopped");
  key->add_flag("--lost", key_options.lost, "With --rotate: the old key is gone; every verification will say so");
  key->callback([&] { status = cli::run_key(key_options, std::cout, std::cerr); });

  cli::PlatformsOptions platform_options;
  auto* platforms = add_command(
      app, "platforms", "Shows where the uploads to platforms of key energy users stand, and how complete they are",
      "  carbongate platforms park.yaml\n"
      "  carbongate platforms park.yaml --days 31 --format csv\n"
      "  carbongate platforms park.yaml --dictionary province");
  add_config(platforms, platform_options.config);
  platforms->add_option("--dictionary", platform_options.dictionary, "Print what the platform of this sink delivered");
  platforms->add_option("--days", platform_options.days, "How many days, the last one today")->capture_default_str();
  platforms->add_option("--format", platform_options.format, "table, csv or jsonl")->capture_default_str();
  platforms->add_option("--store", platform_options.store, "Directory to read, instead of the configured store");
  platforms->callback([&] { status = cli::run_platforms(platform_options, std::cout, std::cerr); });

  cli::DeadLetterOptions letter_options;
  auto* letters = add_command(app, "dead-letters", "Shows the rows that sinks refused for good, and offers them again",
                              "  carbongate dead-letters park.yaml\n"
                              "  carbongate dead-letters park.yaml --sink park-tsdb --format csv\n"
                              "  carbongate dead-letters park.yaml --sink park-tsdb --retry");
  add_config(letters, letter_options.config);
  letters->add_option("--sink", letter_options.sink, "Only this sink's, by its name; all, if absent");
  letters->add_option("--format", letter_options.format, "table, csv or json")->capture_default_str();
  letters->add_flag("--retry", letter_options.retry,
                    "Offer them again when the gateway runs next; the gateway must be stopped");
  letters->add_flag("--drop", letter_options.drop, "Give them up: empty the list; the gateway must be stopped");
  letters->add_option("--store", letter_options.store, "Directory to use, instead of the configured store");
  letters->callback([&] { status = cli::run_dead_letters(letter_options, std::cout, std::cerr); });

  cli::DeliveriesOptions delivery_options;
  auto* deliveries = add_command(app, "deliveries", "Shows what was sent of alerts and reports, and what was answered",
                                 "  carbongate deliveries park.yaml\n"
                                 "  carbongate deliveries park.yaml --open\n"
                                 "  carbongate deliveries park.yaml --sink platform --from 2026-08-01 --format csv");
  add_config(deliveries, delivery_options.config);
  deliveries->add_option("--sink", delivery_options.sink, "Only this sink's, by its name; all, if absent");
  deliveries->add_option("--from", delivery_options.from, "Sent last at this time or later");
  deliveries->add_option("--to", delivery_options.to, "Sent last before this time");
  deliveries->add_flag("--open", delivery_options.open, "Only what has no receipt");
  deliveries->add_option("--format", delivery_options.format, "table, csv or json")->capture_default_str();
  deliveries->add_option("--lang", delivery_options.lang, "Language of the table: en or zh")->capture_default_str();
  deliveries->add_option("--store", delivery_options.store, "Directory to use, instead of the configured store");
  deliveries->callback([&] { status = cli::run_deliveries(delivery_options, std::cout, std::cerr); });

  FactorCommands factor_commands;
  factor_commands.add(app, status);

  AccessCommands access_commands;
  access_commands.add(app, status);

  cli::DecodeOptions decode_options;
  auto* decode = add_command(app, "decode", "Decodes Modbus frames and HJ 212 packets, one JSON object each",
                             "  carbongate decode modbus-rtu --side response --hex \"01 04 04 43 66 33 34 1b 38\"\n"
                             "  carbongate decode modbus-tcp --side request --hex 000100000006010400000002\n"
                             "  carbongate decode hj212 --text \"##0087QN=20260801110000002;ST=91;CN=9014;...\"");
  decode->add_option("PROTOCOL", decode_options.protocol, "modbus-tcp, modbus-rtu or hj212")->required();
  decode->add_option("--hex", decode_options.hex, "The bytes, in hexadecimal");
  decode->add_option("--text", decode_options.text, "Packets of HJ 212, one a line");
  decode->add_option("--side", decode_options.side, "Of Modbus: request or response");
  decode->callback([&] { status = cli::run_decode(decode_options, std::cout); });

  auto* version = add_command(app, "version", "Shows the version and what it was built with", "  carbongate version");
  version->callback([] { std::cout << app::version_text() << "\n"; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : EX_USAGE;
  }
  return status;
}
