# Warnings, hardening, the compiler cache and the linker: one place for what every target is built with.

add_library(bulkhead_options INTERFACE)
target_compile_options(bulkhead_options INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -fstack-protector-strong)
target_include_directories(bulkhead_options INTERFACE ${CMAKE_SOURCE_DIR}/src)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false positives inside inlined library code and coroutine frames.
  target_compile_options(bulkhead_options INTERFACE
    -fcoroutines -Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-array-bounds -Wno-stringop-overflow
    -Wno-stringop-overread -Wno-restrict -Wno-mismatched-new-delete)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(bulkhead_options INTERFACE _FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
  target_link_options(bulkhead_options INTERFACE -Wl,-z,relro,-z,now)
  # What is built elsewhere from the same sources is the same program: __FILE__ is a path in the sources.
  target_compile_options(bulkhead_options INTERFACE -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
endif()

if(BULKHEAD_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio's fences, which ThreadSanitizer does not model; what they order is ordered by its locks as well.
  target_compile_options(bulkhead_options INTERFACE -Wno-tsan)
endif()
if(BULKHEAD_SANITIZE)
  target_compile_options(bulkhead_options INTERFACE
    -fsanitize=${BULKHEAD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(bulkhead_options INTERFACE -fsanitize=${BULKHEAD_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # Its marks before functions land in the wrong section when a coroutine is split.
    target_compile_options(bulkhead_options INTERFACE -fno-sanitize=function)
  endif()
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Paths relative to the checkout, so that another clone on the same machine finds what this one compiled. The last one is
  # what precompiled headers ask for (ccache's manual, "Precompiled headers").
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(bulkhead_options INTERFACE -fpch-preprocess)
  else()
    target_compile_options(bulkhead_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
