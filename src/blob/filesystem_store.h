// The filesystem store over given system calls; open_filesystem_store(root) uses the machine's own.
#pragma once

#include <filesystem>
#include <memory>

#include "blob/store.h"
#include "blob/system_calls.h"

namespace bulkhead::blob {

// Stages kept open after their Stage is gone, each with its hash: as many chunked uploads go on without
// re-reading.
constexpr std::size_t kParkedStages = 256;

Result<std::unique_ptr<BlobStore>> open_filesystem_store(const std::filesystem::path& root,
                                                         std::shared_ptr<SystemCalls> calls,
                                                         std::size_t parked_stages = kParkedStages);

}  // namespace bulkhead::blob
