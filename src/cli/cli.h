// The command line: subcommands, their help, and what they print.
#pragma once

namespace bulkhead::cli {

// The exit status: 0 done, 1 failed, 2 not understood.
int run(int argc, char** argv);

}  // namespace bulkhead::cli
