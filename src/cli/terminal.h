// What the command line reads from and writes to people: passwords, tables, sizes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::cli {

// From standard input (one trailing line break is dropped) or, asked for twice, from the terminal without
// echo.
Result<Secret<>> read_password(bool from_stdin);
// One that exists already: asked for once.
Result<Secret<>> read_one_password(bool from_stdin);
// From the terminal, without echo and with it.
Secret<> ask_secret(const char* prompt);
std::string ask_line(const char* prompt);

// Columns aligned, header first; control characters shown as '?', so that stored text cannot drive the
// terminal.
std::string render_table(const std::vector<std::vector<std::string>>& rows);
std::string printable(std::string_view text);

// "1.5 GiB".
std::string render_bytes(std::uint64_t bytes);
}  // namespace bulkhead::cli
