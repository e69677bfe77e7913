#include "transfer/copier.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>

#include "base/shown.h"
#include "crypto/hash.h"
#include "transfer/crew.h"
#include "transfer/shared_blobs.h"

namespace bulkhead::transfer {
namespace {

constexpr int kDeepest = 8;                      // indexes in indexes, referrers of referrers
constexpr std::size_t kMostManifests = 500'000;  // of a repository
constexpr std::size_t kFailuresTold = 1'000;
constexpr int kTries = 3;  // of a blob whose target broke off

// "sha256-HEX": the tag of what refers to a manifest where there is no API for that, and the beginning of
// cosign's.
std::string tag_of(const oci::Digest& digest) {
  return fmt::format("{}-{}", oci::name(digest.algorithm()), digest.hex());
}

crypto::HashAlgorithm algorithm_of(const oci::Digest& digest) {
  return digest.algorithm() == oci::Algorithm::sha256 ? crypto::HashAlgorithm::sha256
                                                      : crypto::HashAlgorithm::sha512;
}

std::string label(const oci::RepositoryName& repository, const oci::Reference& reference) {
  if (const auto* digest = std::get_if<oci::Digest>(&reference))
    return fmt::format("{}@{}", repository.render(), digest->render());
  return fmt::format("{}:{}", repository.render(), std::get<oci::Tag>(reference).render());
}

// An item under way, shared by the tasks of its tags.
struct Job {
  explicit Job(Item item) : outcome{std::move(item)} {}

  std::mutex mutex;
  Outcome outcome;
  std::set<oci::Digest> done;  // manifests that are at the target, whose referrers are seen to
  std::size_t left = 0;        // references

  void failed(std::string what, Error why) {
    const std::lock_guard lock(mutex);
    if (outcome.failures.size() < kFailuresTold)
      outcome.failures.push_back({std::move(what), std::move(why)});
  }
};

class Copier {
 public:
  Copier(Source& source, Target& target, const CopyOptions& options, Observer& observer, const Stop& stop)
      : source_(source),
        target_(target),
        options_(options),
        observer_(observer),
        stop_(stop),
        crew_(options.jobs) {}

  std::vector<Outcome> run(std::vector<Item> items);

 private:
  void begin(Job& job);
  void end_one(Job& job);
  void copy_reference(Job& job, const oci::Reference& reference);
  Result<void> try_reference(Job& job, const oci::Reference& reference, int depth);
  Result<void> bring(Job& job, const Document& document, const std::optional<oci::Tag>& tag, bool there,
                     int depth);
  Result<void> bring_parts(Job& job, const oci::Manifest& manifest, int depth);
  Result<void> bring_by_digest(Job& job, const oci::Digest& digest, int depth);
  Result<void> bring_referrers(Job& job, const oci::Digest& subject, int depth);
  Result<void> bring_blob(Job& job, const oci::Descriptor& blob);
  Result<void> fetch_blob(Job& job, const oci::Descriptor& blob);
  Result<void> stream(Job& job, const oci::Descriptor& blob);
  void tell_bytes(Job& job, std::uint64_t count);

  Source& source_;
  Target& target_;
  const CopyOptions options_;
  Observer& observer_;
  const Stop& stop_;
  Crew crew_;
  SharedBlobs blobs_;
  std::mutex telling_;
};

std::vector<Outcome> Copier::run(std::vector<Item> items) {
  std::vector<std::unique_ptr<Job>> jobs;
  for (Item& item : items) {
    jobs.push_back(std::make_unique<Job>(std::move(item)));
    crew_.add_last([this, job = jobs.back().get()] { begin(*job); });
  }
  crew_.run();
  std::vector<Outcome> out;
  for (const auto& job : jobs) out.push_back(std::move(job->outcome));
  return out;
}

void Copier::begin(Job& job) {
  const Item& item = job.outcome.item;
  std::vector<oci::Reference> references = item.references;
  if (stop_) {
    job.failed(item.from.render(), {Errc::interrupted, "stopped before it was begun"});
  } else if (references.empty()) {
    auto tags = source_.tags(item.from);
    if (!tags) job.failed(item.from.render(), tags.error());
    if (tags) {
      std::ranges::sort(*tags);
      tags->erase(std::unique(tags->begin(), tags->end()), tags->end());
      for (const std::string& text : *tags) {
        auto tag = oci::Tag::parse(text);
        if (tag)
          references.emplace_back(*std::move(tag));
        else
          job.failed(fmt::format("{}:{}", item.from.render(), shown(text)), tag.error());
      }
    }
    auto untagged = source_.untagged(item.from);
    if (untagged)
      references.insert(references.end(), untagged->begin(), untagged->end());
    else
      job.failed(item.from.render(), untagged.error());
  }
  job.left = references.size() + 1;
  // In front of the next items: few are under way at a time, and the first of these goes first.
  for (auto each = references.rbegin(); each != references.rend(); ++each)
    crew_.add_first([this, &job, reference = std::move(*each)] { copy_reference(job, reference); });
  end_one(job);
}

void Copier::end_one(Job& job) {
  {
    const std::lock_guard lock(job.mutex);
    if (--job.left > 0) return;
  }
  const std::lock_guard lock(telling_);
  observer_.ended(job.outcome);
}

void Copier::copy_reference(Job& job, const oci::Reference& reference) {
  if (auto copied = try_reference(job, reference, 0); !copied)
    job.failed(label(job.outcome.item.from, reference), copied.error());
  end_one(job);
}

Result<void> Copier::try_reference(Job& job, const oci::Reference& reference, int depth) {
  if (stop_) return Error{Errc::interrupted, "stopped before it was begun"};
  const Item& item = job.outcome.item;
  {
    const std::lock_guard lock(telling_);
    observer_.begins(item, label(item.from, reference));
  }
  const auto* tag = std::get_if<oci::Tag>(&reference);
  if (tag == nullptr)
    return options_.dry_run ? Result<void>() : bring_by_digest(job, std::get<oci::Digest>(reference), depth);
  const auto theirs = source_.digest_of(item.from, *tag);
  if (!theirs) return theirs.error();
  const auto ours = target_.digest_of(item.to, *tag);
  if (!ours) return ours.error();
  bool there = *theirs && *ours && **theirs == **ours;
  std::optional<Document> document;
  if (there && !options_.dry_run) {
    // For what belongs to it; read from where it costs nothing.
    auto kept = target_.manifest(item.to, **ours);
    if (!kept) return kept.error();
    document = *std::move(kept);
    there = document.has_value();
  }
  if (!document && !options_.dry_run) {
    auto fetched = source_.manifest(item.from, reference);
    if (!fetched) return fetched.error();
    document = *std::move(fetched);
    // Of a source that does not say before.
    if (!*theirs) there = *ours == document->digest;
  }
  if (document)
    if (auto brought = bring(job, *document, *tag, there, depth); !brought) return brought.error();
  const std::lock_guard lock(job.mutex);
  ++(there ? job.outcome.there : job.outcome.copied);
  return {};
}

Result<void> Copier::bring_by_digest(Job& job, const oci::Digest& digest, int depth) {
  {
    const std::lock_guard lock(job.mutex);
    if (job.done.contains(digest)) return {};
  }
  if (stop_) return Error{Errc::interrupted, "stopped"};
  const Item& item = job.outcome.item;
  auto kept = target_.manifest(item.to, digest);
  if (!kept) return kept.error();
  if (*kept) return bring(job, **kept, std::nullopt, true, depth);
  auto fetched = source_.manifest(item.from, digest);
  if (!fetched) return fetched.error();
  return bring(job, *fetched, std::nullopt, false, depth);
}

// `there`: the target has it already, and so all of its parts.
Result<void> Copier::bring(Job& job, const Document& document, const std::optional<oci::Tag>& tag, bool there,
                           int depth) {
  const Item& item = job.outcome.item;
  const std::string what = fmt::format("{}@{}", item.from.render(), document.digest.render());
  if (depth > kDeepest)
    return Error{Errc::manifest_invalid, fmt::format("{} lies more than {} manifests deep", what, kDeepest)};
  const auto manifest = oci::parse_manifest(as_bytes(document.bytes), document.media_type);
  if (!manifest) return Error{manifest.error().code, fmt::format("{}: {}", what, manifest.error().message)};
  bool known = false;
  {
    const std::lock_guard lock(job.mutex);
    known = job.done.contains(document.digest);
  }
  if (there) {
    for (const oci::Descriptor& child : manifest->manifests)
      if (auto brought = bring_by_digest(job, child.digest, depth + 1); !brought) return brought.error();
  } else if (!known) {
    if (auto brought = bring_parts(job, *manifest, depth); !brought) return brought.error();
  }
  if (!there) {
    if (auto put = target_.put(item.to, document, tag); !put) return put.error();
    tell_bytes(job, document.bytes.size());
    const std::lock_guard lock(job.mutex);
    ++job.outcome.manifests;
  }
  {
    const std::lock_guard lock(job.mutex);
    if (!job.done.insert(document.digest).second) return {};
    if (job.done.size() > kMostManifests)
      return Error{Errc::too_large,
                   fmt::format("{} has more than {} manifests", item.from.render(), kMostManifests)};
  }
  return bring_referrers(job, document.digest, depth);
}

// Of an index whose parts are not all there, those that are come.
Result<void> Copier::bring_parts(Job& job, const oci::Manifest& manifest, int depth) {
  Result<void> outcome;
  for (const oci::Descriptor& child : manifest.manifests)
    if (auto brought = bring_by_digest(job, child.digest, depth + 1); !brought && outcome)
      outcome = brought.error();
  if (!outcome) return outcome;
  std::mutex mutex;
  std::set<oci::Digest> named;
  std::vector<Crew::Work> parts;
  for (const oci::Descriptor& blob : manifest.blobs) {
    if (!named.insert(blob.digest).second) continue;
    parts.emplace_back([&, blob] {
      auto brought = bring_blob(job, blob);
      const std::lock_guard lock(mutex);
      if (!brought && outcome) outcome = brought.error();
    });
  }
  crew_.together(std::move(parts));
  return outcome;
}

Result<void> Copier::bring_referrers(Job& job, const oci::Digest& subject, int depth) {
  const Item& item = job.outcome.item;
  const auto listed = source_.referrers(item.from, subject);
  if (!listed) return listed.error();
  Result<void> outcome;
  if (*listed)
    for (const oci::Descriptor& each : **listed)
      if (auto brought = bring_by_digest(job, each.digest, depth + 1); !brought && outcome)
        outcome = brought.error();
  // Where all tags are copied, these are among them.
  if (item.references.empty()) return outcome;
  for (const char* ending : {"", ".sig", ".att", ".sbom"}) {
    const auto tag = oci::Tag::parse(tag_of(subject) + ending);
    if (!tag) continue;  // of SHA-512 it would be too long
    const auto theirs = source_.digest_of(item.from, *tag);
    if (!theirs && theirs.error().code == Errc::not_found) continue;
    if (!theirs) return theirs.error();
    if (auto copied = try_reference(job, *tag, depth + 1); !copied && outcome) outcome = copied.error();
  }
  return outcome;
}

Result<void> Copier::bring_blob(Job& job, const oci::Descriptor& blob) {
  if (stop_) return Error{Errc::interrupted, "stopped"};
  const Item& item = job.outcome.item;
  if (const auto place = blobs_.find_or_claim(blob.digest)) {
    if (*place == item.to) return {};
    auto mounted = target_.mount(item.to, blob, *place);
    if (mounted && *mounted) {
      const std::lock_guard lock(job.mutex);
      ++job.outcome.mounted;
      return {};
    }
    return fetch_blob(job, blob);
  }
  auto fetched = fetch_blob(job, blob);
  if (fetched)
    blobs_.brought(blob.digest, item.to);
  else
    blobs_.given_up(blob.digest);
  return fetched;
}

Result<void> Copier::fetch_blob(Job& job, const oci::Descriptor& blob) {
  const auto there = target_.has_blob(job.outcome.item.to, blob);
  if (!there) return there.error();
  if (*there) return {};
  for (int tries = 1;; ++tries) {
    auto streamed = stream(job, blob);
    if (streamed || streamed.error().code != Errc::unavailable || tries == kTries || stop_) return streamed;
  }
}

Result<void> Copier::stream(Job& job, const oci::Descriptor& blob) {
  const Item& item = job.outcome.item;
  const std::string what = fmt::format("{}@{}", item.from.render(), blob.digest.render());
  auto writer = target_.write(item.to, blob);
  if (!writer) return writer.error();
  crypto::Hasher hasher(algorithm_of(blob.digest));
  std::uint64_t size = 0;
  const auto streamed = source_.blob(item.from, blob, [&](std::string_view piece) -> Result<void> {
    if (piece.size() > blob.size - size)
      return Error{Errc::size_invalid,
                   fmt::format("{}: more came than the {} bytes that the manifest says", what, blob.size)};
    hasher.update(as_bytes(piece));
    size += piece.size();
    {
      const std::lock_guard lock(telling_);
      observer_.bytes(piece.size());
    }
    return (*writer)->append(piece);
  });
  if (!streamed) return streamed.error();
  if (size != blob.size)
    return Error{Errc::size_invalid,
                 fmt::format("{}: {} bytes came, and the manifest says {}", what, size, blob.size)};
  const auto digest = oci::Digest::from_hash(blob.digest.algorithm(), as_bytes(hasher.current()));
  if (digest != blob.digest)
    return Error{Errc::corrupt, fmt::format("{}: what came has the digest {}", what, digest.render())};
  if (auto finished = (*writer)->finish(); !finished) return finished.error();
  const std::lock_guard lock(job.mutex);
  ++job.outcome.blobs;
  job.outcome.bytes += size;
  return {};
}

void Copier::tell_bytes(Job& job, std::uint64_t count) {
  {
    const std::lock_guard lock(job.mutex);
    job.outcome.bytes += count;
  }
  const std::lock_guard lock(telling_);
  observer_.bytes(count);
}

}  // namespace

std::vector<Outcome> copy(Source& source, Target& target, std::vector<Item> items, const CopyOptions& options,
                          Observer& observer, const Stop& stop) {
  return Copier(source, target, options, observer, stop).run(std::move(items));
}

}  // namespace bulkhead::transfer
