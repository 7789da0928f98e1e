# Headers that are compiled once, not with each source: half of the work of a fresh clone is to read the same headers again.
#
# Tests precompile GoogleTest. The builds with sanitizers, and those with CARBONGATE_BUILD_ONCE, precompile what the product includes
# often as well. The other builds do not: there a source without an include that it needs fails.
# -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON does without in any build.

file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cc CONTENT "")

# carbongate_precompile(NAME LINKS ... HEADERS ...): what carbongate_use_precompiled(TARGET NAME) takes. TARGET is compiled with the
# flags that LINKS bring along.
function(carbongate_precompile name)
  cmake_parse_arguments(arg "" "" "LINKS;HEADERS" ${ARGN})
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/precompiled.cc)
  target_link_libraries(${name} PRIVATE ${arg_LINKS})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")  # which writes the time into them, and ccache would take them for new ones
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
endfunction()

function(carbongate_use_precompiled target name)
  if(TARGET ${name})
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()

set(often "")
if(CARBONGATE_SANITIZE OR CARBONGATE_BUILD_ONCE)
  set(often
    <algorithm> <array> <charconv> <chrono> <cmath> <cstdint> <filesystem> <fstream> <functional> <limits> <map> <memory> <numeric>
    <optional> <set> <span> <sstream> <stdexcept> <string> <string_view> <tuple> <unordered_map> <utility> <variant> <vector>
    <boost/asio/any_io_executor.hpp> <boost/asio/awaitable.hpp> <boost/asio/cancellation_signal.hpp> <boost/asio/co_spawn.hpp>
    <boost/asio/detached.hpp> <boost/asio/io_context.hpp> <boost/asio/redirect_error.hpp> <boost/asio/steady_timer.hpp>
    <boost/asio/this_coro.hpp> <boost/asio/use_awaitable.hpp> <fmt/format.h> <spdlog/spdlog.h>)
  carbongate_precompile(carbongate_precompiled LINKS carbongate_flags carbongate_not_fuzzed fmt::fmt spdlog::spdlog HEADERS ${often})
  carbongate_precompile(carbongate_precompiled_fuzzed LINKS carbongate_flags fmt::fmt spdlog::spdlog HEADERS ${often})
endif()
if(CARBONGATE_TESTS)
  carbongate_precompile(carbongate_precompiled_tests
    LINKS carbongate_test_flags fmt::fmt spdlog::spdlog
    HEADERS ${often} <gmock/gmock.h> <gtest/gtest.h>)
  set_target_properties(carbongate_precompiled_tests PROPERTIES EXCLUDE_FROM_ALL ON)  # as the tests are
endif()
