#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <optional>

#include "base/say.h"
#include "base/shown.h"

namespace bulkhead::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowestCell = 8;
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kPlain = "\x1b[0m";

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int number = 0;
  const char* end = text.data() + at + count;
  const auto [stop, error] = std::from_chars(text.data() + at, end, number);
  if (error != std::errc() || stop != end || number < 0) return std::nullopt;
  return number;
}

// "2026-01-31T08:15:00Z", with or without a fraction.
std::optional<Time> parse_time(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() <= kShape.size() || text.back() != 'Z') return std::nullopt;
  for (std::size_t i = 0; i < kShape.size(); ++i)
    if (kShape[i] != '0' && text[i] != kShape[i]) return std::nullopt;
  std::array<int, 6> parts{};
  constexpr std::array<std::pair<std::size_t, std::size_t>, 6> kPlaces = {
      {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = digits(text, kPlaces[i].first, kPlaces[i].second);
    if (!number) return std::nullopt;
    parts[i] = *number;
  }
  const std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok()) return std::nullopt;
  return Time(std::chrono::sys_days(day)) + std::chrono::hours(parts[3]) + std::chrono::minutes(parts[4]) +
         std::chrono::seconds(parts[5]);
}

std::string span_of(std::int64_t seconds) {
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  constexpr std::array kUnits = {Unit{365 * 86400, "year"}, Unit{86400, "day"}, Unit{3600, "hour"},
                                 Unit{60, "minute"}, Unit{1, "second"}};
  for (const Unit& unit : kUnits) {
    const std::int64_t count = seconds / unit.seconds;
    // "47 hours" says more than "1 day".
    if (count > 1 || (count == 1 && unit.seconds <= 60))
      return fmt::format("{} {}{}", count, unit.name, count == 1 ? "" : "s");
  }
  return "";
}

std::string_view colour_of(std::string_view state) {
  constexpr std::array kGood = {"active", "current"};
  constexpr std::array kBad = {"disabled", "locked", "revoked", "expired"};
  if (std::ranges::find(kGood, state) != kGood.end()) return kGreen;
  if (std::ranges::find(kBad, state) != kBad.end()) return kRed;
  return state.empty() ? "" : kYellow;
}

std::string cut(const std::string& cell, std::size_t width, bool unicode) {
  if (characters(cell) <= width) return cell;
  std::size_t bytes = 0;
  for (std::size_t count = 0; bytes < cell.size(); ++bytes)
    if ((static_cast<unsigned char>(cell[bytes]) & 0xc0u) != 0x80 && ++count == width) break;
  return cell.substr(0, bytes) + (unicode ? "…" : "~");
}

// Takes from the widest column until all fit; false where none may lose more.
bool shrink(std::vector<std::size_t>& widths, std::size_t columns) {
  while (true) {
    const std::size_t sum =
        std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + kGap * (widths.size() - 1);
    if (sum <= columns) return true;
    const auto widest = std::ranges::max_element(widths);
    if (*widest <= kNarrowestCell) return false;
    --*widest;
  }
}

std::string painted(const Screen& screen, std::string_view colour, const std::string& text) {
  return screen.colour && !colour.empty() ? fmt::format("{}{}{}", colour, text, kPlain) : text;
}

// One line a cell, each below its header.
std::string render_cards(const Screen& screen, const Rows& cells) {
  std::string out;
  for (std::size_t row = 1; row < cells.size(); ++row) {
    if (row > 1) out += '\n';
    for (std::size_t i = 0; i < cells[row].size(); ++i)
      if (!cells[row][i].empty())
        out += painted(screen, kBold, cells[0][i] + ":") + " " + cells[row][i] + "\n";
  }
  return out;
}

}  // namespace

std::string relative_time(std::string_view rfc3339, Time now) {
  const auto time = parse_time(rfc3339);
  if (!time) return std::string(rfc3339);
  const std::int64_t ago = (to_micros(now) - to_micros(*time)) / 1'000'000;
  const std::string span = span_of(ago < 0 ? -ago : ago);
  if (span.empty()) return "just now";
  return ago < 0 ? "in " + span : span + " ago";
}

std::string render_for(const Screen& screen, const Rows& rows, Time now) {
  if (rows.empty()) return "";
  Rows cells;
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string cell = relative_time(shown(row[i]), now);
      if (!screen.unicode) cell = ascii(cell);
      widths[i] = std::max(widths[i], characters(cell));
      line.push_back(std::move(cell));
    }
  }
  if (!shrink(widths, screen.columns)) return render_cards(screen, cells);
  std::string out;
  for (std::size_t row = 0; row < cells.size(); ++row) {
    std::string line;
    std::size_t column = 0;  // where the next cell begins
    std::size_t written = 0;
    for (std::size_t i = 0; i < cells[row].size(); ++i) {
      const std::string cell = cut(cells[row][i], widths[i], screen.unicode);
      const std::string_view colour = row == 0                 ? kBold
                                      : cells[0][i] == "STATE" ? colour_of(cells[row][i])
                                                               : "";
      if (!cell.empty()) {
        line += std::string(column - written, ' ') + painted(screen, colour, cell);
        written = column + characters(cell);
      }
      column += widths[i] + kGap;
    }
    out += line + '\n';
  }
  return out;
}

void print_table(const Rows& rows, bool wide) {
  const Screen screen = look_at_output();
  if (!screen.terminal || wide)
    say_lines(render_table(rows));
  else
    say_exactly(render_for(screen, rows, SystemClock().now()));
}

}  // namespace bulkhead::cli
