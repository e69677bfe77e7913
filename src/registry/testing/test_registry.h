// A registry's content services on a database and a file system store of their own, for tests of registry/
// and of what stands on it.
#pragma once

#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "base/testing/temporary_directory.h"
#include "blob/store.h"
#include "identity/login/policies.h"
#include "identity/people/testing/installation.h"
#include "registry/blobs.h"
#include "registry/manifests.h"
#include "registry/uploads.h"

namespace bulkhead::registry::testing {

// The columns of an event that tell of content.
struct ContentEvent {
  std::string action;
  std::string repository;
  std::string target;
  std::string old_digest = {};
  std::string new_digest = {};

  friend bool operator==(const ContentEvent&, const ContentEvent&) = default;
};
std::ostream& operator<<(std::ostream& out, const ContentEvent& event);

// What a small file counts for in a quota, and a reference of a manifest (registry/counted.h).
inline constexpr std::int64_t kFile = 4096;
inline constexpr std::int64_t kReference = 256;

struct RegistryOptions {
  db::testing::Engine engine = db::testing::Engine::sqlite;
  UploadLimits uploads = {};
  Manifests::Options manifests = {};
};

class TestRegistry {
 public:
  explicit TestRegistry(RegistryOptions options = {});

  // What a request of the account brings with it; creates an account that does not exist yet: "root" is an
  // administrator.
  Context as(std::string_view account);
  // The repository, created when it does not exist, as is its namespace's account.
  access::Repository repository(std::string_view name);
  void set_immutable_tags(const access::Repository& repository, std::string_view pattern);
  void set_protected_tags(const access::Repository& repository, std::string_view pattern);
  // Gives the account, created when it does not exist yet, a role; `target` as an operator writes it.
  void grant(std::string_view account, access::Role role, std::string_view target);
  void set_quota(std::string_view namespace_name, std::uint64_t bytes);

  // Takes a blob through an upload session of the account that owns the repository's namespace.
  Result<oci::Descriptor> upload(const access::Repository& repository, std::string_view content);
  // The same, which must succeed.
  oci::Descriptor push_blob(const access::Repository& repository, std::string_view content);
  // Pushes a manifest, which must succeed; `reference` is a tag, or "" for a push by its sha256 digest.
  oci::Digest push_manifest(const access::Repository& repository, std::string_view document,
                            std::string_view reference = "");
  Result<PutResult> try_push(const access::Repository& repository, std::string_view document,
                             std::string_view reference, const std::vector<std::string>& further_tags = {});
  // A new image with a config and one layer of its own, pushed; returns the manifest's text.
  std::string push_image(const access::Repository& repository, std::string_view reference = "");

  // Of blobs, manifests and tags, oldest first.
  std::vector<ContentEvent> content_events();
  std::int64_t used_bytes(std::string_view namespace_name);
  // How many blobs and manifests the store holds, whether they are anybody's or not.
  std::size_t stored_objects();
  std::size_t staged();

  // What a restart does: everything that is kept in memory is made anew.
  void restart();

  identity::testing::Installation installation;
  std::unique_ptr<identity::Policies> policies;
  TemporaryDirectory directory;
  std::unique_ptr<blob::BlobStore> store;
  std::unique_ptr<access::Facts> facts;
  std::unique_ptr<Blobs> blobs;
  std::unique_ptr<Manifests> manifests;
  std::unique_ptr<Uploads> uploads;

 private:
  Context owner_of(const access::Repository& repository);

  RegistryOptions options_;
  std::map<std::string, access::Principal, std::less<>> principals_;
  int images_ = 0;
};

// Throws when the text is none.
oci::Reference reference(std::string_view text);
oci::Digest sha256(std::string_view content);
oci::Digest sha512(std::string_view content);

}  // namespace bulkhead::registry::testing
