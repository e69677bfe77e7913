// What follows from what manifests refer to (references.h): a tag that is held fast holds all that it
// reaches, the manifests below its own, their configs and layers, and not what it has as its subject.
// Internal to registry/.
#pragma once

#include <string_view>

#include "access/facts.h"
#include "blob/store.h"
#include "db/database.h"
#include "oci/manifest.h"
#include "registry/context.h"
#include "registry/manifests_state.h"

namespace bulkhead::registry {

// What is to be taken away, and by whom.
struct Taken {
  const access::Repository& repository;
  const oci::Digest& digest;
  const Context& context;
  std::string_view table;  // that has a row for it in the repository
  Error absent;            // when it has none
};

// Takes away a manifest or blob with `work`, in a transaction that writes, if no tag that reaches it from
// above is held fast for the caller: else Errc::immutable, Errc::denied, naming the tag. That is looked at in
// a snapshot, which takes time linear in what is above; the transaction only confirms that no more can be
// held since, so that nobody waits for it. Errc::unavailable when tags that are held fast are being set
// faster than it can be looked at.
//
// The children of those manifests of the repository that an earlier version has stored are written down
// before, by reading them: nothing to do, most of the time, and where the repository has no rules and its
// namespace no quota. One whose bytes are damaged has none. Blocking.
Result<void> remove_unheld(db::Database& database, blob::BlobStore& store, const Taken& taken,
                           const oci::ManifestLimits& limits, const db::Database::Work& work);

// The first part of that. Blocking.
Result<void> read_children(db::Database& database, blob::BlobStore& store,
                           const access::Repository& repository, const oci::ManifestLimits& limits);

}  // namespace bulkhead::registry
