#include "identity/login/known_networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/subscriber_network.h"
#include "db/testing/database_contract.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::Succeeds;

class KnownNetworksTest : public ::testing::TestWithParam<Engine> {
 protected:
  void note(std::string_view subject, std::string_view address) {
    EXPECT_THAT(networks_.note(alice_.id, subject, network_of(address), installation_.clock.now()),
                Succeeds());
    installation_.clock.advance(1s);
  }
  std::vector<std::string> known(std::string_view subject) {
    std::vector<std::string> networks;
    for (const auto& each : networks_.load(installation_.clock.now()).value())
      if (each.subject == subject) networks.push_back(each.network);
    return networks;
  }

  testing::Installation installation_{GetParam()};
  Account alice_ = installation_.add_account("alice");
  KnownNetworks networks_{*installation_.database, {.known_networks = 2, .known_for = 1000s}};
};

TEST_P(KnownNetworksTest, KeepsTheLastOfASubject) {
  const std::string home = network_of("192.0.2.1"), office = network_of("2001:db8::1");
  note("alice", "192.0.2.1");
  note("alice", "2001:db8::1");
  EXPECT_EQ(known("alice"), (std::vector{home, office}));
  note("alice", "192.0.2.9");
  EXPECT_EQ(known("alice"), (std::vector{office, home}));
  note("alice", "198.51.100.1");
  note("corp/alice", "192.0.2.1");
  EXPECT_EQ(known("alice"), (std::vector{home, network_of("198.51.100.1")}));
  EXPECT_THAT(networks_.forget("alice"), Succeeds());
  EXPECT_EQ(known("alice"), std::vector<std::string>{});
  EXPECT_EQ(known("corp/alice"), std::vector{home});
  installation_.clock.advance(1000s);
  EXPECT_EQ(known("corp/alice"), std::vector<std::string>{});
}

TEST_P(KnownNetworksTest, KnowsWhereLiveSessionsWereStarted) {
  const auto session = [&](std::int64_t version, Time until) {
    installation_.write(
        "INSERT INTO sessions (account_id, hash, client, address, credential_version, multi_factor, "
        "created_at, proved_at, expires_at) VALUES (?, ?, '', '192.0.2.1', ?, 0, 0, 0, ?)",
        {alice_.id, std::to_string(to_micros(until)) + std::to_string(version), version, to_micros(until)});
  };
  session(alice_.credential_version, installation_.clock.now() - 1s);
  session(alice_.credential_version + 1, installation_.clock.now() + 60s);
  EXPECT_EQ(known("alice"), std::vector<std::string>{});
  session(alice_.credential_version, installation_.clock.now() + 60s);
  EXPECT_EQ(known("alice"), std::vector{network_of("192.0.2.1")});
}

INSTANTIATE_TEST_SUITE_P(Engines, KnownNetworksTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
