// Structured logging: a message that is constant text and fields that are data, rendered as one line, either
// for people or as JSON. Secrets cannot be logged: Secret<T> does not convert to a Field.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };

std::optional<LogLevel> parse_log_level(std::string_view text);

struct Field {
  std::string_view key;
  std::string value;
  bool quoted = true;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), quoted(false) {}
  Field(std::string_view k, std::integral auto v) : key(k), value(std::to_string(v)), quoted(false) {}
};

// Thread-safe. One is made at start-up and passed by reference to what logs.
class Log {
 public:
  // Writes to standard error.
  Log(LogLevel level, LogFormat format);
  ~Log();

  // Drops everything; for tests and tools that have nothing to say.
  static Log& none();

  void log(LogLevel level, std::string_view message, std::initializer_list<Field> fields = {});
  void debug(std::string_view message, std::initializer_list<Field> fields = {});
  void info(std::string_view message, std::initializer_list<Field> fields = {});
  void warning(std::string_view message, std::initializer_list<Field> fields = {});
  void error(std::string_view message, std::initializer_list<Field> fields = {});

 private:
  Log();

  struct Sink;
  std::unique_ptr<Sink> sink_;
};

// A JSON string, quotes and all, in which nothing hides (base/shown.h); bytes that are not UTF-8 become
// U+FFFD.
std::string json_quote(std::string_view text);

}  // namespace bulkhead
