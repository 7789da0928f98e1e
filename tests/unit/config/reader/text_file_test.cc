#include "config/reader/text_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/temporary_directory.h"

namespace carbongate::config {
namespace {

using testing::Optional;

class TextFileTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (directory_.path() / name).string(); }
  std::string make_pipe() const {
    EXPECT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
    return path("pipe");
  }

  TemporaryDirectory directory_;
  std::string reason_;
};

TEST_F(TextFileTest, IsReadUpToALimit) {
  std::ofstream(path("file")) << "0123456789";
  EXPECT_THAT(read_text_file(path("file"), 100, reason_), Optional(std::string("0123456789")));
  EXPECT_THAT(read_text_file(path("file"), 4, reason_), Optional(std::string("0123")));
  EXPECT_EQ(reason_, "");
  EXPECT_EQ(why_unreadable(path("file")), "");
}

TEST_F(TextFileTest, WhatIsNoFileIsNotRead) {
  for (const auto& [name, why] : {std::pair{path(""), "it is a directory"},
                                  {path("gone"), "No such file or directory"},
                                  {std::string("/dev/zero"), "it is not a file"}}) {
    EXPECT_EQ(read_text_file(name, 100, reason_), std::nullopt);
    EXPECT_EQ(reason_, why);
    EXPECT_EQ(why_unreadable(name), why);
  }
}

TEST_F(TextFileTest, AReadErrorIsNoEndOfTheFile) {
  EXPECT_EQ(read_text_file("/proc/self/mem", 100, reason_), std::nullopt);
  EXPECT_EQ(reason_, "Input/output error");
}

TEST_F(TextFileTest, APipeIsReadToItsEndWheneverItsWriterComes) {
  const std::string pipe = make_pipe();
  std::thread writer([&] {
    std::ofstream out(pipe);  // waits for the reader
    out << "first" << std::flush << "second";
  });
  EXPECT_THAT(read_text_file(pipe, 100, reason_), Optional(std::string("firstsecond")));
  writer.join();
}

TEST_F(TextFileTest, AnEmptyPipeThatWasClosedIsEmpty) {
  const std::string pipe = make_pipe();
  std::thread writer([&] { ::close(::open(pipe.c_str(), O_WRONLY)); });
  EXPECT_THAT(read_text_file(pipe, 100, reason_), Optional(std::string()));
  writer.join();
}

TEST_F(TextFileTest, APipeWithoutAWriterIsNotWaitedForForEver) {
  const std::string pipe = make_pipe();
  EXPECT_EQ(read_text_file(pipe, 100, reason_, std::chrono::milliseconds(1)), std::nullopt);
  EXPECT_EQ(reason_, "it is a pipe, and nothing comes out of it");
  EXPECT_EQ(why_unreadable(pipe), "it is not a file");
}

}  // namespace
}  // namespace carbongate::config
