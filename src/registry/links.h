// The database rows that make stored bytes exist for a repository's readers, and the namespace's account of
// them. Internal to registry/.
#pragma once

#include <cstdint>

#include "access/facts.h"
#include "base/clock.h"
#include "db/database.h"
#include "oci/digest.h"

namespace bulkhead::registry {

// The blob store holds these bytes. Idempotent.
Result<void> note_stored(db::Session& session, const oci::Digest& digest, std::uint64_t size, Time now);

// Links the blob into the repository and counts it (counted.h) in the namespace's use: true when it was not
// linked before. Errc::quota_exceeded, and Errc::name_unknown when the repository has been deleted meanwhile.
// With `reserved` its room was set aside before, and given back in this transaction.
Result<bool> link_blob(db::Session& session, const access::Repository& repository, const oci::Digest& digest,
                       std::uint64_t size, Time now, bool reserved = false);

// A reservation of room in the quota for a blob of that size: its id, or 0 when the namespace has no quota.
// Errc::quota_exceeded.
Result<std::int64_t> reserve_room(db::Session& session, const access::Repository& repository,
                                  std::uint64_t size, Time now);
// Gives back the reservation's room: false when there is none of that id, because it has run out.
Result<bool> end_reservation(db::Session& session, std::int64_t reservation);
// The same for those that have run out, some at a time.
Result<void> end_old_reservations(db::Session& session, Time now);

// Whether the namespace that the repository is in has one.
Result<bool> has_quota(db::Session& session, const access::Repository& repository);

// Adds so many bytes to the use of the repository, and of the namespace that it is in now.
Result<void> count_use(db::Session& session, const access::Repository& repository, std::int64_t more);

// How often something went from the repository or changed how it counts, and that it has done so once more:
// who finds the same number twice, once in a snapshot, need not look at what is there again.
Result<std::int64_t> read_removals(db::Session& session, std::int64_t repository_id);
Result<void> note_removal(db::Session& session, std::int64_t repository_id);
// That more may be held fast from now on (reach.h).
Result<void> note_hold(db::Session& session, std::int64_t repository_id);

// Takes it out again: false when it was not linked.
Result<bool> unlink_blob(db::Session& session, const access::Repository& repository,
                         const oci::Digest& digest);

// The linked blob's size, or nothing.
Result<std::optional<std::uint64_t>> linked_size(db::Session& session, std::int64_t repository_id,
                                                 const oci::Digest& digest);

// The same of one that counts towards the quota, and was not released (releases.h).
Result<std::optional<std::uint64_t>> counted_size(db::Session& session, std::int64_t repository_id,
                                                  const oci::Digest& digest);

// Errc::quota_exceeded when `more` bytes would not fit the namespace's quota.
Result<void> check_quota(db::Session& session, const access::Repository& repository, std::uint64_t more);

// Whether the repository of this id still exists: Errc::name_unknown when it does not.
Result<void> check_exists(db::Session& session, const access::Repository& repository);

}  // namespace bulkhead::registry
