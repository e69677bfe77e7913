// The file behind a stage, hashed as it grows.
//
// Large aligned appends go to the disk directly (O_DIRECT, open(2)) where the file system can: a copy in the
// page cache costs more than the hash, and would push out what is being pulled. The rest is written as usual.
//
// An append hashes its bytes on another thread while this one writes them, which are about equal work. The
// hash follows the bytes while each append starts where the hash has got to. After a truncation below that
// point, or in a file that an earlier process wrote, it stays behind and catches up by reading when the
// digest is wanted.
#pragma once

#include <memory>
#include <optional>

#include "async/offload.h"
#include "base/file.h"
#include "blob/system_calls.h"
#include "crypto/hash.h"
#include "oci/digest.h"

namespace bulkhead::blob {

// Dirty pages are sent to the disk each time this many have gathered, so that the final sync has little left
// to do.
constexpr std::uint64_t kWritebackWindow = 8u << 20;

// Appends of fewer bytes than this are hashed in place: handing them over would cost more than it saves.
constexpr std::size_t kHashedAside = 128u << 10;

// What an append must be a multiple of, in memory and in the file, to be written directly: the page size,
// which no file system asks more than.
constexpr std::size_t kDirectAlignment = 4096;
// Fewer bytes than this are worth neither the wait for the disk nor a second descriptor.
constexpr std::size_t kLeastDirect = 256u << 10;

// Not synchronised; movable.
class StagedFile {
 public:
  // `fd` is open for reading and writing and holds `size` bytes that have not been hashed. `hashing` has the
  // threads that hash beside the writing; while all are busy, hashing comes after it.
  StagedFile(std::shared_ptr<SystemCalls> calls, std::shared_ptr<async::OffloadPool> hashing,
             std::filesystem::path path, FileDescriptor fd, std::uint64_t size, oci::Algorithm algorithm);

  std::uint64_t size() const { return size_; }
  oci::Algorithm algorithm() const { return algorithm_; }
  // Starts the hash again under another algorithm.
  void hash_with(oci::Algorithm algorithm);

  // A failure leaves the file as it was, or broken.
  Result<void> append(Bytes bytes);
  Result<void> truncate(std::uint64_t size);
  Result<void> sync();

  // The digest of the whole file.
  Result<oci::Digest> digest(oci::Algorithm algorithm);

  // Set once bytes may have been lost on their way to the disk. The kernel reports that only once and then
  // takes the pages for clean, so a later sync proves nothing: every call from then on returns this error.
  const std::optional<Error>& broken() const { return broken_; }

  // False when the file was removed or changed its size behind the store's back.
  bool intact() const;

 private:
  void restart_hash();
  Result<void> write_and_hash(Bytes bytes);
  Result<void> write(Bytes bytes);
  // How many of the bytes it wrote, from the first.
  Result<std::size_t> write_directly(Bytes bytes);
  Result<void> start_writeback();
  Result<void> hash_file(crypto::Hasher& hasher, std::uint64_t from) const;
  Error fail(Error error);

  std::shared_ptr<SystemCalls> calls_;
  std::shared_ptr<async::OffloadPool> hashing_;
  std::filesystem::path path_;
  FileDescriptor fd_;
  // The same file, for direct writing: opened when first wanted, and not asked for again once it was refused.
  FileDescriptor direct_;
  bool may_be_direct_ = true;
  std::uint64_t size_;
  oci::Algorithm algorithm_;
  crypto::Hasher hasher_;
  std::uint64_t hashed_ = 0;
  std::uint64_t written_back_;
  std::optional<Error> broken_;
};

}  // namespace bulkhead::blob
