// Which of the target's repositories has a blob, as far as this run knows; and who is bringing one, so that
// nothing is fetched twice at a time. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "oci/digest.h"
#include "oci/name.h"

namespace bulkhead::transfer {

class SharedBlobs {
 public:
  // Waits while another thread brings it. Then a repository that has it, or nothing: it is the caller's to
  // bring, who says what has become of it with brought() or given_up().
  std::optional<oci::RepositoryName> find_or_claim(const oci::Digest& digest);
  void brought(const oci::Digest& digest, const oci::RepositoryName& repository);
  void given_up(const oci::Digest& digest);

 private:
  static constexpr std::size_t kRemembered = 500'000;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<oci::Digest, std::optional<oci::RepositoryName>, oci::DigestHash> places_;
};

}  // namespace bulkhead::transfer
