// Copies repositories from a source into a target, bytes and digests unchanged: every tag, all that an index
// names, all that refers to it, and nothing that is not what its digest says.
//
// What a target has is not copied again, so the same call after a break goes on from there: a tag whose
// digest is the same at both ends costs a question or two at each. Blobs that one of the target's
// repositories was found to have, or was given, are mounted into the others. An image's parts go before it,
// and its tag last; what refers to it follows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "transfer/connection.h"
#include "transfer/contents.h"

namespace bulkhead::transfer {

struct Item {
  oci::RepositoryName from;
  oci::RepositoryName to;
  // Empty for all tags. With those named, what belongs to them by its tag ("sha256-HEX", "sha256-HEX.sig")
  // comes along.
  std::vector<oci::Reference> references = {};
};

struct Failure {
  std::string what;  // "acme/app:v1"
  Error why;
};

// What has become of an item.
struct Outcome {
  Item item;
  std::uint64_t copied = 0;     // tags
  std::uint64_t there = 0;      // tags that were there already
  std::uint64_t manifests = 0;  // copied, those of tags included
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;    // of blobs and manifests that were sent
  std::uint64_t mounted = 0;  // blobs
  std::vector<Failure> failures = {};
};

// Told of what goes on, from any thread, one call at a time.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void bytes(std::uint64_t count) = 0;
  virtual void begins(const Item& item, const std::string& what) = 0;
  virtual void ended(const Outcome& outcome) = 0;
};

struct CopyOptions {
  std::size_t jobs = 8;
  bool dry_run = false;  // tells what would be copied; blobs are not looked at
};

// One Outcome for each item, in their order. Blocks until all are done, or soon after `stop`. All must
// outlive the call.
std::vector<Outcome> copy(Source& source, Target& target, std::vector<Item> items, const CopyOptions& options,
                          Observer& observer, const Stop& stop);

}  // namespace bulkhead::transfer
