// Lists as people see them. In a pipe a table is plain and exact; on a terminal it fits: its header is bold,
// states are coloured, times are told from now on ("3 minutes ago"), and where it is too wide the widest
// cells are shortened, down to one line for each cell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cli/terminal.h"

namespace bulkhead::cli {

using Rows = std::vector<std::vector<std::string>>;

// To standard output, header first; each cell made safe to show. `wide`: exact and in full on a terminal too.
void print_table(const Rows& rows, bool wide = false);

// What print_table() shows on a terminal like that.
std::string render_for(const Screen& screen, const Rows& rows, Time now);

// "3 minutes ago", "in 7 days", of a time as the API writes it; the text itself where it is none.
std::string relative_time(std::string_view rfc3339, Time now);

}  // namespace bulkhead::cli
