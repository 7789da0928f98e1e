#include "gateway/store/state_delta.h"

#include <bit>
#include <cstdint>
#include <vector>

#include "gateway/store/bit_code.h"
#include "gateway/store/byte_code.h"

namespace carbongate::store {
namespace {

constexpr const char* kWhat = "a change of a state";
constexpr int kDepthMax = 8;

// https://protobuf.dev/programming-guides/encoding/
enum Wire : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2 };

// A message, taken apart: its fields in their order, messages within it between an opening and a closing piece.
struct Piece {
  enum class Kind : std::uint8_t { varint, fixed64, bytes, open, close };
  Kind kind = Kind::varint;
  std::uint64_t tag = 0;
  std::uint64_t number = 0;
  std::string_view bytes = {};
};
using Pieces = std::vector<Piece>;

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8U | static_cast<unsigned char>(bytes[i]);
  return number;
}

// What is between braces looks like a message, or else is taken as it is: text may look like one too, which does no
// harm, for it is put together again in the same way.
bool take_apart(std::string_view message, int depth, Pieces& pieces) {
  try {
    ByteReader in(message, kWhat);
    while (!in.is_empty()) {
      const std::uint64_t tag = in.number();
      switch (tag & 7U) {
        case kVarint: pieces.push_back({.kind = Piece::Kind::varint, .tag = tag, .number = in.number()}); break;
        case kFixed64:
          pieces.push_back({.kind = Piece::Kind::fixed64, .tag = tag, .number = little_endian(in.take(8))});
          break;
        case kBytes: {
          const std::string_view bytes = in.column();
          const std::size_t begin = pieces.size();
          pieces.push_back({.kind = Piece::Kind::open, .tag = tag});
          if (depth < kDepthMax && take_apart(bytes, depth + 1, pieces)) {
            pieces.push_back({.kind = Piece::Kind::close});
          } else {
            pieces.resize(begin);
            pieces.push_back({.kind = Piece::Kind::bytes, .tag = tag, .bytes = bytes});
          }
          break;
        }
        default: return false;
      }
    }
    return true;
  } catch (const DamagedRecord&) {
    return false;
  }
}

bool have_the_same_fields(const Pieces& a, const Pieces& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].kind != b[i].kind || a[i].tag != b[i].tag || a[i].bytes != b[i].bytes) return false;
  }
  return true;
}

std::string put_together(const Pieces& pieces) {
  std::vector<std::string> open(1);
  std::vector<std::uint64_t> tags;
  for (const Piece& piece : pieces) {
    if (piece.kind == Piece::Kind::close) {
      const std::string within = std::move(open.back());
      open.pop_back();
      put_number(open.back(), tags.back());
      tags.pop_back();
      put_number(open.back(), within.size());
      open.back() += within;
      continue;
    }
    if (piece.kind == Piece::Kind::open) {
      open.emplace_back();
      tags.push_back(piece.tag);
      continue;
    }
    std::string& out = open.back();
    put_number(out, piece.tag);
    if (piece.kind == Piece::Kind::varint) {
      put_number(out, piece.number);
    } else if (piece.kind == Piece::Kind::fixed64) {
      for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(piece.number >> shift);
    } else {
      put_number(out, piece.bytes.size());
      out += piece.bytes;
    }
  }
  return std::move(open.back());
}

bool is_number(const Piece& piece) {
  return piece.kind == Piece::Kind::varint || piece.kind == Piece::Kind::fixed64;
}

// The highest bits of a double change least.
std::uint64_t turned(std::uint64_t bits) {
  std::uint64_t result = 0;
  for (int i = 0; i < 8; ++i, bits >>= 8U) result = result << 8U | (bits & 0xffU);
  return result;
}

}  // namespace

std::optional<std::string> state_delta(std::string_view before, std::string_view after) {
  Pieces from;
  Pieces to;
  if (!take_apart(before, 0, from) || !take_apart(after, 0, to) || !have_the_same_fields(from, to)) return std::nullopt;
  if (put_together(to) != after) return std::nullopt;  // not as this program writes
  std::string delta;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i].kind == Piece::Kind::varint) put_number(delta, zigzag(to[i].number - from[i].number));
    if (to[i].kind == Piece::Kind::fixed64) put_number(delta, turned(to[i].number ^ from[i].number));
  }
  return delta;
}

std::string apply_state_delta(std::string_view before, std::string_view delta) {
  Pieces pieces;
  ByteReader in(delta, kWhat);
  if (!take_apart(before, 0, pieces)) in.damaged("is that of another state");
  for (Piece& piece : pieces) {
    if (!is_number(piece)) continue;
    if (piece.kind == Piece::Kind::varint) {
      piece.number += unzigzag(in.number());
    } else {
      piece.number ^= turned(in.number());
    }
  }
  if (!in.is_empty()) in.damaged("is that of another state");
  return put_together(pieces);
}

}  // namespace carbongate::store
