#include "audit/testing/memory_journal.h"

namespace bulkhead::audit {

void MemoryJournal::append(const Event& event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(event);
}

std::vector<Event> MemoryJournal::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

}  // namespace bulkhead::audit
