#include "db/condition.h"

#include <utility>
#include <vector>

namespace bulkhead::db {
namespace {

// A thread's own, because the way from who permits to who writes leads through every module above this one.
thread_local const Condition* innermost = nullptr;

}  // namespace

Condition::Condition(Database::Work check)
    : check_(std::move(check)), outer_(std::exchange(innermost, this)) {}

Condition::~Condition() { innermost = outer_; }

Unconditionally::Unconditionally() : lifted_(std::exchange(innermost, nullptr)) {}

Unconditionally::~Unconditionally() { innermost = lifted_; }

Database::Work Condition::before(const Database::Work& work) {
  if (innermost == nullptr) return work;
  return [conditions = innermost, &work](Session& session) -> Result<void> {
    for (const Condition* each = conditions; each != nullptr; each = each->outer_)
      if (auto holds = each->check_(session); !holds) return holds;
    return work(session);
  };
}

}  // namespace bulkhead::db
