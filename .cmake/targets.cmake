# How a folder becomes a target.
#
#   carbongate_library(modbus SOURCES pdu.cc ... HEADERS pdu.h ... LINKS carbongate::wire)
#     makes carbongate::modbus. LINKS are PUBLIC; use PRIVATE_LINKS for what no header shows.
#     A folder without a .cc file becomes a header-only target.
#   carbongate_unit_test(modbus_test SOURCES pdu_test.cc ... LINKS carbongate::modbus)
#     one program of GoogleTest cases, each case a ctest entry labelled "unit". The target unit_tests builds them all.
#   carbongate_fuzz_target(fuzz_pdu SOURCES fuzz_pdu.cc LINKS carbongate::modbus)
#     built by the preset "fuzz" only; its corpus lies in tests/fuzz/corpus/<name>/. The target fuzz_targets builds them all;
#     as ctest entries labelled "fuzz" they run for CARBONGATE_FUZZ_SECONDS each. What they find new stays in the build folder.

function(carbongate_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;HEADERS;LINKS;PRIVATE_LINKS" ${ARGN})
  set(target carbongate_${name})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE_LINKS})
    carbongate_use_precompiled(${target} carbongate_precompiled)
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
  target_link_libraries(${name} PRIVATE carbongate_test_flags ${arg_LINKS} GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE CARBONGATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  carbongate_use_precompiled(${name} carbongate_precompiled_tests)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS unit TIMEOUT 120)
  add_dependencies(unit_tests ${name})
endfunction()

function(carbongate_fuzz_target name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT CARBONGATE_FUZZ)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE carbongate_flags ${arg_LINKS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  carbongate_use_precompiled(${name} carbongate_precompiled)
  add_dependencies(fuzz_targets ${name})

  set(found ${CMAKE_CURRENT_BINARY_DIR}/found/${name})  # libFuzzer writes to the first folder and only reads the others
  file(MAKE_DIRECTORY ${found})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  if(NOT IS_DIRECTORY ${corpus})
    message(FATAL_ERROR "${name} has no corpus: put a few valid inputs into ${corpus}")
  endif()
  add_test(NAME ${name} COMMAND ${name} -max_total_time=${CARBONGATE_FUZZ_SECONDS} -timeout=10 -print_final_stats=1
    -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/${name}- ${found} ${corpus})
  set_tests_properties(${name} PROPERTIES LABELS fuzz)
endfunction()

if(CARBONGATE_TESTS)
  include(GoogleTest)
  add_custom_target(unit_tests)
endif()
if(CARBONGATE_FUZZ)
  set(CARBONGATE_FUZZ_SECONDS 10 CACHE STRING "How long ctest runs each fuzz target")
  add_custom_target(fuzz_targets)
endif()
