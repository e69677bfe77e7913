// Tags and referrers, page by page.
#include <fmt/format.h>

#include <algorithm>

#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

using namespace std::string_view_literals;

class TagList : public OnBothEngines {
 protected:
  std::vector<std::string> tags(std::string_view last, std::size_t limit) {
    auto page = registry_.manifests->tags(app_, last, limit);
    EXPECT_THAT(page, Succeeds());
    more_ = page->more;
    return page->entries;
  }

  access::Repository app_ = registry_.repository("alice/app");
  bool more_ = false;
};

INSTANTIATE_TEST_SUITE_P(Database, TagList, both_engines(), db::testing::engine_name);

TEST_P(TagList, OfARepositoryWithoutTagsIsEmpty) {
  EXPECT_THAT(tags("", 10), IsEmpty());
  EXPECT_FALSE(more_);
}

TEST_P(TagList, IsInTheOrderOfBytes) {
  const auto document = registry_.push_image(app_);
  ASSERT_THAT(
      registry_.try_push(app_, document, "", {"a", "B", "_", "10", "2", "a-b", "a.b", "a_b", "aB", "ab"}),
      Succeeds());
  EXPECT_THAT(tags("", 100), ElementsAre("10", "2", "B", "_", "a", "a-b", "a.b", "aB", "a_b", "ab"));
}

TEST_P(TagList, ComesInPages) {
  const auto document = registry_.push_image(app_);
  ASSERT_THAT(registry_.try_push(app_, document, "", {"a", "b", "c", "d"}), Succeeds());
  EXPECT_THAT(tags("", 3), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(more_);
  EXPECT_THAT(tags("c", 3), ElementsAre("d"));
  EXPECT_FALSE(more_);
  EXPECT_THAT(tags("", 4), ElementsAre("a", "b", "c", "d"));
  EXPECT_FALSE(more_);
  EXPECT_THAT(tags("d", 4), IsEmpty());
}

TEST_P(TagList, GoesOnAfterATagThatDoesNotExist) {
  const auto document = registry_.push_image(app_);
  ASSERT_THAT(registry_.try_push(app_, document, "", {"a", "c"}), Succeeds());
  EXPECT_THAT(tags("b", 10), ElementsAre("c"));
  EXPECT_THAT(tags("\xff\xfe", 10), IsEmpty());
  EXPECT_THAT(tags("a\0b"sv, 10), ElementsAre("c"));
  EXPECT_THAT(tags("b\xc3\x28", 10), ElementsAre("c"));
  EXPECT_THAT(tags(std::string(100'000, 'b'), 10), ElementsAre("c"));
}

TEST_P(TagList, OfNoEntriesHasNoMore) {
  registry_.push_image(app_, "a");
  EXPECT_THAT(tags("", 0), IsEmpty());
  EXPECT_FALSE(more_);
}

TEST_P(TagList, TakesTheLargestLimit) {
  registry_.push_image(app_, "a");
  EXPECT_THAT(tags("", std::numeric_limits<std::size_t>::max()), ElementsAre("a"));
  EXPECT_FALSE(more_);
}

TEST_P(TagList, IsTheRepositorysOwn) {
  registry_.push_image(registry_.repository("alice/other"), "other");
  EXPECT_THAT(tags("", 10), IsEmpty());
}

class ReferrersList : public OnBothEngines {
 protected:
  Result<ReferrersPage> list(std::string_view type = "", std::string_view last = "",
                             std::size_t limit = 100) {
    return registry_.manifests->referrers(app_, subject_.digest, type, last, limit);
  }
  // Pushes an artifact that refers to the subject.
  oci::Digest refer(std::string_view rest) {
    return registry_.push_manifest(app_, image(config_, {}, fmt::format("{},{}", subject(subject_), rest)));
  }
  static std::vector<oci::Digest> digests(const ReferrersPage& page) {
    std::vector<oci::Digest> all;
    for (const Referrer& entry : page.entries) all.push_back(entry.descriptor.digest);
    return all;
  }

  access::Repository app_ = registry_.repository("alice/app");
  oci::Descriptor config_{std::string(kConfig), registry_.push_blob(app_, "{}").digest, 2};
  oci::Descriptor subject_ = describe("a manifest that need not exist");
};

INSTANTIATE_TEST_SUITE_P(Database, ReferrersList, both_engines(), db::testing::engine_name);

TEST_P(ReferrersList, OfASubjectThatNothingRefersToIsEmpty) {
  registry_.push_image(app_, "v1");
  const auto page = list();
  ASSERT_THAT(page, Succeeds());
  EXPECT_THAT(page->entries, IsEmpty());
  EXPECT_FALSE(page->more);
}

TEST_P(ReferrersList, SaysWhatEachReferrerIs) {
  const auto rest = R"("artifactType":"a/sbom","annotations":{"b":"2","a":"1"})"sv;
  const auto document = image(config_, {}, fmt::format("{},{}", subject(subject_), rest));
  registry_.push_manifest(app_, document, "sbom");
  const auto page = list();
  ASSERT_THAT(page, Succeeds());
  ASSERT_EQ(page->entries.size(), 1u);
  const Referrer& entry = page->entries.front();
  EXPECT_EQ(entry.descriptor, describe(document));
  EXPECT_EQ(entry.artifact_type, "a/sbom");
  EXPECT_EQ(entry.annotations, R"({"a":"1","b":"2"})");
}

TEST_P(ReferrersList, FallsBackToTheConfigsMediaTypeForImagesOnly) {
  registry_.push_manifest(app_, image(config_, {}, subject(subject_)));
  EXPECT_EQ(list()->entries.at(0).artifact_type, kConfig);
  EXPECT_EQ(list(kConfig)->entries.size(), 1u);
  const auto document = index({}, subject(subject_));
  registry_.push_manifest(app_, document);
  const auto page = list();
  const auto at = std::ranges::find(page->entries, sha256(document),
                                    [](const Referrer& entry) { return entry.descriptor.digest; });
  ASSERT_NE(at, page->entries.end());
  EXPECT_EQ(at->artifact_type, "");
  EXPECT_EQ(at->annotations, "{}");
  EXPECT_EQ(at->descriptor.media_type, oci::media_type::kImageIndex);
}

TEST_P(ReferrersList, FiltersByArtifactType) {
  const auto sbom = refer(R"("artifactType":"a/sbom")");
  const auto signature = refer(R"("artifactType":"a/signature")");
  EXPECT_THAT(digests(*list("a/sbom")), ElementsAre(sbom));
  EXPECT_THAT(digests(*list("a/signature")), ElementsAre(signature));
  EXPECT_THAT(list("a/SBOM")->entries, IsEmpty());
  EXPECT_THAT(list("a/s%")->entries, IsEmpty());
  EXPECT_THAT(list("a/\xff\0"sv)->entries, IsEmpty());
}

TEST_P(ReferrersList, ComesInPagesInTheOrderOfDigests) {
  std::vector<oci::Digest> all;
  for (int i = 0; i < 7; ++i)
    all.push_back(refer(fmt::format(R"("artifactType":"a/{}","annotations":{{"n":"{}"}})", i % 2, i)));
  std::ranges::sort(all, {}, &oci::Digest::render);
  EXPECT_EQ(digests(*list()), all);

  std::vector<oci::Digest> paged;
  std::string last;
  for (int pages = 0; pages < 4; ++pages) {
    const auto page = list("", last, 2);
    ASSERT_THAT(page, Succeeds());
    EXPECT_EQ(page->more, pages < 3);
    for (const auto& digest : digests(*page)) paged.push_back(digest);
    last = paged.back().render();
  }
  EXPECT_EQ(paged, all);

  const auto filtered = list("a/0", "", 2);
  EXPECT_EQ(filtered->entries.size(), 2u);
  EXPECT_TRUE(filtered->more);
  EXPECT_FALSE(list("a/0", "", 4)->more);
}

TEST_P(ReferrersList, OfNoEntriesHasNoMore) {
  refer(R"("artifactType":"a/b")");
  EXPECT_THAT(list("", "", 0)->entries, IsEmpty());
  EXPECT_FALSE(list("", "", 0)->more);
}

TEST_P(ReferrersList, GoesOnAfterWhatIsNoDigest) {
  const auto digest = refer(R"("artifactType":"a/b")");
  EXPECT_THAT(digests(*list("", "sha256")), ElementsAre(digest));
  EXPECT_THAT(digests(*list("", "sha256:\0"sv)), ElementsAre(digest));
  EXPECT_THAT(list("", "\xff")->entries, IsEmpty());
}

TEST_P(ReferrersList, IsTheRepositorysOwn) {
  refer(R"("artifactType":"a/b")");
  const auto other = registry_.repository("alice/other");
  EXPECT_THAT(registry_.manifests->referrers(other, subject_.digest, "", "", 10)->entries, IsEmpty());
}

TEST_P(ReferrersList, LosesWhatIsDeleted) {
  const auto digest = refer(R"("artifactType":"a/b")");
  ASSERT_THAT(registry_.manifests->remove(app_, digest, registry_.as("alice")), Succeeds());
  EXPECT_THAT(list()->entries, IsEmpty());
}

TEST_P(ReferrersList, KeepsAnnotationsOfAnyText) {
  refer(R"("annotations":{"nul\u0000key":"\u0000","quote\"":"back\\slash","line":"a\nb","é":"\u00e9"})");
  const auto page = list();
  ASSERT_THAT(page, Succeeds());
  EXPECT_EQ(page->entries.at(0).annotations,
            R"({"line":"a\u000ab","nul\u0000key":"\u0000","quote\"":"back\\slash","é":"é"})");
}

TEST_P(ReferrersList, EndsAPageBeforeItGrowsTooLarge) {
  const std::string text(1'500'000, 'x');
  for (int i = 0; i < 3; ++i)
    refer(fmt::format(R"("artifactType":"a/b","annotations":{{"n":"{}","x":"{}"}})", i, text));
  const auto page = list();
  ASSERT_THAT(page, Succeeds());
  EXPECT_EQ(page->entries.size(), 2u);
  EXPECT_TRUE(page->more);
  const auto rest = list("", page->entries.back().descriptor.digest.render());
  EXPECT_EQ(rest->entries.size(), 1u);
  EXPECT_FALSE(rest->more);
}

TEST(ReferrersPageLimit, LetsOneLargeEntryThrough) {
  TestRegistry registry({.manifests = {.limits = {.bytes = 8u << 20}}});
  const auto app = registry.repository("alice/app");
  const auto config = registry.push_blob(app, "{}");
  const auto target = describe("subject");
  for (const char letter : {'a', 'b'})
    registry.push_manifest(app, image(config, {},
                                      fmt::format(R"({},"annotations":{{"x":"{}"}})", subject(target),
                                                  std::string(kReferrersPageBytes, letter))));
  const auto page = registry.manifests->referrers(app, target.digest, "", "", 10);
  ASSERT_THAT(page, Succeeds());
  EXPECT_EQ(page->entries.size(), 1u);
  EXPECT_TRUE(page->more);
}

}  // namespace
}  // namespace bulkhead::registry::testing
