// Image manifests, image indexes and their Docker schema 2 forms, read from bytes that are never
// re-serialized (OCI image-spec 1.1: manifest.md, image-index.md, descriptor.md; Docker image manifest v2
// schema 2).
//
// Only what a registry decides on is parsed; everything else is kept in the bytes alone. Parsing is strict
// where a lenient reader would let one document be read two ways (CVE-2021-41190): duplicate keys, keys that
// a reader which ignores case would take for a field ("Layers"), `layers` beside `manifests`, a body media
// type that differs from the header's, invalid UTF-8, depth over 64. A field that is null counts as absent,
// as it does for readers written in Go, and a list that is null as one without entries.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "oci/digest.h"

namespace bulkhead::oci {

namespace media_type {
inline constexpr std::string_view kImageManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kImageIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerManifestList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerSchema1 = "application/vnd.docker.distribution.manifest.v1+json";
inline constexpr std::string_view kDockerSchema1Signed =
    "application/vnd.docker.distribution.manifest.v1+prettyjws";
}  // namespace media_type

using Annotations = std::map<std::string, std::string>;

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;  // at most 2^63 - 1

  friend bool operator==(const Descriptor&, const Descriptor&) = default;
};

enum class ManifestKind { manifest, index };

struct Manifest {
  ManifestKind kind = ManifestKind::manifest;
  std::string media_type;     // as pushed; one of a header in the specification's spelling
  std::string artifact_type;  // its own, else the config's media type for a manifest, else ""
  std::optional<Descriptor> subject;
  std::vector<Descriptor> blobs;  // config and layers that must be present: non-distributable ones left out
  std::vector<Descriptor> manifests;  // an index's children that must be present
  Annotations annotations;

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

struct ManifestLimits {
  std::size_t bytes = 4 * 1024 * 1024;  // more: Errc::too_large
  std::size_t depth = 64;
  std::size_t descriptors = 10'000;  // layers or children; more: Errc::too_large
  std::size_t values = 200'000;      // JSON values of any kind; more: Errc::too_large
};

// `content_type` is the header's value ("" when there is none: the body's mediaType then decides). Parameters
// such as "; charset=utf-8" are dropped. Errors: manifest_invalid, digest_invalid, digest_unsupported,
// too_large, and manifest_invalid with a message naming schema 1 for Docker's retired format.
Result<Manifest> parse_manifest(Bytes bytes, std::string_view content_type,
                                const ManifestLimits& limits = {});

}  // namespace bulkhead::oci
