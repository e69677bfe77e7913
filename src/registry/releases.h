// Blobs that no manifest refers to any more. Deleting a manifest releases them: they count towards no quota
// at once, as whoever deletes an image expects. They stay readable for a while, so that a push that found
// them there, or the same manifest pushed again, does not lose them; then they are unlinked. What a push
// refers to again counts again. A blob that no manifest has ever referred to is not released: its push is
// under way.
//
// What a manifest refers to is in manifest_children (reach.h). In a repository some of whose manifests have
// not been read yet nothing is released. Internal to registry/.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "access/facts.h"
#include "db/database.h"
#include "oci/manifest.h"
#include "registry/keys.h"

namespace bulkhead::registry {

inline constexpr std::chrono::hours kReleasedLife{1};

// Of `children`, those that no manifest refers to from now on, after the manifest's own rows are gone.
Result<void> release(db::Session& session, const access::Repository& repository,
                     const std::vector<std::string>& children, Time now);

// How many bytes count again when the manifest is stored, 0 when nothing that it refers to was released; and
// that they do.
Result<std::uint64_t> released_size(db::Session& session, const access::Repository& repository,
                                    const oci::Manifest& manifest);
Result<void> take_back(db::Session& session, const access::Repository& repository,
                       const oci::Manifest& manifest, std::uint64_t released);

// Unlinks released blobs, the oldest first, with their events; at most a thousand at a time. What memory has
// of them is to be forgotten afterwards.
Result<std::vector<BlobKey>> unlink_released(db::Session& session, Time before, Time now);
// The same where a namespace's quota would else be used twice over once `more` bytes are added: what is
// released is readable, and on the disk.
Result<std::vector<BlobKey>> unlink_for(db::Session& session, const access::Repository& repository,
                                        std::uint64_t more, Time now);

}  // namespace bulkhead::registry
