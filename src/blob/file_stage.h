// A Stage over a file in the staging directory.
#pragma once

#include <memory>
#include <string>

#include "blob/stage_table.h"
#include "blob/staged_file.h"
#include "blob/store.h"

namespace bulkhead::blob {

class FileStage final : public Stage {
 public:
  FileStage(StageLease lease, std::shared_ptr<SystemCalls> calls, std::filesystem::path path,
            StagedFile file);
  // Parks the file for the next request, or removes it, as its fate is.
  ~FileStage() override;

  const std::string& id() const override { return lease_.id(); }
  std::uint64_t size() const override { return file_.size(); }
  Result<void> append(Bytes bytes) override { return file_.append(bytes); }
  Result<void> truncate(std::uint64_t size) override { return file_.truncate(size); }

  const std::filesystem::path& path() const { return path_; }
  StagedFile& file() { return file_; }
  bool belongs_to(const StageTable& table) const { return &lease_.table() == &table; }

  // What becomes of the file with this object: it stays, it goes, or it has moved to another name.
  enum class Fate { kept, removed, moved };
  void set_fate(Fate fate) { fate_ = fate; }

 private:
  StageLease lease_;
  std::shared_ptr<SystemCalls> calls_;
  std::filesystem::path path_;
  StagedFile file_;
  Fate fate_ = Fate::kept;
};

}  // namespace bulkhead::blob
