// A blob crosses from one repository to another only for a caller who can read it there.
#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

class Mounts : public OnBothEngines {
 protected:
  bool holds(const access::Repository& repository) {
    return registry_.blobs->find(repository, blob_.digest).has_value();
  }
  void let_alice_read() { registry_.grant("alice", access::Role::reader, "bob/source"); }
  Result<bool> from_anywhere(const Context& context) { return from_anywhere(target_, blob_.digest, context); }
  // As a mount without `from` is carried out.
  Result<bool> from_anywhere(const access::Repository& target, const oci::Digest& digest,
                             const Context& context) {
    const auto source = registry_.blobs->find_anywhere(digest, covered_, context);
    if (!source) return source.error();
    if (!*source) return false;
    return registry_.blobs->mount(target, **source, digest, context);
  }

  // What the caller's token covers; everything unless a test says otherwise.
  std::function<bool(std::string_view)> covered_ = [](std::string_view) { return true; };
  access::Repository source_ = registry_.repository("bob/source");
  access::Repository target_ = registry_.repository("alice/target");
  oci::Descriptor blob_ = registry_.push_blob(source_, "content");
  Context alice_ = registry_.as("alice");
};

INSTANTIATE_TEST_SUITE_P(Database, Mounts, both_engines(), db::testing::engine_name);

TEST_P(Mounts, LinkTheBlobAndTellWhereItCameFrom) {
  let_alice_read();
  EXPECT_EQ(registry_.blobs->mount(target_, source_, blob_.digest, alice_), Result<bool>(true));
  EXPECT_TRUE(holds(target_));
  EXPECT_TRUE(holds(source_));
  EXPECT_EQ(registry_.used_bytes("alice"), kFile);
  const auto text = blob_.digest.render();
  EXPECT_EQ(registry_.content_events().back(),
            (ContentEvent{"blob_mounted", "alice/target", text, "", text}));
  EXPECT_EQ(registry_.installation.last_event().detail, "from bob/source");
}

TEST_P(Mounts, OfWhatIsThereAlreadySucceedWithoutAnEvent) {
  let_alice_read();
  ASSERT_EQ(registry_.blobs->mount(target_, source_, blob_.digest, alice_), Result<bool>(true));
  const auto before = registry_.content_events().size();
  EXPECT_EQ(registry_.blobs->mount(target_, source_, blob_.digest, alice_), Result<bool>(true));
  EXPECT_EQ(registry_.blobs->mount(target_, target_, blob_.digest, alice_), Result<bool>(true));
  EXPECT_EQ(registry_.content_events().size(), before);
  EXPECT_EQ(registry_.used_bytes("alice"), kFile);
}

TEST_P(Mounts, FromASourceWithoutTheBlobLinkNothingThoughOthersHaveIt) {
  const auto empty = registry_.repository("bob/empty");
  EXPECT_EQ(registry_.blobs->mount(target_, empty, blob_.digest, alice_), Result<bool>(false));
  EXPECT_FALSE(holds(target_));
}

TEST_P(Mounts, FromWhatMayNotBeReadAnyMoreLinkNothing) {
  EXPECT_EQ(registry_.blobs->mount(target_, source_, blob_.digest, alice_), Result<bool>(false));
  EXPECT_FALSE(holds(target_));
}

TEST_P(Mounts, CountTowardsTheQuota) {
  let_alice_read();
  registry_.set_quota("alice", kFile - 1);
  EXPECT_THAT(registry_.blobs->mount(target_, source_, blob_.digest, alice_),
              FailsWith(Errc::quota_exceeded));
  EXPECT_FALSE(holds(target_));
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
  registry_.set_quota("alice", kFile);
  EXPECT_EQ(registry_.blobs->mount(target_, source_, blob_.digest, alice_), Result<bool>(true));
}

TEST_P(Mounts, IntoARepositoryThatIsGoneAreRefused) {
  let_alice_read();
  ASSERT_THAT(registry_.facts->remove(target_.name, alice_.origin), Succeeds());
  EXPECT_THAT(registry_.blobs->mount(target_, source_, blob_.digest, alice_), FailsWith(Errc::name_unknown));
}

TEST_P(Mounts, FromARepositoryThatIsGoneFindNothing) {
  ASSERT_THAT(registry_.facts->remove(source_.name, alice_.origin), Succeeds());
  EXPECT_EQ(registry_.blobs->mount(target_, source_, blob_.digest, alice_), Result<bool>(false));
}

TEST_P(Mounts, WithoutASourceDoNotFindAnothersPrivateBlob) {
  EXPECT_EQ(from_anywhere(alice_), Result<bool>(false));
  EXPECT_FALSE(holds(target_));
  Context administrator = alice_;
  administrator.principal.administrator = true;
  EXPECT_EQ(from_anywhere(administrator), Result<bool>(false));
}

TEST_P(Mounts, WithoutASourceFindAPublicBlob) {
  ASSERT_THAT(
      registry_.facts->change(source_.name, {.visibility = access::Visibility::public_}, {}, alice_.origin),
      Succeeds());
  EXPECT_EQ(from_anywhere(alice_), Result<bool>(true));
  EXPECT_TRUE(holds(target_));
}

TEST_P(Mounts, WithoutASourceFindOnesOwnBlob) {
  registry_.push_blob(registry_.repository("alice/source"), "content");
  EXPECT_EQ(from_anywhere(alice_), Result<bool>(true));
  EXPECT_EQ(registry_.installation.last_event().detail, "from alice/source");
}

TEST_P(Mounts, WithoutASourceFollowAGrantOnTheRepository) {
  ASSERT_THAT(
      registry_.facts->grant({false, "alice"}, access::Role::reader, {false, "bob/source"}, alice_.origin),
      Succeeds());
  EXPECT_EQ(from_anywhere(alice_), Result<bool>(true));
}

TEST_P(Mounts, WithoutASourceStayWithinWhatTheTokenCovers) {
  ASSERT_THAT(registry_.facts->grant({false, "alice"}, access::Role::reader, {true, "bob"}, alice_.origin),
              Succeeds());
  covered_ = [](std::string_view name) { return name == "alice/target"; };
  EXPECT_EQ(from_anywhere(alice_), Result<bool>(false));
  EXPECT_FALSE(holds(target_));
  covered_ = [](std::string_view name) { return name == "bob/source"; };
  EXPECT_EQ(from_anywhere(alice_), Result<bool>(true));
}

TEST_P(Mounts, WithoutASourceFollowAGrantOnTheNamespace) {
  ASSERT_THAT(registry_.facts->grant({false, "alice"}, access::Role::reader, {true, "bob"}, alice_.origin),
              Succeeds());
  EXPECT_EQ(from_anywhere(alice_), Result<bool>(true));
}

TEST_P(Mounts, WithoutASourceFollowATeam) {
  auto& installation = registry_.installation;
  installation.write("INSERT INTO organizations (name, display_name, created_at) VALUES ('acme', '', 0)");
  installation.write(
      "INSERT INTO teams (organization_id, name, created_at) SELECT id, 'devs', 0 FROM organizations");
  installation.write(
      "INSERT INTO team_repository_grants (team_id, repository_id, role) SELECT t.id, r.id, 'reader' "
      "FROM teams t JOIN repositories r ON r.name = 'bob/source'");
  EXPECT_EQ(from_anywhere(alice_), Result<bool>(false));
  installation.write(
      "INSERT INTO team_members (team_id, account_id, source) SELECT t.id, a.id, 'direct' "
      "FROM teams t JOIN accounts a ON a.name = 'alice'");
  EXPECT_EQ(from_anywhere(alice_), Result<bool>(true));
}

TEST_P(Mounts, WithoutASourceFindTheInstallationsOwnImagesForItsAdministrators) {
  const auto official = registry_.repository("official");
  const auto text = std::string_view("official content");
  const auto digest = registry_.push_blob(official, text).digest;
  EXPECT_EQ(from_anywhere(target_, digest, alice_), Result<bool>(false));
  const auto target = registry_.repository("mine");
  EXPECT_EQ(from_anywhere(target, digest, registry_.as("root")), Result<bool>(true));
}

}  // namespace
}  // namespace bulkhead::registry::testing
