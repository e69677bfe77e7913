// What a request writes to its upload session with. Internal to registry/.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "registry/blobs.h"
#include "registry/upload_table.h"
#include "registry/uploads.h"

namespace bulkhead::registry {

class UploadWriter final : public Uploads::Writer {
 public:
  // What all writers work with; outlives them.
  struct Shared {
    blob::BlobStore& store;
    Blobs& blobs;
    UploadRoom& room;
    UploadTable& table;
    const UploadLimits& limits;
    const MakeRepository& make;
  };

  // `turn` holds the session, with its stage open. `again` is the size of the blob that is sent anew.
  UploadWriter(const Shared& shared, const UploadTable::Session& session, std::shared_ptr<UploadTurn> turn,
               const access::Repository& repository, const UploadRoom::View& view,
               std::optional<std::uint64_t> again);
  ~UploadWriter() override;

  const std::string& id() const override { return name_.id; }
  std::uint64_t size() const override { return size_; }
  Result<void> expect(std::uint64_t bytes) override;
  Result<void> append(Bytes bytes) override;
  Result<void> truncate(std::uint64_t size) override;
  Result<void> finish(const oci::Digest& digest, const Context& context) override;

 private:
  // All under the turn's mutex.
  Result<void> check_held() const;
  bool take(std::uint64_t bytes);
  void give(std::uint64_t bytes);
  void note();
  // Ends the session and gives its bytes back to the disk.
  Result<void> drop();
  Result<void> no_room();

  const Shared shared_;
  const UploadName name_;
  const std::shared_ptr<UploadTurn> turn_;
  const access::Repository repository_;
  const UploadRoom::View view_;
  const std::optional<std::uint64_t> again_;
  std::uint64_t size_;
  std::uint64_t counted_;            // of size_, in the namespace's room
  std::uint64_t counted_again_ = 0;  // of size_, beside it
  bool over_ = false;
};

}  // namespace bulkhead::registry
