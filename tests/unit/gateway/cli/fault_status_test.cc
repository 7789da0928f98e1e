#include "gateway/cli/fault_status.h"

#include <gtest/gtest.h>

#include <boost/system/errc.hpp>

namespace carbongate::cli {
namespace {

namespace errc = boost::system::errc;

TEST(FaultStatus, IsTheSameForEveryWayInWhichTheSystemDeniesAFile) {
  EXPECT_EQ(status_of({make_error_code(errc::too_many_files_open), ""}), EX_OSERR);
  EXPECT_EQ(status_of({make_error_code(errc::too_many_files_open_in_system), ""}), EX_OSERR);
}

TEST(FaultStatus, IsWhatTheCommandCallsAllElse) {
  EXPECT_EQ(status_of({make_error_code(errc::bad_message), ""}, EX_NOINPUT), EX_DATAERR);
  EXPECT_EQ(status_of({make_error_code(errc::not_supported), ""}, EX_NOINPUT), EX_IOERR);
  EXPECT_EQ(status_of({make_error_code(errc::no_such_file_or_directory), ""}, EX_NOINPUT), EX_NOINPUT);
}

}  // namespace
}  // namespace carbongate::cli
