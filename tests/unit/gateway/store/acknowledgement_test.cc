#include "gateway/store/acknowledgement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gateway/store/store_config.h"
#include "tests/support/temporary_directory.h"

namespace carbongate::store {
namespace {

constexpr Instant kNine{std::chrono::milliseconds(1'700'000'100'000)};

class AcknowledgementTest : public ::testing::Test {
 protected:
  AcknowledgementTest() { std::ofstream(directory_.path() / kDatabaseFile) << "a store"; }

  std::string fault(const Acknowledgement& said) {
    const auto left = request_acknowledgement(directory_.path(), said);
    return left.has_error() ? left.error().text : "";
  }
  void leave(const std::string& name, std::string_view text) {
    std::filesystem::create_directory(directory_.path() / "requests");
    std::ofstream(directory_.path() / "requests" / name, std::ios::binary) << text;
  }
  std::vector<Acknowledgement> waiting() {
    trouble_.clear();
    return waiting_acknowledgements(directory_.path(), trouble_);
  }

  TemporaryDirectory directory_;
  std::string trouble_;
};

TEST_F(AcknowledgementTest, WaitsUntilItIsForgotten) {
  EXPECT_TRUE(waiting().empty()) << "there is no folder yet";
  EXPECT_EQ(fault({.alert = "68393ce6c826dfc0", .at = kNine, .by = "李伟", .note = "电工已到场"}), "");
  EXPECT_EQ(fault({.alert = "0000000000000001", .at = kNine, .by = "Wang", .note = ""}), "");
  for (int round = 0; round < 2; ++round) {
    const auto said = waiting();
    ASSERT_EQ(said.size(), 2U);
    EXPECT_EQ(said[0].by, "Wang");
    EXPECT_EQ(said[1].alert, "68393ce6c826dfc0");
    EXPECT_EQ(said[1].at, kNine);
    EXPECT_EQ(said[1].by, "李伟");
    EXPECT_EQ(said[1].note, "电工已到场");
    EXPECT_EQ(trouble_, "");
  }
  forget_acknowledgement(directory_.path(), "68393ce6c826dfc0");
  forget_acknowledgement(directory_.path(), "68393ce6c826dfc0");
  EXPECT_EQ(waiting().size(), 1U);
}

TEST_F(AcknowledgementTest, IsRefusedIfItMeansNothing) {
  EXPECT_NE(fault({.alert = "../../etc/passwd", .by = "Li"}).find("is no alert's id"), std::string::npos);
  EXPECT_NE(fault({.alert = "68393CE6C826DFC0", .by = "Li"}).find("is no alert's id"), std::string::npos);
  EXPECT_NE(fault({.alert = "68393ce6c826dfc0", .by = ""}).find("who acknowledges"), std::string::npos);
  EXPECT_NE(fault({.alert = "68393ce6c826dfc0", .by = "Li\nWang"}).find("the name has a line break"),
            std::string::npos);
  EXPECT_NE(fault({.alert = "68393ce6c826dfc0", .by = "Li", .note = "a\nb"}).find("the note has a line break"),
            std::string::npos);
  EXPECT_NE(fault({.alert = "68393ce6c826dfc0", .by = "Li", .note = std::string(1'001, 'x')})
                .find("the note is too long: 1001 characters, of at most 1000"),
            std::string::npos);
  EXPECT_NE(fault({.alert = "68393ce6c826dfc0", .by = "Li", .note = "\xe7\x94"}).find("is no text"), std::string::npos);
  const auto refused = request_acknowledgement(directory_.path(), {.alert = "68393ce6c826dfc0", .by = "a\nb"});
  EXPECT_EQ(refused.error().code, boost::system::errc::invalid_argument);
  std::filesystem::remove(directory_.path() / kDatabaseFile);
  EXPECT_NE(fault({.alert = "68393ce6c826dfc0", .by = "Li"}).find("there is no carbongate.db"), std::string::npos);
  EXPECT_TRUE(waiting().empty());
}

TEST_F(AcknowledgementTest, IsMeasuredInCharacters) {
  std::string by;
  std::string note;
  for (int i = 0; i < 1'000; ++i) {
    by += "𠮷";  // four bytes, as many as a character can have
    note += "电";
  }
  EXPECT_EQ(fault({.alert = "68393ce6c826dfc0", .at = kNine, .by = by, .note = note}), "");
  ASSERT_EQ(waiting().size(), 1U) << trouble_;
  EXPECT_EQ(waiting()[0].by, by);
  EXPECT_EQ(waiting()[0].note, note);
  EXPECT_NE(fault({.alert = "68393ce6c826dfc0", .by = "Li", .note = note + "工"}).find("too long: 1001"),
            std::string::npos);
}

TEST_F(AcknowledgementTest, TheFirstOneCounts) {
  const Acknowledgement first{.alert = "68393ce6c826dfc0", .at = kNine, .by = "Li", .note = "on my way"};
  EXPECT_FALSE(waiting_acknowledgement(directory_.path(), first.alert));
  EXPECT_EQ(fault(first), "");
  EXPECT_EQ(fault(first), "") << "said twice";
  EXPECT_NE(fault({.alert = first.alert, .at = kNine, .by = "Wang"}).find("was acknowledged by Li before"),
            std::string::npos);
  EXPECT_NE(fault({.alert = first.alert, .at = kNine, .by = "Li", .note = "no"}).find("was acknowledged by Li"),
            std::string::npos);
  ASSERT_EQ(waiting().size(), 1U);
  EXPECT_EQ(waiting_acknowledgement(directory_.path(), first.alert)->note, "on my way");
  const std::filesystem::directory_iterator files(directory_.path() / "requests");
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "no part is left";
  forget_acknowledgement(directory_.path(), first.alert);
  EXPECT_EQ(fault({.alert = first.alert, .at = kNine, .by = "Wang"}), "");
}

TEST_F(AcknowledgementTest, RemovesWhatIsNoRequest) {
  leave("acknowledge-68393ce6c826dfc0", "1\n17000\nLi\n");
  leave("acknowledge-68393ce6c826dfc1", "2\n17000\nLi\nnote\n");
  leave("acknowledge-68393ce6c826dfc2", "1\n17000x\nLi\nnote\n");
  leave("acknowledge-68393ce6c826dfc3", "1\n17000\nLi\nnote\nmore\n");
  leave("acknowledge-68393ce6c826dfc4", "1\n17000\nLi\x1b[2J\nnote\n");
  leave("acknowledge-x", "1\n17000\nLi\nnote\n");
  leave("acknowledge-68393ce6c826dfc5", std::string(10'000, '\n'));
  leave("acknowledge-68393ce6c826dfc6", "1\n17000\nLi\nnote\n");
  leave("acknowledge-68393ce6c826dfc6.part-17", "1\n17");
  leave("something-else", "");
  ASSERT_EQ(waiting().size(), 1U);
  EXPECT_EQ(std::ranges::count(trouble_, '\n'), 7);
  ASSERT_EQ(waiting().size(), 1U);
  EXPECT_EQ(trouble_, "") << "told once";
  EXPECT_TRUE(std::filesystem::exists(directory_.path() / "requests/something-else")) << "not ours";
  EXPECT_TRUE(std::filesystem::exists(directory_.path() / "requests/acknowledge-68393ce6c826dfc6.part-17"));
}

}  // namespace
}  // namespace carbongate::store
