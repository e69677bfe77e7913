#include <algorithm>

#include "db/engine.h"

namespace bulkhead::db {

Result<std::unique_ptr<Database>> open(std::string_view url, const Options& options,
                                       std::span<const Migration> migrations) {
  Options usable = options;
  usable.readers = std::max<std::size_t>(options.readers, 1);
  usable.writers = std::max<std::size_t>(options.writers, 1);
  usable.timeout_ms = std::max(options.timeout_ms, 1);

  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite)) return open_sqlite(url.substr(kSqlite.size()), usable, migrations);
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) {
    return open_postgres(url, usable, migrations);
  }
  // Without what was given: a URL of any scheme may hold a password.
  return Error{Errc::invalid_argument, "the database must be sqlite:PATH or postgres://USER@HOST/DATABASE"};
}

Result<std::unique_ptr<Database>> open(std::string_view url, const Options& options) {
  return open(url, options, embedded_migrations());
}

}  // namespace bulkhead::db
