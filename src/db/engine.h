// The two engines behind open(), with the migrations as a parameter for tests. Internal to db.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "db/database.h"
#include "db/migrations.h"

namespace bulkhead::db {

Result<std::unique_ptr<Database>> open_sqlite(std::string_view path, const Options& options,
                                              std::span<const Migration> migrations);

Result<std::unique_ptr<Database>> open_postgres(std::string_view url, const Options& options,
                                                std::span<const Migration> migrations);

// By the URL's scheme.
Result<std::unique_ptr<Database>> open(std::string_view url, const Options& options,
                                       std::span<const Migration> migrations);

}  // namespace bulkhead::db
