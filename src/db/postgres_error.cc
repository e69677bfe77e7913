#include "db/postgres_error.h"

namespace bulkhead::db {

bool is_retryable(std::string_view sqlstate) { return sqlstate == "40001" || sqlstate == "40P01"; }

Errc postgres_errc(std::string_view sqlstate) {
  if (sqlstate.empty() || is_retryable(sqlstate)) return Errc::unavailable;
  // unique_violation, foreign_key_violation, check_violation, exclusion_violation
  if (sqlstate == "23505" || sqlstate == "23503" || sqlstate == "23514" || sqlstate == "23P01") {
    return Errc::conflict;
  }
  if (sqlstate == "53100") return Errc::no_space;     // disk_full
  if (sqlstate == "57014") return Errc::unavailable;  // query_canceled: statement_timeout
  if (sqlstate == "55P03") return Errc::unavailable;  // lock_not_available: lock_timeout
  const std::string_view group = sqlstate.substr(0, 2);
  // connection exceptions, insufficient resources, operator intervention (shutdown, crash, starting up)
  if (group == "08" || group == "53" || group == "57") return Errc::unavailable;
  return Errc::internal;
}

}  // namespace bulkhead::db
