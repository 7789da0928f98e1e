#include "protocols/wire/gzip.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace carbongate::wire {
namespace {

TEST(Gunzip, GivesBackWhatWasPacked) {
  for (const std::size_t size : {0U, 1U, 100'000U}) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>((i * 7919) >> 3);
    EXPECT_EQ(gunzip(gzip(text), size), text);
  }
}

// In pieces of any size: smaller and larger than what comes out at once.
TEST(GzipStream, PacksWhatGunzipGivesBack) {
  std::string text;
  for (std::size_t i = 0; i < 300'000; ++i) text += static_cast<char>((i * i * 7919) >> 5);
  for (const std::size_t piece : {1'000U, 70'000U, 300'000U}) {
    GzipStream stream;
    std::string packed;
    for (std::size_t at = 0; at < text.size(); at += piece)
      packed += stream.pack(std::string_view(text).substr(at, piece));
    packed += stream.finish();
    EXPECT_EQ(gunzip(packed, text.size()), text);
  }
  EXPECT_EQ(gunzip(GzipStream().finish(), 0), "");
}

TEST(Gunzip, RefusesWhatIsSomethingElse) {
  const std::string packed = gzip("carbon");
  EXPECT_THROW(gunzip(packed, 5), std::runtime_error);
  EXPECT_THROW(gunzip(packed, 7), std::runtime_error);
  EXPECT_THROW(gunzip(packed.substr(0, packed.size() - 1), 6), std::runtime_error);
  EXPECT_THROW(gunzip("carbon", 6), std::runtime_error);
}

}  // namespace
}  // namespace carbongate::wire
