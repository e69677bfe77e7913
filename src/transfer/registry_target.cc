#include "transfer/registry_target.h"

#include <fmt/format.h>

#include "base/percent.h"
#include "transfer/registry_source.h"

namespace bulkhead::transfer {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{4} << 20;
constexpr const char* kBytes = "Content-Type: application/octet-stream";

std::string path_of(const oci::RepositoryName& repository, std::string_view rest) {
  return fmt::format("/v2/{}/{}", repository.render(), rest);
}

// One scope for all that is done in a repository: one token.
std::string scope_of(const oci::RepositoryName& repository) {
  return RegistryClient::scope_of(repository.render(), "pull,push");
}

// Also said of a repository that is not there yet, which one without the right to make it may not read.
bool absent(unsigned status) { return status == 404 || status == 401 || status == 403; }

class Upload final : public BlobWriter {
 public:
  Upload(RegistryClient& client, const oci::RepositoryName& repository, const oci::Descriptor& blob)
      : client_(client), repository_(repository), digest_(blob.digest) {
    chunk_.reserve(std::min<std::uint64_t>(blob.size, kChunkBytes));
  }
  ~Upload() override {
    if (!location_.empty())
      static_cast<void>(client_.send({.method = "DELETE", .url = location_}, scope_of(repository_),
                                     RegistryClient::Again::refused));
  }

  Result<void> append(std::string_view piece) override {
    while (!piece.empty()) {
      if (chunk_.size() == kChunkBytes)
        if (auto sent = send_chunk(); !sent) return sent.error();
      const auto part = std::min(piece.size(), kChunkBytes - chunk_.size());
      chunk_ += piece.substr(0, part);
      piece.remove_prefix(part);
    }
    return {};
  }

  Result<void> finish() override {
    const std::string digest = "digest=" + percent_encode(digest_.render());
    if (location_.empty()) {
      // Once more after a broken connection is no harm: it is the same blob.
      auto answer = client_.send({.method = "POST",
                                  .url = path_of(repository_, "blobs/uploads/?" + digest),
                                  .headers = {kBytes},
                                  .body = chunk_},
                                 scope_of(repository_));
      if (!answer) return answer.error();
      if (answer->status == 201) return {};
      if (auto begun = begin(*answer); !begun) return begun.error();
    }
    const char joint = location_.find('?') == std::string::npos ? '?' : '&';
    auto answer = client_.send({.method = "PUT",
                                .url = fmt::format("{}{}{}", location_, joint, digest),
                                .headers = headers(),
                                .body = chunk_},
                               scope_of(repository_), RegistryClient::Again::refused);
    if (!answer) return answer.error();
    if (answer->status != 201) return refused(*answer);
    location_.clear();
    return {};
  }

 private:
  Error refused(const Answer& answer) const {
    return client_.refusal(answer, fmt::format("{}@{}", repository_.render(), digest_.render()));
  }

  std::vector<std::string> headers() const {
    std::vector<std::string> out{kBytes};
    if (!chunk_.empty()) out.push_back(fmt::format("Content-Range: {}-{}", sent_, sent_ + chunk_.size() - 1));
    return out;
  }

  // The upload's address is the server's own, whatever it calls itself.
  Result<void> begin(const Answer& answer) {
    if (answer.status != 202) return refused(answer);
    const auto location = resolve_url(answer.url, std::string(answer.header("location")));
    if (!location) return location.error();
    location_ = target_of(*location);
    return {};
  }

  Result<void> send_chunk() {
    if (location_.empty()) {
      auto answer = client_.send(
          {.method = "POST", .url = path_of(repository_, "blobs/uploads/"), .body = std::string_view()},
          scope_of(repository_));
      if (!answer) return answer.error();
      if (auto begun = begin(*answer); !begun) return begun.error();
    }
    auto answer = client_.send({.method = "PATCH", .url = location_, .headers = headers(), .body = chunk_},
                               scope_of(repository_), RegistryClient::Again::refused);
    if (!answer) return answer.error();
    sent_ += chunk_.size();
    chunk_.clear();
    return begin(*answer);
  }

  RegistryClient& client_;
  const oci::RepositoryName repository_;
  const oci::Digest digest_;
  std::string chunk_;
  std::uint64_t sent_ = 0;
  std::string location_;  // of the session, while there is one
};

}  // namespace

Result<std::optional<oci::Digest>> RegistryTarget::digest_of(const oci::RepositoryName& repository,
                                                             const oci::Tag& tag) {
  auto answer = client_.send({.method = "HEAD",
                              .url = path_of(repository, "manifests/" + tag.render()),
                              .headers = {kAcceptManifests}},
                             scope_of(repository));
  if (!answer) return answer.error();
  if (absent(answer->status)) return std::optional<oci::Digest>();
  if (answer->status != 200)
    return client_.refusal(*answer, fmt::format("{}:{}", repository.render(), tag.render()));
  const auto digest = oci::Digest::parse(answer->header("docker-content-digest"));
  return digest ? std::optional(*digest) : std::nullopt;
}

Result<std::optional<Document>> RegistryTarget::manifest(const oci::RepositoryName& repository,
                                                         const oci::Digest& digest) {
  const std::string what = fmt::format("{}@{}", repository.render(), digest.render());
  auto answer = client_.send({.url = path_of(repository, "manifests/" + digest.render()),
                              .headers = {kAcceptManifests},
                              .largest_body = kManifestBytes},
                             scope_of(repository));
  if (!answer) return answer.error();
  if (absent(answer->status)) return std::optional<Document>();
  if (answer->status != 200) return client_.refusal(*answer, what);
  auto document = document_of(*std::move(answer), digest, what);
  if (!document) return document.error();
  return std::optional(*std::move(document));
}

Result<bool> RegistryTarget::has_blob(const oci::RepositoryName& repository, const oci::Descriptor& blob) {
  const std::string what = fmt::format("{}@{}", repository.render(), blob.digest.render());
  auto answer = client_.send({.method = "HEAD", .url = path_of(repository, "blobs/" + blob.digest.render())},
                             scope_of(repository));
  if (!answer) return answer.error();
  if (absent(answer->status)) return false;
  if (answer->status != 200) return client_.refusal(*answer, what);
  return true;
}

Result<bool> RegistryTarget::mount(const oci::RepositoryName& repository, const oci::Descriptor& blob,
                                   const oci::RepositoryName& from) {
  auto answer = client_.send(
      {.method = "POST",
       .url = path_of(repository,
                      fmt::format("blobs/uploads/?mount={}&from={}", percent_encode(blob.digest.render()),
                                  percent_encode(from.render()))),
       .body = std::string_view()},
      fmt::format("{} {}", scope_of(repository), RegistryClient::scope_of(from.render(), "pull")));
  if (!answer) return answer.error();
  if (answer->status == 202) {
    // A session was begun instead.
    const auto location = resolve_url(answer->url, std::string(answer->header("location")));
    if (location)
      static_cast<void>(
          client_.send({.method = "DELETE", .url = target_of(*location)}, scope_of(repository)));
  }
  return answer->status == 201;
}

Result<std::unique_ptr<BlobWriter>> RegistryTarget::write(const oci::RepositoryName& repository,
                                                          const oci::Descriptor& blob) {
  return std::unique_ptr<BlobWriter>(std::make_unique<Upload>(client_, repository, blob));
}

Result<void> RegistryTarget::put(const oci::RepositoryName& repository, const Document& document,
                                 const std::optional<oci::Tag>& tag) {
  const std::string reference = tag ? tag->render() : document.digest.render();
  auto answer = client_.send({.method = "PUT",
                              .url = path_of(repository, "manifests/" + reference),
                              .headers = {"Content-Type: " + document.media_type},
                              .body = document.bytes},
                             scope_of(repository));
  if (!answer) return answer.error();
  if (answer->status == 201) return {};
  return client_.refusal(*answer, fmt::format("{}{}{}", repository.render(), tag ? ":" : "@", reference));
}

}  // namespace bulkhead::transfer
