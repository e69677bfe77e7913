#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include "base/say.h"
#include "base/shown.h"

namespace bulkhead::cli {
namespace {

constexpr std::size_t kPasswordBytes = 64 << 10;
constexpr std::size_t kColumns = 10'000;  // more than anybody means
constexpr int kOutput = 1;

// Turns the terminal's echo off for its lifetime.
class Quiet {
 public:
  Quiet() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    ::termios quiet = before_;
    quiet.c_lflag &= ~static_cast<::tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    changed_ = true;
  }
  ~Quiet() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  ::termios before_{};
  bool changed_ = false;
};

Result<Secret<>> read_standard_input() {
  std::string text(kPasswordBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  if (text.size() > kPasswordBytes)
    return Error{Errc::invalid_argument, "the password on standard input is too long"};
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return Secret<>(std::move(text));
}

Result<void> need_terminal() {
  if (at_terminal()) return {};
  return Error{Errc::invalid_argument, "there is no terminal to ask for the password; use --password-stdin"};
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80; }));
}

Screen look_at_output() {
  Screen screen;
  screen.terminal = ::isatty(STDOUT_FILENO) == 1;
  ::winsize size{};
  if (screen.terminal && ::ioctl(kOutput, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    screen.columns = size.ws_col;
  const std::string_view kind = variable("TERM");
  screen.colour = screen.terminal && !kind.empty() && kind != "dumb" && variable("NO_COLOR").empty();
  screen.unicode = !screen.terminal || locale_has_utf8();
  const std::string_view text = variable("COLUMNS");
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number > 0 && number <= kColumns)
    screen.columns = number;
  return screen;
}

bool at_terminal() { return ::isatty(STDIN_FILENO) == 1; }

Secret<> ask_secret(const char* prompt) {
  tell("{}", prompt);
  std::string line;
  {
    const Quiet quiet;
    std::getline(std::cin, line);
  }
  tell("\n");
  return Secret<>(std::move(line));
}

std::string ask_line(const char* prompt) {
  tell("{}", prompt);
  std::string line;
  std::getline(std::cin, line);
  return line;
}

Result<Secret<>> read_password(bool from_stdin) {
  if (from_stdin) return read_standard_input();
  if (auto terminal = need_terminal(); !terminal) return terminal.error();
  Secret<> first = ask_secret("Password: ");
  const Secret<> second = ask_secret("Again: ");
  if (first.reveal() != second.reveal()) return Error{Errc::invalid_argument, "the two passwords differ"};
  return first;
}

Result<Secret<>> read_one_password(bool from_stdin) {
  if (from_stdin) return read_standard_input();
  if (auto terminal = need_terminal(); !terminal) return terminal.error();
  return ask_secret("Password: ");
}

std::string render_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (const std::string& cell : row) {
      line.push_back(shown(cell));
      if (widths.size() < line.size()) widths.push_back(0);
      widths[line.size() - 1] = std::max(widths[line.size() - 1], characters(line.back()));
    }
  }
  std::string out;
  for (const auto& row : cells) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(widths[i] + 2 - characters(row[i]), ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string render_bytes(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace bulkhead::cli
