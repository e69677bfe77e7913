// What has to hold for anything to be written: a change is permitted before it is made, and between the two
// the permission may go. Whoever permits it says here what it rested on, and each write() that the same
// thread begins while the condition lives asks for it first, inside its own transaction, where nothing can
// come in between (CWE-367).
//
// One thread; a condition within a condition adds to it. write() takes it along to whatever thread it runs
// its callback on; other threads' writes know nothing of it.
#pragma once

#include "db/database.h"

namespace bulkhead::db {

class Condition {
 public:
  // An error of `check` fails the write() with it. Called again where the transaction is.
  explicit Condition(Database::Work check);
  ~Condition();
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  // `work` after the conditions of this thread.
  static Database::Work before(const Database::Work& work);

 private:
  const Database::Work check_;
  const Condition* const outer_;
};

// While it lives the thread writes without conditions: what the server does by itself, after an act or on
// another server's word, rests on nobody's permission, and may follow what has just taken it away.
class Unconditionally {
 public:
  Unconditionally();
  ~Unconditionally();
  Unconditionally(const Unconditionally&) = delete;
  Unconditionally& operator=(const Unconditionally&) = delete;

 private:
  const Condition* const lifted_;
};

}  // namespace bulkhead::db
