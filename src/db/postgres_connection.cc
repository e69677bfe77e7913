#include "db/postgres_connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>

#include "db/parameters.h"
#include "db/placeholders.h"
#include "db/postgres_error.h"

namespace bulkhead::db {
namespace {

constexpr std::size_t kStatements = 128;  // prepared statements kept by a connection

// Object ids of types, from the server's catalog/pg_type.dat; they never change.
constexpr Oid kBool = 16;
constexpr Oid kName = 19;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kUnknown = 705;
constexpr Oid kVarchar = 1043;
constexpr Oid kNumeric = 1700;
constexpr Oid kVoid = 2278;

// The server infers the type of a NULL.
Oid type_of(const Value& value) {
  if (value.integer() != nullptr) return kInt8;
  return value.text() != nullptr ? kText : 0;
}

// A statement is prepared for its parameters' types, so they are part of its name in the cache.
std::string cache_key(std::string_view sql, std::span<const Value> parameters) {
  std::string key;
  key.reserve(parameters.size() + 1 + sql.size());
  for (const Value& value : parameters)
    key += static_cast<char>('0' + (value.integer() != nullptr ? 1 : value.text() != nullptr ? 2 : 0));
  key += ':';
  key += sql;
  return key;
}

// What the server sends as text, as the types that SQLite would have given.
Result<Value> column(const PGresult* response, int row, int index, std::string_view sql) {
  if (PQgetisnull(response, row, index)) return Value{};
  const std::string_view text(PQgetvalue(response, row, index),
                              static_cast<std::size_t>(PQgetlength(response, row, index)));
  switch (PQftype(response, index)) {
    case kText:
    case kVarchar:
    case kName:
    case kUnknown:
    case kVoid: return Value{std::string(text)};
    case kBool: return Value{std::int64_t{text == "t" ? 1 : 0}};
    case kInt2:
    case kInt4:
    case kInt8:
    case kNumeric: {  // the sum() of integers is numeric
      std::int64_t integer = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
      if (error == std::errc() && end == text.data() + text.size()) return Value{integer};
      break;
    }
    default: break;
  }
  return Error{Errc::internal,
               fmt::format("column {} of a result is neither integer nor text: {}", index + 1, excerpt(sql))};
}

}  // namespace

void PostgresConnection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }
void PostgresConnection::Clear::operator()(pg_result* result) const { PQclear(result); }

PostgresConnection::PostgresConnection(const PostgresTarget& target)
    : target_(target), statements_(kStatements) {}

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const PostgresTarget& target,
                                                                     std::chrono::milliseconds limit) {
  std::unique_ptr<PostgresConnection> self(new PostgresConnection(target));
  if (Result<void> connected = self->connect(limit); !connected) return connected.error();
  if (Result<void> ready = self->set_up(limit); !ready) return ready.error();
  return self;
}

Result<void> PostgresConnection::connect(std::chrono::milliseconds limit) {
  const std::string seconds = std::to_string(std::max<std::int64_t>(2, (limit.count() + 999) / 1000));
  const std::string milliseconds = std::to_string(limit.count());
  // Before dbname: defaults that the URL may override. A statement's time limit is kept by the server, so a
  // peer that has vanished is for TCP to notice.
  const char* const keywords[] = {"connect_timeout",
                                  "tcp_user_timeout",
                                  "keepalives_idle",
                                  "keepalives_interval",
                                  "keepalives_count",
                                  "application_name",
                                  "dbname",
                                  "client_encoding",
                                  nullptr};
  const char* const values[] = {seconds.c_str(), milliseconds.c_str(),  "30",   "10",   "3",
                                "bulkhead",      target_.url().c_str(), "UTF8", nullptr};
  connection_.reset(PQconnectdbParams(keywords, values, /*expand_dbname=*/1));
  // Notices would go to standard error.
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  if (alive()) return {};
  return Error{Errc::unavailable, fmt::format("cannot connect to {}: {}", target_.place(),
                                              target_.redact(PQerrorMessage(connection_.get())))};
}

Result<void> PostgresConnection::set_up(std::chrono::milliseconds limit) {
  const char* const encoding = PQparameterStatus(connection_.get(), "server_encoding");
  if (!encoding || std::string_view(encoding) != "UTF8") {
    return Error{Errc::unsupported, fmt::format("the {} has the encoding {}; create it with ENCODING 'UTF8'",
                                                target_.place(), encoding ? encoding : "(unknown)")};
  }
  // Durable when it returns: a server that was set up to lie about its own disk is put right; the stricter
  // settings that wait for replicas are left as they are.
  return run_script(
      fmt::format("SET standard_conforming_strings = on;"
                  "SET statement_timeout = {0};"
                  "SET lock_timeout = {0};"
                  "SELECT set_config('synchronous_commit', 'on', false)"
                  " WHERE current_setting('synchronous_commit') = 'off'",
                  limit.count()));
}

Result<Outcome> PostgresConnection::run(std::string_view sql, std::span<const Value> parameters) {
  Result<Statement> statement = prepare(sql, parameters);
  if (!statement) return statement.error();

  std::vector<std::string> numbers(parameters.size());
  std::vector<const char*> values(parameters.size(), nullptr);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (const auto* integer = parameters[i].integer()) {
      numbers[i] = std::to_string(*integer);
      values[i] = numbers[i].c_str();
    } else if (const auto* text = parameters[i].text()) {
      values[i] = text->c_str();
    }
  }
  const Response response(PQexecPrepared(connection_.get(), statement->name.c_str(),
                                         static_cast<int>(parameters.size()), values.data(), nullptr, nullptr,
                                         /*resultFormat=*/0));
  if (!succeeded(response.get())) return error_of(response.get(), sql);

  Outcome outcome;
  const int rows = PQntuples(response.get());
  const int columns = PQnfields(response.get());
  outcome.rows.reserve(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row) {
    std::vector<Value> row_values;
    row_values.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) {
      Result<Value> value = column(response.get(), row, i, sql);
      if (!value) return value.error();
      row_values.push_back(std::move(*value));
    }
    outcome.rows.emplace_back(std::move(row_values));
  }
  const std::string_view tag = PQcmdStatus(response.get());
  const std::string_view changed = PQcmdTuples(response.get());
  if (!tag.starts_with("SELECT"))
    std::from_chars(changed.data(), changed.data() + changed.size(), outcome.changed);
  return outcome;
}

Result<PostgresConnection::Statement> PostgresConnection::prepare(std::string_view sql,
                                                                  std::span<const Value> parameters) {
  std::string key = cache_key(sql, parameters);
  if (const Statement* kept = statements_.find(key)) return *kept;

  const NumberedSql numbered = number_placeholders(sql);
  if (numbered.parameters != parameters.size()) {
    return wrong_parameter_count(sql, numbered.parameters, parameters.size());
  }
  std::vector<Oid> types(parameters.size());
  std::transform(parameters.begin(), parameters.end(), types.begin(), type_of);
  Statement statement{fmt::format("s{}", ++prepared_), numbered.parameters};
  const Response response(PQprepare(connection_.get(), statement.name.c_str(), numbered.sql.c_str(),
                                    static_cast<int>(types.size()), types.data()));
  if (!succeeded(response.get())) return error_of(response.get(), sql);
  if (const std::optional<Statement> evicted = statements_.insert(std::move(key), statement)) {
    if (Result<void> gone = run_script("DEALLOCATE " + evicted->name); !gone) return gone.error();
  }
  return statement;
}

Result<void> PostgresConnection::run_script(const std::string& sql) {
  const Response response(PQexec(connection_.get(), sql.c_str()));
  if (!succeeded(response.get())) return error_of(response.get(), sql);
  command_tag_ = PQcmdStatus(response.get());
  return {};
}

bool PostgresConnection::alive() const { return PQstatus(connection_.get()) == CONNECTION_OK; }

bool PostgresConnection::in_transaction() const {
  return PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
}

bool PostgresConnection::asks_for_retry() const { return is_retryable(sqlstate_); }

bool PostgresConnection::succeeded(const pg_result* response) {
  const ExecStatusType status = PQresultStatus(response);
  const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  const char* const sqlstate = good ? nullptr : PQresultErrorField(response, PG_DIAG_SQLSTATE);
  sqlstate_ = sqlstate ? sqlstate : "";
  return good;
}

// Without the server's DETAIL, which quotes stored values.
Error PostgresConnection::error_of(const pg_result* response, std::string_view sql) const {
  const char* const primary = PQresultErrorField(response, PG_DIAG_MESSAGE_PRIMARY);
  const std::string message = target_.redact(primary ? primary : PQerrorMessage(connection_.get()));
  const Errc code = alive() ? postgres_errc(sqlstate_) : Errc::unavailable;
  switch (code) {
    case Errc::conflict: return {code, message};
    case Errc::no_space:
      return {code, fmt::format("the disk of the {} is full: {}", target_.place(), message)};
    case Errc::internal:
      return {code,
              fmt::format("{}: {} (SQLSTATE {}): {}", target_.place(), message, sqlstate_, excerpt(sql))};
    default: return {code, fmt::format("{}: {}", target_.place(), message)};
  }
}

}  // namespace bulkhead::db
