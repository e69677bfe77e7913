// Blobs as a repository's readers see them: a digest exists only through the repository.
//
// peek() never blocks; the rest does. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "access/facts.h"
#include "blob/store.h"
#include "db/database.h"
#include "registry/context.h"

namespace bulkhead::registry {

struct BlobHandle {
  oci::Digest digest;
  std::shared_ptr<const blob::Reader> reader;
};

class Blobs {
 public:
  // At most `cached` open readers are kept.
  Blobs(db::Database& database, blob::BlobStore& store, const Clock& clock, std::size_t cached);
  ~Blobs();

  // From memory, or null when find() must look.
  std::shared_ptr<const BlobHandle> peek(const access::Repository& repository,
                                         const oci::Digest& digest) const;
  // All that memory knows: somebody else may have changed it.
  void forget_all();
  // Errc::blob_unknown. Errc::corrupt where the file is missing, or has another size.
  Result<std::shared_ptr<const BlobHandle>> find(const access::Repository& repository,
                                                 const oci::Digest& digest);

  // Links a blob that `source` holds into `target`, writing the event; false when `source` does not hold it
  // (the caller then starts an upload, which looks the same to the client). The caller may read `source`.
  Result<bool> mount(const access::Repository& target, const access::Repository& source,
                     const oci::Digest& digest, const Context& context);
  // The source of a mount that names none: looks in the repositories that the principal may pull and whose
  // names `covered` accepts, which is where a token's scopes have their say. At most kMountCandidates are
  // tried.
  static constexpr std::int64_t kMountCandidates = 100;
  Result<std::optional<access::Repository>> find_anywhere(
      const oci::Digest& digest, const std::function<bool(std::string_view repository)>& covered,
      const Context& context);

  // Sets room aside in the namespace's quota for a blob whose bytes are about to be stored, so that what is
  // stored can be linked: 0 when it takes none, else a reservation, which link() or cancel() ends, or sweep()
  // after an hour. Errc::quota_exceeded; Errc::denied when the caller may push no more.
  Result<std::int64_t> reserve(const access::Repository& repository, const oci::Digest& digest,
                               std::uint64_t size, const Context& context);
  Result<void> cancel(std::int64_t reservation);
  // Gives back what a process that ended in between had set aside, and unlinks blobs whose last manifest went
  // an hour ago (releases.h).
  Result<void> sweep();
  // Links a blob whose bytes the store holds for certain: the last step of an upload. Without a reservation
  // within quota, else Errc::quota_exceeded.
  Result<void> link(const access::Repository& repository, const oci::Digest& digest, std::uint64_t size,
                    const Context& context, std::int64_t reservation = 0);

  // Takes the blob out of this repository only. Errc::blob_unknown; Errc::immutable and Errc::denied when a
  // tag that may not go reaches it (reach.h).
  Result<void> remove(const access::Repository& repository, const oci::Digest& digest,
                      const Context& context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::registry
