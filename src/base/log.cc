#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/clock.h"

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

// The length of the well-formed UTF-8 sequence at the front, or 0 (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf && tail(1)) return 2;
  if (first >= 0xe0 && first <= 0xef && tail(1) && tail(2)) {
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4 && tail(1) && tail(2) && tail(3)) {
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  out.reserve(text.size() + 2);
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
      ++i;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
      ++i;
    } else if (c == '\xc2' && i + 1 < text.size() && (text[i + 1] & 0xe0) == 0x80) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(text[i + 1])));
      i += 2;
    } else if (const std::size_t length = utf8_length(text.substr(i)); length > 0) {
      out.append(text.substr(i, length));
      i += length;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
  out.push_back('"');
  return out;
}

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
