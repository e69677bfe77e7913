#include "blob/testing/store_contract.h"

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "blob/testing/content.h"

namespace bulkhead::blob {

// Tests that only borrow this library's other parts may be given these by the linker.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreContract);

StoreFactory contract_of(MakeStore make) { return {std::move(make)}; }

void StoreContract::SetUp() { store_ = GetParam().make(directory_.path() / "store"); }

Result<void> StoreContract::push(std::string_view id, std::string_view content, const oci::Digest& digest) {
  auto stage = store().stage(id, digest.algorithm());
  if (!stage) return stage.error();
  if (auto appended = (*stage)->append(as_bytes(content)); !appended) return appended;
  return store().commit(std::move(*stage), digest);
}

namespace {

template <class T>
Errc code_of(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? Errc{} : result.error().code;
}

std::set<std::string> listed(BlobStore& store) {
  std::set<std::string> digests;
  EXPECT_TRUE(store.walk([&](const oci::Digest& digest, std::uint64_t) {
    digests.insert(digest.render());
    return true;
  }));
  return digests;
}

constexpr auto kSha256 = oci::Algorithm::sha256;
constexpr auto kSha512 = oci::Algorithm::sha512;

TEST_P(StoreContract, CommittedBytesAreReadBack) {
  const std::string content = make_content(100'000);
  auto stage = store().stage("upload", kSha256);
  ASSERT_TRUE(stage);
  EXPECT_EQ((*stage)->id(), "upload");
  EXPECT_EQ((*stage)->size(), 0u);
  ASSERT_TRUE((*stage)->append(as_bytes(content).first(60'000)));
  ASSERT_TRUE((*stage)->append(as_bytes(content).subspan(60'000)));
  EXPECT_EQ((*stage)->size(), content.size());
  ASSERT_TRUE(store().commit(std::move(*stage), sha256_of(content)));

  auto reader = store().open(sha256_of(content));
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->size(), content.size());
  EXPECT_EQ(read_all(**reader).value(), content);
  EXPECT_TRUE(store().stages().value().empty());
}

TEST_P(StoreContract, ReadsStartAnywhereAndAreShortOnlyAtTheEnd) {
  const std::string content = make_content(1000);
  ASSERT_TRUE(store().put(sha256_of(content), as_bytes(content)));
  auto reader = store().open(sha256_of(content));
  ASSERT_TRUE(reader);
  std::string buffer(300, '\0');
  const auto into = std::as_writable_bytes(std::span(buffer));
  EXPECT_EQ((*reader)->read(500, into).value(), 300u);
  EXPECT_EQ(buffer, content.substr(500, 300));
  EXPECT_EQ((*reader)->read(900, into).value(), 100u);
  EXPECT_EQ(buffer.substr(0, 100), content.substr(900));
  EXPECT_EQ((*reader)->read(1000, into).value(), 0u);
  EXPECT_EQ((*reader)->read(UINT64_MAX, into).value(), 0u);
}

TEST_P(StoreContract, AnEmptyBlobIsABlob) {
  ASSERT_TRUE(push("upload", "", sha256_of("")));
  EXPECT_EQ(read_all(store(), sha256_of("")).value(), "");
}

TEST_P(StoreContract, Sha512IsAName) {
  const std::string content = make_content(10'000);
  ASSERT_TRUE(push("upload", content, sha512_of(content)));
  EXPECT_EQ(read_all(store(), sha512_of(content)).value(), content);
  EXPECT_EQ(code_of(store().open(sha256_of(content))), Errc::blob_unknown);
}

TEST_P(StoreContract, CommitUnderAnotherAlgorithmThanDeclared) {
  const std::string content = make_content(10'000);
  auto stage = store().stage("upload", kSha256);
  ASSERT_TRUE(stage);
  ASSERT_TRUE((*stage)->append(as_bytes(content)));
  ASSERT_TRUE(store().commit(std::move(*stage), sha512_of(content)));
  EXPECT_EQ(read_all(store(), sha512_of(content)).value(), content);
}

TEST_P(StoreContract, AMismatchLeavesNothing) {
  EXPECT_EQ(code_of(push("upload", "these bytes", sha256_of("other bytes"))), Errc::digest_invalid);
  EXPECT_TRUE(listed(store()).empty());
  EXPECT_TRUE(store().stages().value().empty());
  EXPECT_EQ(code_of(store().open_stage("upload", kSha256)), Errc::upload_unknown);
  EXPECT_EQ(code_of(store().put(sha256_of("other bytes"), as_bytes("these bytes"))), Errc::digest_invalid);
  EXPECT_TRUE(listed(store()).empty());
  EXPECT_TRUE(store().stages().value().empty());
}

TEST_P(StoreContract, AMismatchLeavesAnEarlierBlobAlone) {
  ASSERT_TRUE(push("first", "content", sha256_of("content")));
  EXPECT_EQ(code_of(push("second", "contents", sha256_of("content"))), Errc::digest_invalid);
  EXPECT_EQ(read_all(store(), sha256_of("content")).value(), "content");
}

TEST_P(StoreContract, CommittingAStoredDigestAgainIsSuccess) {
  ASSERT_TRUE(push("first", "content", sha256_of("content")));
  auto reader = store().open(sha256_of("content"));
  ASSERT_TRUE(reader);
  ASSERT_TRUE(push("second", "content", sha256_of("content")));
  ASSERT_TRUE(store().put(sha256_of("content"), as_bytes("content")));
  EXPECT_EQ(read_all(store(), sha256_of("content")).value(), "content");
  EXPECT_EQ(read_all(**reader).value(), "content");
  EXPECT_EQ(listed(store()).size(), 1u);
}

TEST_P(StoreContract, AnInterruptedUploadGoesOnWhereItStopped) {
  const std::string content = make_content(50'000);
  {
    auto stage = store().stage("upload", kSha256);
    ASSERT_TRUE(stage);
    ASSERT_TRUE((*stage)->append(as_bytes(content).first(20'000)));
  }
  auto stage = store().open_stage("upload", kSha256);
  ASSERT_TRUE(stage);
  EXPECT_EQ((*stage)->size(), 20'000u);
  ASSERT_TRUE((*stage)->append(as_bytes(content).subspan(20'000)));
  ASSERT_TRUE(store().commit(std::move(*stage), sha256_of(content)));
  EXPECT_EQ(read_all(store(), sha256_of(content)).value(), content);
}

TEST_P(StoreContract, AnUploadMayGoOnUnderAnotherAlgorithm) {
  {
    auto stage = store().stage("upload", kSha256);
    ASSERT_TRUE(stage);
    ASSERT_TRUE((*stage)->append(as_bytes("some ")));
  }
  auto stage = store().open_stage("upload", kSha512);
  ASSERT_TRUE(stage);
  ASSERT_TRUE((*stage)->append(as_bytes("content")));
  ASSERT_TRUE(store().commit(std::move(*stage), sha512_of("some content")));
}

TEST_P(StoreContract, CutAndAppendedToIsHashedRight) {
  auto stage = store().stage("upload", kSha256);
  ASSERT_TRUE(stage);
  ASSERT_TRUE((*stage)->append(as_bytes("good bad")));
  ASSERT_TRUE((*stage)->truncate(5));
  EXPECT_EQ((*stage)->size(), 5u);
  ASSERT_TRUE((*stage)->append(as_bytes("better")));
  ASSERT_TRUE((*stage)->append(as_bytes(" best")));
  ASSERT_TRUE(store().commit(std::move(*stage), sha256_of("good better best")));
  EXPECT_EQ(read_all(store(), sha256_of("good better best")).value(), "good better best");
}

TEST_P(StoreContract, CutToNothingStartsAgain) {
  auto stage = store().stage("upload", kSha256);
  ASSERT_TRUE(stage);
  ASSERT_TRUE((*stage)->append(as_bytes("wrong")));
  ASSERT_TRUE((*stage)->truncate(0));
  ASSERT_TRUE((*stage)->append(as_bytes("right")));
  ASSERT_TRUE(store().commit(std::move(*stage), sha256_of("right")));
}

TEST_P(StoreContract, RefusesToCutToMoreThanThereIs) {
  auto stage = store().stage("upload", kSha256);
  ASSERT_TRUE(stage);
  ASSERT_TRUE((*stage)->append(as_bytes("12345")));
  EXPECT_EQ(code_of((*stage)->truncate(6)), Errc::invalid_argument);
  EXPECT_EQ((*stage)->size(), 5u);
}

TEST_P(StoreContract, RefusesTwoStagesWithOneId) {
  {
    auto first = store().stage("upload", kSha256);
    ASSERT_TRUE(first);
    EXPECT_EQ(code_of(store().stage("upload", kSha256)), Errc::conflict);
    EXPECT_EQ(code_of(store().open_stage("upload", kSha256)), Errc::upload_busy);
    EXPECT_EQ(code_of(store().discard("upload")), Errc::upload_busy);
  }
  EXPECT_EQ(code_of(store().stage("upload", kSha256)), Errc::conflict);
  EXPECT_TRUE(store().open_stage("upload", kSha256));
}

TEST_P(StoreContract, AnIdIsFreeAgainAfterCommit) {
  ASSERT_TRUE(push("upload", "one", sha256_of("one")));
  ASSERT_TRUE(push("upload", "two", sha256_of("two")));
  EXPECT_EQ(listed(store()).size(), 2u);
}

TEST_P(StoreContract, RefusesIdsThatCouldNameSomethingElse) {
  const std::string longest(64, 'a');
  EXPECT_TRUE(store().stage(longest, kSha256));
  EXPECT_TRUE(store().stage("AZaz09_-", kSha256));
  for (const std::string& id :
       {std::string(), std::string("."), std::string(".."), std::string("../blobs/x"),
        std::string("/etc/passwd"), std::string("a/b"), std::string("a.b"), std::string("a b"),
        std::string("a\0b", 3), std::string("\xc3\xa4"), longest + "a"}) {
    EXPECT_EQ(code_of(store().stage(id, kSha256)), Errc::invalid_argument) << id;
    EXPECT_EQ(code_of(store().open_stage(id, kSha256)), Errc::upload_unknown) << id;
    EXPECT_EQ(code_of(store().discard(id)), Errc::upload_unknown) << id;
  }
}

TEST_P(StoreContract, DiscardedBytesAreGone) {
  {
    auto stage = store().stage("upload", kSha256);
    ASSERT_TRUE(stage);
    ASSERT_TRUE((*stage)->append(as_bytes("content")));
  }
  ASSERT_TRUE(store().discard("upload"));
  EXPECT_EQ(code_of(store().open_stage("upload", kSha256)), Errc::upload_unknown);
  EXPECT_EQ(code_of(store().discard("upload")), Errc::upload_unknown);
  auto again = store().stage("upload", kSha256);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->size(), 0u);
}

TEST_P(StoreContract, ListsStagesWithTheirSizeAndAge) {
  const Time before = SystemClock().now() - std::chrono::seconds(5);
  {
    auto stage = store().stage("one", kSha256);
    ASSERT_TRUE(stage);
    ASSERT_TRUE((*stage)->append(as_bytes("12345")));
  }
  auto open = store().stage("two", kSha512);
  ASSERT_TRUE(open);
  auto stages = store().stages().value();
  std::ranges::sort(stages, {}, &StageInfo::id);
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[0].id, "one");
  EXPECT_EQ(stages[0].size, 5u);
  EXPECT_GT(stages[0].modified, before);
  EXPECT_LT(stages[0].modified, SystemClock().now() + std::chrono::seconds(5));
  EXPECT_EQ(stages[1].id, "two");
  EXPECT_EQ(stages[1].size, 0u);
}

TEST_P(StoreContract, ABlobIsReadableWhileAndAfterItIsRemoved) {
  const std::string content = make_content(10'000);
  ASSERT_TRUE(push("upload", content, sha256_of(content)));
  auto reader = store().open(sha256_of(content));
  ASSERT_TRUE(reader);
  ASSERT_TRUE(store().remove(sha256_of(content)));
  EXPECT_EQ(read_all(**reader).value(), content);
  EXPECT_EQ(code_of(store().open(sha256_of(content))), Errc::blob_unknown);
  EXPECT_EQ(code_of(store().remove(sha256_of(content))), Errc::blob_unknown);
}

TEST_P(StoreContract, WalksEveryBlobOnce) {
  std::set<std::string> expected;
  for (unsigned i = 0; i < 40; ++i) {
    const std::string content = make_content(100 + i, i);
    const auto digest = i % 4 == 0 ? sha512_of(content) : sha256_of(content);
    ASSERT_TRUE(store().put(digest, as_bytes(content)));
    expected.insert(digest.render());
  }
  auto stage = store().stage("not-a-blob", kSha256);
  ASSERT_TRUE(stage);
  std::set<std::string> seen;
  ASSERT_TRUE(store().walk([&](const oci::Digest& digest, std::uint64_t size) {
    EXPECT_TRUE(seen.insert(digest.render()).second);
    EXPECT_EQ(size, store().open(digest).value()->size());
    return true;
  }));
  EXPECT_EQ(seen, expected);
}

TEST_P(StoreContract, AWalkStopsWhenTold) {
  for (unsigned i = 0; i < 10; ++i) {
    const std::string content = make_content(10, i);
    ASSERT_TRUE(store().put(sha256_of(content), as_bytes(content)));
  }
  int seen = 0;
  ASSERT_TRUE(store().walk([&](const oci::Digest&, std::uint64_t) { return ++seen < 3; }));
  EXPECT_EQ(seen, 3);
}

TEST_P(StoreContract, AWalkMayRemoveWhatItSees) {
  for (unsigned i = 0; i < 10; ++i) {
    const std::string content = make_content(10, i);
    ASSERT_TRUE(store().put(sha256_of(content), as_bytes(content)));
  }
  ASSERT_TRUE(store().walk([&](const oci::Digest& digest, std::uint64_t) {
    EXPECT_TRUE(store().remove(digest));
    return true;
  }));
  EXPECT_TRUE(listed(store()).empty());
}

TEST_P(StoreContract, RefusesAStageOfAnotherStore) {
  const auto other = make_another();
  auto stage = other->stage("upload", kSha256);
  ASSERT_TRUE(stage);
  EXPECT_EQ(code_of(store().commit(std::move(*stage), sha256_of(""))), Errc::invalid_argument);
  EXPECT_TRUE(listed(store()).empty());
}

TEST_P(StoreContract, AStageMayOutliveItsStore) {
  auto other = make_another();
  auto stage = other->stage("upload", kSha256);
  ASSERT_TRUE(stage);
  other.reset();
  ASSERT_TRUE((*stage)->append(as_bytes("content")));
  EXPECT_EQ((*stage)->size(), 7u);
}

TEST_P(StoreContract, ManyThreadsCommitOneDigest) {
  const std::string content = make_content(30'000);
  const auto digest = sha256_of(content);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 100; ++i)
    threads.emplace_back([&, i] {
      EXPECT_TRUE(push("upload-" + std::to_string(i), content, digest));
      EXPECT_EQ(read_all(store(), digest).value(), content);
    });
  threads.clear();
  EXPECT_EQ(listed(store()).size(), 1u);
  EXPECT_TRUE(store().stages().value().empty());
}

TEST_P(StoreContract, OneOfManyThreadsOpensAStage) {
  ASSERT_TRUE(store().stage("upload", kSha256));
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 50;) {
        auto stage = store().open_stage("upload", kSha256);
        if (!stage) continue;
        EXPECT_EQ((*stage)->size() % 3, 0u);
        EXPECT_TRUE((*stage)->append(as_bytes("a")));
        EXPECT_TRUE((*stage)->append(as_bytes("bc")));
        ++round;
      }
    });
  threads.clear();
  std::string expected;
  for (int i = 0; i < 8 * 50; ++i) expected += "abc";
  auto stage = store().open_stage("upload", kSha256);
  ASSERT_TRUE(stage);
  EXPECT_TRUE(store().commit(std::move(*stage), sha256_of(expected)));
}

}  // namespace
}  // namespace bulkhead::blob
