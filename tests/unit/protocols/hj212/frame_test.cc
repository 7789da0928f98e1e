#include "protocols/hj212/frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/unit/protocols/hj212/samples.h"

namespace carbongate::hj212 {
namespace {

using ::testing::HasSubstr;

std::string with_tail(std::string_view frame) {
  return std::string(frame) + "\r\n";
}

struct Read {
  std::vector<Frame> frames;
  std::vector<Damage> damages;
};

// The stream in pieces of `step` bytes, or of random ones.
Read read(std::string_view stream, std::size_t step, std::size_t segment_bytes_max = kSegmentBytesMax) {
  Read result;
  FrameReader reader(segment_bytes_max);
  std::minstd_rand random(7);
  while (!stream.empty()) {
    const std::size_t piece = step != 0 ? step : random() % 40 + 1;
    stream.remove_prefix(reader.push(stream.substr(0, piece)));
    while (const auto found = reader.next()) {
      if (found->frame) result.frames.push_back(*found->frame);
      if (found->damage) result.damages.push_back(*found->damage);
    }
    EXPECT_LE(reader.pending(), segment_bytes_max + kFrameBytesAround);
  }
  return result;
}

TEST(Hj212Frame, EverySampleIsReadAndWrittenAsItWas) {
  std::string stream;
  for (const std::string_view sample : kSamples) stream += with_tail(sample);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{0}, stream.size()}) {
    const Read found = read(stream, step);
    ASSERT_EQ(found.frames.size(), kSamples.size());
    EXPECT_TRUE(found.damages.empty());
    for (std::size_t i = 0; i < kSamples.size(); ++i) EXPECT_EQ(encode(found.frames[i]), with_tail(kSamples[i]));
  }
}

TEST(Hj212Frame, AWrongCrcIsRefusedWithTheRightOne) {
  for (const auto& [frame, right] : kWrongCrcs) {
    const Read found = read(with_tail(frame) + with_tail(kSamples[0]), 0);
    ASSERT_EQ(found.damages.size(), 1u) << frame;
    EXPECT_EQ(found.damages[0].kind, Damage::Kind::crc);
    EXPECT_EQ(found.damages[0].bytes, frame.size() + 2);
    EXPECT_THAT(found.damages[0].text, HasSubstr("where " + std::string(right) + " would be right"));
    ASSERT_EQ(found.frames.size(), 1u) << "the one after it";
  }
}

TEST(Hj212Frame, EveryFlippedBitIsNoticed) {
  const std::string whole = with_tail(kSamples[1]);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    const Read found = read(changed + std::string(kSegmentBytesMax, ' '), changed.size());
    EXPECT_TRUE(found.frames.empty() || found.frames[0].lower_case) << "bit " << bit;  // 'C' and 'c' are one digit
    EXPECT_FALSE(found.damages.empty() && found.frames.empty()) << "bit " << bit;
  }
}

TEST(Hj212Frame, WhatLiesBetweenFramesIsPassedOverAndTold) {
  const Read found = read("hello#" + with_tail(kSamples[0]) + "\r\n" + with_tail(kSamples[1]), 1);
  ASSERT_EQ(found.frames.size(), 2u);
  std::size_t noise = 0;
  for (const Damage& damage : found.damages) {
    EXPECT_TRUE(damage.kind == Damage::Kind::noise || damage.kind == Damage::Kind::length);
    noise += damage.bytes;
  }
  EXPECT_EQ(noise, 6u + 2u);
  EXPECT_EQ(found.damages[0].at, 0u);
}

TEST(Hj212Frame, ALengthThatIsNoneOrTooLargeIsNotWaitedFor) {
  Read found = read("##12x4" + with_tail(kSamples[0]), 1);
  EXPECT_EQ(found.frames.size(), 1u);
  EXPECT_EQ(found.damages[0].kind, Damage::Kind::length);
  found = read("##1025" + with_tail(kSamples[0]), 1);
  EXPECT_EQ(found.frames.size(), 1u);
  EXPECT_EQ(found.damages[0].kind, Damage::Kind::oversize);
  EXPECT_EQ(found.damages[0].text, "a segment of 1025 bytes, more than 1024");
  const std::string long_one = encode({.segment = std::string(3000, 'x')});
  EXPECT_EQ(read(long_one, 0, 4096).frames.size(), 1u) << "where a site allows it";
}

TEST(Hj212Frame, AFrameOfAnotherLengthThanItSaysIsRefused) {
  std::string frame = with_tail(kSamples[0]);
  frame.replace(2, 4, "0100");
  const Read found = read(frame + with_tail(kSamples[1]), 0);
  ASSERT_FALSE(found.damages.empty());
  EXPECT_EQ(found.damages[0].kind, Damage::Kind::tail);
  EXPECT_EQ(found.frames.size(), 1u);
}

}  // namespace
}  // namespace carbongate::hj212
