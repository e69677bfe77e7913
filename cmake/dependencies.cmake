# Every library comes from Debian 12; docs/architecture.md gives each one's reason.

set(Boost_NO_WARN_NEW_VERSIONS ON)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL 3.0 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CURL REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(P11KIT REQUIRED p11-kit-1)
pkg_check_modules(LDAP REQUIRED IMPORTED_TARGET ldap)
pkg_check_modules(QRENCODE REQUIRED IMPORTED_TARGET libqrencode)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(CLI11 REQUIRED IMPORTED_TARGET CLI11)
if(BULKHEAD_TESTS)
  find_package(GTest REQUIRED)
endif()

# Headers only: modules are loaded when the settings name one.
add_library(bulkhead_pkcs11_headers INTERFACE)
target_include_directories(bulkhead_pkcs11_headers SYSTEM INTERFACE ${P11KIT_INCLUDE_DIRS})

# Asio and Beast are header libraries that can be compiled once instead of in every file.
# src/async/boost_asio.cc and src/http/boost_beast.cc hold those compilations.
add_library(bulkhead_boost INTERFACE)
target_link_libraries(bulkhead_boost INTERFACE Boost::headers Boost::json)
target_compile_definitions(bulkhead_boost INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_COROUTINE)
