#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/clock.h"
#include "base/shown.h"

namespace bulkhead {
namespace {

std::string_view label(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "error";
}

}  // namespace

std::string json_quote(std::string_view text) { return "\"" + shown(text, Shown::json) + "\""; }

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error})
    if (label(level) == text) return level;
  return std::nullopt;
}

struct Log::Sink {
  LogLevel level;
  LogFormat format;
  spdlog::logger out;
};

Log::Log() = default;
Log::~Log() = default;

Log::Log(LogLevel level, LogFormat format)
    : sink_(new Sink{level, format, spdlog::logger("", std::make_shared<spdlog::sinks::stderr_sink_mt>())}) {
  sink_->out.set_pattern("%v");
  sink_->out.set_level(spdlog::level::trace);
}

Log& Log::none() {
  static Log nothing;
  return nothing;
}

void Log::log(LogLevel level, std::string_view message, std::initializer_list<Field> fields) {
  if (!sink_ || level < sink_->level) return;
  std::string line;
  if (sink_->format == LogFormat::json) {
    line = fmt::format(R"({{"time":"{}","level":"{}","message":{})", to_rfc3339(SystemClock().now()),
                       label(level), json_quote(message));
    for (const Field& field : fields)
      line +=
          fmt::format(",{}:{}", json_quote(field.key), field.quoted ? json_quote(field.value) : field.value);
    line += "}";
  } else {
    line = fmt::format("{} {:7} {}", to_rfc3339(SystemClock().now()), label(level), message);
    for (const Field& field : fields)
      line += fmt::format(" {}={}", field.key, field.quoted ? json_quote(field.value) : field.value);
  }
  sink_->out.log(spdlog::level::info, line);
  sink_->out.flush();
}

void Log::debug(std::string_view m, std::initializer_list<Field> f) { log(LogLevel::debug, m, f); }
void Log::info(std::string_view m, std::initializer_list<Field> f) { log(LogLevel::info, m, f); }
void Log::warning(std::string_view m, std::initializer_list<Field> f) { log(LogLevel::warning, m, f); }
void Log::error(std::string_view m, std::initializer_list<Field> f) { log(LogLevel::error, m, f); }

}  // namespace bulkhead
