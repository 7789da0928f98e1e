# Compilers and flags. Every target links carbongate_flags, the one place where warnings and sanitizers are chosen.

# g++ 12 destroys an aggregate temporary, or a lambda with captures, twice when it stands in the same full expression
# as a co_await. The daemon is coroutines throughout, so such a build would corrupt memory at run time, not fail here.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines: temporaries that stand beside a co_await are destroyed "
    "twice. Build with clang 19 instead:\n"
    "  apt-get install clang-19 lld-19\n"
    "  cmake --preset release && cmake --build --preset release")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)
set(CARBONGATE_SANITIZE "" CACHE STRING "Value for -fsanitize=, for example address,undefined")
option(CARBONGATE_FUZZ "Build the libFuzzer targets in tests/fuzz" OFF)
option(CARBONGATE_TESTS "Build the tests" ON)
option(CARBONGATE_BUILD_ONCE "Compile the product with precompiled headers, and libraries that can be at once: less work from nothing, more after a change" OFF)

# Depend mode takes the headers from the compiler's own list: with an empty cache, preprocessing each source first costs a fifth more.
# The sloppiness is what ccache asks for before it keeps what was compiled with precompiled headers. Paths below the source folder
# are hashed relative to the build folder, so a clone in another folder finds what this one compiled.
find_program(CARBONGATE_CCACHE ccache)
if(CARBONGATE_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER env CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CARBONGATE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

add_library(carbongate_flags INTERFACE)
target_compile_options(carbongate_flags INTERFACE -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor)
target_include_directories(carbongate_flags INTERFACE ${PROJECT_SOURCE_DIR})
# Enough for a backtrace with lines. What else -g writes is a sixth of the work, and nobody has a debugger in a park.
target_compile_options(carbongate_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:-gline-tables-only>)
target_compile_definitions(carbongate_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE SPDLOG_FMT_EXTERNAL)
if(CARBONGATE_SANITIZE)
  target_compile_options(carbongate_flags INTERFACE
    -fsanitize=${CARBONGATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -gline-tables-only)
  string(REPLACE "fuzzer-no-link," "" sanitize_link "${CARBONGATE_SANITIZE}")
  target_link_options(carbongate_flags INTERFACE -fsanitize=${sanitize_link})
endif()
# For code that no fuzz target is about: what shows the fuzzer where it has been is a quarter of the work. Behind carbongate_flags.
add_library(carbongate_not_fuzzed INTERFACE)
if(CARBONGATE_SANITIZE MATCHES "fuzzer-no-link")
  target_compile_options(carbongate_not_fuzzed INTERFACE -fno-sanitize=fuzzer-no-link)
endif()

# Half of what a fresh clone compiles is tests: they need not be fast.
if(CARBONGATE_TESTS)
  # The address sanitizer finds what is left out here as well, and no fuzz target contains a test: a quarter less to compile.
  add_library(carbongate_test_sanitizers INTERFACE)
  if(CARBONGATE_SANITIZE MATCHES "fuzzer-no-link")
    target_compile_options(carbongate_test_sanitizers INTERFACE -fno-sanitize=fuzzer-no-link,null,alignment,vptr,object-size)
  endif()
  add_library(carbongate_test_flags INTERFACE)
  target_link_libraries(carbongate_test_flags INTERFACE carbongate_flags carbongate_test_sanitizers GTest::gtest GTest::gmock)
  target_compile_options(carbongate_test_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:-O1>)
endif()
