#include "blob/file_stage.h"

#include <cerrno>

namespace bulkhead::blob {

FileStage::FileStage(StageLease lease, std::shared_ptr<SystemCalls> calls, std::filesystem::path path,
                     StagedFile file)
    : lease_(std::move(lease)), calls_(std::move(calls)), path_(std::move(path)), file_(std::move(file)) {}

FileStage::~FileStage() {
  if (fate_ == Fate::moved) return;
  if (fate_ == Fate::kept && !file_.broken()) {
    lease_.table().park(lease_.id(), std::move(file_));
    return;
  }
  // A broken file that cannot even be removed must not be taken up again: its pages look clean and are not.
  if (calls_->unlink(path_) != 0 && errno != ENOENT && file_.broken()) lease_.abandon();
}

}  // namespace bulkhead::blob
