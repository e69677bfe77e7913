#include "app/measurements.h"

#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "db/database.h"

namespace bulkhead::app {
namespace {

namespace fs = std::filesystem;

std::uint64_t size_of_files(const fs::path& directory, std::string_view beginning) {
  std::uint64_t bytes = 0;
  std::error_code failed;
  for (fs::directory_iterator each(directory, failed), end; !failed && each != end; each.increment(failed)) {
    if (!each->path().filename().native().starts_with(beginning)) continue;
    std::error_code gone;  // a segment that is removed just now
    const auto size = each->file_size(gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace

void Measurements::work() {
  journal_ = size_of_files(installation_.journal_directory(), "");
  ask_database();
}

void Measurements::ask_database() {
  db::Database& database = installation_.database();
  const bool sqlite = database.engine() == "sqlite";
  if (sqlite) database_ = size_of_files(installation_.settings().data, "bulkhead.db");
  // What cannot be asked now is asked the next time; housekeeping says that the database is away.
  static_cast<void>(database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(
        "SELECT CAST((SELECT COALESCE(SUM(used_bytes), 0) FROM namespaces) AS BIGINT), "
        "CAST((SELECT COALESCE(SUM(bytes), 0) FROM quota_reservations) AS BIGINT), "
        "(SELECT COUNT(*) FROM repositories), (SELECT COUNT(*) FROM accounts)");
    if (!rows) return rows.error();
    const auto number = [&](std::size_t i) { return static_cast<std::uint64_t>(rows->at(0).integer(i)); };
    stored_ = number(0);
    staged_ = number(1);
    repositories_ = number(2);
    accounts_ = number(3);
    if (sqlite) return {};
    const auto size = session.query("SELECT pg_database_size(current_database())");
    if (!size) return size.error();
    database_ = static_cast<std::uint64_t>(size->at(0).integer(0));
    return {};
  }));
}

}  // namespace bulkhead::app
