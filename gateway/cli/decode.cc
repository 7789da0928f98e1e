#include "gateway/cli/decode.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <ostream>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/cli/decode_hj212.h"
#include "protocols/modbus/pdu.h"
#include "protocols/modbus/rtu_frame.h"
#include "protocols/modbus/tcp_frame.h"
#include "protocols/wire/crc16.h"

namespace carbongate::cli {
namespace {

namespace json = boost::json;
using modbus::Bytes;
using modbus::Side;
using Span = std::span<const std::byte>;

constexpr std::size_t kHexDigitsMax = 1'000'000;

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

bool is_separator(char c) {
  return std::string_view(" \t\r\n:-,;").find(c) != std::string_view::npos;
}

// The bytes, or in `wrong` why the text has none. Each group of digits between separators must be of whole bytes.
std::optional<Bytes> parse_hex(std::string_view text, std::string& wrong) {
  Bytes bytes;
  if (text.size() > kHexDigitsMax) {
    wrong = fmt::format("more than {} characters of hex", kHexDigitsMax);
    return std::nullopt;
  }
  for (std::size_t at = 0; at < text.size();) {
    if (is_separator(text[at])) {
      ++at;
      continue;
    }
    if (text[at] == '0' && at + 1 < text.size() && (text[at + 1] == 'x' || text[at + 1] == 'X')) at += 2;
    const std::size_t begin = at;
    while (at < text.size() && hex_digit(text[at])) ++at;
    const bool odd = (at - begin) % 2 != 0;
    if (at == begin || (!odd && at < text.size() && !is_separator(text[at]))) {
      wrong = at < text.size() ? fmt::format("hex: character {} is no hexadecimal digit", at + 1)
                               : "hex: '0x' without digits at the end";
      return std::nullopt;
    }
    if (odd) {
      wrong = fmt::format("hex: an odd number of digits, '{}', at character {}",
                          text.substr(begin, std::min<std::size_t>(at - begin, 80)), begin + 1);
      return std::nullopt;
    }
    for (std::size_t i = begin; i < at; i += 2) {
      bytes.push_back(static_cast<std::byte>(*hex_digit(text[i]) << 4 | *hex_digit(text[i + 1])));
    }
  }
  if (bytes.empty()) wrong = "hex: no bytes given";
  return bytes.empty() ? std::nullopt : std::optional(std::move(bytes));
}

std::string to_hex(Span bytes) {
  std::string out;
  for (const std::byte byte : bytes)
    out += fmt::format("{}{:02x}", out.empty() ? "" : " ", std::to_integer<unsigned>(byte));
  return out;
}

json::array registers_of(Span data) {
  json::array out;
  for (std::size_t i = 0; i + 1 < data.size(); i += 2) {
    out.push_back(std::to_integer<unsigned>(data[i]) << 8 | std::to_integer<unsigned>(data[i + 1]));
  }
  return out;
}

json::array bits_of(Span data, std::size_t count) {
  json::array out;
  for (std::size_t i = 0; i < count; ++i) out.push_back((std::to_integer<unsigned>(data[i / 8]) >> (i % 8) & 1u) != 0);
  return out;
}

// Writes what a PDU says into a JSON object.
struct Describe {
  static constexpr std::uint8_t kWriteSingleCoil = 5;
  static constexpr std::uint8_t kWriteMultipleCoils = 15;

  json::object& out;

  void operator()(const modbus::ReadRequest& read) const {
    out["address"] = read.address;
    out["count"] = read.count;
  }
  void operator()(const modbus::WriteSingle& write) const {
    out["address"] = write.address;
    out["value"] = write.function == kWriteSingleCoil ? json::value(write.value != 0) : json::value(write.value);
  }
  void operator()(const modbus::WriteMultiple& write) const {
    out["address"] = write.address;
    out["count"] = write.count;
    if (write.data.empty()) return;
    if (write.function == kWriteMultipleCoils) {
      out["bits"] = bits_of(write.data, write.count);
    } else {
      out["registers"] = registers_of(write.data);
    }
  }
  void operator()(const modbus::Registers& read) const {
    out["registers"] = json::array(read.values.begin(), read.values.end());
  }
  void operator()(const modbus::Bits& read) const {
    json::array bits;
    for (const bool bit : read.values) bits.push_back(bit);
    out["bits"] = std::move(bits);
  }
  void operator()(const modbus::Exception& exception) const {
    out["exception"] = {{"code", exception.code}, {"name", modbus::exception_name(exception.code)}};
  }
  void operator()(const modbus::Other& other) const { out["data"] = to_hex(other.data); }
};

// Gathers the lines of the output.
class Decoder {
 public:
  Decoder(Side side, Span bytes) : side_(side), bytes_(bytes) {}

  void decode_tcp() {
    for (std::size_t at = 0; at < bytes_.size();) {
      const auto frame = modbus::decode_tcp(bytes_.subspan(at));
      if (!frame) {
        add_error(at, frame.error().message() + " (" +
                          to_hex(bytes_.subspan(at, std::min(bytes_.size() - at, modbus::kTcpHeaderBytes))) + ")");
        return;  // nothing tells where the next frame would begin
      }
      if (!*frame) {
        add_error(at, explain_early_end(bytes_.subspan(at)));
        return;
      }
      json::object line{{"unit", (*frame)->unit}, {"transaction", (*frame)->transaction}};
      add_pdu(std::move(line), at + modbus::kTcpHeaderBytes, (*frame)->pdu);
      at += (*frame)->bytes;
    }
  }

  void decode_rtu() {
    for (std::size_t at = 0; at < bytes_.size();) {
      if (const auto frame = rtu_frame_at(at)) {
        json::object line{{"unit", frame->unit}};
        add_pdu(std::move(line), at + 1, frame->pdu);
        at += frame->bytes;
        continue;
      }
      const std::size_t next = next_rtu_frame(at + 1);
      const Span skipped = bytes_.subspan(at, next - at);
      const bool glitch = std::ranges::all_of(skipped, [](std::byte byte) { return byte == std::byte{0}; });
      if (glitch && (next < bytes_.size() || !lines_.empty())) {
        note_noise(skipped.size(), next == bytes_.size());
      } else {
        add_error(at, explain_rtu(at));
      }
      at = next;
    }
  }

  // Returns the exit status.
  int print(std::ostream& out) const {
    for (const json::object& line : lines_) out << json::serialize(line) << "\n";
    return failed_ ? 1 : 0;
  }

 private:
  static std::string explain_early_end(Span rest) {
    constexpr std::size_t kLengthEnd = 6;
    std::string text = fmt::format("the frame ends too early, after {}", rest.size());
    if (rest.size() < kLengthEnd) return text + " bytes";
    const auto length = std::to_integer<std::size_t>(rest[4]) << 8 | std::to_integer<std::size_t>(rest[5]);
    return text + fmt::format(" of {} bytes", kLengthEnd + length);
  }

  // A frame whose function does not tell its length ends where the CRC fits.
  std::optional<modbus::RtuFrame> rtu_frame_at(std::size_t at) const {
    const Span rest = bytes_.subspan(at);
    const auto frame = modbus::decode_rtu(rest, side_);
    if (frame) return *frame;
    if (frame.error() != make_error_code(modbus::Error::unknown_length)) return std::nullopt;
    const std::size_t longest = std::min(rest.size(), modbus::kRtuFrameBytesMax);
    for (std::size_t size = modbus::kRtuFrameBytesMin; size <= longest; ++size) {
      if (crc_fits(rest.first(size))) {
        return modbus::RtuFrame{std::to_integer<std::uint8_t>(rest[0]), rest.subspan(1, size - 3), size};
      }
    }
    return std::nullopt;
  }

  static unsigned crc_in(Span frame) {
    return std::to_integer<unsigned>(frame[frame.size() - 2]) | std::to_integer<unsigned>(frame[frame.size() - 1]) << 8;
  }
  static bool crc_fits(Span frame) { return wire::crc16_modbus(frame.first(frame.size() - 2)) == crc_in(frame); }

  // Where the next frame of a known length begins; the end, if there is none.
  std::size_t next_rtu_frame(std::size_t at) const {
    for (; at < bytes_.size(); ++at) {
      const auto frame = modbus::decode_rtu(bytes_.subspan(at), side_);
      if (frame && *frame) return at;
    }
    return bytes_.size();
  }

  std::string explain_rtu(std::size_t at) const {
    const Span rest = bytes_.subspan(at);
    const auto frame = modbus::decode_rtu(rest, side_);
    const auto length = modbus::rtu_frame_bytes(rest, side_);
    std::string text = frame ? "the frame ends too early" : frame.error().message();
    const Side other = side_ == Side::request ? Side::response : Side::request;
    const auto as_other = modbus::decode_rtu(rest, other);
    if (as_other && *as_other) {
      text += fmt::format("; as a {} the bytes make sense", other == Side::request ? "request" : "response");
    } else if (frame) {
      text += length && *length ? fmt::format(", after {} of {} bytes", rest.size(), **length)
                                : fmt::format(", after {} bytes", rest.size());
    } else if (length && *length) {
      const unsigned right = wire::crc16_modbus(rest.first(**length - 2));
      text += fmt::format(": {}, where {:02x} {:02x} would be right for these {} bytes",
                          to_hex(rest.subspan(**length - 2, 2)), right & 0xFF, right >> 8, **length);
    }
    return text;
  }

  void add_pdu(json::object line, std::size_t at, Span pdu) {
    line["function"] = std::to_integer<unsigned>(pdu[0]) & (side_ == Side::response ? 0x7Fu : 0xFFu);
    if (noise_before_ != 0) line["noise_bytes"] = std::exchange(noise_before_, 0);
    const auto describe = [&](const auto& parsed) {
      if (parsed) {
        std::visit(Describe{line}, *parsed);
      } else {
        failed_ = true;
        line["error"] = fmt::format("byte {}: {}", at, parsed.error().message());
      }
    };
    if (side_ == Side::request) {
      describe(modbus::parse_request(pdu));
    } else {
      describe(modbus::parse_response(pdu));
    }
    lines_.push_back(std::move(line));
  }

  void note_noise(std::size_t count, bool at_end) {
    if (!at_end) {
      noise_before_ = count;
      return;
    }
    json::object& last = lines_.back();
    const auto* before = last.if_contains("noise_bytes");
    last["noise_bytes"] = count + (before ? before->to_number<std::size_t>() : 0);
  }

  void add_error(std::size_t at, const std::string& text) {
    failed_ = true;
    lines_.push_back({{"error", fmt::format("byte {}: {}", at, text)}});
  }

  Side side_;
  Span bytes_;
  std::vector<json::object> lines_;
  std::size_t noise_before_ = 0;
  bool failed_ = false;
};

int refuse(const std::string& text, int status, std::ostream& out) {
  out << json::serialize(json::object{{"error", text}}) << "\n";
  return status;
}

}  // namespace

int run_decode(const DecodeOptions& options, std::ostream& out) {
  const bool tcp = options.protocol == "modbus-tcp";
  const bool hj212 = options.protocol == "hj212";
  if (!tcp && !hj212 && options.protocol != "modbus-rtu") {
    return refuse("unknown protocol '" + options.protocol + "'; known: modbus-tcp, modbus-rtu, hj212", EX_USAGE, out);
  }
  if (!hj212 && options.side != "request" && options.side != "response") {
    return refuse("--side: '" + options.side + "' is neither request nor response", EX_USAGE, out);
  }
  if (!hj212 && !options.text.empty()) return refuse("--text is for hj212; Modbus has --hex", EX_USAGE, out);
  if (options.text.empty() == options.hex.empty()) {
    return refuse(hj212 ? "either --text or --hex is needed" : "--hex is needed", EX_USAGE, out);
  }
  if (!options.text.empty()) return decode_hj212(with_line_ends(options.text), out);
  std::string wrong;
  const auto bytes = parse_hex(options.hex, wrong);
  if (!bytes) return refuse(wrong, 1, out);
  if (hj212) return decode_hj212({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, out);
  Decoder decoder(options.side == "request" ? Side::request : Side::response, *bytes);
  tcp ? decoder.decode_tcp() : decoder.decode_rtu();
  return decoder.print(out);
}

}  // namespace carbongate::cli
