#include "identity/federation/login_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "crypto/testing/ephemeral_sealer.h"
#include "db/testing/database_contract.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using testing::some_origin;
using Progress = LoginRequests::Progress;

audit::Origin from(std::string_view address) {
  audit::Origin origin = some_origin();
  origin.address = address;
  return origin;
}

class LoginRequestsTest : public ::testing::TestWithParam<Engine> {
 protected:
  LoginRequestsTest() {
    installation_.write(
        "INSERT INTO login_providers (name, kind, settings, sealed, created_at) VALUES ('corp', 'oidc', "
        "'{}', "
        "'', 0)");
    provider_ = installation_.read("SELECT id FROM login_providers").at(0).integer(0);
  }
  std::int64_t count() { return installation_.read("SELECT COUNT(*) FROM login_requests").at(0).integer(0); }
  LoginRequests::Journey begin() { return requests_.begin(provider_, binder_); }
  LoginRequests::Device begin_device() { return requests_.begin_device(provider_, some_origin()).value(); }
  Progress progress(const LoginRequests::Device& device) {
    return requests_.poll(device.device_code).value().progress;
  }
  LoginRequests::Approval approval() {
    if (account_.id == 0) account_ = installation_.add_account("dora");
    LoginRequests::Approval made;
    made.account_id = account_.id;
    made.credential_version = 3;
    made.multi_factor = true;
    made.backing.provider_id = provider_;
    made.backing.subject = "id-of-dora";
    made.backing.refresh = Secret<>("refresh-1");
    return made;
  }
  // As far as the browser's way back.
  LoginRequests::Returned take_up_and_return(const LoginRequests::Device& device) {
    const auto journey = requests_.take_up(device.user_code.reveal(), binder_, some_origin()).value();
    return requests_.come_back(journey.state, binder_).value();
  }

  testing::Installation installation_{GetParam()};
  crypto::EphemeralSealer sealer_;
  LoginRequestLimits limits_{.per_network = 5, .in_all = 7, .wrong_codes = 3, .wrong_codes_of_network = 6};
  LoginRequests requests_{*installation_.database, installation_.keyring, sealer_, installation_.clock,
                          limits_};
  const Secret<> binder_{std::string("bhbrowser_mine")};
  std::int64_t provider_ = 0;
  Account account_;
};

TEST_P(LoginRequestsTest, AStateLetsInOnce) {
  const auto journey = begin();
  EXPECT_GE(journey.verifier.reveal().size(), 43u);
  EXPECT_EQ(requests_.provider_of(journey.state).value(), provider_);
  const auto back = requests_.come_back(journey.state, binder_);
  ASSERT_THAT(back, Succeeds());
  EXPECT_EQ(back->provider_id, provider_);
  EXPECT_TRUE(back->same_browser);
  EXPECT_FALSE(back->device);
  EXPECT_EQ(back->nonce, journey.nonce);
  EXPECT_EQ(back->verifier.reveal(), journey.verifier.reveal());
  EXPECT_THAT(requests_.use_up(journey.state), Succeeds());
  EXPECT_THAT(requests_.use_up(journey.state), FailsWith(Errc::not_found));
  EXPECT_THAT(requests_.use_up(begin().state), Succeeds());
  EXPECT_EQ(count(), 0);
}

TEST_P(LoginRequestsTest, WhatIsRememberedOfUsedStatesGoesWhenTheyHaveRunOut) {
  for (int i = 0; i < 3; ++i) ASSERT_THAT(requests_.use_up(begin().state), Succeeds());
  installation_.clock.advance(1201s);
  ASSERT_THAT(requests_.use_up(begin().state), Succeeds());
  EXPECT_EQ(installation_.read("SELECT COUNT(*) FROM login_states_used").at(0).integer(0), 1);
}

TEST_P(LoginRequestsTest, AnotherBrowsersCallbackIsToldAndChangesNothing) {
  const auto journey = begin();
  const auto other = requests_.come_back(journey.state, Secret<>("bhbrowser_other"));
  ASSERT_THAT(other, Succeeds());
  EXPECT_FALSE(other->same_browser);
  EXPECT_TRUE(requests_.come_back(journey.state, binder_).value().same_browser);
}

TEST_P(LoginRequestsTest, NoCharacterOfAStateCanBeAnother) {
  const std::string state = begin().state;
  EXPECT_LE(state.size(), 200u);
  for (std::size_t at = 0; at < state.size(); ++at) {
    std::string forged = state;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    EXPECT_THAT(requests_.come_back(forged, binder_), FailsWith(Errc::not_found)) << at;
    EXPECT_EQ(requests_.provider_of(forged).value(), 0) << at;
  }
  EXPECT_THAT(requests_.come_back(state + "A", binder_), FailsWith(Errc::not_found));
  EXPECT_THAT(requests_.come_back(state.substr(0, state.size() - 1), binder_), FailsWith(Errc::not_found));
}

TEST_P(LoginRequestsTest, WithoutACookieItIsAnotherBrowser) {
  EXPECT_FALSE(requests_.come_back(begin().state, Secret<>()).value().same_browser);
}

TEST_P(LoginRequestsTest, RefusesStatesThatWereNeverGiven) {
  begin();
  for (const std::string& state : {std::string(), std::string("x"), std::string(100'000, 's')})
    EXPECT_THAT(requests_.come_back(state, binder_), FailsWith(Errc::not_found));
}

TEST_P(LoginRequestsTest, LastsTenMinutes) {
  const auto early = begin();
  const auto late = begin();
  installation_.clock.advance(599s);
  EXPECT_THAT(requests_.come_back(early.state, binder_), Succeeds());
  installation_.clock.advance(1s);
  EXPECT_THAT(requests_.come_back(late.state, binder_), FailsWith(Errc::not_found));
}

TEST_P(LoginRequestsTest, StoresNothingThatCouldBeUsed) {
  const auto journey = begin();
  const auto device = begin_device();
  for (const auto& row : installation_.read(
           "SELECT COALESCE(state_hash, ''), COALESCE(device_hash, ''), COALESCE(user_code_hash, ''), sealed "
           "FROM login_requests"))
    for (std::size_t column = 0; column < 4; ++column)
      EXPECT_THAT(row.text(column),
                  AllOf(Not(HasSubstr(journey.state)), Not(HasSubstr(journey.nonce)),
                        Not(HasSubstr(journey.verifier.reveal())), Not(HasSubstr(device.user_code.reveal())),
                        Not(HasSubstr(device.device_code.reveal())), Not(HasSubstr("mine"))));
}

TEST_P(LoginRequestsTest, BoundsWhatANetworkHasOpen) {
  for (int i = 0; i < 5; ++i) begin_device();
  installation_.clock.advance(100s);
  const auto refused = requests_.begin_device(provider_, some_origin());
  ASSERT_THAT(refused, FailsWith(Errc::rate_limited));
  EXPECT_THAT(refused.error().message, HasSubstr("500 seconds"));
  EXPECT_EQ(count(), 5);
  EXPECT_THAT(requests_.begin_device(provider_, from("198.51.100.1")), Succeeds());
  installation_.clock.advance(500s);
  EXPECT_THAT(requests_.begin_device(provider_, some_origin()), Succeeds());
}

TEST_P(LoginRequestsTest, BrowsersLeaveNothingBehind) {
  for (int i = 0; i < 20; ++i) begin();
  EXPECT_EQ(count(), 0);
}

TEST_P(LoginRequestsTest, InAllTheNetworkThatHasMostGivesWay) {
  const auto mine = requests_.begin_device(provider_, from("198.51.100.1")).value();
  const auto first = requests_.begin_device(provider_, from("10.0.0.1")).value();
  installation_.clock.advance(1s);
  for (int i = 0; i < 4; ++i) ASSERT_THAT(requests_.begin_device(provider_, from("10.0.0.2")), Succeeds());
  ASSERT_THAT(requests_.begin_device(provider_, from("10.1.0.1")), Succeeds());
  EXPECT_EQ(count(), 7);
  EXPECT_THAT(requests_.begin_device(provider_, from("10.2.0.1")), Succeeds());
  EXPECT_EQ(count(), 7);
  EXPECT_EQ(progress(mine), Progress::pending);
  EXPECT_EQ(progress(first), Progress::unknown);
}

TEST_P(LoginRequestsTest, SweepsOutWhatHasRunOut) {
  for (int i = 0; i < 3; ++i) begin_device();
  installation_.clock.advance(1200s);
  begin_device();
  EXPECT_EQ(count(), 1);
  installation_.clock.advance(1200s);
  EXPECT_EQ(requests_.prune().value(), 1);
  EXPECT_EQ(count(), 0);
}

TEST_P(LoginRequestsTest, ADeviceGetsItsApprovalOnce) {
  const auto device = begin_device();
  EXPECT_THAT(device.user_code.reveal(), MatchesRegex("[BCDFGHJKLMNPQRSTVWXZ]{8}"));
  EXPECT_THAT(device.device_code.reveal(), ::testing::StartsWith("bhdevice_"));
  EXPECT_EQ(progress(device), Progress::pending);

  const auto waiting = requests_.waiting(show_user_code(device.user_code.reveal()), some_origin());
  ASSERT_THAT(waiting, Succeeds());
  EXPECT_EQ(waiting->provider_id, provider_);
  EXPECT_EQ(waiting->client, "test/1");
  EXPECT_EQ(waiting->address, "192.0.2.7");

  const auto back = take_up_and_return(device);
  EXPECT_TRUE(back.device);
  installation_.clock.advance(5s);
  EXPECT_EQ(progress(device), Progress::pending);
  ASSERT_THAT(requests_.approve(back.id, approval()), Succeeds());
  installation_.clock.advance(5s);
  const auto polled = requests_.poll(device.device_code);
  ASSERT_THAT(polled, Succeeds());
  ASSERT_EQ(polled->progress, Progress::approved);
  EXPECT_EQ(polled->approval->account_id, account_.id);
  EXPECT_EQ(polled->approval->credential_version, 3);
  EXPECT_TRUE(polled->approval->multi_factor);
  EXPECT_EQ(polled->approval->backing.provider_id, provider_);
  EXPECT_EQ(polled->approval->backing.subject, "id-of-dora");
  EXPECT_EQ(polled->approval->backing.refresh.reveal(), "refresh-1");
  EXPECT_EQ(progress(device), Progress::unknown);
  EXPECT_EQ(count(), 0);
}

TEST_P(LoginRequestsTest, OfManyPollsAtOnceOneGetsTheApproval) {
  const auto device = begin_device();
  ASSERT_THAT(requests_.approve(take_up_and_return(device).id, approval()), Succeeds());
  std::atomic<int> got{0};
  std::vector<std::thread> pollers;
  for (int i = 0; i < 4; ++i)
    pollers.emplace_back([&] {
      const auto polled = requests_.poll(device.device_code);
      if (polled && polled->approval) ++got;
    });
  for (auto& poller : pollers) poller.join();
  EXPECT_EQ(got, 1);
}

TEST_P(LoginRequestsTest, AUserCodeIsTakenUpOnce) {
  const auto device = begin_device();
  const std::string code = device.user_code.reveal();
  ASSERT_THAT(requests_.take_up(code, binder_, some_origin()), Succeeds());
  EXPECT_THAT(requests_.waiting(code, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(requests_.take_up(code, binder_, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(requests_.refuse(code, some_origin()), FailsWith(Errc::not_found));
}

TEST_P(LoginRequestsTest, TellsADeviceWhyItDoesNotGetIn) {
  const auto denied = begin_device();
  ASSERT_THAT(requests_.refuse(denied.user_code.reveal(), some_origin()), Succeeds());
  EXPECT_EQ(progress(denied), Progress::refused);

  const auto failed = begin_device();
  ASSERT_THAT(requests_.fail(take_up_and_return(failed).id), Succeeds());
  EXPECT_EQ(progress(failed), Progress::refused);

  const auto slow = begin_device();
  EXPECT_EQ(progress(slow), Progress::pending);
  EXPECT_EQ(progress(slow), Progress::slow_down);
  installation_.clock.advance(4999ms);
  EXPECT_EQ(progress(slow), Progress::slow_down);
  installation_.clock.advance(1ms);
  EXPECT_EQ(progress(slow), Progress::pending);

  installation_.clock.advance(600s);
  EXPECT_EQ(progress(slow), Progress::expired);
  EXPECT_EQ(progress(denied), Progress::expired);
  EXPECT_THAT(requests_.waiting(slow.user_code.reveal(), some_origin()), FailsWith(Errc::not_found));

  EXPECT_EQ(requests_.poll(Secret<>("bhdevice_nonsense")).value().progress, Progress::unknown);
  EXPECT_EQ(requests_.poll(Secret<>("")).value().progress, Progress::unknown);
}

TEST_P(LoginRequestsTest, NothingIsApprovedOutOfOrder) {
  const auto device = begin_device();
  const auto id = requests_.waiting(device.user_code.reveal(), some_origin()).value().id;
  EXPECT_THAT(requests_.approve(id, approval()), FailsWith(Errc::not_found));  // nobody has taken it up
  const auto journey = requests_.take_up(device.user_code.reveal(), binder_, some_origin()).value();
  EXPECT_THAT(requests_.approve(id, approval()), FailsWith(Errc::not_found));  // nobody is back
  const auto back = requests_.come_back(journey.state, binder_).value();
  installation_.clock.advance(600s);
  EXPECT_THAT(requests_.approve(back.id, approval()), FailsWith(Errc::not_found));  // too late
  EXPECT_EQ(progress(device), Progress::expired);

  const auto refused = begin_device();
  const auto returned = take_up_and_return(refused);
  ASSERT_THAT(requests_.fail(returned.id), Succeeds());
  EXPECT_THAT(requests_.approve(returned.id, approval()), FailsWith(Errc::not_found));
}

TEST_P(LoginRequestsTest, WrongCodesAreCountedForTheirAddressAndNetwork) {
  const auto device = begin_device();
  const std::string code = device.user_code.reveal();
  const std::string wrong = code == "BCDFGHJK" ? "BCDFGHJL" : "BCDFGHJK";
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(requests_.waiting(wrong, some_origin()), FailsWith(Errc::not_found));
    if (i < 2) {
      EXPECT_THAT(requests_.waiting(code, some_origin()), Succeeds());  // forgets nothing
    }
  }
  EXPECT_THAT(requests_.waiting(code, some_origin()), FailsWith(Errc::rate_limited));
  EXPECT_THAT(requests_.take_up(code, binder_, some_origin()), FailsWith(Errc::rate_limited));
  EXPECT_THAT(requests_.waiting(code, from("198.51.100.1")), Succeeds());
  // A neighbour in its network is none the worse, until the network has had its fill.
  const auto neighbour = [](int number) { return from("192.0.2." + std::to_string(number)); };
  EXPECT_THAT(requests_.waiting(code, neighbour(8)), Succeeds());
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(requests_.waiting(wrong, neighbour(20 + i)), FailsWith(Errc::not_found));
  EXPECT_THAT(requests_.waiting(code, neighbour(8)), FailsWith(Errc::rate_limited));
}

TEST_P(LoginRequestsTest, SurvivesARotationOfTheKeys) {
  const auto journey = begin();
  ASSERT_THAT(installation_.keyring.rotate(crypto::KeyPurpose::token_hash, installation_.clock.now()),
              Succeeds());
  const auto back = requests_.come_back(journey.state, binder_).value();
  EXPECT_TRUE(back.same_browser);
  EXPECT_EQ(back.nonce, journey.nonce);
  EXPECT_EQ(back.verifier.reveal(), journey.verifier.reveal());
}

TEST(UserCodeTest, IsReadAsPeopleTypeIt) {
  EXPECT_EQ(parse_user_code("WDJB-MJHT").value(), "WDJBMJHT");
  EXPECT_EQ(parse_user_code(" wdjb mjht ").value(), "WDJBMJHT");
  EXPECT_EQ(show_user_code("WDJBMJHT"), "WDJB-MJHT");
  for (const std::string& text :
       {std::string(), std::string("WDJBMJH"), std::string("WDJBMJHTT"), std::string("WDJBMJHA"),
        std::string("WDJBMJH1"), std::string(1'000'000, 'W')})
    EXPECT_THAT(parse_user_code(text), FailsWith(Errc::invalid_argument));
}

INSTANTIATE_TEST_SUITE_P(Engines, LoginRequestsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
