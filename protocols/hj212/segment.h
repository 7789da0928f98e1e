// The data segment of HJ 212-2017, 6.4 (tables 3 and 4).
//
//   segment := field (";" field)*        QN=...;ST=...;CN=...;PW=...;MN=...;Flag=...;[PNUM=...;PNO=...;]CP=&&area&&
//   area    := [ item (";" item)* ]
//   item    := value ("," value)*        of one factor: a05001-Rtd=235000.0,a05001-Flag=N
//   value   := name "=" text             between "//" and "//" the text may hold any separator (table 4: -Info)
//
// What is read is kept as it was written, so that to_text(parse(x)) == x, also where a logger deviates from the
// standard: the order of the fields, digits, case.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carbongate::hj212 {

// Table 3 gives CP 950 bytes, and counts names with what they name: here "CP=&&" and "&&" too.
inline constexpr std::size_t kAreaBytesMax = 943;
inline constexpr std::size_t kAreaBytesTaken = 950;  // of others, who may count otherwise

struct Value {
  std::string name;
  std::optional<std::string> text;  // nullopt: without "="

  friend bool operator==(const Value&, const Value&) = default;
};

using Item = std::vector<Value>;  // without values: nothing between two separators

Item single(std::string_view name, std::string text);  // an item of one value

struct Segment {
  std::vector<Value> fields;              // before CP
  std::optional<std::vector<Item>> area;  // nullopt: there is no CP
  friend bool operator==(const Segment&, const Segment&) = default;
};

struct Malformed {
  std::size_t at = 0;  // byte of the segment
  std::string text;    // "CP does not end with &&"
};

boost::system::result<Segment, Malformed> parse_segment(std::string_view text);
std::string to_text(const Segment& segment);
std::string to_text(const std::vector<Item>& area);

// The first of that name; nullopt: there is none, or it has no "=".
std::optional<std::string_view> find(const std::vector<Value>& values, std::string_view name);
std::optional<std::string_view> find(const std::vector<Item>& area, std::string_view name);

// Bits of Flag: V5..V0 the version of the standard, D whether packets are numbered, A whether an answer is wanted.
struct Flag {
  std::uint8_t bits = 4;

  static constexpr std::uint8_t kVersion2017 = 1;
  static constexpr std::uint8_t kVersion2025 = 2;

  std::uint8_t version() const { return static_cast<std::uint8_t>(bits >> 2); }  // 0: 2005
  bool is_numbered() const { return (bits & 2) != 0; }
  bool wants_answer() const { return (bits & 1) != 0; }
};

struct Part {
  std::uint32_t number = 1;  // PNO, from 1
  std::uint32_t total = 1;   // PNUM
};

// What the fields say.
struct Head {
  std::string qn;  // request number: the time to the millisecond; empty: left out
  std::string st;  // system code, "31"
  std::string cn;  // command code, "2011"
  std::string pw;  // password
  std::string mn;  // the logger's unique name
  std::optional<Flag> flag;
  std::optional<Part> part;

  // What the standard has otherwise, without which a receiver can do: "QN is missing", "PNO comes before PNUM".
  std::vector<std::string> deviations;
};

// Malformed: CN or MN are missing, or a number is none.
boost::system::result<Head, Malformed> head_of(const Segment& segment);

// Fields in the order of the standard; those that are empty are left out.
std::vector<Value> fields_of(const Head& head);

// The area in parts of at most `bytes_max` bytes, each with the items of `repeated` before its own (DataTime), in their
// order, cut between items alone. An item that fits nowhere gets a part of its own, which is too long.
std::vector<std::vector<Item>> split(const std::vector<Item>& repeated, const std::vector<Item>& items,
                                     std::size_t bytes_max = kAreaBytesMax);

}  // namespace carbongate::hj212
