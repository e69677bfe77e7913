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

// Writes down the children of those manifests of the repository that an earlier version has stored, by
// reading them; before check_reach(). Nothing to do, most of the time, and where the repository has no rules
// and its namespace no quota. One whose bytes are damaged has none. Blocking.
Result<void> read_children(db::Database& database, blob::BlobStore& store,
                           const access::Repository& repository, const oci::ManifestLimits& limits);

// Whether the caller may take away a manifest or blob, as far as the tags say that reach it from above:
// Errc::immutable, Errc::denied, naming the tag. Linear in what is above.
Result<void> check_reach(db::Session& session, const access::Repository& repository, const TagRules& rules,
                         const oci::Digest& digest, const Context& context);

}  // namespace bulkhead::registry
