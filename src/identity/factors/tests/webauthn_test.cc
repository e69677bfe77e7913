#include "identity/factors/webauthn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "db/testing/database_contract.h"
#include "identity/factors/testing/authenticator.h"
#include "identity/login/testing/second_factors.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using crypto::CoseAlgorithm;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::Authenticator;
using testing::challenge_in;
using testing::some_origin;

constexpr CoseAlgorithm kAlgorithms[] = {CoseAlgorithm::es256, CoseAlgorithm::eddsa, CoseAlgorithm::rs256};

class WebAuthnTest : public ::testing::TestWithParam<Engine> {
 protected:
  std::string creation() { return all_.webauthn.registration_options(alice_).value(); }
  std::string request() { return all_.webauthn.assertion_options(alice_).value(); }
  Result<WebAuthn::Credential> keep(const RegistrationResponse& response, std::string_view name = "key") {
    return all_.webauthn.register_credential(alice_, name, response, some_origin());
  }
  Result<WebAuthn::Credential> enrol(Authenticator& authenticator) {
    return keep(authenticator.create(creation()));
  }
  Result<WebAuthn::Credential> answer(const AssertionResponse& response) {
    return all_.webauthn.assert_credential(alice_, response, some_origin());
  }
  std::size_t registered() { return all_.webauthn.list(alice_)->size(); }

  testing::SecondFactors all_{GetParam()};
  Account alice_ = all_.add_account("alice");
};

TEST_P(WebAuthnTest, EnrolsAndVerifiesEachAlgorithmAndAttestation) {
  for (const auto algorithm : kAlgorithms) {
    for (const auto kind : {AttestationKind::none, AttestationKind::self, AttestationKind::packed}) {
      const Account account = all_.add_account("a" + std::to_string(-static_cast<int>(algorithm)) + "-" +
                                               std::string(name(kind)));
      Authenticator authenticator(algorithm);
      authenticator.attestation = kind;
      const auto kept = all_.webauthn.register_credential(
          account, "blue key", authenticator.create(all_.webauthn.registration_options(account).value()),
          some_origin());
      ASSERT_THAT(kept, Succeeds());
      EXPECT_EQ(kept->name, "blue key");
      EXPECT_EQ(kept->aaguid, to_base64url(as_bytes(authenticator.aaguid)));
      EXPECT_EQ(kept->sign_count, 1);
      EXPECT_EQ(kept->created_at, all_.clock.now());
      EXPECT_EQ(all_.last_event().action, "webauthn_credential_added");
      EXPECT_EQ(all_.last_event().target, account.name);
      EXPECT_EQ(all_.last_event().detail, "{\"id\":" + std::to_string(kept->id) +
                                              ",\"name\":\"blue key\",\"attestation\":\"" +
                                              std::string(name(kind)) + "\"}");

      all_.clock.advance(1min);
      const auto verified = all_.webauthn.assert_credential(
          account, authenticator.get(all_.webauthn.assertion_options(account).value()), some_origin());
      ASSERT_THAT(verified, Succeeds());
      EXPECT_EQ(verified->id, kept->id);
      EXPECT_EQ(verified->sign_count, 2);
      const auto listed = all_.webauthn.list(account).value();
      ASSERT_EQ(listed.size(), 1u);
      EXPECT_EQ(listed[0].sign_count, 2);
      EXPECT_EQ(listed[0].last_used_at, all_.clock.now());
      EXPECT_TRUE(all_.mfa.enrolled(account.id).value());
    }
  }
}

TEST_P(WebAuthnTest, NamesTheAccountsCredentialsInItsOptions) {
  Authenticator first;
  Authenticator second(CoseAlgorithm::eddsa);
  EXPECT_THAT(all_.webauthn.assertion_options(alice_), FailsWith(Errc::conflict)) << "there is none yet";
  ASSERT_THAT(enrol(first), Succeeds());
  ASSERT_THAT(enrol(second), Succeeds());
  for (const std::string& options : {creation(), request()})
    for (const auto* authenticator : {&first, &second})
      EXPECT_NE(options.find("\"" + to_base64url(as_bytes(authenticator->credential_id)) + "\""),
                std::string::npos);
  const Account bob = all_.add_account("bob");
  EXPECT_EQ(all_.webauthn.registration_options(bob)->find(to_base64url(as_bytes(first.credential_id))),
            std::string::npos);
}

TEST_P(WebAuthnTest, AnswersAChallengeOnce) {
  Authenticator authenticator;
  const std::string options = creation();
  const auto response = authenticator.create(options);
  ASSERT_THAT(keep(response), Succeeds());
  EXPECT_THAT(keep(response), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(keep(Authenticator().create(options)), FailsWith(Errc::unauthenticated))
      << "nor with another credential";

  const std::string again = request();
  const auto assertion = authenticator.get(again);
  ASSERT_THAT(answer(assertion), Succeeds());
  EXPECT_THAT(answer(assertion), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(answer(authenticator.get(again)), FailsWith(Errc::unauthenticated)) << "nor with a newer count";
}

TEST_P(WebAuthnTest, AWrongAnswerSpendsTheChallenge) {
  Authenticator authenticator;
  ASSERT_THAT(enrol(authenticator), Succeeds());
  const std::string options = request();
  auto wrong = authenticator.get(options);
  wrong.signature[8] = static_cast<char>(wrong.signature[8] ^ 1);
  EXPECT_THAT(answer(wrong), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(answer(authenticator.get(options)), FailsWith(Errc::unauthenticated));
}

TEST_P(WebAuthnTest, ChallengesExpire) {
  Authenticator authenticator;
  ASSERT_THAT(enrol(authenticator), Succeeds());
  const std::string late = request();
  all_.clock.advance(5min);
  EXPECT_THAT(answer(authenticator.get(late)), FailsWith(Errc::unauthenticated));
  const std::string in_time = request();
  all_.clock.advance(5min - 1us);
  EXPECT_THAT(answer(authenticator.get(in_time)), Succeeds());
  EXPECT_EQ(all_.read("SELECT hash FROM webauthn_challenges").size(), 0u) << "expired ones are swept out";
}

TEST_P(WebAuthnTest, KeepsAFewChallengesOpenAndOnlyTheirHashes) {
  Authenticator authenticator;
  ASSERT_THAT(enrol(authenticator), Succeeds());
  std::vector<std::string> options;
  for (int i = 0; i < 4; ++i) {
    options.push_back(request());
    all_.clock.advance(1s);
  }
  const auto rows = all_.read("SELECT hash FROM webauthn_challenges");
  EXPECT_EQ(rows.size(), 3u);
  for (const db::Row& row : rows)
    for (const std::string& one : options) EXPECT_EQ(row.text(0).find(challenge_in(one)), std::string::npos);
  EXPECT_THAT(answer(authenticator.get(options[0])), FailsWith(Errc::unauthenticated)) << "the oldest ended";
  for (int i = 1; i < 4; ++i) EXPECT_THAT(answer(authenticator.get(options.at(i))), Succeeds()) << i;
}

TEST_P(WebAuthnTest, AChallengeIsOneAccountsAndOneCeremonys) {
  Authenticator authenticator;
  ASSERT_THAT(enrol(authenticator), Succeeds());
  const Account bob = all_.add_account("bob");
  const std::string bobs = all_.webauthn.registration_options(bob).value();
  EXPECT_THAT(keep(Authenticator().create(bobs)), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(answer(authenticator.get(creation())), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(keep(Authenticator().create(request())), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(keep(Authenticator().create(R"({"challenge":"YWJj"})")), FailsWith(Errc::unauthenticated));
}

TEST_P(WebAuthnTest, RefusesForgedRegistrations) {
  const auto forged = [&](auto&& change) {
    Authenticator authenticator;
    change(authenticator);
    return keep(authenticator.create(creation()));
  };
  EXPECT_THAT(forged([](Authenticator& a) { a.origin = "https://registry.example.com.evil.example"; }),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(forged([](Authenticator& a) { a.relying_party = "evil.example"; }),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(forged([](Authenticator& a) { a.user_present = false; }), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(forged([](Authenticator& a) { a.more_client_data = R"(,"crossOrigin":true)"; }),
              FailsWith(Errc::invalid_argument));
  Authenticator authenticator;
  EXPECT_THAT(keep(authenticator.attested(authenticator.client_data("webauthn.get", challenge_in(creation())),
                                          authenticator.data(true))),
              FailsWith(Errc::invalid_argument));
  auto renamed = authenticator.create(creation());
  renamed.credential_id = "another";
  EXPECT_THAT(keep(renamed), FailsWith(Errc::invalid_argument));
  auto trailing = authenticator.create(creation());
  trailing.attestation_object.push_back('\0');
  EXPECT_THAT(keep(trailing), FailsWith(Errc::invalid_argument));
  auto truncated = authenticator.create(creation());
  truncated.attestation_object.pop_back();
  EXPECT_THAT(keep(truncated), FailsWith(Errc::invalid_argument));
  EXPECT_EQ(registered(), 0u);
  EXPECT_FALSE(all_.mfa.enrolled(alice_.id).value());
}

TEST_P(WebAuthnTest, AcceptsItsOtherOrigins) {
  Authenticator authenticator;
  authenticator.origin = "https://other.registry.example.com";
  EXPECT_THAT(enrol(authenticator), Succeeds());
}

TEST_P(WebAuthnTest, RefusesForgedAssertions) {
  for (const auto algorithm : kAlgorithms) {
    Authenticator genuine(algorithm);
    ASSERT_THAT(enrol(genuine), Succeeds());
    const auto forged = [&](auto&& change) {
      Authenticator changed = genuine;
      changed.sign_count += 100;
      change(changed);
      return answer(changed.get(request()));
    };
    EXPECT_THAT(forged([](Authenticator& a) { a.origin = "https://evil.example"; }),
                FailsWith(Errc::unauthenticated));
    EXPECT_THAT(forged([](Authenticator& a) { a.relying_party = "evil.example"; }),
                FailsWith(Errc::unauthenticated));
    EXPECT_THAT(forged([](Authenticator& a) { a.user_present = false; }), FailsWith(Errc::unauthenticated));
    EXPECT_THAT(forged([](Authenticator& a) { a.more_client_data = R"(,"crossOrigin":true)"; }),
                FailsWith(Errc::unauthenticated));
    EXPECT_THAT(forged([&](Authenticator& a) { a.key = crypto::testing::CoseSigner(algorithm); }),
                FailsWith(Errc::unauthenticated));
    EXPECT_THAT(forged([](Authenticator& a) { a.credential_id = "another"; }),
                FailsWith(Errc::unauthenticated));
    EXPECT_THAT(forged([&](Authenticator& a) { a.user_handle = user_handle(alice_.id + 1); }),
                FailsWith(Errc::unauthenticated));

    // Signed as it should be, but for the wrong ceremony; or with a credential inside.
    Authenticator changed = genuine;
    changed.sign_count += 100;
    EXPECT_THAT(answer(changed.signed_by_key(changed.client_data("webauthn.create", challenge_in(request())),
                                             changed.data(false))),
                FailsWith(Errc::unauthenticated));
    EXPECT_THAT(answer(changed.signed_by_key(changed.client_data("webauthn.get", challenge_in(request())),
                                             changed.data(true))),
                FailsWith(Errc::unauthenticated));

    // Altered after it was signed.
    const auto altered = [&](auto&& alter) {
      auto response = changed.signed_by_key(changed.client_data("webauthn.get", challenge_in(request())),
                                            changed.data(false));
      alter(response);
      return answer(response);
    };
    EXPECT_THAT(altered([](AssertionResponse& r) { r.authenticator_data[36] = '\x7f'; }),
                FailsWith(Errc::unauthenticated))
        << "the count";
    EXPECT_THAT(altered([](AssertionResponse& r) { r.authenticator_data.push_back('\0'); }),
                FailsWith(Errc::unauthenticated));
    EXPECT_THAT(altered([](AssertionResponse& r) { r.authenticator_data.pop_back(); }),
                FailsWith(Errc::unauthenticated));
    EXPECT_THAT(altered([](AssertionResponse& r) { r.client_data.insert(1, " "); }),
                FailsWith(Errc::unauthenticated));
    EXPECT_THAT(altered([](AssertionResponse& r) { r.signature.clear(); }), FailsWith(Errc::unauthenticated));
    EXPECT_THAT(
        altered([](AssertionResponse& r) { r.signature.back() = static_cast<char>(r.signature.back() ^ 1); }),
        FailsWith(Errc::unauthenticated));
    EXPECT_THAT(altered([](AssertionResponse& r) { r.signature = std::string(1'000'000, 's'); }),
                FailsWith(Errc::unauthenticated));

    EXPECT_THAT(answer(genuine.get(request())), Succeeds()) << "nothing has changed";
  }
}

TEST_P(WebAuthnTest, RefusesAnotherAccountsCredential) {
  Authenticator alices;
  ASSERT_THAT(enrol(alices), Succeeds());
  const Account bob = all_.add_account("bob");
  Authenticator bobs;
  ASSERT_THAT(all_.webauthn.register_credential(
                  bob, "key", bobs.create(all_.webauthn.registration_options(bob).value()), some_origin()),
              Succeeds());
  EXPECT_THAT(answer(bobs.get(request())), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(answer(alices.get(request())), Succeeds());
}

TEST_P(WebAuthnTest, ACredentialIsRegisteredOnceByAnybody) {
  Authenticator authenticator;
  ASSERT_THAT(enrol(authenticator), Succeeds());
  EXPECT_THAT(enrol(authenticator), FailsWith(Errc::conflict));
  const Account bob = all_.add_account("bob");
  Authenticator copy;  // another key that claims the same id
  copy.credential_id = authenticator.credential_id;
  EXPECT_THAT(all_.webauthn.register_credential(
                  bob, "key", copy.create(all_.webauthn.registration_options(bob).value()), some_origin()),
              FailsWith(Errc::conflict));
  EXPECT_THAT(answer(authenticator.get(request())), Succeeds());
}

TEST_P(WebAuthnTest, RefusesACounterThatDoesNotRiseAndRecordsIt) {
  Authenticator authenticator;
  authenticator.sign_count = 9;
  const auto kept = enrol(authenticator);
  ASSERT_THAT(kept, Succeeds());
  const auto with_count = [&](std::uint32_t count) {
    authenticator.sign_count = count - 1;
    return answer(authenticator.get(request()));
  };
  EXPECT_THAT(with_count(12), Succeeds());
  for (const std::uint32_t count : {12u, 11u, 1u, 0u}) {
    EXPECT_THAT(with_count(count), FailsWith(Errc::unauthenticated)) << count;
    EXPECT_EQ(all_.last_event().action, "webauthn_counter_regressed");
    EXPECT_EQ(all_.last_event().detail, "{\"id\":" + std::to_string(kept->id) +
                                            ",\"stored\":12,\"received\":" + std::to_string(count) + "}");
  }
  EXPECT_THAT(with_count(0xffffffff), Succeeds());
  EXPECT_THAT(with_count(1), FailsWith(Errc::unauthenticated)) << "a count that ran over is not a new start";
}

TEST_P(WebAuthnTest, AcceptsAuthenticatorsThatDoNotCount) {
  Authenticator authenticator;
  authenticator.counts = false;
  ASSERT_THAT(enrol(authenticator), Succeeds());
  EXPECT_THAT(answer(authenticator.get(request())), Succeeds());
  EXPECT_THAT(answer(authenticator.get(request())), Succeeds());
  authenticator.counts = true;
  EXPECT_THAT(answer(authenticator.get(request())), Succeeds()) << "one that begins to";
  authenticator.counts = false;
  authenticator.sign_count = 0;
  EXPECT_THAT(answer(authenticator.get(request())), FailsWith(Errc::unauthenticated)) << "and stops again";
}

TEST_P(WebAuthnTest, OneOfManyThatComeWithAnAnswerAtOnceGetsIn) {
  Authenticator authenticator;
  authenticator.counts = false;
  ASSERT_THAT(enrol(authenticator), Succeeds());
  const auto response = authenticator.get(request());
  std::atomic<int> succeeded{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { succeeded += answer(response).has_value() ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 1);
}

TEST_P(WebAuthnTest, VerifiesTheUserWhereThatIsRequired) {
  WebAuthnSettings settings = testing::some_webauthn_settings();
  settings.require_user_verification = true;
  WebAuthn strict(*all_.database, all_.keyring, all_.clock, settings, all_.log_ins_ended());
  Authenticator authenticator;
  authenticator.user_verified = false;
  EXPECT_THAT(
      strict.register_credential(
          alice_, "key", authenticator.create(strict.registration_options(alice_).value()), some_origin()),
      FailsWith(Errc::invalid_argument));
  ASSERT_THAT(enrol(authenticator), Succeeds()) << "where it is not";
  EXPECT_THAT(strict.assert_credential(alice_, authenticator.get(strict.assertion_options(alice_).value()),
                                       some_origin()),
              FailsWith(Errc::unauthenticated));
  authenticator.user_verified = true;
  EXPECT_THAT(strict.assert_credential(alice_, authenticator.get(strict.assertion_options(alice_).value()),
                                       some_origin()),
              Succeeds());
}

TEST_P(WebAuthnTest, HoldsTheNumberOfCredentials) {
  const std::string early = creation();
  for (int i = 0; i < 4; ++i) {
    Authenticator authenticator;
    ASSERT_THAT(enrol(authenticator), Succeeds());
  }
  EXPECT_THAT(all_.webauthn.registration_options(alice_), FailsWith(Errc::conflict));
  EXPECT_THAT(keep(Authenticator().create(early)), FailsWith(Errc::conflict))
      << "with options from before, too";
  EXPECT_EQ(registered(), 4u);
}

TEST_P(WebAuthnTest, RefusesNamesThatTerminalsObey) {
  for (const std::string& name :
       {std::string(), std::string(65, 'x'), std::string("a\nb"), std::string("a\x7f"),
        std::string("a\xc2\x9b"), std::string("a\0b", 3), std::string("a\x1b[31m")})
    EXPECT_THAT(keep(Authenticator().create(creation()), name), FailsWith(Errc::invalid_argument)) << name;
  EXPECT_THAT(keep(Authenticator().create(creation()), "a\xff"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(keep(Authenticator().create(creation()), "\u202ekey"), FailsWith(Errc::invalid_argument))
      << "reordered";
  EXPECT_THAT(keep(Authenticator().create(creation()), "Schlüssel \"blau\""), Succeeds());
}

TEST_P(WebAuthnTest, RemovesTheAccountsOwn) {
  Authenticator authenticator;
  const auto kept = enrol(authenticator);
  ASSERT_THAT(kept, Succeeds());
  ASSERT_THAT(all_.recovery_codes.regenerate(alice_, some_origin()), Succeeds());
  const Account bob = all_.add_account("bob");
  EXPECT_THAT(all_.webauthn.remove(bob, kept->id, some_origin()), FailsWith(Errc::not_found));
  const std::string options = request();
  EXPECT_THAT(all_.webauthn.remove(alice_, kept->id, some_origin()), Succeeds());
  EXPECT_EQ(all_.last_event().action, "webauthn_credential_removed");
  EXPECT_THAT(all_.webauthn.remove(alice_, kept->id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(answer(authenticator.get(options)), FailsWith(Errc::unauthenticated));
  EXPECT_FALSE(all_.mfa.enrolled(alice_.id).value());
  EXPECT_TRUE(all_.read("SELECT account_id FROM recovery_codes").empty());
}

INSTANTIATE_TEST_SUITE_P(Engines, WebAuthnTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
