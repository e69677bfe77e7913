// What tests of accounts and permissions stand on: a database of its own, keys that are never written, a
// clock that is set by hand, and accounts that cost no password hash.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "crypto/keyring.h"
#include "crypto/password.h"
#include "db/testing/empty_database.h"
#include "identity/people/accounts.h"

namespace bulkhead::identity::testing {

class ManualClock final : public Clock {
 public:
  Time now() const override { return from_micros(micros_); }
  void advance(std::chrono::microseconds by) { micros_ += by.count(); }

 private:
  std::atomic<std::int64_t> micros_ = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
};

audit::Origin some_origin();

// The columns of an event that tests look at.
struct Recorded {
  std::string action;
  std::string account;
  std::string credential;
  std::string repository;
  std::string target;
  std::string detail;

  friend bool operator==(const Recorded&, const Recorded&) = default;
};
std::ostream& operator<<(std::ostream& out, const Recorded& event);

class Installation {
 public:
  explicit Installation(db::testing::Engine engine = db::testing::Engine::sqlite);

  // Active, with a stored password that nothing matches.
  Account add_account(std::string_view name, bool administrator = false);

  // One statement; fails by an exception.
  std::vector<db::Row> read(std::string_view sql, std::vector<db::Value> parameters = {});
  void write(std::string_view sql, std::vector<db::Value> parameters = {});

  std::vector<Recorded> events();
  Recorded last_event();

 private:
  db::testing::EmptyDatabase storage_;

 public:
  std::unique_ptr<db::Database> database;
  crypto::Keyring keyring;
  crypto::PasswordHasher hasher;
  ManualClock clock;
  Accounts accounts;
};

}  // namespace bulkhead::identity::testing
