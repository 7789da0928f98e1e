// What the supervisory platform may ask of the field side, and what comes of it: pure, so that every request ever seen
// can be a test.
//
// | CN                     | what                              | when                                          |
// | ---------------------- | --------------------------------- | --------------------------------------------- |
// | 1011, 1061, 1063       | time, intervals                   | always                                        |
// | 2031, 2051, 2061       | history from BeginTime to EndTime | always                                        |
// | 3019, 3020             | serial number, information        | always: 100, no data, where there is none     |
// | 1000, 1062, 1064, 1072 | timeouts, intervals, password     | where RequestLimits::allow has it             |
// | 2011, 2012             | real-time data on and off         | the same                                      |
// | 1012                   | the time                          | the same; the clock is not set, but compared  |
// | others of the standard |                                   | never: refused                                |
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocols/hj212/segment.h"

namespace carbongate::hj212 {

// On the clock that the platform's people read: Beijing time.
using LocalTime = std::chrono::local_time<std::chrono::milliseconds>;

std::string to_qn(LocalTime at);         // "20260801100000123"
std::string to_data_time(LocalTime at);  // "20260801100000"
std::optional<LocalTime> read_data_time(std::string_view text);

// Commands that set something.
inline constexpr std::array<std::string_view, 7> kSettable{"1000", "1012", "1062", "1064", "1072", "2011", "2012"};

// What the platform may set.
struct ClientSettings {
  std::chrono::seconds real_time_interval{30};  // RtdInterval
  std::chrono::minutes minute_interval{10};     // MinInterval
  std::chrono::seconds timeout{10};             // OverTime
  std::uint32_t retries = 3;                    // ReCount
  std::string password;                         // PW
  bool sends_real_time = true;

  friend bool operator==(const ClientSettings&, const ClientSettings&) = default;
};

// Whether it can be a PW: up to 6 printable characters of ASCII, none of which are syntax (& ; = , and //).
bool can_be_password(std::string_view text);

// What of the settings the platform has set, which is kept by whoever owns the session; all else is as configured.
struct SetByPlatform {
  std::optional<std::chrono::seconds> real_time_interval = {};
  std::optional<std::chrono::minutes> minute_interval = {};
  std::optional<std::chrono::seconds> timeout = {};
  std::optional<std::uint32_t> retries = {};
  std::optional<std::string> password = {};
  std::optional<bool> sends_real_time = {};

  void add(const SetByPlatform& later);  // in place of what was set before
  ClientSettings over(ClientSettings configured) const;
  friend bool operator==(const SetByPlatform&, const SetByPlatform&) = default;
};

// One line; holds the password.
std::string to_text(const SetByPlatform& set);

// What of it cannot be read is not set. Older versions kept all six whatever was set: of such a text those count that
// `allow` lets the platform set.
SetByPlatform read_set(std::string_view text, const std::vector<std::string>& allow);

struct RequestLimits {
  std::string st;                       // of the station: "31"
  std::string mn;                       // its unique name
  std::vector<std::string> allow = {};  // commands that set something
  std::string serial = {};              // for 3019; empty: there is none
  std::uint8_t version = Flag::kVersion2017;
  std::chrono::milliseconds real_time{};  // from one instant of the station to the next: RtdInterval is no less

  // MinInterval is one of these, for there are means of no other length; empty: any of the standard.
  std::vector<std::chrono::minutes> minute_intervals = {};
};

namespace request_result {
inline constexpr int kReady = 1, kRefused = 2, kPassword = 3, kName = 4, kSystem = 5, kFlag = 6, kNumber = 7,
                     kCommand = 8;
}
namespace execution_result {
inline constexpr int kDone = 1, kFailed = 2, kCondition = 3, kTimeout = 4, kBusy = 5, kFault = 6, kNoData = 100;
}

struct Reply {  // data that go back with the request's QN
  std::vector<Item> area;
};
struct Change {
  SetByPlatform set;
};
struct HistoryWanted {
  std::string cn;  // 2031, 2051, 2061
  LocalTime begin{};
  LocalTime end{};  // inclusive
};

struct Verdict {
  int request_result = request_result::kReady;  // QnRtn
  bool is_notification = false;                 // answered by 9013 instead

  // If it is ready: what is to be done, and how it ends. 0: whoever does it says so.
  std::variant<std::monostate, Reply, Change, HistoryWanted> work;
  int execution_result = 0;  // ExeRtn

  std::string remark;  // for the log: "refused: CN 1012 is not in `allow`"
};

// The request is of this station's platform, as far as its head tells; `head` and `area` are as they were read.
Verdict judge(const Head& head, const std::vector<Item>& area, const RequestLimits& limits,
              const ClientSettings& settings, LocalTime now);

}  // namespace carbongate::hj212
