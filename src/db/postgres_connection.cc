#include "db/postgres_connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <charconv>

#include "db/parameters.h"
#include "db/placeholders.h"
#include "db/postgres_error.h"

namespace bulkhead::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kStatements = 128;  // prepared statements kept by a connection
constexpr milliseconds kSlice{200};       // of a wait

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

PostgresConnection::PostgresConnection(const PostgresTarget& target, Patience& patience)
    : target_(target), patience_(patience), statements_(kStatements) {}

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const PostgresTarget& target,
                                                                     Patience& patience) {
  std::unique_ptr<PostgresConnection> self(new PostgresConnection(target, patience));
  if (Result<void> connected = self->connect(); !connected) return connected.error();
  if (Result<void> ready = self->set_up(); !ready) return ready.error();
  return self;
}

Result<void> PostgresConnection::connect() {
  const auto left = std::chrono::ceil<milliseconds>(patience_.last() - steady_clock::now());
  if (left <= left.zero()) return Error{Errc::unavailable, "the server is stopping"};
  const milliseconds limit = std::min(patience_.limit(), left);
  const std::string seconds = std::to_string(std::max<std::int64_t>(2, (limit.count() + 999) / 1000));
  // Read each time: it may have been changed. What an error tells holds none of it.
  Secret<> password;
  if (target_.password()) {
    auto asked = target_.password()();
    if (!asked)
      return inner_error(Errc::unavailable,
                         fmt::format("cannot connect to {}: {}", target_.place(), asked.error().message));
    password = std::move(*asked);
  }
  const std::string unacknowledged = std::to_string(limit.count());
  // Before dbname: defaults that the URL may override; empty is as good as not there.
  const char* const keywords[] = {"connect_timeout",  "tcp_user_timeout",
                                  "keepalives_idle",  "keepalives_interval",
                                  "keepalives_count", "application_name",
                                  "dbname",           "client_encoding",
                                  "password",         nullptr};
  const char* const values[] = {
      seconds.c_str(), unacknowledged.c_str(),    "30",   "10", "3", "bulkhead", target_.url().c_str(),
      "UTF8",          password.reveal().c_str(), nullptr};
  const auto begun = steady_clock::now();
  connection_.reset(PQconnectdbParams(keywords, values, /*expand_dbname=*/1));
  // Notices would go to standard error.
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  // So that sending does not wait for longer than reading does.
  if (alive() && PQsetnonblocking(connection_.get(), 1) == 0) return {};
  // libpq counts whole seconds.
  if (steady_clock::now() - begun >= limit / 2)
    patience_.was_silent();
  else
    patience_.answered();
  return inner_error(Errc::unavailable, fmt::format("cannot connect to {}: {}", target_.place(),
                                                    target_.redact(PQerrorMessage(connection_.get()))));
}

Result<void> PostgresConnection::set_up() {
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
                  patience_.limit().count()));
}

// False when there is no time left.
bool PostgresConnection::wait_for(short events, Patience::Moment deadline) const {
  for (;;) {
    // Looked at again and again, as it may come nearer.
    const auto left = std::min(deadline, patience_.last()) - steady_clock::now();
    if (left <= left.zero()) return false;
    const auto slice = std::min(std::chrono::ceil<milliseconds>(left), kSlice);
    ::pollfd socket{PQsocket(connection_.get()), events, 0};
    // A failure is told by reading.
    if (::poll(&socket, 1, static_cast<int>(slice.count())) != 0) return true;
  }
}

bool PostgresConnection::flush(Patience::Moment deadline) {
  while (PQflush(connection_.get()) == 1) {
    if (!wait_for(POLLIN | POLLOUT, deadline)) return false;
    if (PQconsumeInput(connection_.get()) == 0) return true;
  }
  return true;
}

// The last answer to what was sent, or null.
PostgresConnection::Response PostgresConnection::answer(int sent, Patience::Moment deadline) {
  Response last;
  if (sent == 0) return last;
  bool in_time = flush(deadline);
  while (in_time) {
    while (in_time && PQisBusy(connection_.get()) == 1) {
      in_time = wait_for(POLLIN, deadline);
      if (in_time && PQconsumeInput(connection_.get()) == 0) break;
    }
    if (!in_time) break;
    Response next(PQgetResult(connection_.get()));
    if (!next) {
      patience_.answered();
      return last;
    }
    last = std::move(next);
  }
  silent_ = true;
  patience_.was_silent();
  return {};
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
  const Response response = answer(
      PQsendQueryPrepared(connection_.get(), statement->name.c_str(), static_cast<int>(parameters.size()),
                          values.data(), nullptr, nullptr, /*resultFormat=*/0),
      patience_.deadline());
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
  const Response response =
      answer(PQsendPrepare(connection_.get(), statement.name.c_str(), numbered.sql.c_str(),
                           static_cast<int>(types.size()), types.data()),
             patience_.deadline());
  if (!succeeded(response.get())) return error_of(response.get(), sql);
  if (const std::optional<Statement> evicted = statements_.insert(std::move(key), statement)) {
    if (Result<void> gone = run_script("DEALLOCATE " + evicted->name); !gone) return gone.error();
  }
  return statement;
}

Result<void> PostgresConnection::run_script(const std::string& sql) {
  return run_script(sql, patience_.deadline());
}

Result<void> PostgresConnection::run_unbounded(const std::string& sql) {
  return run_script(sql, Patience::Moment::max());
}

Result<void> PostgresConnection::run_script(const std::string& sql, Patience::Moment deadline) {
  const Response response = answer(PQsendQuery(connection_.get(), sql.c_str()), deadline);
  if (!succeeded(response.get())) return error_of(response.get(), sql);
  command_tag_ = PQcmdStatus(response.get());
  return {};
}

bool PostgresConnection::alive() const { return !silent_ && PQstatus(connection_.get()) == CONNECTION_OK; }

bool PostgresConnection::connected() { return PQconsumeInput(connection_.get()) == 1 && alive(); }

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
  if (silent_) return inner_error(Errc::unavailable, fmt::format("the {} does not answer", target_.place()));
  const char* const primary = PQresultErrorField(response, PG_DIAG_MESSAGE_PRIMARY);
  const std::string message = target_.redact(primary ? primary : PQerrorMessage(connection_.get()));
  const Errc code = alive() ? postgres_errc(sqlstate_) : Errc::unavailable;
  switch (code) {
    case Errc::conflict: return inner_error(code, message);
    case Errc::no_space:
      return inner_error(code, fmt::format("the disk of the {} is full: {}", target_.place(), message));
    case Errc::internal:
      return inner_error(
          code, fmt::format("{}: {} (SQLSTATE {}): {}", target_.place(), message, sqlstate_, excerpt(sql)));
    default: return inner_error(code, fmt::format("{}: {}", target_.place(), message));
  }
}

}  // namespace bulkhead::db
