// What a push stores, answers and leaves as evidence.
#include <fmt/format.h>

#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

class ManifestPushes : public OnBothEngines {
 protected:
  Result<std::shared_ptr<const StoredManifest>> find(std::string_view to) {
    return registry_.manifests->find(app_, reference(to));
  }
  Result<PutResult> put(std::string_view to, std::string_view document, std::string_view content_type) {
    return registry_.manifests->put(app_, reference(to), {}, as_bytes(document), content_type, alice_);
  }
  std::int64_t updated_at(std::string_view tag) {
    return registry_.installation.read("SELECT updated_at FROM tags WHERE name = ?", {std::string(tag)})
        .at(0)
        .integer(0);
  }

  access::Repository app_ = registry_.repository("alice/app");
  Context alice_ = registry_.as("alice");
  oci::Descriptor config_{std::string(kConfig), registry_.push_blob(app_, "{}").digest, 2};
  oci::Descriptor layer_ = registry_.push_blob(app_, "layer");
  std::string document_ = image(config_, {layer_});
};

INSTANTIATE_TEST_SUITE_P(Database, ManifestPushes, both_engines(), db::testing::engine_name);

TEST_P(ManifestPushes, AreServedByteForByteByTagAndByDigest) {
  const std::string document =
      image(config_, {layer_}, R"(  "unknown" : [ 1.50, {"data":"AA=="} ] , "x":null )");
  const auto digest = registry_.push_manifest(app_, document, "v1");
  for (const std::string& to : {std::string("v1"), digest.render()}) {
    const auto found = find(to);
    ASSERT_THAT(found, Succeeds());
    EXPECT_EQ((*found)->bytes, document);
    EXPECT_EQ((*found)->digest, digest);
    EXPECT_EQ((*found)->media_type, oci::media_type::kImageManifest);
  }
}

TEST_P(ManifestPushes, AnswerWithTheDigestTheSubjectAndTheTags) {
  const auto absent = describe("{}");
  const std::string document = image(config_, {}, subject(absent));
  const auto result = registry_.try_push(app_, document, "v1", {"v1.0", "v1", "latest"});
  ASSERT_THAT(result, Succeeds());
  EXPECT_EQ(result->digest, sha256(document));
  EXPECT_EQ(result->subject, absent.digest);
  std::vector<std::string> tags;
  for (const oci::Tag& tag : result->tags) tags.push_back(tag.render());
  EXPECT_THAT(tags, ElementsAre("v1", "v1.0", "latest"));
  EXPECT_EQ(registry_.try_push(app_, document_, "v1")->subject, std::nullopt);
}

TEST_P(ManifestPushes, ByDigestMayHaveAnyNumberOfTags) {
  ASSERT_THAT(registry_.try_push(app_, document_, "", {}), Succeeds());
  EXPECT_THAT(find(sha256(document_).render()), Succeeds());
  ASSERT_THAT(registry_.try_push(app_, document_, "", {"a", "b"}), Succeeds());
  EXPECT_THAT(registry_.manifests->tags(app_, "", 10)->entries, ElementsAre("a", "b"));
}

TEST_P(ManifestPushes, BySha512AreServedWithItAlsoByTag) {
  const auto digest = sha512(document_);
  ASSERT_THAT(registry_.try_push(app_, document_, digest.render(), {"v1"}), Succeeds());
  EXPECT_EQ((*find("v1"))->digest, digest);
  EXPECT_EQ((*find(digest.render()))->bytes, document_);
  EXPECT_THAT(find(sha256(document_).render()), FailsWith(Errc::manifest_unknown));
}

TEST_P(ManifestPushes, ThatAreNotWhatTheirDigestSaysAreRefused) {
  for (const auto& wrong : {sha256("other"), sha512("other")}) {
    EXPECT_THAT(registry_.try_push(app_, document_, wrong.render()), FailsWith(Errc::digest_invalid));
    EXPECT_THAT(find(wrong.render()), FailsWith(Errc::manifest_unknown));
  }
}

TEST_P(ManifestPushes, KeepTheMediaTypesOfDocker) {
  const auto image_document = image(config_, {layer_}, "", oci::media_type::kDockerManifest);
  registry_.push_manifest(app_, image_document, "image");
  EXPECT_EQ((*find("image"))->media_type, oci::media_type::kDockerManifest);
  const auto list = index({describe(image_document, oci::media_type::kDockerManifest)}, "",
                          oci::media_type::kDockerManifestList);
  registry_.push_manifest(app_, list, "list");
  EXPECT_EQ((*find("list"))->media_type, oci::media_type::kDockerManifestList);
  EXPECT_EQ((*find("list"))->bytes, list);
}

TEST_P(ManifestPushes, TakeTheMediaTypeOfTheHeaderWhereTheBodyHasNone) {
  const auto document = fmt::format(
      R"({{"schemaVersion":2,"config":{{"mediaType":"a/b","digest":"{}","size":2}},"layers":[]}})",
      config_.digest.render());
  ASSERT_THAT(put("v1", document, "application/vnd.oci.image.manifest.v1+json; charset=utf-8"), Succeeds());
  EXPECT_EQ((*find("v1"))->media_type, oci::media_type::kImageManifest);
  // The same bytes are not served as two kinds of document.
  const auto before = registry_.content_events();
  EXPECT_THAT(put("v2", document, oci::media_type::kDockerManifest), FailsWith(Errc::manifest_invalid));
  EXPECT_EQ((*find("v1"))->media_type, oci::media_type::kImageManifest);
  EXPECT_THAT(find("v2"), FailsWith(Errc::manifest_unknown));
  EXPECT_EQ(registry_.content_events(), before);
}

TEST_P(ManifestPushes, ThatAreNoManifestsAreRefused) {
  EXPECT_THAT(put("v1", "{", oci::media_type::kImageManifest), FailsWith(Errc::manifest_invalid));
  EXPECT_THAT(put("v1", document_, oci::media_type::kImageIndex), FailsWith(Errc::manifest_invalid));
  const auto schema1 = put("v1", R"({"schemaVersion":1,"fsLayers":[]})", oci::media_type::kDockerSchema1);
  ASSERT_THAT(schema1, FailsWith(Errc::manifest_invalid));
  EXPECT_THAT(schema1.error().message, HasSubstr("schema 1"));
  EXPECT_THAT(find("v1"), FailsWith(Errc::manifest_unknown));
}

TEST_P(ManifestPushes, HaveAnEventForTheManifestAndForEachTag) {
  const auto events_before = registry_.content_events().size();
  ASSERT_THAT(registry_.try_push(app_, document_, "v1", {"v2"}), Succeeds());
  const auto text = sha256(document_).render();
  auto events = registry_.content_events();
  events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(events_before));
  EXPECT_THAT(events, ElementsAre(ContentEvent{"manifest_pushed", "alice/app", text, "", text},
                                  ContentEvent{"tag_set", "alice/app", "v1", "", text},
                                  ContentEvent{"tag_set", "alice/app", "v2", "", text}));
}

TEST_P(ManifestPushes, OfTheSameAgainChangeNothing) {
  ASSERT_THAT(registry_.try_push(app_, document_, "v1", {"v2"}), Succeeds());
  const auto before = registry_.content_events();
  const auto set_at = updated_at("v1");
  registry_.installation.clock.advance(std::chrono::seconds(10));
  EXPECT_THAT(registry_.try_push(app_, document_, "v1", {"v2"}), Succeeds());
  EXPECT_THAT(registry_.try_push(app_, document_, ""), Succeeds());
  EXPECT_EQ(registry_.content_events(), before);
  EXPECT_EQ(updated_at("v1"), set_at);
}

TEST_P(ManifestPushes, ThatMoveATagSayFromWhere) {
  const auto old_digest = registry_.push_manifest(app_, document_, "v1");
  const auto set_at = updated_at("v1");
  registry_.installation.clock.advance(std::chrono::seconds(10));
  const auto new_digest = registry_.push_manifest(app_, image(config_, {}), "v1");
  EXPECT_EQ(registry_.content_events().back(),
            (ContentEvent{"tag_set", "alice/app", "v1", old_digest.render(), new_digest.render()}));
  EXPECT_EQ((*find("v1"))->digest, new_digest);
  EXPECT_THAT(find(old_digest.render()), Succeeds());
  EXPECT_EQ(updated_at("v1"), set_at + 10'000'000);
}

TEST_P(ManifestPushes, AreUnknownInOtherRepositories) {
  const auto digest = registry_.push_manifest(app_, document_, "v1");
  const auto other = registry_.repository("bob/app");
  EXPECT_THAT(registry_.manifests->find(other, reference("v1")), FailsWith(Errc::manifest_unknown));
  EXPECT_THAT(registry_.manifests->find(other, digest), FailsWith(Errc::manifest_unknown));
  EXPECT_THAT(registry_.manifests->remove(other, digest, registry_.as("bob")),
              FailsWith(Errc::manifest_unknown));
}

TEST_P(ManifestPushes, AreNoBlobs) {
  const auto digest = registry_.push_manifest(app_, document_, "v1");
  EXPECT_THAT(registry_.blobs->find(app_, digest), FailsWith(Errc::blob_unknown));
}

TEST_P(ManifestPushes, CountTowardsTheQuota) {
  const std::int64_t before = registry_.used_bytes("alice");
  const std::int64_t children = before / kFile;
  const std::int64_t after = before + kFile + children * kReference;
  registry_.set_quota("alice", static_cast<std::uint64_t>(after - 1));
  EXPECT_THAT(registry_.try_push(app_, document_, "v1"), FailsWith(Errc::quota_exceeded));
  EXPECT_EQ(registry_.used_bytes("alice"), before);
  registry_.set_quota("alice", static_cast<std::uint64_t>(after));
  EXPECT_THAT(registry_.try_push(app_, document_, "v1"), Succeeds());
  EXPECT_EQ(registry_.used_bytes("alice"), after);
}

TEST_P(ManifestPushes, IntoARepositoryThatIsGoneAreRefused) {
  ASSERT_THAT(registry_.facts->remove(app_.name, alice_.origin), Succeeds());
  const auto objects = registry_.stored_objects();
  EXPECT_THAT(registry_.try_push(app_, document_, "v1"), FailsWith(Errc::name_unknown));
  EXPECT_EQ(registry_.stored_objects(), objects);
  EXPECT_THAT(registry_.manifests->remove(app_, reference("v1"), alice_), FailsWith(Errc::name_unknown));
}

TEST(ManifestLimit, IsTheLastByteThatIsTaken) {
  TestRegistry registry({.manifests = {.limits = {.bytes = 1000}}});
  const auto app = registry.repository("alice/app");
  auto config = registry.push_blob(app, "{}");
  const std::string bare = image(config, {}, R"("x":"")");
  const auto padded = [&](std::size_t size) {
    return image(config, {}, fmt::format(R"("x":"{}")", std::string(size - bare.size(), 'x')));
  };
  EXPECT_THAT(registry.try_push(app, padded(1000), "v1"), Succeeds());
  EXPECT_THAT(registry.try_push(app, padded(1001), "v1"), FailsWith(Errc::too_large));
}

TEST(ManifestLimit, WhenLoweredKeepsServingWhatIsStored) {
  TestRegistry registry;
  const auto app = registry.repository("alice/app");
  const auto document = registry.push_image(app, "v1");
  Manifests stricter(*registry.installation.database, *registry.store, registry.installation.clock,
                     {.limits = {.bytes = document.size() - 1}});
  EXPECT_EQ((*stricter.find(app, reference("v1")))->bytes, document);
}

}  // namespace
}  // namespace bulkhead::registry::testing
