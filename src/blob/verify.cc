#include "blob/verify.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "blob/errors.h"
#include "blob/layout.h"
#include "crypto/hash.h"

namespace bulkhead::blob {
namespace {

constexpr std::size_t kReadSize = 1u << 20;
constexpr std::size_t kRottenRemembered = 10'000;

// What changes when a file's bytes are changed or another file takes its place. Bytes that are in no file
// cannot change: only their size speaks for them.
struct Identity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds
  std::int64_t changed = 0;

  friend auto operator<=>(const Identity&, const Identity&) = default;
};

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Result<Identity> identify(const Reader& reader) {
  if (reader.file_descriptor() < 0) return Identity{.size = reader.size()};
  struct stat status {};
  if (::fstat(reader.file_descriptor(), &status) != 0) return system_error("look at", "an open blob", errno);
  return Identity{.device = status.st_dev,
                  .inode = status.st_ino,
                  .size = static_cast<std::uint64_t>(status.st_size),
                  .modified = nanoseconds(status.st_mtim),
                  .changed = nanoseconds(status.st_ctim)};
}

// Another file has its name by now, or none.
bool replaced(const Reader& reader) {
  struct stat status {};
  return reader.file_descriptor() >= 0 && ::fstat(reader.file_descriptor(), &status) == 0 &&
         status.st_nlink == 0;
}

// Errc::corrupt when the content is not what `digest` says.
Result<void> check(const oci::Digest& digest, const Reader& reader) {
  crypto::Hasher hasher(hash_algorithm(digest.algorithm()));
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(kReadSize, reader.size())));
  for (std::uint64_t offset = 0; offset < reader.size();) {
    auto count = reader.read(offset, buffer);
    if (!count) return count.error();
    if (*count == 0) break;  // short: the hash will not match
    hasher.update(std::span(buffer).first(*count));
    offset += *count;
  }
  const auto actual = oci::Digest::from_hash(digest.algorithm(), as_bytes(hasher.current()));
  if (actual == digest) return {};
  return Error{Errc::corrupt,
               fmt::format("blob {} has rotted: its bytes are now {}", digest.render(), actual.render())};
}

// One reading of one file, that several callers may wait for.
struct Pass {
  std::condition_variable finished;
  std::optional<Result<void>> outcome;  // guarded by State::mutex
};

}  // namespace

struct Verifier::State {
  struct Check {
    oci::Digest digest;
    Identity identity;
    Time at;
  };
  using Checks = std::list<Check>;

  State(const Clock& c, std::chrono::seconds i, std::size_t r) : clock(c), interval(i), remembered(r) {}

  bool recent(Time at) const {
    // A clock that was set back must not stretch the interval.
    const auto age = clock.now() - at;
    return age >= age.zero() && age < interval;
  }

  // The rest under `mutex`.
  void remember(Check check) {
    forget(check.digest);
    // Of another file nothing was learnt: somebody may still have it open.
    if (const auto known = rotten.find(check.digest);
        known != rotten.end() && known->second.identity == check.identity)
      rotten.erase(known);
    checks.push_front(std::move(check));
    by_digest.emplace(checks.front().digest, checks.begin());
    if (checks.size() > remembered) forget(checks.back().digest);
  }

  void remember_rotten(Check check) {
    if (rotten.size() >= kRottenRemembered) rotten.erase(rotten.begin());
    rotten.insert_or_assign(check.digest, std::move(check));
  }

  void forget(oci::Digest digest) {
    const auto found = by_digest.find(digest);
    if (found == by_digest.end()) return;
    checks.erase(found->second);
    by_digest.erase(found);
  }

  const Clock& clock;
  const std::chrono::seconds interval;
  const std::size_t remembered;

  std::mutex mutex;
  Checks checks;  // last used first
  std::unordered_map<oci::Digest, Checks::iterator, oci::DigestHash> by_digest;
  std::unordered_map<oci::Digest, Check, oci::DigestHash> rotten;
  // The identity belongs to the key: what one file holds says nothing about another of the same name.
  std::map<std::pair<oci::Digest, Identity>, std::shared_ptr<Pass>> passes;
};

Verifier::Verifier(const Clock& clock, std::chrono::seconds interval, std::size_t remembered)
    : state_(std::make_unique<State>(clock, interval, remembered)) {}

Verifier::~Verifier() = default;

bool Verifier::verified(const oci::Digest& digest, const Reader& reader) const {
  const auto identity = identify(reader);
  if (!identity) return false;
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->by_digest.find(digest);
  if (found == state_->by_digest.end()) return false;
  const auto check = found->second;
  if (check->identity != *identity || !state_->recent(check->at)) return false;
  state_->checks.splice(state_->checks.begin(), state_->checks, check);
  return true;
}

bool Verifier::rotten(const oci::Digest& digest, const Reader& reader) const {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->rotten.contains(digest)) return false;  // as nearly always
  }
  const auto identity = identify(reader);
  if (!identity) return false;
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->rotten.find(digest);
  return found != state_->rotten.end() && state_->recent(found->second.at) &&
         (found->second.identity == *identity || replaced(reader));
}

Result<void> Verifier::verify(const oci::Digest& digest, const Reader& reader) {
  // Taken before the bytes are read: a file that changes meanwhile is then not what was checked.
  const auto identity = identify(reader);
  if (!identity) return identity.error();
  const auto started = state_->clock.now();
  const std::pair key(digest, *identity);

  std::unique_lock lock(state_->mutex);
  if (const auto running = state_->passes.find(key); running != state_->passes.end()) {
    const auto pass = running->second;
    pass->finished.wait(lock, [&] { return pass->outcome.has_value(); });
    return *pass->outcome;
  }
  const auto pass = std::make_shared<Pass>();
  state_->passes.emplace(key, pass);
  lock.unlock();

  Result<void> outcome = Error{Errc::internal, "the check was interrupted"};
  std::exception_ptr failure;
  try {
    outcome = check(digest, reader);
  } catch (...) {
    failure = std::current_exception();  // those who wait must hear of it too
  }

  lock.lock();
  if (outcome)
    state_->remember({digest, *identity, started});
  else
    state_->forget(digest);
  if (!outcome && outcome.error().code == Errc::corrupt)
    state_->remember_rotten({digest, *identity, started});
  state_->passes.erase(key);
  pass->outcome = outcome;
  pass->finished.notify_all();
  lock.unlock();
  if (failure) std::rethrow_exception(failure);
  return outcome;
}

}  // namespace bulkhead::blob
