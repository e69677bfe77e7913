#include "identity/federation/oidc_login.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "audit/testing/memory_journal.h"
#include "crypto/testing/ephemeral_sealer.h"
#include "identity/federation/testing/test_provider.h"
#include "identity/people/testing/directory_fixture.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::some_origin;
using testing::some_person;
using Progress = LoginRequests::Progress;

const OidcLogIn::RedirectUri kRedirect = [](std::string_view provider) {
  return "https://registry.example/login/callback/" + std::string(provider);
};

class OidcLogInTest : public testing::DirectoryFixture {
 protected:
  OidcLogInTest() {
    LoginProvider corp;
    corp.name = "corp";
    corp.settings = provider_.settings();
    corp_ =
        providers_.create(corp, Secret<>(std::string(testing::TestProvider::kSecret)), some_origin()).value();
  }

  std::string begin() { return login_.begin("corp", binder_, kRedirect, some_origin()).value(); }
  Result<OidcLogIn::Finished> finish(const testing::TestProvider::Answer& answer) {
    return finish(answer, binder_);
  }
  Result<OidcLogIn::Finished> finish(const testing::TestProvider::Answer& answer, const Secret<>& binder) {
    OidcLogIn::Callback callback;
    callback.provider = "corp";
    callback.state = answer.state;
    callback.code = Secret<>(answer.code);
    return login_.finish(callback, binder, kRedirect, some_origin());
  }
  Result<OidcLogIn::Finished> log_in(const boost::json::object& person = some_person()) {
    return finish(provider_.log_in(begin(), person));
  }
  OidcLogIn::Device begin_device() { return login_.begin_device("corp", some_origin()).value(); }
  Result<OidcLogIn::Finished> approve(const OidcLogIn::Device& device) {
    const auto url = login_.confirm(device.user_code.reveal(), binder_, kRedirect, some_origin());
    if (!url) return url.error();
    return finish(provider_.log_in(*url, some_person()));
  }
  Progress progress(const OidcLogIn::Device& device) {
    return login_.poll(device.device_code, some_origin()).value().progress;
  }
  // What a log-in that fails must leave as it is.
  std::vector<std::int64_t> state() {
    return {count("accounts"),          count("sessions"),     count("external_identities"),
            count("external_sessions"), count("team_members"), count("events")};
  }
  std::string last_failure() const {
    const auto events = journal_.events();
    return events.empty() ? "" : events.back().detail;
  }
  void change(const std::function<void(LoginProvider&)>& how) {
    how(corp_);
    ASSERT_THAT(providers_.change(corp_.id, corp_, std::nullopt, some_origin()), Succeeds());
  }

  crypto::EphemeralSealer sealer_;
  audit::MemoryJournal journal_;
  Policies policies_{*installation_.database, installation_.clock, 100};
  Sessions sessions_{*installation_.database,
                     installation_.keyring,
                     sealer_,
                     installation_.accounts,
                     policies_,
                     installation_.clock,
                     {}};
  testing::TestProvider provider_{installation_.clock};
  IssuerKeys keys_{provider_, installation_.clock, {}};
  LoginProviders providers_{directory_, sessions_, sealer_, {}};
  OidcClient client_{provider_, keys_, installation_.clock};
  LoginRequests requests_{*installation_.database, installation_.keyring, sealer_, installation_.clock};
  SingleSignOn sign_on_{directory_, sessions_};
  LogIn passwords_{installation_.accounts, installation_.hasher, journal_, installation_.clock, {}};
  OidcLogIn login_{providers_, client_,  requests_,           sign_on_,   installation_.accounts, sessions_,
                   passwords_, journal_, installation_.clock, Log::none()};
  const Secret<> binder_{std::string("bhbrowser_mine")};
  LoginProvider corp_;
};

TEST_P(OidcLogInTest, StartsASessionForWhomTheProviderVouches) {
  const auto finished = log_in();
  ASSERT_THAT(finished, Succeeds());
  EXPECT_EQ(finished->account, "dora");
  ASSERT_TRUE(finished->session.has_value());
  EXPECT_THAT(sessions_.verify(finished->session->secret.reveal(), "192.0.2.7"), Succeeds());
  const auto backing = sessions_.backing(finished->session->session.id);
  ASSERT_THAT(backing, Succeeds());
  EXPECT_EQ(backing->subject, "id-of-dora");
  EXPECT_THAT(backing->refresh.reveal(), ::testing::StartsWith("refresh-"));
  const auto events = journal_.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].action, audit::Action::login_succeeded);
  EXPECT_EQ(events[0].origin.account, "dora");
  EXPECT_EQ(events[0].origin.credential, "oidc:corp");
  EXPECT_EQ(installation_.last_event().credential, "oidc:corp");
}

TEST_P(OidcLogInTest, EveryForgedReturnIsRefusedAndChangesNothing) {
  ASSERT_THAT(log_in(), Succeeds());
  const auto before = state();
  const auto expect_refused = [&](const Result<OidcLogIn::Finished>& outcome, Errc code,
                                  std::string_view why) {
    EXPECT_THAT(outcome, FailsWith(code)) << why;
    EXPECT_THAT(last_failure(), HasSubstr(why));
    EXPECT_EQ(state(), before) << why;
  };
  // A callback with another browser's cookie, or none.
  expect_refused(finish(provider_.log_in(begin(), some_person()), Secret<>("bhbrowser_other")),
                 Errc::unauthenticated, "oidc_other_browser");
  expect_refused(finish(provider_.log_in(begin(), some_person()), Secret<>()), Errc::unauthenticated,
                 "oidc_other_browser");
  // States swapped between two log-ins: each code belongs to another verifier and nonce.
  auto mine = provider_.log_in(begin(), some_person());
  auto theirs = provider_.log_in(begin(), some_person("mallory"));
  std::swap(mine.state, theirs.state);
  expect_refused(finish(mine), Errc::unauthenticated, "oidc_not_vouched_for");
  expect_refused(finish(theirs), Errc::unauthenticated, "oidc_not_vouched_for");
  // A code, and a state, that were used before.
  const auto used = provider_.log_in(begin(), some_person());
  ASSERT_THAT(finish(used), Succeeds());
  const auto after = state();
  EXPECT_THAT(finish(used), FailsWith(Errc::unauthenticated));
  auto replayed = provider_.log_in(begin(), some_person());
  replayed.code = used.code;
  EXPECT_THAT(finish(replayed), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(state(), after);
  // Answers that are mixed up, say no, or say nothing.
  OidcLogIn::Callback callback;
  callback.provider = "corp";
  const auto with = [&](std::string error, std::string issuer) {
    callback.state = provider_.log_in(begin(), some_person()).state;
    callback.error = std::move(error);
    callback.issuer = std::move(issuer);
    return login_.finish(callback, binder_, kRedirect, some_origin());
  };
  EXPECT_THAT(with("", "https://other.example"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(with("access_denied", ""), FailsWith(Errc::denied));
  EXPECT_THAT(with("temporarily_unavailable", ""), FailsWith(Errc::unavailable));
  EXPECT_THAT(with("<b>", ""), FailsWith(Errc::denied));
  EXPECT_THAT(with("", ""), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(state(), after);
}

TEST_P(OidcLogInTest, AnAnswerThatComesToAnotherProvidersAddressIsNotReadAndNobodyIsAsked) {
  for (const char* sender : {"", "other", "CORP", "corp/"}) {
    const auto answer = provider_.log_in(begin(), some_person());
    provider_.last_form.clear();
    OidcLogIn::Callback callback;
    callback.provider = sender;
    callback.state = answer.state;
    callback.code = Secret<>(answer.code);
    EXPECT_THAT(login_.finish(callback, binder_, kRedirect, some_origin()), FailsWith(Errc::unauthenticated));
    EXPECT_THAT(last_failure(), HasSubstr("oidc_wrong_callback"));
    EXPECT_TRUE(provider_.last_form.empty()) << sender;
  }
  EXPECT_THAT(begin(), HasSubstr("login%2Fcallback%2Fcorp"));
}

TEST_P(OidcLogInTest, OfAProviderThatIsDownNothingIsToldButItsName) {
  const auto answer = provider_.log_in(begin(), some_person());
  provider_.issuer.answer(provider_.issuer.url() + "/token", FetchAnswer{503, ""});
  const auto refused = finish(answer);
  ASSERT_THAT(refused, FailsWith(Errc::unavailable));
  EXPECT_THAT(refused.error().message, HasSubstr("corp"));
  EXPECT_EQ(refused.error().message.find("503"), std::string::npos);
  EXPECT_EQ(refused.error().message.find("login.example"), std::string::npos);
}

TEST_P(OidcLogInTest, AProviderThatIsDownLetsInNobodyAndCountsAgainstNobody) {
  const auto answer = provider_.log_in(begin(), some_person());
  provider_.issuer.answer(provider_.issuer.url() + "/token", FetchAnswer{503, ""});
  const auto before = state();
  EXPECT_THAT(finish(answer), FailsWith(Errc::unavailable));
  EXPECT_EQ(state(), before);
  for (int i = 0; i < 150; ++i) finish(provider_.log_in(begin(), some_person())).has_error();
  EXPECT_THAT(passwords_.admit_network("", some_origin()), Succeeds());
}

TEST_P(OidcLogInTest, FailedReturnsCountAgainstTheirNetwork) {
  for (int i = 0; i < 100; ++i) EXPECT_THAT(finish({"no state", "code"}), FailsWith(Errc::not_found));
  const auto refused = finish({"no state", "code"});
  ASSERT_THAT(refused, FailsWith(Errc::rate_limited));
  EXPECT_EQ(refused.error().retry_after, 300s);
  EXPECT_THAT(login_.begin("corp", binder_, kRedirect, some_origin()), FailsWith(Errc::rate_limited));
}

TEST_P(OidcLogInTest, JournalsGuessesAtUserCodes) {
  EXPECT_THAT(login_.waiting("BCDF-GHJK", some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(last_failure(), HasSubstr("oidc_user_code_unknown"));
  EXPECT_THAT(login_.refuse("BCDF-GHJK", some_origin()), FailsWith(Errc::not_found));
  EXPECT_EQ(journal_.events().size(), 2u);
}

TEST_P(OidcLogInTest, KnowsOnlyOpenIdProvidersInUse) {
  EXPECT_THAT(login_.begin("nobody", binder_, kRedirect, some_origin()), FailsWith(Errc::not_found));
  const auto url = begin();
  const auto device = begin_device();
  change([](LoginProvider& corp) { corp.enabled = false; });
  EXPECT_THAT(login_.begin("corp", binder_, kRedirect, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(login_.begin_device("corp", some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(approve(device), FailsWith(Errc::not_found));
  const auto before = state();
  EXPECT_THAT(finish(provider_.log_in(url, some_person())), FailsWith(Errc::not_found));
  EXPECT_EQ(state(), before);
}

TEST_P(OidcLogInTest, ADeviceGetsTheSessionAndTheBrowserGetsNone) {
  const auto device = begin_device();
  EXPECT_EQ(progress(device), Progress::pending);
  const auto waiting = login_.waiting(device.user_code.reveal(), some_origin());
  ASSERT_THAT(waiting, Succeeds());
  EXPECT_EQ(waiting->provider, "corp");
  const auto finished = approve(device);
  ASSERT_THAT(finished, Succeeds());
  EXPECT_FALSE(finished->session.has_value());
  EXPECT_EQ(count("sessions"), 0);
  installation_.clock.advance(5s);
  const auto polled = login_.poll(device.device_code, some_origin());
  ASSERT_THAT(polled, Succeeds());
  ASSERT_EQ(polled->progress, Progress::approved);
  EXPECT_EQ(polled->account, "dora");
  EXPECT_THAT(sessions_.verify(polled->session->secret.reveal(), "192.0.2.7"), Succeeds());
  EXPECT_EQ(journal_.events().back().action, audit::Action::login_succeeded);
  EXPECT_EQ(progress(device), Progress::unknown);
  EXPECT_EQ(count("sessions"), 1);
}

TEST_P(OidcLogInTest, ADeviceIsToldWhenItsLogInFails) {
  const auto device = begin_device();
  const auto url = login_.confirm(device.user_code.reveal(), binder_, kRedirect, some_origin());
  EXPECT_THAT(finish(provider_.log_in(*url, some_person()), Secret<>("bhbrowser_other")),
              FailsWith(Errc::unauthenticated));
  EXPECT_EQ(progress(device), Progress::refused);
}

TEST_P(OidcLogInTest, WhatChangesAfterTheApprovalHolds) {
  const auto approved = [&] {
    auto device = begin_device();
    EXPECT_THAT(approve(device), Succeeds());
    return device;
  };
  const auto disabled = approved();
  ASSERT_THAT(installation_.accounts.set_active("dora", false, some_origin()), Succeeds());
  EXPECT_EQ(progress(disabled), Progress::refused);
  EXPECT_THAT(last_failure(), HasSubstr("oidc_account_changed"));
  ASSERT_THAT(installation_.accounts.set_active("dora", true, some_origin()), Succeeds());

  const auto unlinked = approved();
  const auto dora = installation_.accounts.find("dora").value();
  ASSERT_THAT(sign_on_.unlink(corp_.id, dora.id, some_origin()), Succeeds());
  EXPECT_EQ(progress(unlinked), Progress::refused);
  ASSERT_THAT(sign_on_.link(corp_.id, "id-of-dora", dora.id, some_origin()), Succeeds());

  const auto removed = approved();
  ASSERT_THAT(providers_.remove(corp_.id, some_origin()), Succeeds());
  EXPECT_EQ(progress(removed), Progress::unknown);
  EXPECT_EQ(count("sessions"), 0);
}

TEST_P(OidcLogInTest, GroupsBecomeTeamsAndGoWithTheNextLogIn) {
  const auto owner = installation_.add_account("owner");
  const auto acme = organization("acme", owner);
  const auto devs = team(acme, "devs");
  ASSERT_THAT(providers_.add_mapping(corp_.id, "devs", devs.id, some_origin()), Succeeds());
  ASSERT_THAT(log_in(), Succeeds());
  EXPECT_EQ(count("team_members"), 1);
  auto person = some_person();
  person["groups"] = boost::json::array{};
  ASSERT_THAT(log_in(person), Succeeds());
  EXPECT_EQ(count("team_members"), 0);
}

INSTANTIATE_TEST_SUITE_P(Engines, OidcLogInTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
