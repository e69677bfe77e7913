// What the tests of upload sessions stand on.
#pragma once

#include <memory>
#include <string>

#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {

class UploadSessions : public ::testing::Test {
 protected:
  using Writer = std::unique_ptr<Uploads::Writer>;

  explicit UploadSessions(UploadLimits limits = {}) : registry_({.uploads = limits}) {}

  std::string start(const access::Repository& repository, const Context& context,
                    oci::Algorithm algorithm = oci::Algorithm::sha256) {
    auto started = registry_.uploads->start(repository, algorithm, context);
    return started ? started->id : throw std::runtime_error(started.error().message);
  }
  std::string start() { return start(app_, alice_); }
  // One request that appends.
  Result<void> append(const std::string& id, std::string_view content) {
    auto writer = registry_.uploads->acquire(app_, id, alice_);
    if (!writer) return writer.error();
    return (*writer)->append(as_bytes(content));
  }
  // One request that finishes.
  Result<void> finish(const std::string& id, const oci::Digest& digest) {
    auto writer = registry_.uploads->acquire(app_, id, alice_);
    if (!writer) return writer.error();
    return (*writer)->finish(digest, alice_);
  }
  Result<std::uint64_t> size(const std::string& id) {
    auto status = registry_.uploads->status(app_, id, alice_);
    if (!status) return status.error();
    return status->size;
  }
  bool holds(std::string_view content) { return registry_.blobs->find(app_, sha256(content)).has_value(); }

  TestRegistry registry_;
  access::Repository app_ = registry_.repository("alice/app");
  Context alice_ = registry_.as("alice");
};

}  // namespace bulkhead::registry::testing
