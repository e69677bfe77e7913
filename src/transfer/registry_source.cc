#include "transfer/registry_source.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/shown.h"
#include "oci/strict_json.h"
#include "transfer/challenge.h"

namespace bulkhead::transfer {
namespace {

namespace json = boost::json;

constexpr std::size_t kPageBytes = std::size_t{16} << 20;
constexpr int kMostPages = 10'000;
constexpr int kEmptyPages = 10;  // in a row
constexpr int kBreaks = 100;     // of one blob

std::string path_of(const oci::RepositoryName& repository, std::string_view rest) {
  return fmt::format("/v2/{}/{}", repository.render(), rest);
}

std::string pull(const oci::RepositoryName& repository) {
  return RegistryClient::scope_of(repository.render(), "pull");
}

std::string render(const oci::Reference& reference) {
  return std::visit([](const auto& each) { return each.render(); }, reference);
}

// "where: cannot do it", for an error that says neither of which.
Error about(std::string_view what, const Error& error) {
  return {error.code, fmt::format("{}: {}", what, error.message), error.retry_after};
}

const json::value* member(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

// Descriptors of an index, those that can be read.
std::vector<oci::Descriptor> descriptors_of(const json::value& index) {
  std::vector<oci::Descriptor> out;
  const auto* list = member(index, "manifests");
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& each : list->get_array()) {
    const auto* digest = member(each, "digest");
    const auto* type = member(each, "mediaType");
    if (digest == nullptr || !digest->is_string() || type == nullptr || !type->is_string()) continue;
    if (const auto parsed = oci::Digest::parse(digest->get_string()))
      out.push_back({std::string(type->get_string()), *parsed, 0});
  }
  return out;
}

}  // namespace

const char* const kAcceptManifests =
    "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, */*;q=0.1";

Result<Document> document_of(Answer answer, const std::optional<oci::Digest>& expected,
                             std::string_view what) {
  std::optional<oci::Digest> told = expected;
  if (!told) {
    const auto parsed = oci::Digest::parse(answer.header("docker-content-digest"));
    if (parsed) told = *parsed;
  }
  const oci::Digest digest =
      oci::Digest::of(told ? told->algorithm() : oci::Algorithm::sha256, as_bytes(answer.body));
  if (told && digest != *told)
    return Error{Errc::corrupt, fmt::format("{}: what came is not {}, it has the digest {}", what,
                                            told->render(), digest.render())};
  return Document{std::move(answer.body), std::string(answer.header("content-type")), digest};
}

Result<std::vector<std::string>> RegistrySource::list(const std::string& path, const std::string& scope,
                                                      const char* key, const std::string& what) {
  std::vector<std::string> out;
  std::string next = path;
  int empty = 0;
  for (int page = 0; page < kMostPages && empty < kEmptyPages; ++page) {
    const std::size_t before = out.size();
    auto answer = client_.send({.url = next, .largest_body = kPageBytes}, scope);
    if (!answer) return about(what, answer.error());
    if (answer->status != 200) return client_.refusal(*answer, what);
    const auto parsed = oci::parse_strict_json(answer->body, {.depth = 16, .values = 1'000'000});
    const auto* names = parsed ? member(*parsed, key) : nullptr;
    if (names == nullptr || !(names->is_array() || names->is_null()))
      return Error{Errc::invalid_argument, fmt::format("{}: the answer is no list", what)};
    if (names->is_array())
      for (const json::value& name : names->get_array())
        if (name.is_string()) out.emplace_back(name.get_string());
    if (out.size() > kMostTags)
      return Error{Errc::too_large, fmt::format("{}: the list has more than {} entries", what, kMostTags)};
    const auto link = next_link(answer->header("link"));
    if (!link) return out;
    auto following = resolve_url(answer->url, *link);
    if (!following) return about(what, following.error());
    if (origin_of(*following) != origin_of(client_.url()))
      return Error{Errc::denied,
                   fmt::format("{}: the list goes on at another host, {}", what, shown(host_of(*following)))};
    next = *std::move(following);
    empty = out.size() == before ? empty + 1 : 0;
  }
  return Error{Errc::too_large,
               fmt::format("{}: the list goes on, for more than {} pages or for {} without an entry", what,
                           kMostPages, kEmptyPages)};
}

Result<std::vector<std::string>> RegistrySource::repositories() {
  return list("/v2/_catalog?n=1000", "registry:catalog:*", "repositories", "list of repositories");
}

Result<std::vector<std::string>> RegistrySource::tags(const oci::RepositoryName& repository) {
  return list(path_of(repository, "tags/list?n=1000"), pull(repository), "tags",
              fmt::format("tags of {}", repository.render()));
}

Result<std::vector<oci::Digest>> RegistrySource::untagged(const oci::RepositoryName&) {
  return std::vector<oci::Digest>();
}

Result<std::optional<oci::Digest>> RegistrySource::digest_of(const oci::RepositoryName& repository,
                                                             const oci::Tag& tag) {
  const std::string what = fmt::format("{}:{}", repository.render(), tag.render());
  auto answer = client_.send({.method = "HEAD",
                              .url = path_of(repository, "manifests/" + tag.render()),
                              .headers = {kAcceptManifests}},
                             pull(repository));
  if (!answer) return about(what, answer.error());
  if (answer->status == 405) return std::optional<oci::Digest>();
  if (answer->status != 200) return client_.refusal(*answer, what);
  const auto digest = oci::Digest::parse(answer->header("docker-content-digest"));
  return digest ? std::optional(*digest) : std::nullopt;
}

Result<Document> RegistrySource::manifest(const oci::RepositoryName& repository,
                                          const oci::Reference& reference) {
  const auto* digest = std::get_if<oci::Digest>(&reference);
  const std::string name = render(reference);
  const std::string what = fmt::format("{}{}{}", repository.render(), digest != nullptr ? "@" : ":", name);
  auto answer = client_.send({.url = path_of(repository, "manifests/" + name),
                              .headers = {kAcceptManifests},
                              .largest_body = kManifestBytes},
                             pull(repository));
  if (!answer) return about(what, answer.error());
  if (answer->status != 200) return client_.refusal(*answer, what);
  return document_of(*std::move(answer), digest != nullptr ? std::optional(*digest) : std::nullopt, what);
}

Result<void> RegistrySource::blob(const oci::RepositoryName& repository, const oci::Descriptor& blob,
                                  const Take& take) {
  const std::string what = fmt::format("{}@{}", repository.render(), blob.digest.render());
  std::uint64_t offset = 0;
  Result<void> taken;
  for (int breaks = 0;; ++breaks) {
    const std::uint64_t before = offset;
    // Of one that does not know ranges, what was taken comes again.
    std::uint64_t known = 0;
    bool looked = false;
    Request request{.url = path_of(repository, "blobs/" + blob.digest.render())};
    if (offset > 0) request.headers.push_back(fmt::format("Range: bytes={}-", offset));
    request.sink = [&](const Answer& head, std::string_view piece) {
      if (!std::exchange(looked, true) && head.status == 200) known = offset;
      const auto skipped = std::min<std::uint64_t>(known, piece.size());
      known -= skipped;
      piece.remove_prefix(skipped);
      if (piece.empty()) return true;
      taken = take(piece);
      offset += piece.size();
      return taken.has_value();
    };
    auto answer = client_.send(std::move(request), pull(repository));
    if (!taken) return taken.error();
    if (answer && answer->status != 200 && answer->status != 206) return client_.refusal(*answer, what);
    if (answer) return {};
    // Where bytes came before it broke, the rest may come, too.
    if (answer.error().code != Errc::unavailable || offset == before || breaks == kBreaks)
      return about(what, answer.error());
  }
}

Result<std::optional<std::vector<oci::Descriptor>>> RegistrySource::referrers(
    const oci::RepositoryName& repository, const oci::Digest& subject) {
  using Listed = std::optional<std::vector<oci::Descriptor>>;
  {
    const std::lock_guard lock(mutex_);
    if (without_referrers_.contains(repository)) return Listed();
  }
  const std::string what = fmt::format("referrers of {}@{}", repository.render(), subject.render());
  Listed out(std::in_place);
  std::string next = path_of(repository, "referrers/" + subject.render());
  int empty = 0;
  for (int page = 0; page < kMostPages && empty < kEmptyPages; ++page) {
    const std::size_t before = out->size();
    auto answer = client_.send({.url = next, .largest_body = kPageBytes}, pull(repository));
    if (!answer) return about(what, answer.error());
    const auto parsed = oci::parse_strict_json(answer->body, {.depth = 16, .values = 1'000'000});
    const auto* type = parsed ? member(*parsed, "mediaType") : nullptr;
    const bool index =
        answer->status == 200 && type != nullptr && *type == json::value(oci::media_type::kImageIndex);
    if (!index) {
      // Registries without the API say so in many ways, some with a page for people.
      if (page == 0 && answer->status != 401 && answer->status != 403) {
        const std::lock_guard lock(mutex_);
        without_referrers_.insert(repository);
        return Listed();
      }
      return client_.refusal(*answer, what);
    }
    for (oci::Descriptor& each : descriptors_of(*parsed)) out->push_back(std::move(each));
    if (out->size() > kMostTags)
      return Error{Errc::too_large, fmt::format("{}: the list has more than {} entries", what, kMostTags)};
    const auto link = next_link(answer->header("link"));
    if (!link) return out;
    auto following = resolve_url(answer->url, *link);
    if (!following) return about(what, following.error());
    if (origin_of(*following) != origin_of(client_.url()))
      return Error{Errc::denied, fmt::format("{}: the list goes on at another host", what)};
    next = *std::move(following);
    empty = out->size() == before ? empty + 1 : 0;
  }
  return Error{Errc::too_large,
               fmt::format("{}: the list goes on, for more than {} pages or for {} without an entry", what,
                           kMostPages, kEmptyPages)};
}

}  // namespace bulkhead::transfer
