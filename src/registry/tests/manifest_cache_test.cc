// What is answered from memory is what the database would say.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "blob/testing/content.h"
#include "registry/manifests_state.h"
#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

class ManifestCache : public ::testing::Test {
 protected:
  explicit ManifestCache(Manifests::Options options = {}) : registry_({.manifests = options}) {}

  std::shared_ptr<const StoredManifest> peek(std::string_view to) {
    return registry_.manifests->peek(app_, reference(to));
  }
  Result<std::shared_ptr<const StoredManifest>> find(std::string_view to) {
    return registry_.manifests->find(app_, reference(to));
  }
  // A manifest of exactly that many bytes.
  std::string document_of(std::size_t size) {
    const std::string bare = image(config_, {}, R"("x":"")");
    return image(config_, {}, fmt::format(R"("x":"{}")", std::string(size - bare.size(), 'x')));
  }

  TestRegistry registry_;
  access::Repository app_ = registry_.repository("alice/app");
  Context alice_ = registry_.as("alice");
  oci::Descriptor config_ = registry_.push_blob(app_, "{}");
};

TEST_F(ManifestCache, KnowsNothingUntilAskedAndThenBothNames) {
  const auto digest = registry_.push_manifest(app_, image(config_, {}), "v1");
  EXPECT_EQ(peek("v1"), nullptr);
  EXPECT_EQ(peek(digest.render()), nullptr);
  const auto found = find("v1");
  ASSERT_THAT(found, Succeeds());
  EXPECT_EQ(peek("v1"), *found);
  EXPECT_EQ(peek(digest.render()), *found);
}

TEST_F(ManifestCache, FollowsATagThatMoves) {
  registry_.push_manifest(app_, image(config_, {}), "v1");
  ASSERT_THAT(find("v1"), Succeeds());
  const auto second = index({});
  registry_.push_manifest(app_, second, "v1");
  EXPECT_EQ(peek("v1"), nullptr);
  EXPECT_EQ((*find("v1"))->bytes, second);
}

TEST_F(ManifestCache, ForgetsEveryTagThatAPushMoves) {
  const auto first = registry_.push_image(app_);
  ASSERT_THAT(registry_.try_push(app_, first, "", {"a", "b"}), Succeeds());
  ASSERT_THAT(find("a"), Succeeds());
  ASSERT_THAT(find("b"), Succeeds());
  ASSERT_THAT(registry_.try_push(app_, index({}), "", {"a", "b"}), Succeeds());
  EXPECT_EQ(peek("a"), nullptr);
  EXPECT_EQ(peek("b"), nullptr);
}

TEST_F(ManifestCache, ForgetsADeletedTagOnly) {
  const auto digest = registry_.push_manifest(app_, image(config_, {}), "v1");
  ASSERT_THAT(find("v1"), Succeeds());
  ASSERT_THAT(registry_.manifests->remove(app_, reference("v1"), alice_), Succeeds());
  EXPECT_EQ(peek("v1"), nullptr);
  EXPECT_NE(peek(digest.render()), nullptr);
}

TEST_F(ManifestCache, DoesNotRememberWhatIsNotThere) {
  ASSERT_THAT(find("v1"), FailsWith(Errc::manifest_unknown));
  registry_.push_manifest(app_, image(config_, {}), "v1");
  EXPECT_THAT(find("v1"), Succeeds());
}

TEST_F(ManifestCache, TellsRepositoriesApart) {
  const auto other = registry_.repository("alice/other");
  registry_.push_manifest(app_, image(config_, {}), "v1");
  ASSERT_THAT(find("v1"), Succeeds());
  EXPECT_EQ(registry_.manifests->peek(other, reference("v1")), nullptr);
  EXPECT_EQ(registry_.manifests->peek(other, sha256(image(config_, {}))), nullptr);
}

TEST_F(ManifestCache, TakesManifestsUpToASizeOnly) {
  const auto largest = document_of(kCachedManifestBytes);
  registry_.push_manifest(app_, largest, "largest");
  ASSERT_EQ((*find("largest"))->bytes.size(), kCachedManifestBytes);
  EXPECT_NE(peek("largest"), nullptr);
  registry_.push_manifest(app_, document_of(kCachedManifestBytes + 1), "larger");
  ASSERT_THAT(find("larger"), Succeeds());
  EXPECT_EQ(peek("larger"), nullptr);
}

TEST_F(ManifestCache, IsNotTheLastWordOnRottenBytes) {
  const auto document = image(config_, {});
  const auto digest = registry_.push_manifest(app_, document, "v1");
  blob::rot(registry_.directory.path(), digest, document.size() / 2);
  for (const std::string& to : {std::string("v1"), digest.render()}) {
    EXPECT_THAT(find(to), FailsWith(Errc::corrupt));
    EXPECT_EQ(peek(to), nullptr);
  }
  registry_.push_manifest(app_, document, "v1");
  EXPECT_EQ((*find("v1"))->bytes, document) << "a push of the same makes it good";
}

TEST_F(ManifestCache, MissingOrShortenedBytesAreDamage) {
  const auto missing = registry_.push_manifest(app_, image(config_, {}), "missing");
  ASSERT_THAT(registry_.store->remove(missing), Succeeds());
  EXPECT_THAT(find("missing"), FailsWith(Errc::corrupt));
  const auto hex = registry_.push_manifest(app_, index({}), "shortened").hex();
  std::filesystem::resize_file(registry_.directory.path() / "blobs/sha256" / hex.substr(0, 2) / hex, 5);
  EXPECT_THAT(find("shortened"), FailsWith(Errc::corrupt));
}

TEST_F(ManifestCache, ARowThatLiesAboutItsSizeMakesNoHugeBuffer) {
  registry_.push_manifest(app_, image(config_, {}), "v1");
  registry_.installation.write("UPDATE manifests SET size = 4611686018427387904");
  EXPECT_THAT(find("v1"), FailsWith(Errc::corrupt));
}

class NoManifestCache : public ManifestCache {
 protected:
  NoManifestCache() : ManifestCache({.limits = {}, .cached_bytes = kCachedManifestBytes - 1}) {}
};

TEST_F(NoManifestCache, ServesAllTheSame) {
  registry_.push_manifest(app_, image(config_, {}), "v1");
  EXPECT_THAT(find("v1"), Succeeds());
  EXPECT_EQ(peek("v1"), nullptr);
}

class SmallManifestCache : public ManifestCache {
 protected:
  SmallManifestCache() : ManifestCache({.limits = {}, .cached_bytes = 16 * kCachedManifestBytes}) {}
};

TEST_F(SmallManifestCache, KeepsNoMoreThanItsShare) {
  for (int i = 0; i < 100; ++i) {
    registry_.push_manifest(app_, image(config_, {}, fmt::format(R"("x":{})", i)), fmt::format("v{}", i));
    ASSERT_THAT(find(fmt::format("v{}", i)), Succeeds());
  }
  int kept = 0;
  for (int i = 0; i < 100; ++i) kept += peek(fmt::format("v{}", i)) != nullptr ? 1 : 0;
  EXPECT_GT(kept, 0);
  EXPECT_LE(kept, 16);
}

// One thread moves and deletes a tag and looks at once; others load it all the while, so that loads race with
// every change.
TEST_F(ManifestCache, IsExactWhileLoadsRaceWithChanges) {
  constexpr int kRounds = 60;
  std::vector<std::string> documents;
  for (int i = 0; i < kRounds; ++i) documents.push_back(image(config_, {}, fmt::format(R"("x":{})", i)));

  std::atomic<bool> done = false;
  std::atomic<int> newest = -1;  // the last change that has been acknowledged
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (!done) {
        const int at_least = newest;
        auto found = peek("v1");
        if (found == nullptr) {
          auto loaded = find("v1");
          if (!loaded) continue;
          found = *loaded;
        }
        const auto at = std::ranges::find(documents, found->bytes) - documents.begin();
        EXPECT_GE(at, at_least);
      }
    });
  for (int i = 0; i < kRounds; ++i) {
    const auto digest = registry_.push_manifest(app_, documents[static_cast<std::size_t>(i)], "v1");
    newest = i;
    const auto kept = peek("v1");
    EXPECT_TRUE(kept == nullptr || kept->digest == digest);
    EXPECT_EQ((*find("v1"))->digest, digest);
    if (i % 3 != 0) continue;
    EXPECT_THAT(
        registry_.manifests->remove(app_, i % 2 == 0 ? oci::Reference(digest) : reference("v1"), alice_),
        Succeeds());
    EXPECT_EQ(peek("v1"), nullptr);
    EXPECT_THAT(find("v1"), FailsWith(Errc::manifest_unknown));
  }
  done = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace bulkhead::registry::testing
