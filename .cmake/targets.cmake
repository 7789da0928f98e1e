# How a folder becomes a target.
#
#   carbongate_library(modbus SOURCES pdu.cc ... HEADERS pdu.h ... LINKS carbongate::wire)
#     makes carbongate::modbus. LINKS are PUBLIC; use PRIVATE_LINKS for what no header shows.
#     A folder without a .cc file becomes a header-only target.
#   carbongate_unit_test(modbus_test SOURCES pdu_test.cc ... LINKS carbongate::modbus)
#     one program of GoogleTest cases, each case a ctest entry labelled "unit".
#   carbongate_fuzz_target(fuzz_pdu SOURCES fuzz_pdu.cc LINKS carbongate::modbus)
#     built by the preset "fuzz" only; its corpus lies in tests/fuzz/corpus/<name>/.

function(carbongate_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;LINKS;PRIVATE_LINKS" ${ARGN})
  set(target carbongate_${name})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE_LINKS})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${target} ${scope} carbongate_flags ${arg_LINKS})
  if(arg_HEADERS)
    target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
  endif()
  add_library(carbongate::${name} ALIAS ${target})
endfunction()

function(carbongate_unit_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT CARBONGATE_TESTS)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE carbongate_flags ${arg_LINKS} GTest::gtest_main GTest::gmock)
  target_compile_definitions(${name} PRIVATE CARBONGATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS unit TIMEOUT 120)
endfunction()

function(carbongate_fuzz_target name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT CARBONGATE_FUZZ)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE carbongate_flags ${arg_LINKS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endfunction()

if(CARBONGATE_TESTS)
  include(GoogleTest)
endif()
