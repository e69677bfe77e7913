// What a manifest refers to must be there. Internal to registry/.
#pragma once

#include <string>
#include <vector>

#include "access/facts.h"
#include "db/database.h"
#include "oci/manifest.h"

namespace bulkhead::registry {

// Whether the repository holds every blob and manifest that `manifest` needs, with the sizes that it states:
// Errc::manifest_blob_unknown or Errc::size_invalid, naming the digest, when it does not. What other
// repositories hold makes no difference. A subject need not be there (distribution-spec 1.1, "Pushing
// manifests with subject").
//
// An index's child of another media type than the four of manifests may be a blob: build caches list their
// layers in an index.
//
// The number of statements is linear in the number of distinct digests. In the transaction that stores the
// manifest, so that nothing can be deleted in between.
//
// With `sparse`, children may be missing; those that are there must still have the sizes that are stated.
Result<void> check_children(db::Session& session, const access::Repository& repository,
                            const oci::Manifest& manifest, bool sparse);

// The digests of all that it refers to, each once, in a fixed order.
std::vector<std::string> children_of(const oci::Manifest& manifest);

}  // namespace bulkhead::registry
