#include "transfer/shared_blobs.h"

namespace bulkhead::transfer {

std::optional<oci::RepositoryName> SharedBlobs::find_or_claim(const oci::Digest& digest) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto found = places_.find(digest);
    if (found == places_.end()) break;
    if (found->second) return found->second;
    changed_.wait(lock);
  }
  // What is forgotten is looked for anew.
  if (places_.size() >= kRemembered)
    std::erase_if(places_, [](const auto& entry) { return entry.second.has_value(); });
  places_.emplace(digest, std::nullopt);
  return std::nullopt;
}

void SharedBlobs::brought(const oci::Digest& digest, const oci::RepositoryName& repository) {
  const std::lock_guard lock(mutex_);
  places_.insert_or_assign(digest, repository);
  changed_.notify_all();
}

void SharedBlobs::given_up(const oci::Digest& digest) {
  const std::lock_guard lock(mutex_);
  places_.erase(digest);
  changed_.notify_all();
}

}  // namespace bulkhead::transfer
