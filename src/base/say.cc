#include "base/say.h"

#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bulkhead {

namespace {

// What could not be written is dropped, so that nobody tries again.
[[noreturn]] void fail(int error_number) {
  ::__fpurge(stdout);
  throw OutputFailed(error_number);
}

// The text as `file` can show it; `room` holds what had to be made anew.
std::string_view fit_for(std::FILE* file, std::string_view text, std::string& room) {
  const bool plain = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (plain || ::isatty(::fileno(file)) != 1 || locale_has_utf8()) return text;
  room = ascii(text);
  return room;
}

}  // namespace

bool locale_has_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    return ::strcasestr(value, "utf-8") != nullptr || ::strcasestr(value, "utf8") != nullptr;
  }
  return false;
}

OutputFailed::OutputFailed(int error_number)
    : message_(fmt::format("cannot write the output: {}", std::strerror(error_number))) {}

void say_exactly(std::string_view text) {
  std::string room;
  text = fit_for(stdout, text, room);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail(errno);
}

void say_lines(std::string_view text) { say_exactly(shown(text, Shown::lines)); }

void say_json(std::string_view document) { say_exactly(shown(document, Shown::document) + "\n"); }

void tell_lines(std::string_view text) { tell_exactly(shown(text, Shown::lines)); }

void flush_output() {
  if (std::fflush(stdout) != 0) fail(errno);
}

void hold_standard_streams() {
  // open(2) takes the lowest number that is free. Reading only, so that output is an error and not lost.
  while (true) {
    const int opened = ::open("/dev/null", O_RDONLY);
    if (opened < 0 || opened <= STDERR_FILENO) {
      if (opened < 0) return;
      continue;
    }
    ::close(opened);
    return;
  }
}

void tell_exactly(std::string_view text) {
  std::string room;
  text = fit_for(stderr, text, room);
  // What comes next in time should come next on the terminal.
  const int failed = std::fflush(stdout) == 0 ? 0 : errno;
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  if (failed != 0) fail(failed);
}

}  // namespace bulkhead
