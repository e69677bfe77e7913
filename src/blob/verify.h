// Bytes that have rotted are never served as a complete answer: a blob is hashed when it is first read and
// again when its last check is older than the interval or its file has changed; the answer's last bytes wait
// for the result.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "blob/store.h"

namespace bulkhead::blob {

// Remembers which blobs were found whole, and which not, in bounded tables. Thread-safe.
class Verifier {
 public:
  Verifier(const Clock& clock, std::chrono::seconds interval, std::size_t remembered = 100'000);
  ~Verifier();

  // True when `reader`'s file was verified within the interval and has not changed since. Cheap.
  bool verified(const oci::Digest& digest, const Reader& reader) const;
  // True when `reader`'s file was found not to be what its digest says within the interval, and has not
  // changed since, or was replaced after that: such a blob is not offered to anybody, so that it is pushed
  // again. Cheap.
  bool rotten(const oci::Digest& digest, const Reader& reader) const;
  // Hashes the whole blob (blocking); Errc::corrupt when it is not what its digest says. Concurrent callers
  // for one digest share the work.
  Result<void> verify(const oci::Digest& digest, const Reader& reader);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::blob
