#include "blob/verify.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "base/testing/temporary_directory.h"
#include "blob/layout.h"
#include "blob/testing/content.h"

namespace bulkhead::blob {
namespace {

using std::chrono::seconds;

constexpr seconds kInterval{3600};

class ManualClock final : public Clock {
 public:
  Time now() const override { return now_; }
  void advance(seconds by) { now_ += by; }

 private:
  Time now_ = from_micros(1'700'000'000'000'000);
};

class VerifierTest : public testing::Test {
 protected:
  std::filesystem::path root() const { return directory_.path() / "store"; }
  std::shared_ptr<const Reader> store_and_open(std::string_view content) {
    EXPECT_TRUE(store_->put(sha256_of(content), as_bytes(content)));
    return store_->open(sha256_of(content)).value();
  }
  BlobStore& store() { return *store_; }
  ManualClock& clock() { return clock_; }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<BlobStore> store_ = open_filesystem_store(root()).value();
  ManualClock clock_;
};

TEST_F(VerifierTest, RemembersWhatItFoundWhole) {
  Verifier verifier(clock(), kInterval);
  const std::string content = make_content(3'000'000);
  const auto reader = store_and_open(content);
  EXPECT_FALSE(verifier.verified(sha256_of(content), *reader));
  ASSERT_TRUE(verifier.verify(sha256_of(content), *reader));
  EXPECT_TRUE(verifier.verified(sha256_of(content), *reader));
  EXPECT_TRUE(verifier.verified(sha256_of(content), *store().open(sha256_of(content)).value()));
  EXPECT_FALSE(verifier.verified(sha256_of("another"), *reader));
}

TEST_F(VerifierTest, VerifiesSha512) {
  Verifier verifier(clock(), kInterval);
  ASSERT_TRUE(store().put(sha512_of("content"), as_bytes("content")));
  const auto reader = store().open(sha512_of("content")).value();
  EXPECT_TRUE(verifier.verify(sha512_of("content"), *reader));
  EXPECT_EQ(verifier.verify(sha512_of("contents"), *reader).error().code, Errc::corrupt);
}

TEST_F(VerifierTest, VerifiesAnEmptyBlob) {
  Verifier verifier(clock(), kInterval);
  EXPECT_TRUE(verifier.verify(sha256_of(""), *store_and_open("")));
}

TEST_F(VerifierTest, FindsAByteThatRotted) {
  Verifier verifier(clock(), kInterval);
  const std::string content = make_content(3'000'000);
  store_and_open(content);
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1'500'000}, std::uint64_t{2'999'999}}) {
    rot(root(), sha256_of(content), offset);
    const auto reader = store().open(sha256_of(content)).value();
    EXPECT_EQ(verifier.verify(sha256_of(content), *reader).error().code, Errc::corrupt);
    EXPECT_FALSE(verifier.verified(sha256_of(content), *reader));
    rot(root(), sha256_of(content), offset);
    EXPECT_TRUE(verifier.verify(sha256_of(content), *reader));
  }
}

TEST_F(VerifierTest, RemembersWhatHasRottedUntilItIsReplaced) {
  Verifier verifier(clock(), kInterval);
  const auto reader = store_and_open("content");
  EXPECT_FALSE(verifier.rotten(sha256_of("content"), *reader));
  rot(root(), sha256_of("content"), 3);
  ASSERT_FALSE(verifier.verify(sha256_of("content"), *reader));
  EXPECT_TRUE(verifier.rotten(sha256_of("content"), *reader));
  EXPECT_FALSE(verifier.rotten(sha256_of("another"), *reader));
  const auto replacement = store_and_open("content");
  EXPECT_FALSE(verifier.rotten(sha256_of("content"), *replacement));
  ASSERT_TRUE(verifier.verify(sha256_of("content"), *replacement));
  EXPECT_FALSE(verifier.rotten(sha256_of("content"), *replacement));
  EXPECT_TRUE(verifier.rotten(sha256_of("content"), *reader)) << "still open, without a name";
}

TEST_F(VerifierTest, LooksAgainAfterTheIntervalAtWhatHadRotted) {
  Verifier verifier(clock(), kInterval);
  const auto reader = store_and_open("content");
  rot(root(), sha256_of("content"), 3);
  ASSERT_FALSE(verifier.verify(sha256_of("content"), *reader));
  clock().advance(kInterval);
  EXPECT_FALSE(verifier.rotten(sha256_of("content"), *reader));
}

TEST_F(VerifierTest, AChangeOfTheFileEndsTheTrust) {
  Verifier verifier(clock(), kInterval);
  const auto reader = store_and_open("content");
  ASSERT_TRUE(verifier.verify(sha256_of("content"), *reader));
  rot(root(), sha256_of("content"), 3);
  EXPECT_FALSE(verifier.verified(sha256_of("content"), *reader));
  EXPECT_EQ(verifier.verify(sha256_of("content"), *reader).error().code, Errc::corrupt);
}

TEST_F(VerifierTest, AChangeWithTheOldModificationTimeEndsTheTrust) {
  Verifier verifier(clock(), kInterval);
  const auto reader = store_and_open("content");
  ASSERT_TRUE(verifier.verify(sha256_of("content"), *reader));
  const auto path = Layout(root()).blob(sha256_of("content"));
  const auto modified = std::filesystem::last_write_time(path);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the file system's clock is coarse
  rot(root(), sha256_of("content"), 3);
  std::filesystem::last_write_time(path, modified);
  EXPECT_FALSE(verifier.verified(sha256_of("content"), *reader));
}

TEST_F(VerifierTest, AnotherFileOfTheSameNameIsNotTrusted) {
  Verifier verifier(clock(), kInterval);
  const auto reader = store_and_open("content");
  ASSERT_TRUE(verifier.verify(sha256_of("content"), *reader));
  const auto replaced = store_and_open("content");
  EXPECT_FALSE(verifier.verified(sha256_of("content"), *replaced));
}

TEST_F(VerifierTest, ChecksAgainAfterTheInterval) {
  Verifier verifier(clock(), kInterval);
  const auto reader = store_and_open("content");
  ASSERT_TRUE(verifier.verify(sha256_of("content"), *reader));
  clock().advance(kInterval - seconds(1));
  EXPECT_TRUE(verifier.verified(sha256_of("content"), *reader));
  clock().advance(seconds(1));
  EXPECT_FALSE(verifier.verified(sha256_of("content"), *reader));
  ASSERT_TRUE(verifier.verify(sha256_of("content"), *reader));
  EXPECT_TRUE(verifier.verified(sha256_of("content"), *reader));
}

TEST_F(VerifierTest, AClockThatIsSetBackEndsTheTrust) {
  Verifier verifier(clock(), kInterval);
  const auto reader = store_and_open("content");
  ASSERT_TRUE(verifier.verify(sha256_of("content"), *reader));
  clock().advance(seconds(-1));
  EXPECT_FALSE(verifier.verified(sha256_of("content"), *reader));
}

TEST_F(VerifierTest, ForgetsWhatWasUsedLongestAgoBeyondItsBound) {
  Verifier verifier(clock(), kInterval, 2);
  const auto one = store_and_open("one");
  const auto two = store_and_open("two");
  const auto three = store_and_open("three");
  ASSERT_TRUE(verifier.verify(sha256_of("one"), *one));
  ASSERT_TRUE(verifier.verify(sha256_of("two"), *two));
  ASSERT_TRUE(verifier.verified(sha256_of("one"), *one));
  ASSERT_TRUE(verifier.verify(sha256_of("three"), *three));
  EXPECT_TRUE(verifier.verified(sha256_of("one"), *one));
  EXPECT_FALSE(verifier.verified(sha256_of("two"), *two));
  EXPECT_TRUE(verifier.verified(sha256_of("three"), *three));
}

TEST_F(VerifierTest, VerifiesBlobsThatAreInNoFile) {
  Verifier verifier(clock(), kInterval);
  const auto memory = make_memory_store();
  ASSERT_TRUE(memory->put(sha256_of("content"), as_bytes("content")));
  const auto reader = memory->open(sha256_of("content")).value();
  ASSERT_TRUE(verifier.verify(sha256_of("content"), *reader));
  EXPECT_TRUE(verifier.verified(sha256_of("content"), *reader));
}

// Holds the first read until it is let go, and counts.
class HeldReader final : public Reader {
 public:
  HeldReader(std::string content, bool fails = false) : content_(std::move(content)), fails_(fails) {}

  std::uint64_t size() const override { return content_.size(); }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const override {
    ++reads_;
    largest_ = std::max(largest_.load(), into.size());
    go_.wait();
    if (fails_) throw std::runtime_error("a bug in a reader");
    const auto rest = as_bytes(content_).subspan(static_cast<std::size_t>(offset));
    const std::size_t count = std::min(rest.size(), into.size());
    std::copy_n(rest.begin(), count, into.begin());
    return count;
  }
  // The verifier asks for it when a call comes in.
  int file_descriptor() const override {
    ++callers_;
    return -1;
  }

  void let_go() { go_.count_down(); }
  int reads() const { return reads_; }
  int callers() const { return callers_; }
  std::size_t largest() const { return largest_; }

 private:
  std::string content_;
  bool fails_;
  mutable std::latch go_{1};
  mutable std::atomic<int> reads_ = 0;
  mutable std::atomic<int> callers_ = 0;
  mutable std::atomic<std::size_t> largest_ = 0;
};

template <class Body>
void with_callers_waiting(HeldReader& reader, int callers, const Body& body) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < callers; ++i) threads.emplace_back(body);
  while (reader.callers() < callers || reader.reads() == 0) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // from asking to waiting
  reader.let_go();
}

TEST_F(VerifierTest, CallersOfOneDigestShareOneReading) {
  Verifier verifier(clock(), kInterval);
  HeldReader reader(make_content(1000));
  const auto digest = sha256_of(make_content(1000));
  std::atomic<int> passed = 0;
  with_callers_waiting(reader, 8, [&] { passed += verifier.verify(digest, reader).has_value() ? 1 : 0; });
  EXPECT_EQ(passed, 8);
  EXPECT_EQ(reader.reads(), 1);
  EXPECT_TRUE(verifier.verified(digest, reader));
}

TEST_F(VerifierTest, CallersOfOneDigestShareABadResult) {
  Verifier verifier(clock(), kInterval);
  HeldReader reader(make_content(1000));
  std::atomic<int> corrupt = 0;
  with_callers_waiting(reader, 8, [&] {
    const auto checked = verifier.verify(sha256_of("other"), reader);
    corrupt += !checked && checked.error().code == Errc::corrupt ? 1 : 0;
  });
  EXPECT_EQ(corrupt, 8);
  EXPECT_EQ(reader.reads(), 1);
}

TEST_F(VerifierTest, NobodyWaitsForEverWhenAReadingThrows) {
  Verifier verifier(clock(), kInterval);
  HeldReader reader(make_content(1000), true);
  std::atomic<int> thrown = 0;
  std::atomic<int> failed = 0;
  with_callers_waiting(reader, 4, [&] {
    try {
      failed += verifier.verify(sha256_of("content"), reader).has_value() ? 0 : 1;
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  });
  EXPECT_EQ(thrown, 1);
  EXPECT_EQ(failed, 3);
}

TEST_F(VerifierTest, DifferentFilesOfOneDigestAreReadEach) {
  Verifier verifier(clock(), kInterval);
  const std::string content = make_content(1000);
  HeldReader held(content);
  std::jthread first(
      [&] { EXPECT_EQ(verifier.verify(sha256_of("other"), held).error().code, Errc::corrupt); });
  while (held.reads() == 0) std::this_thread::yield();
  // A file, so another identity: it must not wait for the held one, nor take its result.
  const auto file = store_and_open("other");
  EXPECT_TRUE(verifier.verify(sha256_of("other"), *file));
  held.let_go();
}

TEST_F(VerifierTest, ReadsInPiecesOfBoundedSize) {
  Verifier verifier(clock(), kInterval);
  const std::string content = make_content(5 << 20);
  HeldReader reader(content);
  reader.let_go();
  ASSERT_TRUE(verifier.verify(sha256_of(content), reader));
  EXPECT_EQ(reader.largest(), 1u << 20);
  EXPECT_EQ(reader.reads(), 5);
}

}  // namespace
}  // namespace bulkhead::blob
