// One schema on two engines: SQLite (default) and PostgreSQL.
//
// SQL is plain and portable, with `?` for parameters; RETURNING and ON CONFLICT work on both. All calls
// block: run them on the offload pool. Thread-safe; any number of threads may read and write at once.
//
// Errors: Errc::conflict when a UNIQUE, CHECK or foreign-key constraint refuses, Errc::no_space when the disk
// is full, Errc::unavailable when the server is away or a bound wait ran out, Errc::internal for the rest (a
// bug or a damaged database).
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::db {

// NULL, integer or text. Booleans are 0 and 1; times are microseconds since 1970 UTC. Never inline: hundreds
// of statements make lists of them.
class Value {
 public:
  Value();  // NULL
  Value(std::string text);
  Value(const char* text);
  template <std::integral Integer>
  Value(Integer integer) : Value(Number{static_cast<std::int64_t>(integer)}) {}
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();

  bool is_null() const;
  const std::int64_t* integer() const;  // nullptr when it is none
  const std::string* text() const;

  friend bool operator==(const Value& left, const Value& right);

 private:
  struct Number {
    std::int64_t value;
  };
  explicit Value(Number number);

  std::variant<std::monostate, std::int64_t, std::string> value_;
};

// Asking a column for what it does not hold is a bug, and throws.
class Row {
 public:
  explicit Row(std::vector<Value> values);
  Row(const Row& other);
  Row(Row&& other) noexcept;
  Row& operator=(const Row& other);
  Row& operator=(Row&& other) noexcept;
  ~Row();

  bool is_null(std::size_t column) const;
  std::int64_t integer(std::size_t column) const;
  const std::string& text(std::size_t column) const;

 private:
  std::vector<Value> values_;
};

// Inside one transaction; valid only during the callback it was passed to, on that thread.
//
// Each call runs one statement with as many parameters as it has `?`. Text is UTF-8 without NUL, else
// Errc::invalid_argument. The first statement that fails ends the transaction: later ones answer with the
// same error without being run, and a callback that returns success all the same has failed with it. Where a
// conflict is expected, say ON CONFLICT.
class Session {
 public:
  virtual ~Session() = default;
  virtual Result<std::vector<Row>> query(std::string_view sql, std::span<const Value> parameters) = 0;
  // The number of rows changed.
  virtual Result<std::int64_t> execute(std::string_view sql, std::span<const Value> parameters) = 0;

  Result<std::vector<Row>> query(std::string_view sql, std::initializer_list<Value> parameters = {});
  Result<std::int64_t> execute(std::string_view sql, std::initializer_list<Value> parameters = {});
};

class Database {
 public:
  // The callback may be called again from the start when the engine asks for a retry (serialization failure),
  // so it must not keep effects outside the session beyond assigning its results. A returned error rolls
  // back, and is what read() or write() returns; so does an exception, which read() or write() throws. The
  // callback may run on another thread than the caller's. A read() or write() inside a callback is refused
  // with Errc::internal.
  using Work = std::function<Result<void>(Session&)>;

  virtual ~Database() = default;
  // A consistent snapshot; sees every write() that returned before it began. A statement that writes is
  // refused.
  virtual Result<void> read(const Work& work) = 0;
  // Serializable; durable (synced) when it returns. Concurrent writers may share one sync (group commit); one
  // writer's failure does not affect another's. Conditions of the calling thread (db/condition.h) come first.
  // Errc::unavailable says so when the connection to the server broke during the commit, so that the outcome
  // is unknown.
  virtual Result<void> write(const Work& work) = 0;
  // Cheap: one trivial query. For readiness.
  virtual Result<void> ping() = 0;
  virtual std::string_view engine() const = 0;  // "sqlite" or "postgres"
  // For the end of the program: from `moment` on nobody waits for another machine any more, what still does
  // then included. Those calls are Errc::unavailable.
  virtual void end_by(std::chrono::steady_clock::time_point moment) { static_cast<void>(moment); }
};

struct Options {
  std::size_t readers = 4;  // connections for read()
  std::size_t writers = 8;  // PostgreSQL connections for write(); SQLite has one writer with group commit
  int timeout_ms = 10'000;  // for a connection, a lock or one statement
  bool make = true;         // the schema where there is none; else that is Errc::not_found
  // PostgreSQL: no other process may have the database so at the same time, which is Errc::conflict; SQLite
  // leaves that to whoever owns the file.
  bool alone = false;
  // Nothing is changed: a database that lacks migrations is Errc::conflict.
  bool look_only = false;
  // Asked before a database of an older schema than this program's is changed; its error is the outcome, and
  // nothing is changed then. Not asked for a database that holds nothing.
  std::function<Result<void>(std::int64_t from, std::int64_t to)> upgrade = {};
  // PostgreSQL, with `alone`: called when this process was without the database for a while and has it alone
  // again, before anybody is answered from it: others may have changed it, and what is remembered of it is to
  // be forgotten. Must not use the database.
  std::function<void()> regained = {};
  // PostgreSQL: the password for each new connection, in place of the URL's; so that it may change meanwhile.
  std::function<Result<Secret<>>()> password = {};
};

// `url`: "sqlite:PATH" or "postgres://…" (also "postgresql://…"; libpq's URL). Connects and applies the
// migrations that are missing. A database of a newer schema than this program knows, or with other tables and
// no schema of Bulkhead's (Errc::conflict), is refused with a sentence that says so, and not changed.
Result<std::unique_ptr<Database>> open(std::string_view url, const Options& options = {});

}  // namespace bulkhead::db
