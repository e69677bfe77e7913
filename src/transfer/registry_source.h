// A registry as a source, and what repositories it has.
#pragma once

#include <mutex>
#include <set>

#include "transfer/contents.h"
#include "transfer/registry_client.h"

namespace bulkhead::transfer {

class RegistrySource final : public Source {
 public:
  // `client` must outlive it.
  explicit RegistrySource(RegistryClient& client) : client_(client) {}

  // All that it lists (/v2/_catalog), as it writes them. Errc::too_large for more than kMostTags.
  Result<std::vector<std::string>> repositories();

  Result<std::vector<std::string>> tags(const oci::RepositoryName& repository) override;
  Result<std::vector<oci::Digest>> untagged(const oci::RepositoryName& repository) override;
  Result<std::optional<oci::Digest>> digest_of(const oci::RepositoryName& repository,
                                               const oci::Tag& tag) override;
  Result<Document> manifest(const oci::RepositoryName& repository, const oci::Reference& reference) override;
  Result<void> blob(const oci::RepositoryName& repository, const oci::Descriptor& blob,
                    const Take& take) override;
  Result<std::optional<std::vector<oci::Descriptor>>> referrers(const oci::RepositoryName& repository,
                                                                const oci::Digest& subject) override;

 private:
  Result<std::vector<std::string>> list(const std::string& path, const std::string& scope, const char* key,
                                        const std::string& what);

  RegistryClient& client_;
  std::mutex mutex_;
  std::set<oci::RepositoryName> without_referrers_;
};

// The Accept line of every kind of manifest.
extern const char* const kAcceptManifests;

// What a registry's answer to a manifest holds, compared with `expected` or the digest that the answer names.
Result<Document> document_of(Answer answer, const std::optional<oci::Digest>& expected,
                             std::string_view what);

}  // namespace bulkhead::transfer
