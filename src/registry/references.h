// The rows that say what manifests refer to. A digest that is of use in a repository, as a manifest's own or
// as one that it refers to, has a number there (repository_digests), and manifest_children holds pairs of
// those: an index of thousands is written with a few statements and few bytes. Internal to registry/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "oci/digest.h"

namespace bulkhead::registry {

// What a manifest that is to be stored refers to, each named once.
struct References {
  std::vector<std::int64_t> numbers;  // of digests that have one
  std::vector<std::string> others;    // the rest
  std::size_t size() const { return numbers.size() + others.size(); }
};
// The numbers stay what they are as long as nothing goes from the repository (read_removals).
Result<References> find_numbers(db::Session& session, std::int64_t repository_id,
                                const std::vector<std::string>& children);

// For the transaction that stores the manifest `parent`: that it refers to these.
Result<void> write_references(db::Session& session, std::int64_t repository_id, const oci::Digest& parent,
                              const References& references);

// What the manifest refers to, in the order of the digests.
Result<std::vector<std::string>> read_references(db::Session& session, std::int64_t repository_id,
                                                 std::string_view parent);

// For the transaction that deletes the manifest, which refers to `children`: that it does not any more.
Result<void> delete_references(db::Session& session, std::int64_t repository_id, std::string_view parent,
                               const std::vector<std::string>& children);

// So many digests as one statement takes, in parentheses and with places; the last is repeated to fill them,
// so that each engine prepares one statement.
inline constexpr std::size_t kDigestsAtOnce = 64;
std::string digest_places();

// Calls `work` with the repository's id and so many of the digests, as often as it takes.
template <class Work>
Result<void> in_batches(std::int64_t repository_id, const std::vector<std::string>& digests, Work work) {
  std::vector<db::Value> parameters;
  for (std::size_t from = 0; from < digests.size(); from += kDigestsAtOnce) {
    parameters.assign(1, repository_id);
    for (std::size_t i = from; i < from + kDigestsAtOnce; ++i)
      parameters.emplace_back(digests[i < digests.size() ? i : digests.size() - 1]);
    if (auto done = work(parameters); !done) return done;
  }
  return {};
}

}  // namespace bulkhead::registry
