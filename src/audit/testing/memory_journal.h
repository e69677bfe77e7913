// A journal that keeps its events in memory, for the tests of what journals.
#pragma once

#include <mutex>
#include <vector>

#include "audit/journal.h"

namespace bulkhead::audit {

// Thread-safe.
class MemoryJournal final : public Journal {
 public:
  void append(const Event& event) override;
  std::uint64_t failed_appends() const override { return 0; }

  std::vector<Event> events() const;  // a copy, in the order of appending

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace bulkhead::audit
