// Content-addressed bytes. A store knows digests and bytes; which repository may see a blob is registry/'s
// business.
//
// Writing: stage -> append… -> commit under a digest. Staged bytes are hashed as they stream. commit()
// verifies the digest, syncs the bytes, links them into place and syncs the directory; when it returns the
// blob is durable. A crash before that leaves a stage to resume or sweep, never a partial blob. Committing a
// digest that is already stored is success, takes the same steps, and replaces equal bytes by equal bytes.
// Removals are not synced: after a power cut a removed blob may be back, to be removed again by the next
// collection.
//
// All calls block: run them on the offload pool. The store is thread-safe; a Stage is used by one thread at a
// time. Errors: Errc::blob_unknown, Errc::upload_unknown (no such stage), Errc::upload_busy (the stage is
// open already), Errc::conflict (the id of a new stage is in use), Errc::digest_invalid (content does not
// match), Errc::no_space, Errc::corrupt (the disk failed to read or write, or what it holds is not what was
// stored), Errc::invalid_argument, Errc::internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "oci/digest.h"

namespace bulkhead::blob {

// An open blob. It stays readable after remove(). Thread-safe.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual std::uint64_t size() const = 0;
  // Fills `into` from `offset`, short only at the end.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const = 0;
  // A descriptor for sendfile(2), owned by the Reader, or -1 when the bytes are not in a plain file.
  virtual int file_descriptor() const = 0;
};

// Bytes on their way in. Destroying a Stage keeps it for open_stage(); discard() removes it.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual const std::string& id() const = 0;
  virtual std::uint64_t size() const = 0;
  // All of it or, after an error, none.
  virtual Result<void> append(Bytes bytes) = 0;
  // Cuts back to `size` bytes, undoing appends (a chunk that broke its promise).
  virtual Result<void> truncate(std::uint64_t size) = 0;
};

struct StageInfo {
  std::string id;
  std::uint64_t size = 0;
  Time modified{};
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // `id` is 1 to 64 of [0-9A-Za-z_-] and not in use. `algorithm` is what the bytes are hashed with as they
  // stream; commit() under another algorithm reads them once more.
  virtual Result<std::unique_ptr<Stage>> stage(std::string_view id, oci::Algorithm algorithm) = 0;
  // Continues a stage of an earlier connection or process. One Stage at a time has it open.
  virtual Result<std::unique_ptr<Stage>> open_stage(std::string_view id, oci::Algorithm algorithm) = 0;
  // Consumes the stage: on success its bytes are the blob; on a digest mismatch, or when their sync failed,
  // they are gone; on another error they are still there for open_stage().
  virtual Result<void> commit(std::unique_ptr<Stage> stage, const oci::Digest& digest) = 0;
  // Not while it is open.
  virtual Result<void> discard(std::string_view id) = 0;
  virtual Result<std::vector<StageInfo>> stages() = 0;

  // A small object in one call, with commit()'s promise.
  virtual Result<void> put(const oci::Digest& digest, Bytes bytes) = 0;
  virtual Result<std::shared_ptr<const Reader>> open(const oci::Digest& digest) = 0;
  virtual Result<void> remove(const oci::Digest& digest) = 0;
  // Every stored digest, in no particular order; `each` returns false to stop, and may call the store.
  virtual Result<void> walk(const std::function<bool(const oci::Digest&, std::uint64_t size)>& each) = 0;
};

// blobs/<algorithm>/<2 hex>/<hex> and blobs/staging/<id> below `root` (docs/formats/blobs.md).
// Writes that would leave less than `reserve` bytes of the disk free (or a tenth of a small one) are
// Errc::no_space.
Result<std::unique_ptr<BlobStore>> open_filesystem_store(const std::filesystem::path& root,
                                                         std::uint64_t reserve = 0);
// The same promises in memory, for tests and for trying things out.
std::unique_ptr<BlobStore> make_memory_store();

}  // namespace bulkhead::blob
