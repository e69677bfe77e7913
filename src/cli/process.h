// What the process itself must not give away.
#pragma once

namespace bulkhead::cli {

// No core file, and no other process of this user may look into this one's memory (ptrace, /proc/PID/mem).
// First thing in main(): keys and passwords come later.
void keep_memory_private();

}  // namespace bulkhead::cli
