// Upload sessions (OCI distribution-spec 1.1, "Pushing blobs"). A session answers only to its repository and
// its principal; to anybody else it does not exist.
//
// A session is its stage and nothing more: the stage's name says whose it is (docs/formats/blobs.md), so that
// a session survives a restart and a crash without a database, and the durable offset is what the file system
// kept. A caller names a session by its random part; the name is completed from the caller's own repository
// and account, so that another's session cannot even be addressed.
//
// One writer at a time: acquire() hands out a Writer, and a second acquire() while it lives is
// Errc::upload_busy, unless it has been silent for long: then the newer takes the session over, and whatever
// the older still has to write is refused. All calls block. Thread-safe; a Writer is used by one thread at a
// time.
//
// What is staged counts towards the namespace's quota, and is refused as soon as it is known not to fit. A
// blob's room is set aside in the database before its bytes are stored, so that none are stored that do not
// fit. Sessions that nobody writes to give way where there are too many: the longest idle, an empty one
// first, of whoever asks; in all, of whoever has most. Robots share with their owner, and of those who share,
// the account that has most gives way.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "blob/store.h"
#include "registry/blobs.h"
#include "registry/context.h"
#include "registry/unborn.h"

namespace bulkhead::registry {

struct UploadLimits {
  std::size_t sessions = 10'000;            // Errc::rate_limited only while none can give way
  std::size_t sessions_per_account = 400;   // with its owner's other robots; the same
  std::chrono::seconds idle{24 * 3600};     // then swept
  std::chrono::milliseconds silence{5000};  // of a writer, after which another may take its place
  std::uint64_t blob_bytes = 0;             // largest blob, 0 for no limit: Errc::too_large
};

struct UploadStatus {
  std::string id;
  std::uint64_t size = 0;
};

// A session, to those who look after its repository.
struct UploadInfo {
  std::string id;
  std::string account;  // whose it is, "" when that account is gone
  std::uint64_t size = 0;
  Time last_used{};
};

class Uploads {
 public:
  // The exclusive right to write to one session; letting it go ends the request, not the session.
  class Writer {
   public:
    virtual ~Writer() = default;
    virtual const std::string& id() const = 0;
    virtual std::uint64_t size() const = 0;
    // Whether so many bytes more may come, for a body that says how long it is: Errc::quota_exceeded (the
    // session and its bytes are then gone), Errc::too_large.
    virtual Result<void> expect(std::uint64_t bytes) = 0;
    // Errc::quota_exceeded (as above), Errc::too_large, Errc::no_space; Errc::upload_busy once another
    // request has taken the session over.
    virtual Result<void> append(Bytes bytes) = 0;
    // Undoes appends past `size`, for a chunk that broke its promise.
    virtual Result<void> truncate(std::uint64_t size) = 0;
    // Verifies, commits and links; the session is over, also when the content does not match
    // (Errc::digest_invalid), does not fit the quota (Errc::quota_exceeded), or the caller may push no more
    // (Errc::denied). After another error of the
    // store the session goes on.
    virtual Result<void> finish(const oci::Digest& digest, const Context& context) = 0;
  };

  // All must outlive this. Finds the sessions of an earlier process. A session may begin for a repository
  // that is not there yet (unborn.h), and goes on when it has come; finishing it makes it, by `make`.
  static Result<std::unique_ptr<Uploads>> open(blob::BlobStore& store, Blobs& blobs, db::Database& database,
                                               const Clock& clock, UploadLimits limits,
                                               MakeRepository make = nullptr);
  virtual ~Uploads() = default;

  virtual Result<UploadStatus> start(const access::Repository& repository, oci::Algorithm algorithm,
                                     const Context& context) = 0;
  // `digest` is what the content is said to be: where the repository has that blob, it may be sent again
  // whatever the quota says.
  virtual Result<std::unique_ptr<Writer>> acquire(const access::Repository& repository, std::string_view id,
                                                  const Context& context,
                                                  const oci::Digest* digest = nullptr) = 0;
  virtual Result<UploadStatus> status(const access::Repository& repository, std::string_view id,
                                      const Context& context) = 0;
  virtual Result<void> cancel(const access::Repository& repository, std::string_view id,
                              const Context& context) = 0;
  // Everybody's sessions in the repository, by id after `after`, at most `limit`.
  virtual Result<std::vector<UploadInfo>> list(const access::Repository& repository, std::string_view after,
                                               std::size_t limit) = 0;
  // One of them: Errc::upload_unknown.
  virtual Result<UploadInfo> find(const access::Repository& repository, std::string_view id) = 0;
  // Ends it, whosever it is, and writes the event: Errc::upload_unknown; Errc::upload_busy while a request is
  // at work on it.
  virtual Result<void> end(const access::Repository& repository, std::string_view id,
                           const audit::Origin& origin) = 0;
  // Drops sessions idle for too long, and what an earlier process left behind that is no session and as old;
  // returns how many sessions.
  virtual Result<std::size_t> sweep() = 0;
  virtual std::size_t count() const = 0;
};

}  // namespace bulkhead::registry
