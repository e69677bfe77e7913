// Who may do what where, written down cell by cell: a second statement of the rules, which knows nothing of
// the table in decide.cc and of the queries in roles.cc. Every caller meets every repository in every state
// by every route's action; what the catalog lists, what a mount may read from and what is said of effective
// grants are held against the same cells.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "access/roles.h"
#include "access/tests/facts_fixture.h"

namespace bulkhead::access {
namespace {

using db::testing::Engine;
using db::testing::Succeeds;
using testing::some_origin;

// alice's and bob's namespaces, organizations whose members are nothing, readers and writers, official
// images.
constexpr std::string_view kSpaces[] = {"alice/", "bob/", "closed/", "reading/", "writing/", ""};
constexpr std::string_view kStates[] = {"private", "public", "absent"};

// Per namespace, in the order above, what one may do in the private, the public and the absent repository:
// - nothing, r pull, w push as well, d delete as well.
struct Line {
  std::string_view caller;
  std::string_view cells;
};
constexpr Line kMatrix[] = {
    {"nobody", "-r- -r- -r- -r- -r- -r-"},
    {"stranger", "-r- -r- -r- -r- -r- -r-"},
    {"alice", "ddd -r- -r- -r- -r- -r-"},
    {"bob", "-r- ddd -r- -r- -r- -r-"},
    {"admin", "-r- -r- -r- -r- -r- ddd"},
    {"auditor", "-r- -r- -r- -r- -r- -r-"},
    {"officer", "-r- -r- -r- -r- -r- -r-"},
    {"organization-owner", "-r- -r- ddd ddd ddd -r-"},
    {"organization-member", "-r- -r- -r- rrr www -r-"},

    {"repository-reader", "rr- rr- rr- rr- rr- rr-"},
    {"repository-writer", "ww- ww- ww- ww- ww- ww-"},
    {"repository-maintainer", "dd- dd- dd- dd- dd- dd-"},
    {"namespace-reader", "rrr rrr rrr rrr rrr rrr"},
    {"namespace-writer", "www www www www www www"},
    {"namespace-maintainer", "ddd ddd ddd ddd ddd ddd"},
    {"team-repository-reader", "rr- rr- rr- rr- rr- rr-"},
    {"team-repository-writer", "ww- ww- ww- ww- ww- ww-"},
    {"team-repository-maintainer", "dd- dd- dd- dd- dd- dd-"},
    {"team-namespace-reader", "rrr rrr rrr rrr rrr rrr"},
    {"team-namespace-writer", "www www www www www www"},
    {"team-namespace-maintainer", "ddd ddd ddd ddd ddd ddd"},
    // Of a team two levels below the one that has the grant; and above it.
    {"below-repository-writer", "ww- ww- ww- ww- ww- ww-"},
    {"below-namespace-reader", "rrr rrr rrr rrr rrr rrr"},
    {"above", "-r- -r- -r- -r- -r- -r-"},

    {"appointed", "dr- dr- dr- dr- dr- dr-"},       // of the private ones
    {"first-pusher", "-r- -r- -r- -r- -r- -r-"},    // of the public ones, with nothing else left
    {"pushing-writer", "wdw wdw wdw wdw wdw wdw"},  // the first pusher while they are writer of the namespace

    {"closed+idle", "-r- -r- -r- -r- -r- -r-"},
    {"closed+writer", "ww- ww- ww- ww- ww- ww-"},
    {"closed+space", "rrr rrr rrr rrr rrr rrr"},
    {"alice+bot", "wr- -r- -r- -r- -r- -r-"},  // of alice's private repository
};

// What the registry serves, by what it asks of the caller.
struct Operation {
  std::string_view name;
  Action action;
  char least;
};
constexpr Operation kOperations[] = {
    {"get a manifest", Action::pull, 'r'},   {"head a manifest", Action::pull, 'r'},
    {"get a blob", Action::pull, 'r'},       {"list tags", Action::pull, 'r'},
    {"list referrers", Action::pull, 'r'},   {"mount from here", Action::pull, 'r'},
    {"start an upload", Action::push, 'w'},  {"go on with an upload", Action::push, 'w'},
    {"finish an upload", Action::push, 'w'}, {"cancel an upload", Action::push, 'w'},
    {"put a manifest", Action::push, 'w'},   {"mount to here", Action::push, 'w'},
    {"delete a tag", Action::remove, 'd'},   {"delete a manifest", Action::remove, 'd'},
    {"delete a blob", Action::remove, 'd'},
};

int rank(char cell) { return static_cast<int>(std::string_view("-rwd").find(cell)); }

class MatrixTest : public testing::FactsFixture {
 protected:
  MatrixTest() {
    for (const char* name : {"stranger", "auditor", "officer", "organization-owner", "organization-member",
                             "above", "appointed", "first-pusher", "pushing-writer"})
      people_[name] = account(name);
    people_["alice"] = alice_;
    people_["bob"] = bob_;
    people_["admin"] = admin_;
    people_["nobody"] = {};
    installation_.write("UPDATE accounts SET system_role = 'auditor' WHERE name = 'auditor'");
    installation_.write("UPDATE accounts SET system_role = 'security_officer' WHERE name = 'officer'");
    for (const auto& [name, role] :
         {std::pair("closed", "none"), {"reading", "reader"}, {"writing", "writer"}}) {
      organization(name, role);
      member(name, people_["organization-owner"], "owner");
      member(name, people_["organization-member"]);
    }
    for (const std::string_view space : kSpaces) {
      make(repository_name(space, "private"));
      make(repository_name(space, "public"), people_["first-pusher"]);
      publish(repository_name(space, "public"));
      EXPECT_THAT(facts_.change(repository(repository_name(space, "private")), {.owner = "appointed"}, {},
                                some_origin()),
                  Succeeds());
    }
    grant_all();
    make_robots();
  }

  static std::string repository_name(std::string_view space, std::string_view state) {
    return fmt::format("{}{}", space, state);
  }
  static std::string namespace_target(std::string_view space) {
    return space.empty() ? "/" : std::string(space);
  }
  void grant_on(std::string_view to, Role role, bool in_namespace) {
    for (const std::string_view space : kSpaces) {
      if (in_namespace) {
        grant(to, role, namespace_target(space));
        continue;
      }
      for (const char* state : {"private", "public"}) grant(to, role, repository_name(space, state));
    }
  }

  void grant_all() {
    for (const bool in_namespace : {false, true}) {
      for (const Role role : {Role::reader, Role::writer, Role::maintainer}) {
        const std::string person =
            fmt::format("{}-{}", in_namespace ? "namespace" : "repository", name(role));
        people_[person] = account(person);
        grant_on(person, role, in_namespace);
        const std::string members = "team-" + person;
        people_[members] = account(members);
        const auto granted = team("closed", members);
        join(granted, people_[members]);
        grant_on("team:closed/" + members, role, in_namespace);
      }
    }
    const auto top = team("closed", "top");
    join(top, people_["above"]);
    for (const std::string below : {"below-repository-writer", "below-namespace-reader"}) {
      people_[below] = account(below);
      const bool in_namespace = below == "below-namespace-reader";
      const auto granted = team("closed", "granted-" + below, top);
      const auto middle = team("closed", "middle-" + below, granted);
      join(team("closed", "bottom-" + below, middle), people_[below]);
      grant_on("team:closed/granted-" + below, in_namespace ? Role::reader : Role::writer, in_namespace);
    }
  }

  void make_robots() {
    people_["closed+idle"] = robot("closed+idle", "closed");
    people_["closed+writer"] = robot("closed+writer", "closed");
    grant_on("closed+writer", Role::writer, false);
    people_["closed+space"] = robot("closed+space", "closed");
    grant_on("closed+space", Role::reader, true);
    people_["alice+bot"] = robot("alice+bot", "", id_of("repositories", "alice/private"));
    grant("alice+bot", Role::writer, "alice/private");
  }

  // Calls `visit` with the caller, the repository's name and its cell.
  template <class F>
  void each_cell(const Line& line, const F& visit) {
    std::size_t at = 0;
    for (const std::string_view space : kSpaces) {
      for (const std::string_view state : kStates) {
        const std::string name = repository_name(space, state);
        SCOPED_TRACE(fmt::format("{} in {}", line.caller, name));
        visit(people_.at(std::string(line.caller)), name, state != "absent", line.cells.at(at++));
      }
      ++at;
    }
  }

  std::set<std::string> readable(const Principal& principal) {
    const Readable sql = readable_by(principal);
    auto parameters = sql.with_parameters;
    parameters.insert(parameters.end(), sql.where_parameters.begin(), sql.where_parameters.end());
    std::set<std::string> names;
    for (const db::Row& row : installation_.read(
             fmt::format(
                 "{} SELECT r.name FROM repositories r JOIN namespaces n ON n.id = r.namespace_id WHERE {}",
                 sql.with, sql.where),
             parameters))
      names.insert(row.text(0));
    return names;
  }

  std::map<std::string, Principal> people_;
};

TEST_P(MatrixTest, HasNoUnexpectedCell) {
  for (const Line& line : kMatrix) {
    if (line.caller == "pushing-writer") {
      installation_.write("UPDATE repositories SET owner_id = ? WHERE owner_appointed = 0",
                          {people_["pushing-writer"].account_id});
      grant_on("pushing-writer", Role::writer, true);
      facts_.forget_roles();
    }
    std::set<std::string> listed;
    each_cell(line, [&](const Principal& caller, const std::string& name, bool exists, char cell) {
      const auto resolved = facts_.resolve(caller, repository(name)).value();
      const auto peeked = facts_.peek(caller, repository(name)).value();
      EXPECT_EQ(resolved.standing.exists, exists);
      for (const Operation& operation : kOperations) {
        const bool allowed = rank(cell) >= rank(operation.least);
        EXPECT_EQ(decide(caller, operation.action, resolved.standing), allowed) << operation.name;
        EXPECT_EQ(decide(caller, operation.action, peeked.standing), allowed)
            << operation.name << " from memory";
      }
      if (exists && cell != '-') listed.insert(name);
    });
    const Principal& caller = people_.at(std::string(line.caller));
    const auto catalog = facts_.catalog(caller, "", 100).value();
    EXPECT_EQ(std::set<std::string>(catalog.begin(), catalog.end()), listed)
        << "the catalog for " << line.caller;
    EXPECT_EQ(catalog.size(), listed.size());
    if (caller.anonymous()) continue;
    EXPECT_EQ(readable(caller), listed) << "what " << line.caller << " may mount from";
  }
}

TEST_P(MatrixTest, LeavesAnonymousCallersNothingWhereTheInstallationSaysSo) {
  Facts closed(*installation_.database, installation_.accounts, policies_, installation_.clock, 100, false);
  each_cell({"nobody", "--- --- --- --- --- ---"},
            [&](const Principal& caller, const std::string& name, bool, char) {
              const auto standing = closed.resolve(caller, repository(name)).value().standing;
              for (const Action action : {Action::pull, Action::push, Action::remove})
                EXPECT_FALSE(decide(caller, action, standing));
            });
  each_cell({"stranger", "-r- -r- -r- -r- -r- -r-"},
            [&](const Principal& caller, const std::string& name, bool, char cell) {
              const auto standing = closed.resolve(caller, repository(name)).value().standing;
              EXPECT_EQ(decide(caller, Action::pull, standing), cell == 'r');
            });
}

// Of a private repository the cell is the role, so that what is said of it must agree.
TEST_P(MatrixTest, AgreesWithWhatIsSaidOfEffectiveGrants) {
  const auto cell_of = [](Role role) { return std::string_view("-rwdd").at(static_cast<std::size_t>(role)); };
  for (const std::string_view space : kSpaces) {
    const std::string name = repository_name(space, "private");
    std::map<std::string, Role> said;
    for (const EffectiveGrant& grant : facts_.effective_grants(repository(name), "", 100).value().entries) {
      said[grant.account] = grant.role;
      EXPECT_EQ(role(people_.at(grant.account), name), grant.role) << grant.account << " in " << name;
    }
    for (const Line& line : kMatrix) {
      if (line.caller == "pushing-writer") continue;
      each_cell(line, [&](const Principal&, const std::string& at, bool, char cell) {
        if (at != name) return;
        const auto found = said.find(std::string(line.caller));
        EXPECT_EQ(found == said.end() ? '-' : cell_of(found->second), cell);
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, MatrixTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access
