// What the daemon knows of itself, for whoever shows it. Implemented by gateway/app, and asked on the loop thread.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/api/driver.h"
#include "drivers/api/frame_log.h"
#include "drivers/api/poll_port.h"
#include "gateway/model/checkpoint.h"
#include "gateway/model/site.h"
#include "gateway/pipeline/factor_registry.h"
#include "gateway/ports/sink.h"
#include "gateway/ports/store.h"

namespace carbongate::ops {

// What became of the readings of a driver since the process began: received = committed + given_up + waiting.
struct SourceFacts {
  std::string name;
  std::uint64_t received = 0;
  std::uint64_t committed = 0;
  std::uint64_t given_up = 0;
  std::uint64_t waiting = 0;
};

// As it is at one moment. Counters start with the process, unless they say otherwise.
struct State {
  Instant now{};
  bool time_is_known = true;
  Duration machine_ahead{};            // of `now`, which follows the machine's clock; negative: it is behind
  bool clock_is_synchronised = false;  // a time server keeps the machine's clock; many cannot tell
  bool is_started = false;
  std::vector<DriverStatus> drivers;
  std::vector<ports::SinkStatus> sinks;
  ports::StoreStatus store;
  std::string store_trouble;  // why the last commit failed; empty: it did not
  std::uint64_t readings = 0;
  std::size_t inbox_readings = 0;
  std::uint64_t inbox_waits = 0;
  std::uint64_t commit_retries = 0;
  std::uint64_t corrections = 0;
  std::uint64_t entries_without_factor = 0;
  std::uint64_t entries_without_coal_factor = 0;
  std::uint64_t entries_without_market_factor = 0;
  std::vector<SourceFacts> sources;
  std::vector<ports::SinkAccount> sink_accounts;  // as audited last
  std::uint64_t audits = 0;
  std::uint64_t breaches = 0;
  bool balances = true;  // the last audit did
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_holds = 0;
};

// Constant while the process runs.
struct Fixed {
  std::string version;  // "0.1.0"
  std::string version_text;
  Instant started{};
  std::uint64_t memory_max_bytes = 0;
  std::filesystem::path store;  // directory
  std::uint64_t store_bytes_max = 0;
  std::string gwp;                                                 // "AR5"
  std::map<std::string, std::string, std::less<>> driver_of = {};  // type of driver by device
  std::vector<std::string> sinks = {};                             // names, as configured
};

// Beyond it the oldest readings go: what is configured, or less if its disk has no room for that.
inline std::uint64_t store_bytes_max(const Fixed& fixed, const State& state) {
  return state.store.held_to_bytes == 0 ? fixed.store_bytes_max : state.store.held_to_bytes;
}

class Facts {
 public:
  virtual ~Facts() = default;

  virtual const Fixed& fixed() const = 0;
  virtual const model::Site& site() const = 0;                  // outlives the server
  virtual const pipeline::FactorRegistry& factors() const = 0;  // the same
  virtual const model::Checkpoint& accounts() const = 0;
  virtual State state() const = 0;
  virtual Instant now() const = 0;
};

// The devices behind the drivers, for whoever looks at one closely. On the loop thread.
class Devices {
 public:
  virtual ~Devices() = default;

  // nullptr: there is no such device, or nothing of it goes over a wire.
  virtual const FrameLog* frames(std::string_view device) const = 0;

  // nullptr: there is no such device, or it sends by itself.
  virtual PollPort* poll_port(std::string_view device) = 0;
};

// What the commands of the program write: the same bytes. Any thread; each call opens the store by itself.
class Documents {
 public:
  virtual ~Documents() = default;

  // As people write times: "2026-11-01", or RFC 3339. nullopt: it is none.
  virtual std::optional<Instant> parse_time(std::string_view text) const = 0;

  // Exit status as that of the command (0: it is written); what went wrong goes to `err`.
  struct StatementAsk {
    std::string period;  // "2026-11-28", "2026-11", "2026"
    std::string user, by, format, lang;
  };
  virtual int statement(const StatementAsk& ask, std::ostream& out, std::ostream& err) const = 0;

  struct ExportAsk {
    std::string what, format, from, until, point, every;
  };
  virtual int export_rows(const ExportAsk& ask, std::ostream& out, std::ostream& err) const = 0;

  struct ExplanationAsk {
    std::string name;
    std::size_t readings = 0;
    std::size_t entries = 0;
    std::string result;  // of a derived point: the time of that to take apart; empty: the last one
  };
  virtual int explanation(const ExplanationAsk& ask, std::ostream& out, std::ostream& err) const = 0;

  // The file, and its tree without secrets.
  virtual std::string configuration_file() const = 0;
  virtual boost::json::object configuration() const = 0;
};

}  // namespace carbongate::ops
