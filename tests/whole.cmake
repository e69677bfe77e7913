# The tests that drive whole programs: pytest suites against the server, the concurrent unit tests under ThreadSanitizer
# and short runs of the fuzz targets. scripts/test turns them on in build/asan, after it has built what they use in
# build/release, build/asan and build/tsan; other configurations have the unit tests alone.

option(BULKHEAD_WHOLE "Register the tests that drive whole programs from all builds" OFF)
if(NOT BULKHEAD_WHOLE)
  return()
endif()

set(python /usr/bin/python3)
set(builds ${CMAKE_SOURCE_DIR}/build)
set(once ${python} ${CMAKE_CURRENT_SOURCE_DIR}/once.py)

# bulkhead_suite(NAME SUITE BUILD TIMEOUT [INPUT...]): the pytest folder SUITE against the server of BUILD. Further INPUTs
# are what else the suite reads.
function(bulkhead_suite name suite build timeout)
  set(here ${CMAKE_CURRENT_SOURCE_DIR})
  set(binary ${builds}/${build}/bulkhead)
  add_test(NAME ${name}
    COMMAND ${once} ${name} ${binary} ${here}/conftest.py ${here}/pytest.ini ${here}/harness ${here}/${suite} ${ARGN} --
      ${python} -B -m pytest -q --suite-name=${name} --bulkhead=${binary} ${suite}
    WORKING_DIRECTORY ${here})
  # ctest begins with the highest cost: the long ones first, so that they overlap with all the rest.
  math(EXPR cost "${timeout} / 3")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} COST ${cost})
endfunction()

bulkhead_suite(whole.clients clients release 900)
bulkhead_suite(whole.bad_input bad_input release 600)
bulkhead_suite(whole.breach breach release 900)
bulkhead_suite(whole.protocol protocol release 600)
bulkhead_suite(whole.management management release 600)
bulkhead_suite(whole.matrix matrix release 600)
bulkhead_suite(whole.sso sso release 900)
bulkhead_suite(whole.proxies proxies release 600 ${CMAKE_SOURCE_DIR}/docs/guide/proxies.md)
bulkhead_suite(whole.transfer transfer release 600)
bulkhead_suite(whole.operating operating release 1000)
bulkhead_suite(whole.commands commands release 300 ${CMAKE_SOURCE_DIR}/docs/guide/cli.md)
bulkhead_suite(whole.hostile hostile release 1500)
bulkhead_suite(whole.durability durability release 600)
bulkhead_suite(whole.concurrency concurrency release 300)
bulkhead_suite(whole.conformance conformance release 600)
bulkhead_suite(whole.documents documents release 600 ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/docs/guide)
bulkhead_suite(whole.packaging packaging release 900 ${CMAKE_SOURCE_DIR}/packaging ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  ${CMAKE_SOURCE_DIR}/docs/guide/install.md ${CMAKE_SOURCE_DIR}/scripts/package)
bulkhead_suite(asan.protocol protocol asan 900)
bulkhead_suite(asan.bad_input bad_input asan 900)
bulkhead_suite(tsan.concurrency concurrency tsan 900)
set_tests_properties(whole.clients whole.durability PROPERTIES PROCESSORS 2)

# Of each module that names THREADS, these tests under ThreadSanitizer.
get_property(threaded GLOBAL PROPERTY BULKHEAD_THREADED)
foreach(module IN LISTS threaded)
  string(REPLACE "/" "_" flat ${module})
  set(binary ${builds}/tsan/src/${module}/${flat}_tests)
  add_test(NAME tsan.${module} COMMAND ${once} tsan.${module} ${binary} -- setarch -R ${binary})
  set_tests_properties(tsan.${module} PROPERTIES TIMEOUT 900 COST 60)
endforeach()

get_property(fuzzers GLOBAL PROPERTY BULKHEAD_FUZZERS)
foreach(entry IN LISTS fuzzers)
  string(REPLACE "=" ";" entry ${entry})
  list(GET entry 0 fuzz)
  list(GET entry 1 seeds)
  # New inputs go to the first folder named, which scripts/fuzz shares.
  set(grown ${builds}/fuzz-corpus/${fuzz})
  set(findings ${builds}/fuzz-findings/${fuzz})
  file(MAKE_DIRECTORY ${grown} ${findings})
  add_test(NAME fuzz.${fuzz}
    COMMAND ${once} fuzz.${fuzz} $<TARGET_FILE:${fuzz}> ${seeds} -- setarch -R $<TARGET_FILE:${fuzz}> -max_total_time=6
      -timeout=10 -rss_limit_mb=2048 -artifact_prefix=${findings}/ ${grown} ${seeds})
  set_tests_properties(fuzz.${fuzz} PROPERTIES TIMEOUT 120 COST 7)
endforeach()
