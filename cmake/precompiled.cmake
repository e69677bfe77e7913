# Headers that are compiled once and used by all sources of a kind: more than half of what a build costs without. They are
# found by whoever compiles with the same options, so each kind has one target that owns them.

option(BULKHEAD_PRECOMPILED "Compile the heaviest headers once" ON)

# Options of test programs. The code under test is what the sanitizers watch: instrumenting GoogleTest's own expansions for
# undefined behaviour and optimizing them more than doubles the time a test file takes to compile, and finds nothing.
add_library(bulkhead_test_options INTERFACE)
target_link_libraries(bulkhead_test_options INTERFACE GTest::gmock GTest::gtest)
target_compile_options(bulkhead_test_options INTERFACE -O0)
if(BULKHEAD_SANITIZE)
  target_compile_options(bulkhead_test_options INTERFACE -fno-sanitize=undefined)
endif()

function(bulkhead_precompile name header)
  if(NOT BULKHEAD_PRECOMPILED)
    return()
  endif()
  set(empty ${CMAKE_BINARY_DIR}/precompiled/${name}.cc)
  file(WRITE ${empty}.new "")
  file(COPY_FILE ${empty}.new ${empty} ONLY_IF_DIFFERENT)
  add_library(${name} OBJECT ${empty})
  target_link_libraries(${name} PRIVATE bulkhead_options bulkhead_boost fmt::fmt spdlog::spdlog ${ARGN})
  # By name and not by path, so that the compiler cache finds it again from another clone.
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake)
  target_precompile_headers(${name} PRIVATE <${header}>)
  set_target_properties(${name} PROPERTIES PCH_INSTANTIATE_TEMPLATES ON)
endfunction()

# bulkhead_use_precompiled(TARGET OWNER): TARGET's sources see the headers that OWNER has.
function(bulkhead_use_precompiled target owner)
  if(BULKHEAD_PRECOMPILED)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

bulkhead_precompile(bulkhead_precompiled precompiled.h)
bulkhead_precompile(bulkhead_precompiled_network precompiled_network.h)
if(BULKHEAD_TESTS)
  bulkhead_precompile(bulkhead_precompiled_tests precompiled_test.h bulkhead_test_options)
endif()
