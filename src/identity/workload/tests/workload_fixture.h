// A robot of an organization's with a repository, a CI, and what exchanges the tokens of one for those of the
// other.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <vector>

#include "audit/testing/memory_journal.h"
#include "db/testing/database_contract.h"
#include "identity/issuers/testing/test_issuer.h"
#include "identity/people/testing/installation.h"
#include "identity/workload/workload.h"

namespace bulkhead::identity {

class WorkloadFixture {
 public:
  explicit WorkloadFixture(db::testing::Engine engine) : installation(engine) {
    add_robot("acme+ci");
    installation.write("INSERT INTO namespaces (name, created_at) VALUES ('acme', 0)");
    namespace_id = number("SELECT id FROM namespaces WHERE name = 'acme'");
    repository_id = add_repository("acme/app");
    robot_id = number("SELECT id FROM accounts WHERE name = 'acme+ci'");
  }

  std::int64_t add_robot(const std::string& name) {
    installation.write(
        "INSERT INTO accounts (name, kind, state, password_hash, created_at) VALUES (?, 'robot', 'active', "
        "'', 0)",
        {name});
    return number("SELECT id FROM accounts WHERE name = '" + name + "'");
  }
  std::int64_t add_repository(const std::string& name) {
    installation.write(
        "INSERT INTO repositories (namespace_id, name, visibility, created_at) VALUES (?, ?, 'private', 0)",
        {namespace_id, name});
    return number("SELECT id FROM repositories WHERE name = '" + name + "'");
  }
  std::int64_t number(const std::string& sql) { return installation.read(sql).at(0).integer(0); }

  // Accepts what mint() makes.
  NewWorkloadTrust trust() const {
    NewWorkloadTrust trust;
    trust.robot_id = robot_id;
    trust.name = "main branch";
    trust.issuer = issuer.url();
    trust.audience = "bulkhead";
    trust.rule = {{"repository_owner_id", "17"}, {"ref", "refs/heads/main"}};
    trust.scopes = {
        {.namespace_id = 0, .repository_id = repository_id, .actions = {.pull = true, .push = true}}};
    trust.lifetime = std::chrono::seconds(600);
    return trust;
  }
  boost::json::object claims() const { return testing::claims_of(issuer.url(), installation.clock.now()); }
  std::string mint() const { return testing::mint(issuer.key(), claims()); }
  Result<WorkloadGrant> exchange(std::string token, std::string_view robot = "acme+ci") {
    return workload.exchange(Secret<>(std::move(token)), robot, origin());
  }
  static audit::Origin origin() {
    return {.account = "", .credential = "", .address = "192.0.2.7", .user_agent = "ci/1", .request_id = "r"};
  }

  // All that an exchange could change.
  std::vector<std::int64_t> state() {
    return {number("SELECT COUNT(*) FROM workload_tokens_seen"), number("SELECT COUNT(*) FROM events"),
            number("SELECT COUNT(*) FROM workload_trusts"),
            number("SELECT credential_version FROM accounts WHERE name = 'acme+ci'")};
  }
  std::string last_refusal() const {
    const auto events = journal.events();
    return events.empty() ? "" : events.back().detail;
  }

  testing::Installation installation;
  testing::TestIssuer issuer;
  IssuerKeys keys{issuer, installation.clock, {}};
  audit::MemoryJournal journal;
  std::vector<std::int64_t> changed_robots;
  Workload workload{*installation.database,
                    keys,
                    journal,
                    installation.clock,
                    [this](std::int64_t id) { changed_robots.push_back(id); },
                    Workload::Options()};
  std::int64_t robot_id = 0;
  std::int64_t namespace_id = 0;
  std::int64_t repository_id = 0;
};

}  // namespace bulkhead::identity
