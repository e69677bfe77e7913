# cmake -DMIGRATIONS=a.sql,b.sql -DOUTPUT=file.cc -P embed_migrations.cmake
# Writes the definition of embedded_migrations() (db/migrations.h). Files are NNNN_name.sql, numbered from 0001
# without gaps.

string(REPLACE "," ";" files "${MIGRATIONS}")
list(SORT files)
set(expected 0)
set(entries "")
foreach(file IN LISTS files)
  math(EXPR expected "${expected} + 1")
  get_filename_component(stem ${file} NAME_WE)
  if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
    message(FATAL_ERROR "${file}: a migration is called NNNN_name.sql")
  endif()
  set(digits ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  string(REGEX REPLACE "^0+" "" version ${digits})
  if(NOT version STREQUAL expected)
    message(FATAL_ERROR "${file}: the next migration has number ${expected}; numbers have no gaps or doubles")
  endif()
  file(READ ${file} sql)
  if(sql MATCHES "\\)sql\"")
    message(FATAL_ERROR "${file}: the characters )sql\" cannot be embedded")
  endif()
  string(APPEND entries "    {${version}, \"${name}\", R\"sql(${sql})sql\"},\n")
endforeach()

file(WRITE ${OUTPUT} "// Generated from src/db/migrations by embed_migrations.cmake.
#include \"db/migrations.h\"

namespace bulkhead::db {
namespace {

constexpr Migration kMigrations[] = {
${entries}};

}  // namespace

std::span<const Migration> embedded_migrations() { return kMigrations; }

}  // namespace bulkhead::db
")
