// What was allowed when a request began is asked again in the transaction that carries it out.
#include "registry/tests/both_engines.h"
#include "registry/tests/hooked_database.h"

namespace bulkhead::registry::testing {
namespace {

class Rights : public OnBothEngines {
 protected:
  Rights() {
    registry_.push_manifest(app_, first_, "latest");
    registry_.grant("bob", access::Role::maintainer, "alice/app");
    registry_.push_blob(other_, "theirs");
    registry_.grant("bob", access::Role::reader, "alice/other");
  }

  void revoke(std::string_view from, std::string_view target) {
    EXPECT_THAT(
        registry_.facts->revoke(access::parse_grant_subject(from).value(),
                                access::parse_grant_target(target).value(), identity::testing::some_origin()),
        Succeeds());
  }
  void set_state(identity::AccountState state) {
    EXPECT_THAT(registry_.installation.accounts.set_state("bob", state, identity::testing::some_origin()),
                Succeeds());
  }
  Result<PutResult> put(Manifests& manifests, std::string_view document) {
    return manifests.put(app_, reference("latest"), {}, as_bytes(document), "", bob_);
  }
  oci::Digest latest() { return (*registry_.manifests->find(app_, reference("latest")))->digest; }

  access::Repository app_ = registry_.repository("alice/app");
  access::Repository other_ = registry_.repository("alice/other");
  Context bob_ = registry_.as("bob");
  std::string first_ = registry_.push_image(app_);
  std::string second_ = registry_.push_image(app_);
};

INSTANTIATE_TEST_SUITE_P(Database, Rights, both_engines(), db::testing::engine_name);

TEST_P(Rights, ThatGoBetweenTheLookAndTheCommitEndAPush) {
  HookedDatabase hooked(*registry_.installation.database);
  Manifests manifests(hooked, *registry_.store, registry_.installation.clock, {});
  const std::vector<std::function<void()>> endings = {
      [&] { revoke("bob", "alice/app"); }, [&] { registry_.grant("bob", access::Role::reader, "alice/app"); },
      [&] { set_state(identity::AccountState::disabled); }};
  for (const auto& end : endings) {
    const auto events = registry_.content_events();
    hooked.after_next_read(end);
    EXPECT_THAT(put(manifests, second_), FailsWith(Errc::denied));
    EXPECT_EQ(latest(), sha256(first_));
    EXPECT_EQ(registry_.content_events(), events);
    registry_.grant("bob", access::Role::maintainer, "alice/app");
  }
  // Disabled and enabled again, bob's credential is another one.
  set_state(identity::AccountState::active);
  EXPECT_THAT(put(manifests, second_), FailsWith(Errc::denied));
  bob_.principal.credential_version = registry_.installation.accounts.find("bob")->credential_version;
  EXPECT_THAT(put(manifests, second_), Succeeds());
}

TEST_P(Rights, AreAskedForByWhateverChangesSomething) {
  const auto blob = registry_.push_blob(app_, "a blob");
  const auto digest = sha256(second_);
  revoke("bob", "alice/app");
  const auto events = registry_.content_events();
  EXPECT_THAT(registry_.manifests->remove(app_, reference("latest"), bob_), FailsWith(Errc::denied));
  EXPECT_THAT(registry_.manifests->remove(app_, digest, bob_), FailsWith(Errc::denied));
  EXPECT_THAT(registry_.blobs->remove(app_, blob.digest, bob_), FailsWith(Errc::denied));
  EXPECT_THAT(registry_.blobs->mount(app_, other_, sha256("theirs"), bob_), FailsWith(Errc::denied));
  EXPECT_THAT(registry_.blobs->link(app_, blob.digest, 6, bob_), FailsWith(Errc::denied));
  EXPECT_EQ(registry_.content_events(), events);
}

TEST_P(Rights, OfTheSourceAreAskedForByAMount) {
  EXPECT_TRUE(registry_.blobs->mount(app_, other_, sha256("theirs"), bob_).value());
  ASSERT_THAT(registry_.blobs->remove(app_, sha256("theirs"), bob_), Succeeds());
  revoke("bob", "alice/other");
  EXPECT_FALSE(registry_.blobs->mount(app_, other_, sha256("theirs"), bob_).value());
}

TEST_P(Rights, ThatGoDuringAnUploadEndIt) {
  const auto started = registry_.uploads->start(app_, oci::Algorithm::sha256, bob_);
  ASSERT_THAT(started, Succeeds());
  auto writer = registry_.uploads->acquire(app_, started->id, bob_);
  ASSERT_THAT(writer, Succeeds());
  ASSERT_THAT((*writer)->append(as_bytes(std::string_view("content"))), Succeeds());
  revoke("bob", "alice/app");
  const auto objects = registry_.stored_objects();
  EXPECT_THAT((*writer)->finish(sha256("content"), bob_), FailsWith(Errc::denied));
  EXPECT_EQ(registry_.stored_objects(), objects);
  EXPECT_EQ(registry_.staged(), 0u) << "its bytes go";
}

TEST_P(Rights, AreThoseOfTheAccessToken) {
  registry_.installation.write(
      "INSERT INTO access_tokens (id, account_id, name, hash, created_at, expires_at) VALUES (7, ?, 't', "
      "'h', 0, "
      "9000000000000000)",
      {bob_.principal.account_id});
  bob_.principal.token_id = 7;
  bob_.principal.ceiling = std::make_shared<const identity::TokenScopes>(
      std::vector<identity::TokenScope>{{0, app_.id, {true, true, false}}});
  EXPECT_THAT(put(*registry_.manifests, second_), Succeeds());
  EXPECT_THAT(registry_.manifests->remove(app_, reference("latest"), bob_), FailsWith(Errc::denied))
      << "beyond its scopes";
  registry_.installation.write("UPDATE access_tokens SET revoked_at = 1 WHERE id = 7");
  EXPECT_THAT(put(*registry_.manifests, first_), FailsWith(Errc::denied));
  EXPECT_EQ(latest(), sha256(second_));
}

}  // namespace
}  // namespace bulkhead::registry::testing
