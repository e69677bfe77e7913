// What the command line reads from and writes to people: passwords, tables, sizes; and where it does so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::cli {

// From standard input (one trailing line break is dropped) or, asked for twice, from the terminal without
// echo.
Result<Secret<>> read_password(bool from_stdin);
// One that exists already: asked for once.
Result<Secret<>> read_one_password(bool from_stdin);
// Whether somebody sits at standard input.
bool at_terminal();
// From the terminal, without echo and with it.
Secret<> ask_secret(const char* prompt);
std::string ask_line(const char* prompt);

// What standard output is.
struct Screen {
  bool terminal = false;
  std::size_t columns = 80;  // COLUMNS, where that is set, else the terminal's
  bool colour = false;       // a terminal that is not TERM=dumb, and no NO_COLOR (no-color.org)
  bool unicode = true;       // false on a terminal whose locale has no UTF-8
};
Screen look_at_output();

// How many columns a text takes, as far as each character takes one.
std::size_t characters(std::string_view text);

// Columns aligned, header first; each cell made safe to show (base/shown.h).
std::string render_table(const std::vector<std::vector<std::string>>& rows);

// "1.5 GiB".
std::string render_bytes(std::uint64_t bytes);
}  // namespace bulkhead::cli
