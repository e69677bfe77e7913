// A database that lets something happen at the worst moment.
#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include "db/database.h"

namespace bulkhead::registry::testing {

// Passes everything on to `inner`, which outlives it. Not synchronised.
class HookedDatabase final : public db::Database {
 public:
  explicit HookedDatabase(db::Database& inner) : inner_(inner) {}

  // Called once, when the next read has seen what it sees and before its caller learns of it.
  void after_next_read(std::function<void()> hook) { after_read_ = std::move(hook); }
  // Makes the next write succeed and say that its outcome is unknown.
  void lose_next_answer() { lose_answer_ = true; }

  Result<void> read(const Work& work) override {
    auto done = inner_.read(work);
    if (const auto hook = std::exchange(after_read_, nullptr)) hook();
    return done;
  }
  Result<void> write(const Work& work) override {
    auto done = inner_.write(work);
    if (std::exchange(lose_answer_, false) && done)
      return Error{Errc::unavailable, "whether it was made is unknown"};
    return done;
  }
  Result<void> ping() override { return inner_.ping(); }
  std::string_view engine() const override { return inner_.engine(); }

 private:
  db::Database& inner_;
  std::function<void()> after_read_;
  bool lose_answer_ = false;
};

}  // namespace bulkhead::registry::testing
