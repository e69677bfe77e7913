#include "identity/keys/data_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "crypto/sealing.h"
#include "db/testing/database_contract.h"
#include "identity/keys/sealed_columns.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::HasSubstr;
using testing::Installation;
using ::testing::Not;
using testing::some_origin;

constexpr auto kPurpose = crypto::KeyPurpose::key_encryption;

// Fails every write from the n-th on, after the work has been done: the transaction is rolled back, as when
// the process dies before the commit.
class DyingDatabase final : public db::Database {
 public:
  DyingDatabase(db::Database& inner, int writes) : inner_(inner), left_(writes) {}
  Result<void> read(const Work& work) override { return inner_.read(work); }
  Result<void> write(const Work& work) override {
    const bool dies = left_-- <= 0;
    return inner_.write([&](db::Session& session) -> Result<void> {
      if (auto worked = work(session); !worked || !dies) return worked;
      return Error{Errc::unavailable, "killed"};
    });
  }
  Result<void> ping() override { return inner_.ping(); }
  std::string_view engine() const override { return inner_.engine(); }

 private:
  db::Database& inner_;
  std::atomic<int> left_;
};

class DataKeysTest : public ::testing::TestWithParam<Engine> {
 protected:
  std::unique_ptr<DataKeys> open() { return DataKeys::open(db(), keyring(), clock()).value(); }
  db::Database& db() { return *installation_.database; }
  crypto::Keyring& keyring() { return installation_.keyring; }
  testing::ManualClock& clock() { return installation_.clock; }

  static std::string secret_of(std::int64_t account) { return "seed of " + std::to_string(account); }

  // As the owner of the table does it.
  std::vector<std::int64_t> enroll(DataKeys& keys, int count) {
    std::vector<std::int64_t> ids;
    for (int i = 0; i < count; ++i) {
      const auto account = installation_.add_account("user" + std::to_string(accounts_++));
      const auto sealed = keys.seal({"totp", account.id, "sealed"}, Secret<>(secret_of(account.id))).value();
      installation_.write("INSERT INTO totp (account_id, sealed) VALUES (?, ?)", {account.id, sealed});
      ids.push_back(account.id);
    }
    return ids;
  }
  std::string stored(std::int64_t account) {
    return installation_.read("SELECT sealed FROM totp WHERE account_id = ?", {account}).at(0).text(0);
  }
  void expect_open(DataKeys& keys, const std::vector<std::int64_t>& accounts) {
    for (const std::int64_t account : accounts) {
      const auto plain = keys.open({"totp", account, "sealed"}, stored(account));
      ASSERT_THAT(plain, Succeeds());
      EXPECT_EQ(plain->reveal(), secret_of(account));
    }
  }
  void rotate() { ASSERT_THAT(keyring().rotate(kPurpose, clock().now()), Succeeds()); }
  // Until the pass is over; the sum of what it changed and could not read.
  static ResealProgress pass(DataKeys& keys, std::size_t batch = 3) {
    ResealProgress sum;
    for (int steps = 0; !sum.finished; ++steps) {
      const auto step = keys.advance(sum.next, batch, some_origin());
      EXPECT_THAT(step, Succeeds());
      if (!step || steps > 1000) break;
      EXPECT_LE(step->changed + step->unreadable, static_cast<std::int64_t>(batch));
      sum = {step->next, sum.changed + step->changed, sum.unreadable + step->unreadable, step->finished};
    }
    return sum;
  }
  std::set<std::string> wrapped() {
    std::set<std::string> all;
    for (const db::Row& row : installation_.read("SELECT wrapped FROM data_keys")) all.insert(row.text(0));
    return all;
  }
  std::int64_t count(const std::string& sql) { return installation_.read(sql).at(0).integer(0); }
  int events(std::string_view action) {
    int found = 0;
    for (const auto& event : installation_.events()) found += event.action == action ? 1 : 0;
    return found;
  }

  Installation installation_{GetParam()};
  int accounts_ = 0;
};

TEST_P(DataKeysTest, SealsAndOpensAndRemembersAcrossRestarts) {
  auto keys = open();
  const auto accounts = enroll(*keys, 2);
  expect_open(*keys, accounts);
  expect_open(*open(), accounts);
  EXPECT_EQ(count("SELECT COUNT(*) FROM data_keys"), 1);
  EXPECT_EQ(events("data_key_created"), 1);
}

TEST_P(DataKeysTest, TheDatabaseHoldsNeitherTheSecretNorTheKey) {
  auto keys = open();
  const auto account = enroll(*keys, 1).at(0);
  EXPECT_THAT(stored(account), Not(HasSubstr("seed")));
  const auto others = crypto::Keyring::ephemeral();
  const auto thief = DataKeys::open(db(), others, clock());
  ASSERT_THAT(thief, Succeeds());
  EXPECT_THAT((*thief)->open({"totp", account, "sealed"}, stored(account)), FailsWith(Errc::corrupt));
}

TEST_P(DataKeysTest, AValueMovedToAnotherRowDoesNotOpen) {
  auto keys = open();
  const auto accounts = enroll(*keys, 2);
  EXPECT_THAT(keys->open({"totp", accounts[0], "sealed"}, stored(accounts[1])), FailsWith(Errc::corrupt));
  EXPECT_THAT(keys->open({"totp", accounts[0], "sealed"}, "v1:999:AAAA"), FailsWith(Errc::corrupt));
  EXPECT_THAT(keys->open({"totp", accounts[0], "sealed"}, ""), FailsWith(Errc::corrupt));
}

TEST_P(DataKeysTest, SealsInsideATransaction) {
  auto keys = open();
  const auto account = installation_.add_account("alice");
  ASSERT_THAT(db().write([&](db::Session& session) -> Result<void> {
    const auto sealed = keys->seal({"totp", account.id, "sealed"}, Secret<>(secret_of(account.id)));
    if (!sealed) return sealed.error();
    const auto stored_now =
        session.execute("INSERT INTO totp (account_id, sealed) VALUES (?, ?)", {account.id, *sealed});
    if (!stored_now) return stored_now.error();
    const auto opened = keys->open({"totp", account.id, "sealed"}, *sealed);
    return opened ? Result<void>() : opened.error();
  }),
              Succeeds());
  expect_open(*keys, {account.id});
}

TEST_P(DataKeysTest, ARotationBringsEverythingUnderTheNewKey) {
  auto keys = open();
  const auto accounts = enroll(*keys, 10);
  const auto before = wrapped();
  rotate();
  EXPECT_EQ(keys->left()->data_keys, 1);
  expect_open(*keys, accounts);
  const auto done = pass(*keys);
  EXPECT_TRUE(done.finished);
  EXPECT_EQ(done.changed, 11) << "the data key and ten values";
  EXPECT_EQ(done.unreadable, 0);
  EXPECT_EQ(keys->left()->data_keys, 0);
  EXPECT_EQ(keys->left()->values, 0);
  for (const auto& text : wrapped()) EXPECT_FALSE(before.contains(text));
  EXPECT_EQ(count("SELECT COUNT(*) FROM data_keys WHERE keyring_version = 1"), 0);
  expect_open(*keys, accounts);
  ASSERT_TRUE(keyring().retire(kPurpose, 1));
  expect_open(*open(), accounts);
  EXPECT_GE(events("secrets_resealed"), 2);
  // A second pass has nothing to do and says so in no event.
  const auto evidence = events("secrets_resealed");
  EXPECT_EQ(pass(*keys).changed, 0);
  EXPECT_EQ(events("secrets_resealed"), evidence);
}

TEST_P(DataKeysTest, AnOldCopyOfTheDataKeysDoesNotOpenWhatIsSealedAfterARotation) {
  auto keys = open();
  enroll(*keys, 1);
  const auto old = installation_.read("SELECT id, wrapped FROM data_keys");
  const auto stolen =
      crypto::unwrap_data_key(keyring().current(kPurpose), old.at(0).integer(0), old.at(0).text(1));
  ASSERT_TRUE(stolen);
  rotate();
  pass(*keys);
  for (const std::int64_t account : enroll(*keys, 1)) {
    EXPECT_NE(crypto::data_key_of(stored(account)), stolen->id);
    EXPECT_FALSE(crypto::open_value(*stolen, {"totp", account, "sealed"}, stored(account)));
  }
  EXPECT_EQ(keys->left()->values, 0) << "the older value is still under the stolen key";
}

// Killed after each number of committed steps, then started again: from nothing but the database.
TEST_P(DataKeysTest, AKilledRotationResumesFromAnyPoint) {
  const auto accounts = enroll(*open(), 7);
  for (int survived = 0; survived < 7; ++survived) {
    rotate();
    {
      DyingDatabase dying(db(), survived);
      auto keys = DataKeys::open(db(), keyring(), clock());
      auto mortal = DataKeys::open(dying, keyring(), clock());
      ResealCursor at;
      bool finished = false;
      while (mortal && !finished) {
        const auto step = (*mortal)->advance(at, 2, some_origin());
        if (!step) break;
        at = step->next;
        finished = step->finished;
      }
    }
    auto restarted = open();
    expect_open(*restarted, accounts);
    pass(*restarted, 2);
    EXPECT_EQ(restarted->left()->data_keys, 0) << survived;
    EXPECT_EQ(restarted->left()->values, 0) << survived;
    expect_open(*restarted, accounts);
  }
}

TEST_P(DataKeysTest, TwoPassesAtOnceAndNewValuesInBetweenLoseNothing) {
  auto keys = open();
  auto accounts = enroll(*keys, 12);
  rotate();
  auto other = open();
  {
    std::jthread first([&] { pass(*keys, 2); });
    std::jthread second([&] { pass(*other, 3); });
    const auto more = enroll(*keys, 6);
    accounts.insert(accounts.end(), more.begin(), more.end());
  }
  pass(*keys);
  EXPECT_EQ(keys->left()->values, 0);
  expect_open(*keys, accounts);
  expect_open(*other, accounts);
  EXPECT_EQ(count("SELECT COUNT(*) FROM data_keys WHERE retired_at IS NULL"), 1);
}

TEST_P(DataKeysTest, AnotherProcessOpensWhatWasSealedUnderANewDataKey) {
  auto mine = open();
  auto theirs = open();
  rotate();
  pass(*mine);
  const auto accounts = enroll(*mine, 1);
  expect_open(*theirs, accounts);
}

TEST_P(DataKeysTest, AKeyringThatIsBehindMakesNoDataKeys) {
  // Two processes with a copy of the keys each, one of which has not seen the rotation.
  auto mine = open();
  const std::int64_t ahead = 2;
  installation_.write("INSERT INTO data_keys (wrapped, keyring_version, created_at) VALUES ('v1:AAAA', ?, 0)",
                      {ahead});
  auto behind = open();
  EXPECT_EQ(count("SELECT COUNT(*) FROM data_keys"), 2);
  EXPECT_EQ(behind->unreadable(), 1u);
  const auto accounts = enroll(*behind, 1);
  expect_open(*mine, accounts);
}

TEST_P(DataKeysTest, ALostKeyringLosesTheValuesAndNothingElse) {
  const auto accounts = enroll(*open(), 3);
  keyring() = crypto::Keyring::ephemeral();
  auto keys = open();
  EXPECT_EQ(keys->unreadable(), 1u);
  const auto lost = keys->open({"totp", accounts[0], "sealed"}, stored(accounts[0]));
  ASSERT_THAT(lost, FailsWith(Errc::corrupt));
  EXPECT_THAT(lost.error().message, HasSubstr("entered again"));
  const auto fresh = enroll(*keys, 2);
  expect_open(*keys, fresh);
  const auto done = pass(*keys);
  EXPECT_TRUE(done.finished) << "what cannot be read must not stop a rotation";
  EXPECT_EQ(done.unreadable, 3);
}

TEST_P(DataKeysTest, ADataKeyGoesADayAfterNothingNeedsIt) {
  auto keys = open();
  const auto accounts = enroll(*keys, 2);
  rotate();
  ASSERT_THAT(keys->advance({}, 1, some_origin()), Succeeds());
  clock().advance(25h);
  EXPECT_EQ(keys->remove_unneeded(some_origin()).value(), 0) << "values are still sealed under it";
  pass(*keys);
  EXPECT_EQ(keys->remove_unneeded(some_origin()).value(), 1);
  EXPECT_EQ(installation_.last_event().action, "key_retired");
  EXPECT_EQ(installation_.last_event().target, "data-key");
  expect_open(*keys, accounts);
  expect_open(*open(), accounts);

  rotate();
  pass(*keys);
  clock().advance(23h);
  EXPECT_EQ(keys->remove_unneeded(some_origin()).value(), 0) << "a value may be on its way to its row";
}

TEST_P(DataKeysTest, DamagedValuesAreCountedAndLeftAsTheyAre) {
  auto keys = open();
  const auto accounts = enroll(*keys, 3);
  const std::string damaged = "v1:1:AAAA";
  installation_.write("UPDATE totp SET sealed = ? WHERE account_id = ?", {damaged, accounts[1]});
  rotate();
  const auto done = pass(*keys, 1);
  EXPECT_EQ(done.unreadable, 1);
  EXPECT_EQ(stored(accounts[1]), damaged);
  expect_open(*keys, {accounts[0], accounts[2]});
}

// A new table with sealed values has to be added to the walk.
TEST(SealedColumns, AreAllThatTheSchemaHas) {
  Installation installation(Engine::sqlite);
  std::set<std::pair<std::string, std::string>> schema;
  for (const db::Row& row :
       installation.read("SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p "
                         "WHERE m.type = 'table' AND p.name LIKE '%sealed%'"))
    schema.emplace(row.text(0), row.text(1));
  std::set<std::pair<std::string, std::string>> walked;
  for (const SealedColumn& place : kSealedColumns) {
    walked.emplace(place.table, place.column);
    const auto keys =
        installation.read("SELECT name FROM pragma_table_info(?) WHERE pk > 0", {std::string(place.table)});
    ASSERT_EQ(keys.size(), 1u) << place.table;
    EXPECT_EQ(keys[0].text(0), place.key);
  }
  EXPECT_EQ(walked, schema);
}

INSTANTIATE_TEST_SUITE_P(Engines, DataKeysTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
