#include "gateway/cli/verify.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <fstream>
#include <optional>
#include <ostream>
#include <stdexcept>

#include "gateway/cli/fault_status.h"
#include "gateway/ledger/export_text.h"
#include "gateway/ledger/verify.h"
#include "gateway/model/entry_name.h"
#include "gateway/store/key_file.h"
#include "gateway/store/ledger_reader.h"
#include "gateway/store/store_config.h"

namespace carbongate::cli {
namespace {

constexpr std::size_t kFindingsShown = 1'000;
constexpr int kNothingToVerify = 2;

struct Unreadable : std::runtime_error {
  explicit Unreadable(const std::string& text, int exit_status = EX_DATAERR)
      : std::runtime_error(text), status(exit_status) {}
  explicit Unreadable(const model::Fault& fault) : Unreadable(fault.text, status_of(fault, EX_DATAERR)) {}
  int status;
};

ledger::Trust trust_of(const VerifyOptions& options, bool is_store, std::ostream& err) {
  ledger::Trust trust;
  trust.all_sealed = options.all_sealed;
  if (!options.expected_head.empty()) {
    trust.expected_head = ledger::parse_head(options.expected_head);
    if (!trust.expected_head) {
      throw Unreadable(
          fmt::format("--expect-head: '{}' is not NUMBER:HASH, as 'head' of an earlier verify", options.expected_head));
    }
  }
  if (!options.key.empty()) {
    trust.key = store::read_public_key(options.key);
    if (!trust.key) throw Unreadable(fmt::format("{}: no Ed25519 public key in PEM", options.key.string()));
    return trust;
  }
  if (is_store) trust.key = store::read_public_key(options.ledger / store::kLedgerPublicFile);
  err << fmt::format(
      "no --key: checked against the key that came with {} itself, which proves only that the two fit each other\n",
      options.ledger.string());
  return trust;
}

void read_store(const std::filesystem::path& directory, ledger::Verifier& verifier) {
  auto reader = store::LedgerReader::open(directory);
  if (reader.has_error()) throw Unreadable(reader.error());
  const auto result = (*reader)->each({}, [&](const ledger::Row& row) {
    verifier.take(row);
    return true;
  });
  if (result.has_error()) throw Unreadable(result.error());
}

void read_export(const std::filesystem::path& file, ledger::Verifier& verifier) {
  std::ifstream in(file, std::ios::binary);
  ledger::TextReader reader;
  for (std::string line; std::getline(in, line);) {
    if (const auto row = reader.read(line)) verifier.take(*row);
    if (!reader.is_ledger()) break;
  }
  if (in.bad()) throw Unreadable(fmt::format("{}: cannot be read", file.string()));
  std::error_code error;
  const bool is_empty = std::filesystem::file_size(file, error) == 0 && !error;  // as JSON lines of an empty ledger are
  if (!reader.is_ledger() && !is_empty) {
    throw Unreadable(
        fmt::format("{}: not a ledger; write one with 'carbongate export CONFIG --what ledger'", file.string()));
  }
}

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", number, number == 1 ? one : many);
}

// An empty ledger, or a file with nothing but its header.
bool is_nothing(const ledger::Summary& summary) {
  return summary.entries == 0 && summary.seals == 0;
}

void print(const ledger::Summary& summary, std::ostream& out) {
  for (std::size_t i = 0; i < summary.findings.size() && i < kFindingsShown; ++i) {
    out << fmt::format("{}: {}\n", ledger::to_string(summary.findings[i].kind), summary.findings[i].text);
  }
  if (summary.findings_total > kFindingsShown) {
    out << fmt::format("... and {} more\n", summary.findings_total - kFindingsShown);
  }
  if (summary.entries == 0) {
    out << "the ledger is empty: it has no entry\n";
  } else {
    out << fmt::format("{}, number {} to {}\n", counted(summary.entries, "entry", "entries"), summary.first,
                       summary.head.number);
    out << fmt::format("head {}\n", ledger::to_string(summary.head));
  }
  const std::string seals = counted(summary.seals, "seal", "seals");
  if (is_nothing(summary)) {
    // Nothing to say of seals either.
  } else if (summary.proven == 0) {
    out << fmt::format("{}, which prove nothing\n", seals);
  } else {
    out << fmt::format("{}, the last one of {} for all entries up to {}\n", seals, model::format_utc(summary.proven_at),
                       summary.proven);
    if (const auto tail = summary.head.number - summary.proven; tail != 0) {
      out << fmt::format("{} after that: chained, but no seal stands for them yet\n",
                         counted(tail, "entry", "entries"));
    }
  }
  if (summary.findings_total != 0) {
    out << counted(summary.findings_total, "finding", "findings") << "\n";
  } else if (is_nothing(summary)) {
    out << "nothing to verify, and nothing proven: if entries have been booked, they are not here; --expect-head with "
           "a "
           "head noted earlier tells\n没有可验证的内容，不能视为完整：若曾有条目入账，此处已缺失；请用 --expect-head "
           "与先前记录的 head 核对\n";
  } else {
    out << fmt::format("unchanged up to entry {}\n", summary.proven);
  }
}

}  // namespace

int run_verify(const VerifyOptions& options, std::ostream& out, std::ostream& err) {
  std::error_code error;
  const bool is_store = std::filesystem::is_directory(options.ledger, error);
  if (!std::filesystem::exists(options.ledger, error)) {
    err << fmt::format("{}: there is no such file or store\n", options.ledger.string());
    return EX_NOINPUT;
  }
  try {
    ledger::Verifier verifier(trust_of(options, is_store, err));
    if (is_store)
      read_store(options.ledger, verifier);
    else
      read_export(options.ledger, verifier);
    const ledger::Summary summary = verifier.finish();
    print(summary, out);
    if (summary.key) err << fmt::format("signed by {}\n", ledger::fingerprint(*summary.key));
    if (summary.findings_total != 0) return 1;
    return is_nothing(summary) ? kNothingToVerify : 0;
  } catch (const Unreadable& unreadable) {
    err << unreadable.what() << "\n";
    return unreadable.status;
  }
}

}  // namespace carbongate::cli
