// Directories and files that nobody but this process's user may read or change. Each check names the path and
// the command that mends it. POSIX permissions only: an ACL shows in the group bits and is refused with them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::crypto {

// Creates the directory with mode 0700, durably, or checks that the one there belongs to this user and is
// closed to all others (Errc::unavailable if not). A symbolic link to a directory is followed.
Result<void> make_private_directory(const std::filesystem::path& directory);

// The whole of a regular file that belongs to this user and is closed to all others. Absent: Errc::not_found;
// open to others, someone else's or not a regular file: Errc::unavailable; over `limit` bytes:
// Errc::too_large.
Result<Secret<>> read_private_file(const std::filesystem::path& path, std::size_t limit);

// Creates the file (0600) with these contents, durably and in one step; false when there is one already,
// which is left as it is. Of several callers at once, in any number of processes, exactly one gets true.
Result<bool> create_private_file(const std::filesystem::path& path, Bytes contents);

}  // namespace bulkhead::crypto
