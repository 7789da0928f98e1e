#include "gateway/sinks/file/row_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "tests/support/temporary_directory.h"

namespace carbongate::sinks::file {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr Instant kNoon = Instant(1'764'302'400'000ms);  // 2025-11-28T04:00:00Z, noon in Shanghai

class RowFilesTest : public ::testing::Test {
 protected:
  RowFilesTest() {
    config_.directory = directory_.path() / "out";
    config_.time_zone = "Asia/Shanghai";
    series_->device = "press";
    series_->point = "energy";
    series_->unit = "kWh";
    series_->carrier = "electricity";
  }

  void restart() { files_.reset(); }
  RowFiles& files() {
    if (!files_) files_ = std::make_unique<RowFiles>(config_, store_);
    return *files_;
  }

  // Readings for "r", intervals for "i", with the sequence numbers from `first` on.
  std::vector<model::StoredRow> rows(std::uint64_t first, std::string_view kinds) const {
    std::vector<model::StoredRow> made;
    for (const char kind : kinds) {
      const Instant at = kNoon + std::chrono::seconds(first);
      model::RowBody body = model::JudgedReading{at, static_cast<double>(first), {}};
      if (kind == 'i') {
        model::EnergyInterval interval;
        interval.begin = at;
        interval.end = at + 900s;
        body = interval;
      }
      made.push_back({first++, series_, std::move(body)});
    }
    return made;
  }
  std::vector<ports::RejectedRow> write(std::uint64_t first, std::string_view kinds, Instant now = kNoon,
                                        bool again = false) {
    return files().write(rows(first, kinds), now, again);
  }
  std::string trouble_of_writing(std::uint64_t first, std::string_view kinds) {
    try {
      write(first, kinds);
    } catch (const Trouble& trouble) {
      return trouble.what();
    }
    return "none";
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& file : fs::directory_iterator(config_.directory)) all.push_back(file.path().filename());
    std::erase(all, ".carbongate");
    std::ranges::sort(all);
    return all;
  }
  // The sequences of a kind in all its files, as they lie there.
  std::vector<std::uint64_t> sequences(const std::string& kind) const {
    std::vector<std::uint64_t> all;
    for (const std::string& name : names()) {
      if (!name.starts_with(kind)) continue;
      std::ifstream file(config_.directory / name);
      std::string line;
      std::getline(file, line);  // the header
      while (std::getline(file, line)) all.push_back(std::stoull(line.substr(line.rfind(',') + 1)));
    }
    return all;
  }

  TemporaryDirectory directory_;
  Config config_;
  std::string store_ = "0123456789abcdef";
  std::shared_ptr<model::Series> series_ = std::make_shared<model::Series>();
  std::unique_ptr<RowFiles> files_;
};

using Sequences = std::vector<std::uint64_t>;
using Names = std::vector<std::string>;

TEST_F(RowFilesTest, WritesEachKindIntoAFileOfItsOwnAsAnExportDoes) {
  EXPECT_TRUE(write(1, "rir").empty());
  EXPECT_EQ(names(),
            (Names{"intervals-2025-11-28-000000000000.csv.part", "readings-2025-11-28-000000000000.csv.part"}));
  std::ifstream file(config_.directory / names()[1]);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(),
            "time,device,point,value,unit,quality,rule,hj212_flag,sequence\n"
            "2025-11-28T12:00:01+08:00,press,energy,1,kWh,measured,,N,1\n"
            "2025-11-28T12:00:03+08:00,press,energy,3,kWh,measured,,N,3\n");
}

TEST_F(RowFilesTest, WritesJsonLines) {
  config_.format = tables::TableWriter::Format::jsonl;
  write(1, "r");
  std::ifstream file(config_.directory / "readings-2025-11-28-000000000000.jsonl.part");
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, R"({"time":"2025-11-28T12:00:01+08:00","device":"press","point":"energy","value":1,"unit":"kWh",)"
                  R"("quality":"measured","rule":"","hj212_flag":"N","sequence":1})");
  restart();
  write(1, "rr");
  std::getline(file, line);
  EXPECT_TRUE(line.ends_with("\"sequence\":2}")) << line;
}

TEST_F(RowFilesTest, WritesARowOnceHoweverOftenItIsOffered) {
  write(1, "rir");
  write(1, "rirr");
  restart();
  write(2, "irri");
  EXPECT_EQ(sequences("readings"), (Sequences{1, 3, 4}));
  EXPECT_EQ(sequences("intervals"), (Sequences{2, 5}));
}

TEST_F(RowFilesTest, CompletesAFileWhenItsDayIsOver) {
  write(1, "ri");
  const Instant midnight = kNoon + 12h;
  write(3, "r", midnight - 1ms);
  EXPECT_EQ(names().size(), 2U);
  write(4, "r", midnight);
  EXPECT_EQ(names(), (Names{"intervals-2025-11-28-000000000000.csv", "intervals-2025-11-29-000000000002.csv.part",
                            "readings-2025-11-28-000000000000.csv", "readings-2025-11-29-000000000003.csv.part"}));
  EXPECT_EQ(sequences("readings"), (Sequences{1, 3, 4}));
  write(5, "i", midnight + 48h);
  EXPECT_EQ(names()[1], "intervals-2025-12-01-000000000002.csv.part") << "a file has the day of its first row";
  EXPECT_EQ(names()[3], "readings-2025-11-29-000000000003.csv");
}

TEST_F(RowFilesTest, CompletesAFileWhenItIsLargeAndGoesOnInTheNext) {
  config_.rotate_bytes = 300;
  write(1, std::string(40, 'r'));
  write(41, std::string(5, 'r'));
  EXPECT_GT(names().size(), 6U);
  for (const std::string& name : names()) {
    EXPECT_LT(fs::file_size(config_.directory / name), 450U) << name;
  }
  Sequences all(45);
  std::ranges::generate(all, [n = std::uint64_t{0}]() mutable { return ++n; });
  EXPECT_EQ(sequences("readings"), all);
  restart();
  write(40, std::string(6, 'r'));
  EXPECT_EQ(sequences("readings"), all);
}

TEST_F(RowFilesTest, KnowsWhereItWasAlsoWhenCompleteFilesWereTakenAway) {
  write(1, "rrr");
  write(4, "r", kNoon + 24h);
  fs::remove(config_.directory / "readings-2025-11-28-000000000000.csv");
  restart();
  write(1, "rrrr");
  EXPECT_EQ(sequences("readings"), Sequences{4});
}

TEST_F(RowFilesTest, CompletesWhatACrashLeftBetweenTwoFiles) {
  write(1, "rr");
  restart();
  std::ofstream(config_.directory / "readings-2025-11-28-000000000002.csv.part") << "time,dev";
  write(1, "rrr");
  EXPECT_EQ(names(), (Names{"readings-2025-11-28-000000000000.csv", "readings-2025-11-28-000000000002.csv.part"}));
  EXPECT_EQ(sequences("readings"), (Sequences{1, 2, 3}));
  EXPECT_EQ(files().take_news().size(), 1U) << "that something was cut off";
}

TEST_F(RowFilesTest, BeginsANewFileWhereTheColumnsAreOfAnotherVersion) {
  fs::create_directories(config_.directory);
  std::ofstream(config_.directory / "readings-2025-11-28-000000000000.csv.part") << "time,sequence\nx,1\nx,2\n";
  write(1, "rrr");
  EXPECT_EQ(names(), (Names{"readings-2025-11-28-000000000000.csv", "readings-2025-11-28-000000000002.csv.part"}));
  EXPECT_EQ(sequences("readings"), (Sequences{1, 2, 3}));
}

TEST_F(RowFilesTest, CompletesThePartsOfTheFormatThatItHadBefore) {
  write(1, "rri");
  restart();
  config_.format = tables::TableWriter::Format::jsonl;
  write(2, "rirr");
  EXPECT_EQ(names(), (Names{"intervals-2025-11-28-000000000000.csv", "intervals-2025-11-28-000000000003.jsonl.part",
                            "readings-2025-11-28-000000000000.csv", "readings-2025-11-28-000000000002.jsonl.part"}));
  std::ifstream file(config_.directory / names().back());
  std::string line;
  std::getline(file, line);
  EXPECT_TRUE(line.ends_with("\"sequence\":4}")) << "and writes no row twice: " << line;

  restart();
  config_.format = tables::TableWriter::Format::csv;
  write(5, "rr");
  EXPECT_EQ(names(), (Names{"intervals-2025-11-28-000000000000.csv", "intervals-2025-11-28-000000000003.csv.part",
                            "readings-2025-11-28-000000000000.csv", "readings-2025-11-28-000000000002.jsonl",
                            "readings-2025-11-28-000000000005.csv.part"}))
      << "a part without rows is no file to be collected";
}

TEST_F(RowFilesTest, CountsFilesOfBothFormats) {
  config_.rotate_bytes = 300;
  config_.files_max = 2;
  config_.keep = Config::Keep::newest;
  write(1, std::string(20, 'r'));
  restart();
  config_.format = tables::TableWriter::Format::jsonl;
  write(21, std::string(20, 'r'));
  EXPECT_EQ(names().size(), 3U) << "two complete ones and the one in use";
  for (const std::string& name : names()) EXPECT_NE(name.find(".jsonl"), std::string::npos) << name;
}

TEST_F(RowFilesTest, SaysWhenItIsFullAndGoesOnWhenThereIsRoom) {
  config_.rotate_bytes = 300;
  config_.size_max = 1000;
  std::string trouble = "none";
  std::uint64_t next = 1;
  for (; trouble == "none" && next < 100; ++next) trouble = trouble_of_writing(next, "r");
  EXPECT_NE(trouble.find("is full: "), std::string::npos) << trouble;
  EXPECT_NE(trouble.find("`size_max` is 1kB"), std::string::npos) << trouble;
  --next;
  EXPECT_EQ(trouble_of_writing(next, "r"), trouble) << "nothing changes by trying again";
  const Sequences before = sequences("readings");
  EXPECT_EQ(before.size(), next - 1) << "what was refused is not there, the rest is";
  fs::remove(config_.directory / names().front());
  EXPECT_EQ(trouble_of_writing(next, "r"), "none");
  EXPECT_EQ(sequences("readings").back(), next);
}

TEST_F(RowFilesTest, HoldsTheNumberOfFiles) {
  config_.rotate_bytes = 300;
  config_.files_max = 2;
  EXPECT_NE(trouble_of_writing(1, std::string(40, 'r')).find("2 complete files, as many as `files_max` allows"),
            std::string::npos);
  EXPECT_EQ(names().size(), 3U);
}

TEST_F(RowFilesTest, RemovesTheOldestIfThatIsWanted) {
  config_.rotate_bytes = 300;
  config_.files_max = 2;
  config_.keep = Config::Keep::newest;
  write(1, std::string(40, 'r'));
  EXPECT_EQ(names().size(), 3U);
  const Sequences kept = sequences("readings");
  EXPECT_EQ(kept.back(), 40U);
  EXPECT_GT(kept.front(), 20U);
  EXPECT_TRUE(std::ranges::is_sorted(kept));
  const auto news = files().take_news();
  ASSERT_FALSE(news.empty());
  EXPECT_EQ(news.front(), "readings-2025-11-28-000000000000.csv was removed to make room");
}

TEST_F(RowFilesTest, IsForOneSinkAndOneStore) {
  write(1, "r");
  RowFiles second(config_, store_);
  EXPECT_THROW(second.write(rows(2, "r"), kNoon, false), Trouble);
  restart();
  EXPECT_TRUE(second.write(rows(2, "r"), kNoon, false).empty());
  RowFiles other(config_, "another");
  try {
    other.write(rows(1, "r"), kNoon, false);
    FAIL() << "it took rows of another store";
  } catch (const Trouble&) {
  }
}

TEST_F(RowFilesTest, NamesTheOtherStore) {
  write(1, "r");
  restart();
  store_ = "another";
  EXPECT_NE(trouble_of_writing(1, "r").find("holds rows of another store (0123456789abcdef; this one is another)"),
            std::string::npos);
}

TEST_F(RowFilesTest, GivesRowsOfAnUnknownCarrierBackAndWritesThemOnceWhenTheyAreOfferedAgain) {
  series_->carrier = "antimatter";
  const auto rejected = write(1, "iri");
  ASSERT_EQ(rejected.size(), 2U);
  EXPECT_NE(rejected[0].reason.find("antimatter"), std::string::npos);
  EXPECT_EQ(sequences("readings"), Sequences{2});
  series_->carrier = "electricity";  // another version of the program
  write(4, "i");
  EXPECT_TRUE(write(1, "i", kNoon, true).empty());
  restart();
  EXPECT_TRUE(write(1, "iri", kNoon, true).empty());
  EXPECT_EQ(sequences("intervals"), (Sequences{4, 1, 3}));
  EXPECT_EQ(sequences("readings"), Sequences{2});
}

TEST_F(RowFilesTest, BeginsAnotherFileWhenSomebodyRemovesTheOneInUse) {
  write(1, "r");
  fs::remove(config_.directory / names().front());
  write(2, "r");
  EXPECT_EQ(names(), Names{"readings-2025-11-28-000000000001.csv.part"});
  EXPECT_EQ(sequences("readings"), Sequences{2});
}

TEST_F(RowFilesTest, MakesItsDirectoryAgainWhenSomebodyRemovesItOrMovesItAway) {
  write(1, "ri");
  fs::remove_all(config_.directory);
  EXPECT_EQ(trouble_of_writing(2, "rr"), "none");
  EXPECT_EQ(names(), Names{"readings-2025-11-28-000000000001.csv.part"});
  EXPECT_EQ(sequences("readings"), (Sequences{2, 3}));
  EXPECT_EQ(files().take_news().size(), 1U);

  fs::rename(config_.directory, directory_.path() / "archive");
  EXPECT_EQ(trouble_of_writing(1, "rrrri"), "none");
  EXPECT_EQ(sequences("readings"), Sequences{4}) << "what lies in the archive is not written again";
  EXPECT_EQ(sequences("intervals"), Sequences{5});
  RowFiles second(config_, store_);
  EXPECT_THROW(second.write(rows(6, "r"), kNoon, false), Trouble) << "it has the new directory for itself";
}

TEST_F(RowFilesTest, TakesBackWhatADiskThatIsFullTookHalfOf) {
  write(1, "ri");
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_NE(old_handler, SIG_ERR);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 500, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string trouble = trouble_of_writing(3, std::string(20, 'r') + "ii");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_NE(trouble.find("File too large"), std::string::npos) << trouble;
  EXPECT_EQ(sequences("readings"), Sequences{1});
  write(3, std::string(20, 'r') + "ii");
  EXPECT_EQ(sequences("readings").size(), 21U);
  EXPECT_EQ(sequences("intervals"), (Sequences{2, 23, 24}));
}

}  // namespace
}  // namespace carbongate::sinks::file
