// A registry as a target.
#pragma once

#include "transfer/contents.h"
#include "transfer/registry_client.h"

namespace bulkhead::transfer {

class RegistryTarget final : public Target {
 public:
  // `client` must outlive it and its writers.
  explicit RegistryTarget(RegistryClient& client) : client_(client) {}

  Result<std::optional<oci::Digest>> digest_of(const oci::RepositoryName& repository,
                                               const oci::Tag& tag) override;
  Result<std::optional<Document>> manifest(const oci::RepositoryName& repository,
                                           const oci::Digest& digest) override;
  Result<bool> has_blob(const oci::RepositoryName& repository, const oci::Descriptor& blob) override;
  Result<bool> mount(const oci::RepositoryName& repository, const oci::Descriptor& blob,
                     const oci::RepositoryName& from) override;
  // Holds up to 4 MiB of it; what is no larger goes in one request.
  Result<std::unique_ptr<BlobWriter>> write(const oci::RepositoryName& repository,
                                            const oci::Descriptor& blob) override;
  Result<void> put(const oci::RepositoryName& repository, const Document& document,
                   const std::optional<oci::Tag>& tag) override;

 private:
  RegistryClient& client_;
};

}  // namespace bulkhead::transfer
