// What only PostgreSQL has: retries, connections that die, a password in its URL.
#include <thread>

#include "db/engine.h"
#include "db/patience.h"
#include "db/placeholders.h"
#include "db/postgres_error.h"
#include "db/postgres_target.h"
#include "db/testing/database_contract.h"
#include "db/testing/postgres_server.h"

namespace bulkhead::db::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Result<void> run(Session& session, std::string_view sql, std::initializer_list<Value> parameters = {}) {
  Result<std::int64_t> changed = session.execute(sql, parameters);
  if (!changed) return changed.error();
  return {};
}

// Raises an error with the SQLSTATE.
std::string raise(const std::string& sqlstate) {
  return "DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '" + sqlstate + "'; END $$";
}

class Postgres : public ::testing::Test {
 protected:
  Result<void> write(std::string_view sql) {
    return database_->write([&](Session& session) { return run(session, sql); });
  }
  std::int64_t integer(std::string_view sql) {
    std::int64_t value = 0;
    EXPECT_THAT(database_->read([&](Session& session) -> Result<void> {
      Result<std::vector<Row>> rows = session.query(sql);
      if (!rows) return rows.error();
      value = rows->at(0).integer(0);
      return {};
    }),
                Succeeds());
    return value;
  }

  EmptyDatabase storage_{Engine::postgres};
  std::unique_ptr<Database> database_ = open_or_throw(storage_, Options{.timeout_ms = 5000});
};

TEST_F(Postgres, ASerializationFailureIsRetriedUntilItSucceeds) {
  for (const char* sqlstate : {"40001", "40P01"}) {
    int runs = 0;
    EXPECT_THAT(database_->write([&](Session& session) -> Result<void> {
      if (++runs < 4) return run(session, raise(sqlstate));
      return {};
    }),
                Succeeds());
    EXPECT_EQ(runs, 4);
  }
}

TEST_F(Postgres, AWorkThatHidesASerializationFailureIsRetriedAllTheSame) {
  int runs = 0;
  EXPECT_THAT(database_->write([&](Session& session) -> Result<void> {
    if (++runs == 1) static_cast<void>(run(session, raise("40001")));
    return runs == 1 ? Result<void>(Error{Errc::not_found, "as the failed transaction showed it"})
                     : Result<void>();
  }),
              Succeeds());
}

TEST_F(Postgres, RetriesEnd) {
  int runs = 0;
  EXPECT_THAT(database_->write([&](Session& session) {
    ++runs;
    return run(session, raise("40001"));
  }),
              FailsWith(Errc::unavailable));
  EXPECT_EQ(runs, 50);
}

TEST_F(Postgres, AFullDiskIsNoSpace) { EXPECT_THAT(write(raise("53100")), FailsWith(Errc::no_space)); }

TEST_F(Postgres, IdleConnectionsThatDiedAreReplaced) {
  ASSERT_THAT(write("SELECT 1"), Succeeds());
  ASSERT_EQ(integer("SELECT 1"), 1);
  PostgresServer::shared().administer(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test_%'");
  EXPECT_THAT(write("SELECT 1"), Succeeds());
  EXPECT_EQ(integer("SELECT 1"), 1);
}

TEST_F(Postgres, AConnectionThatDiesBeforeTheCommitMeansRunningTheWorkAgain) {
  int runs = 0;
  EXPECT_THAT(database_->write([&](Session& session) -> Result<void> {
    Result<void> inserted =
        run(session, "INSERT INTO blobs (digest, size, created_at) VALUES ('sha256:a', 1, 1)");
    if (!inserted) return inserted;
    if (++runs == 1) return run(session, "SELECT pg_terminate_backend(pg_backend_pid())");
    return {};
  }),
              Succeeds());
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(integer("SELECT count(*) FROM blobs"), 1);
}

TEST_F(Postgres, AConnectionThatDiesDuringTheCommitIsReportedAsUnknown) {
  ASSERT_THAT(write("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"),
              Succeeds());
  ASSERT_THAT(write("CREATE CONSTRAINT TRIGGER die AFTER INSERT ON blobs DEFERRABLE INITIALLY DEFERRED"
                    " FOR EACH ROW EXECUTE FUNCTION die()"),
              Succeeds());
  int runs = 0;
  const Result<void> result = database_->write([&](Session& session) {
    ++runs;
    return run(session, "INSERT INTO blobs (digest, size, created_at) VALUES ('sha256:a', 1, 1)");
  });
  ASSERT_THAT(result, FailsWith(Errc::unavailable));
  EXPECT_THAT(result.error().message, HasSubstr("whether the change was made is unknown"));
  EXPECT_EQ(runs, 1);
  EXPECT_THAT(database_->ping(), Succeeds());
}

TEST_F(Postgres, ADeferredConstraintThatRefusesAtCommitIsAConflict) {
  ASSERT_THAT(write("CREATE TABLE p (a BIGINT PRIMARY KEY)"), Succeeds());
  ASSERT_THAT(write("CREATE TABLE c (a BIGINT REFERENCES p (a) DEFERRABLE INITIALLY DEFERRED)"), Succeeds());
  EXPECT_THAT(write("INSERT INTO c (a) VALUES (1)"), FailsWith(Errc::conflict));
}

TEST_F(Postgres, AStatementThatRunsTooLongIsStopped) {
  const auto impatient = open_or_throw(storage_, Options{.timeout_ms = 100});
  EXPECT_THAT(impatient->read([](Session& session) { return run(session, "SELECT pg_sleep(30)"); }),
              FailsWith(Errc::unavailable));
  EXPECT_THAT(impatient->ping(), Succeeds());
}

TEST_F(Postgres, AMigrationElsewhereIsWaitedForNoLongerThanTheTimeLimit) {
  EXPECT_THAT(database_->write([&](Session& session) -> Result<void> {
    Result<void> locked = run(session, "SELECT pg_advisory_xact_lock(x'62756c6b68656164'::bigint)");
    if (!locked) return locked;
    const auto refused = open(storage_.url(), Options{.timeout_ms = 200});
    if (!refused.has_error()) return Error{Errc::internal, "the migration did not wait"};
    EXPECT_THAT(refused, FailsWith(Errc::unavailable));
    EXPECT_THAT(refused.error().message, HasSubstr("is another process changing it?"));
    return {};
  }),
              Succeeds());
}

TEST_F(Postgres, UsesNoMoreConnectionsThanAllowed) {
  const auto small = open_or_throw(storage_, Options{.readers = 2, .writers = 3});
  database_.reset();
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      const auto work = [](Session& session) { return run(session, "SELECT pg_sleep(0.01)"); };
      for (int j = 0; j < 3; ++j) {
        EXPECT_THAT(small->read(work), Succeeds());
        EXPECT_THAT(small->write(work), Succeeds());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::int64_t connections = 0;
  ASSERT_THAT(small->read([&](Session& session) -> Result<void> {
    Result<std::vector<Row>> rows =
        session.query("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()");
    if (!rows) return rows.error();
    connections = rows->at(0).integer(0);
    return {};
  }),
              Succeeds());
  EXPECT_EQ(connections, 5);
}

TEST_F(Postgres, CommitsAreSyncedWhateverTheServersDefault) {
  const std::string name = storage_.url().substr(12, storage_.url().find('?') - 12);
  PostgresServer::shared().administer("ALTER DATABASE " + name + " SET synchronous_commit = off");
  const auto again = open_or_throw(storage_);
  EXPECT_THAT(again->write([](Session& session) -> Result<void> {
    Result<std::vector<Row>> rows = session.query("SELECT current_setting('synchronous_commit')");
    if (!rows) return rows.error();
    EXPECT_EQ(rows->at(0).text(0), "on");
    return {};
  }),
              Succeeds());
}

TEST_F(Postgres, OneAtATimeHasADatabaseAlone) {
  Options options;
  options.alone = true;
  auto first = db::open(storage_.url(), options);
  ASSERT_THAT(first, Succeeds());
  const auto second = db::open(storage_.url(), options);
  ASSERT_THAT(second, FailsWith(Errc::conflict));
  EXPECT_THAT(second.error().message, HasSubstr("another bulkhead process"));
  first->reset();
  EXPECT_THAT(db::open(storage_.url(), options), Succeeds());
}

TEST_F(Postgres, AfterTheEndNobodyWaits) {
  database_->end_by(std::chrono::steady_clock::now() + std::chrono::milliseconds(300));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(write("SELECT pg_sleep(4)"), FailsWith(Errc::unavailable));
  EXPECT_THAT(write("SELECT 1"), FailsWith(Errc::unavailable));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
}

TEST(Patience, OneAsksAfterASilenceAndAnAnswerEndsIt) {
  Patience patience(std::chrono::milliseconds(50));
  EXPECT_TRUE(patience.may_ask());
  patience.was_silent();
  EXPECT_FALSE(patience.may_ask());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_TRUE(patience.may_ask());
  EXPECT_FALSE(patience.may_ask()) << "somebody is asking";
  patience.answered();
  EXPECT_TRUE(patience.may_ask());
}

TEST(PostgresEncoding, ADatabaseThatIsNotUtf8IsRefusedWithASentence) {
  PostgresServer& server = PostgresServer::shared();
  server.administer(
      "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'");
  const Result<std::unique_ptr<Database>> opened = open(server.url("latin"));
  server.drop_database("latin");
  ASSERT_THAT(opened, FailsWith(Errc::unsupported));
  EXPECT_THAT(opened.error().message, HasSubstr("LATIN1"));
}

TEST(PostgresPassword, IsNotInTheErrorOfAServerThatIsAway) {
  const Result<std::unique_ptr<Database>> opened = open("postgres://user:s3cr%40t@127.0.0.1:1/db");
  ASSERT_THAT(opened, FailsWith(Errc::unavailable));
  EXPECT_THAT(opened.error().message, AllOf(HasSubstr("127.0.0.1:1"), Not(HasSubstr("s3cr"))));
}

TEST(PostgresPassword, IsNotInTheErrorOfAUrlThatCannotBeUsed) {
  for (const char* url : {"postgres://user:s3cret@more@127.0.0.1:1/db",    // '@' in the password
                          "postgres://user:s3cret/more@127.0.0.1:1/db",    // '/'
                          "postgres://user:s3cret/mo?re@127.0.0.1:1/db",   // '/' and '?'
                          "postgres://user:s3cret%zz@127.0.0.1:1/db",      // not percent-encoding
                          "postgres://user:pass@127.0.0.1:1/db?s3cret=1",  // no such option
                          "postgres://[::1/db?password=s3cret"}) {
    const Result<std::unique_ptr<Database>> opened = open(url);
    ASSERT_THAT(opened, FailsWith(Errc::invalid_argument)) << url;
    EXPECT_THAT(opened.error().message, Not(HasSubstr("s3cret"))) << url;
  }
}

TEST(PostgresPassword, IsStruckOutOfWhateverMessageItTurnsUpIn) {
  const PostgresTarget target = PostgresTarget::parse("postgres://u:s3cr%2Ft@h/d?sslpassword=k3y").value();
  EXPECT_EQ(target.redact("bad s3cr/t, s3cr/t\nand k3y\n"), "bad ***, *** and ***");
  EXPECT_EQ(target.place(), "PostgreSQL database d at h");
}

TEST(PostgresError, CodesByTheirClass) {
  EXPECT_EQ(postgres_errc("23505"), Errc::conflict);
  EXPECT_EQ(postgres_errc("23503"), Errc::conflict);
  EXPECT_EQ(postgres_errc("23514"), Errc::conflict);
  EXPECT_EQ(postgres_errc("23502"), Errc::internal);
  EXPECT_EQ(postgres_errc("53100"), Errc::no_space);
  EXPECT_EQ(postgres_errc("53300"), Errc::unavailable);
  EXPECT_EQ(postgres_errc("57P01"), Errc::unavailable);
  EXPECT_EQ(postgres_errc("57014"), Errc::unavailable);
  EXPECT_EQ(postgres_errc("08006"), Errc::unavailable);
  EXPECT_EQ(postgres_errc(""), Errc::unavailable);
  EXPECT_EQ(postgres_errc("42601"), Errc::internal);
}

TEST(Placeholders, AreNumberedOutsideTextAndComments) {
  const auto numbered = [](std::string_view sql) { return number_placeholders(sql).sql; };
  EXPECT_EQ(numbered("a = ? AND b IN (?, ?)"), "a = $1 AND b IN ($2, $3)");
  EXPECT_EQ(numbered("'?' || ?"), "'?' || $1");
  EXPECT_EQ(numbered("'it''s ?' || ?"), "'it''s ?' || $1");
  EXPECT_EQ(numbered("\"odd ? \"\"name\" = ?"), "\"odd ? \"\"name\" = $1");
  EXPECT_EQ(numbered("? -- why?\n, ?"), "$1 -- why?\n, $2");
  EXPECT_EQ(numbered("? /* a ? /* b ? */ ? */ ?"), "$1 /* a ? /* b ? */ ? */ $2");
  EXPECT_EQ(numbered("5 - ? / ?"), "5 - $1 / $2");
  EXPECT_EQ(numbered("? 'never ends ?"), "$1 'never ends ?");
  EXPECT_EQ(numbered("? /* never ends ?"), "$1 /* never ends ?");
  EXPECT_EQ(numbered("? -- ends here ?"), "$1 -- ends here ?");
  EXPECT_EQ(numbered(""), "");
  EXPECT_EQ(number_placeholders("? '?' ?").parameters, 2u);
}

}  // namespace
}  // namespace bulkhead::db::testing
