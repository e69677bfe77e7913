// What tests of tokens, sessions and policies stand on: a database that counts what it is asked, and words
// for organizations and repositories, which other services make.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "db/testing/database_contract.h"
#include "identity/login/access_tokens.h"
#include "identity/login/policies.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity::testing {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;

class CountingSession final : public db::Session {
 public:
  CountingSession(db::Session& session, std::atomic<int>& statements)
      : session_(session), statements_(statements) {}

  Result<std::vector<db::Row>> query(std::string_view sql, std::span<const db::Value> parameters) override {
    ++statements_;
    return session_.query(sql, parameters);
  }
  Result<std::int64_t> execute(std::string_view sql, std::span<const db::Value> parameters) override {
    ++statements_;
    return session_.execute(sql, parameters);
  }

 private:
  db::Session& session_;
  std::atomic<int>& statements_;
};

class CountingDatabase final : public db::Database {
 public:
  explicit CountingDatabase(db::Database& database) : database_(database) {}

  Result<void> read(const Work& work) override {
    ++reads;
    return database_.read(counted(work));
  }
  Result<void> write(const Work& work) override {
    ++writes;
    return database_.write(counted(work));
  }
  Result<void> ping() override { return database_.ping(); }
  std::string_view engine() const override { return database_.engine(); }

  int asked() const { return reads + writes; }

  std::atomic<int> reads{0};
  std::atomic<int> writes{0};
  std::atomic<int> statements{0};

 private:
  Work counted(const Work& work) {
    return [this, &work](db::Session& session) {
      CountingSession counting(session, statements);
      return work(counting);
    };
  }

  db::Database& database_;
};

class TokensFixture : public ::testing::TestWithParam<Engine> {
 protected:
  static constexpr std::string_view kHome = "192.0.2.7";
  static constexpr TokenSource kFrom{kHome, "client/1"};

  std::int64_t id_of(std::string_view sql, std::vector<db::Value> parameters) {
    return installation_.read(sql, std::move(parameters)).at(0).integer(0);
  }
  std::int64_t space(std::string_view name) {
    return id_of("SELECT id FROM namespaces WHERE name = ?", {std::string(name)});
  }
  std::int64_t make_repository(std::string_view name, std::int64_t in) {
    installation_.write(
        "INSERT INTO repositories (namespace_id, name, visibility, created_at) VALUES (?, ?, 'private', 0)",
        {in, std::string(name)});
    return id_of("SELECT id FROM repositories WHERE name = ?", {std::string(name)});
  }
  std::int64_t make_organization(std::string_view name) {
    installation_.write("INSERT INTO organizations (name, display_name, created_at) VALUES (?, '', 0)",
                        {std::string(name)});
    const auto id = id_of("SELECT id FROM organizations WHERE name = ?", {std::string(name)});
    installation_.write("INSERT INTO namespaces (name, organization_id, created_at) VALUES (?, ?, 0)",
                        {std::string(name), id});
    return id;
  }
  void join(const Account& account, std::int64_t organization, std::string_view role = "member") {
    installation_.write(
        "INSERT INTO organization_members (organization_id, account_id, role) VALUES (?, ?, ?)",
        {organization, account.id, std::string(role)});
    policies_.forget();
  }
  Account make_robot(std::string_view name, std::string_view owner, std::int64_t owner_id) {
    Account robot = installation_.add_account(name);
    installation_.write("UPDATE accounts SET kind = 'robot' WHERE id = ?", {robot.id});
    installation_.write(
        "INSERT INTO robots (account_id, " + std::string(owner) + ", description) VALUES (?, ?, '')",
        {robot.id, owner_id});
    return robot;
  }

  static NewAccessToken wanted(const Account& account, std::string_view actions = "pull") {
    NewAccessToken token;
    token.account_id = account.id;
    token.name = "ci";
    token.scopes = TokenScopes({TokenScope{0, 0, TokenActions::parse(actions).value()}});
    return token;
  }
  AccessTokens::Created create(const NewAccessToken& token) {
    return tokens_.create(token, some_origin()).value();
  }
  // What a request would find: peek() first, verify() when it has no answer.
  AccessTokens::Checked use(const Secret<>& secret, std::string_view address = kHome) {
    const TokenSource from{address, "client/1"};
    if (auto known = tokens_.peek(secret.reveal(), from)) return *std::move(known);
    return tokens_.verify(secret.reveal(), from);
  }
  void set_policy(const Policy& policy, std::int64_t organization = Policies::kInstallation) {
    EXPECT_THAT(policies_.set(organization, policy, some_origin()), Succeeds());
  }

  Installation installation_{GetParam()};
  CountingDatabase database_{*installation_.database};
  Accounts accounts_{database_, installation_.hasher, installation_.clock, 1000};
  Policies policies_{database_, installation_.clock, 1000};
  AccessTokens tokens_{database_, installation_.keyring, accounts_,
                       policies_, installation_.clock,   {1000, 5}};
  Account alice_ = installation_.add_account("alice");
  Account bob_ = installation_.add_account("bob");
};

}  // namespace bulkhead::identity::testing
