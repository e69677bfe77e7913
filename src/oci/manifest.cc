// The reading goes from the outside in: size, media type by the header, strict JSON, the fields that say what
// the document is, and only then its descriptors. Helpers say what is wrong, callers where.
#include "oci/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <iterator>
#include <span>

#include "oci/quote.h"
#include "oci/strict_json.h"

namespace bulkhead::oci {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 4> kAccepted = {media_type::kImageManifest, media_type::kImageIndex,
                                                       media_type::kDockerManifest,
                                                       media_type::kDockerManifestList};

constexpr std::array<std::string_view, 6> kKnown = {
    media_type::kImageManifest,      media_type::kImageIndex,    media_type::kDockerManifest,
    media_type::kDockerManifestList, media_type::kDockerSchema1, media_type::kDockerSchema1Signed};

constexpr std::array<std::string_view, 9> kManifestFields = {"schemaVersion", "mediaType", "artifactType",
                                                             "config",        "layers",    "manifests",
                                                             "subject",       "fsLayers",  "annotations"};
constexpr std::array<std::string_view, 6> kDescriptorFields = {"mediaType", "digest", "size",
                                                               "urls",      "data",   "annotations"};

Error invalid(std::string message) { return {Errc::manifest_invalid, std::move(message)}; }

Error at(std::string_view where, Error error) {
  error.message = fmt::format("{}: {}", where, error.message);
  return error;
}

Error schema1_refused() {
  return invalid(
      "Docker image manifest schema 1 is not accepted, its format is retired; push with Docker 1.10 or "
      "newer, or convert the image, for example with skopeo copy --format v2s2");
}

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// As Go's encoding/json compares field names: without case, with the two characters outside ASCII that fold
// into it (long s and the Kelvin sign).
std::string fold(std::string_view key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key.substr(i).starts_with("\u017f")) {
      out += 's';
      i += 1;
    } else if (key.substr(i).starts_with("\u212a")) {
      out += 'k';
      i += 2;
    } else {
      out += static_cast<char>(key[i] >= 'A' && key[i] <= 'Z' ? key[i] + ('a' - 'A') : key[i]);
    }
  }
  return out;
}

// Clients that ignore case would read such a key as the field, and so another document than we did.
Result<void> check_spelling(const json::object& object, std::span<const std::string_view> fields) {
  for (const auto& member : object) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::ranges::find(fields, key) != fields.end()) continue;
    const std::string folded = fold(key);
    const auto field =
        std::ranges::find_if(fields, [&](std::string_view name) { return fold(name) == folded; });
    if (field != fields.end()) {
      return invalid(
          fmt::format("the key {} would be read as \"{}\" by some clients; rename it", quote(key), *field));
    }
  }
  return {};
}

// The member's value, or null when it is absent or null.
const json::value* find(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && !value->is_null() ? value : nullptr;
}

// "" when it is absent.
Result<std::string> read_string(const json::object& object, std::string_view name) {
  const json::value* value = find(object, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return invalid(fmt::format("{} is not a string", name));
  return std::string(view(value->get_string()));
}

// "" when it is absent. Media types end up in headers and in the database: no control characters, and the
// length that RFC 6838 (section 4.2) allows for a type and a subtype together.
Result<std::string> read_media_type(const json::object& object, std::string_view name) {
  constexpr std::size_t kMaxLength = 255;
  auto text = read_string(object, name);
  if (!text) return text;
  if (text->size() > kMaxLength || !std::ranges::all_of(*text, [](char c) { return c >= ' ' && c <= '~'; })) {
    return invalid(fmt::format("{} {} is not a media type", name, quote(*text)));
  }
  return text;
}

Result<Annotations> read_annotations(const json::object& object) {
  Annotations annotations;
  const json::value* value = find(object, "annotations");
  if (value == nullptr) return annotations;
  if (!value->is_object()) return invalid("annotations is not an object");
  for (const auto& member : value->get_object()) {
    const std::string_view key(member.key().data(), member.key().size());
    if (!member.value().is_string()) return invalid(fmt::format("annotation {} is not a string", quote(key)));
    annotations.emplace(key, view(member.value().get_string()));
  }
  return annotations;
}

Result<std::uint64_t> read_size(const json::object& object) {
  const json::value* value = find(object, "size");
  if (value == nullptr) return invalid("size is missing");
  // A uint64 here is past 2^63 - 1, and a double is a fraction, has an exponent or is past 2^64.
  if (!value->is_int64()) return invalid("size is not an integer from 0 to 2^63 - 1");
  if (value->get_int64() < 0) return invalid(fmt::format("size {} is negative", value->get_int64()));
  return static_cast<std::uint64_t>(value->get_int64());
}

// What a descriptor may also hold is for clients: kept in the bytes, checked only to be of its type.
Result<void> check_rest_of_descriptor(const json::object& object) {
  if (const json::value* urls = find(object, "urls")) {
    const auto is_string = [](const json::value& url) { return url.is_string(); };
    if (!urls->is_array() || !std::ranges::all_of(urls->get_array(), is_string)) {
      return invalid("urls is not an array of strings");
    }
  }
  const json::value* data = find(object, "data");
  if (data != nullptr && !data->is_string()) return invalid("data is not a string");
  if (const auto annotations = read_annotations(object); !annotations) return annotations.error();
  return {};
}

Result<Descriptor> read_descriptor(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return invalid("the descriptor is not an object");
  if (const auto spelling = check_spelling(*object, kDescriptorFields); !spelling) return spelling.error();
  auto media_type = read_media_type(*object, "mediaType");
  if (!media_type) return media_type.error();
  if (media_type->empty()) return invalid("mediaType is missing or empty");
  const auto digest_text = read_string(*object, "digest");
  if (!digest_text) return digest_text.error();
  if (digest_text->empty()) return invalid("digest is missing or empty");
  const auto digest = Digest::parse(*digest_text);
  if (!digest) return digest.error();
  const auto size = read_size(*object);
  if (!size) return size.error();
  if (const auto rest = check_rest_of_descriptor(*object); !rest) return rest.error();
  return Descriptor{*std::move(media_type), *digest, *size};
}

// Empty when the field is absent.
Result<std::vector<Descriptor>> read_descriptors(const json::object& object, std::string_view name,
                                                 std::size_t limit) {
  std::vector<Descriptor> descriptors;
  const json::value* value = find(object, name);
  if (value == nullptr) return descriptors;
  const json::array* array = value->if_array();
  if (array == nullptr) return invalid(fmt::format("{} is not an array", name));
  if (array->size() > limit) {
    return Error{Errc::too_large,
                 fmt::format("{} has {} descriptors; at most {} are accepted", name, array->size(), limit)};
  }
  descriptors.reserve(array->size());
  for (const json::value& element : *array) {
    auto descriptor = read_descriptor(element);
    if (!descriptor) return at(fmt::format("{}[{}]", name, descriptors.size()), descriptor.error());
    descriptors.push_back(*std::move(descriptor));
  }
  return descriptors;
}

// Layers that may only be had from where their `urls` point: clients do not push them.
bool is_distributable(const Descriptor& layer) {
  for (const std::string_view type : {"application/vnd.oci.image.layer.nondistributable.v1.tar",
                                      "application/vnd.docker.image.rootfs.foreign.diff.tar"}) {
    const std::string_view media_type = layer.media_type;
    if (!media_type.starts_with(type)) continue;
    const std::string_view suffix = media_type.substr(type.size());
    if (suffix.empty() || suffix.front() == '+' || suffix.front() == '.') return false;
  }
  return true;
}

Result<void> check_media_type(std::string_view text, std::string_view where) {
  if (text == media_type::kDockerSchema1 || text == media_type::kDockerSchema1Signed)
    return schema1_refused();
  if (std::ranges::find(kAccepted, text) != kAccepted.end()) return {};
  return invalid(fmt::format("{} {} is not accepted; the accepted media types are {}", where, quote(text),
                             fmt::join(kAccepted, ", ")));
}

// Media types are the same in any case (RFC 9110 section 8.3.1): one that is known is taken as the
// specification writes it.
std::string_view bare_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  content_type.remove_prefix(std::min(content_type.find_first_not_of(" \t"), content_type.size()));
  content_type = content_type.substr(0, content_type.find_last_not_of(" \t") + 1);
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  const auto known = std::ranges::find_if(kKnown, [&](std::string_view type) {
    return std::ranges::equal(type, content_type, {}, lower, lower);
  });
  return known == kKnown.end() ? content_type : *known;
}

// What the header, which has been checked or is empty, and the body say together.
Result<std::string> decide_media_type(std::string_view header, const json::object& document) {
  const auto body = read_media_type(document, "mediaType");
  if (!body) return body.error();
  if (body->empty()) {
    if (header.empty()) {
      return invalid(
          fmt::format("neither Content-Type nor mediaType says what this is; the accepted media types are {}",
                      fmt::join(kAccepted, ", ")));
    }
    return std::string(header);
  }
  if (const auto accepted = check_media_type(*body, "mediaType"); !accepted) return accepted.error();
  if (!header.empty() && *body != header) {
    return invalid(
        fmt::format("mediaType {} in the body differs from {} in Content-Type", quote(*body), quote(header)));
  }
  return *body;
}

Result<void> check_schema_version(const json::object& document) {
  const json::value* version = find(document, "schemaVersion");
  if (version != nullptr && version->is_int64()) {
    if (version->get_int64() == 2) return {};
    if (version->get_int64() == 1) return schema1_refused();
  }
  return invalid("schemaVersion must be the number 2");
}

// CVE-2021-41190: a document with the fields of both kinds is one to a scanner, another to a runtime.
Result<void> check_one_kind(const json::object& document, ManifestKind kind) {
  if (kind == ManifestKind::manifest) {
    if (find(document, "manifests") != nullptr) return invalid("an image manifest must not have manifests");
    if (find(document, "fsLayers") != nullptr) return invalid("an image manifest must not have fsLayers");
    return {};
  }
  for (const std::string_view field : {"config", "layers", "fsLayers"}) {
    if (find(document, field) != nullptr)
      return invalid(fmt::format("an image index must not have {}", field));
  }
  return {};
}

// The parts that only an image manifest has.
Result<void> read_image(const json::object& document, const ManifestLimits& limits, Manifest& manifest) {
  const json::value* value = find(document, "config");
  if (value == nullptr) return invalid("config is missing");
  auto config = read_descriptor(*value);
  if (!config) return at("config", config.error());
  // image-spec requires `layers`; artifacts made before 1.1 leave it out, and are pulled to this day.
  auto layers = read_descriptors(document, "layers", limits.descriptors);
  if (!layers) return layers.error();
  if (manifest.artifact_type.empty()) manifest.artifact_type = config->media_type;
  manifest.blobs.reserve(layers->size() + 1);
  manifest.blobs.push_back(*std::move(config));
  std::ranges::copy_if(*layers, std::back_inserter(manifest.blobs), is_distributable);
  return {};
}

// The parts that only an image index has.
Result<void> read_index(const json::object& document, const ManifestLimits& limits, Manifest& manifest) {
  // Null is the empty list, as programs in Go write it.
  if (document.if_contains("manifests") == nullptr) return invalid("manifests is missing");
  auto children = read_descriptors(document, "manifests", limits.descriptors);
  if (!children) return children.error();
  manifest.manifests = *std::move(children);
  return {};
}

// The parts that both kinds have.
Result<void> read_common(const json::object& document, Manifest& manifest) {
  auto artifact_type = read_media_type(document, "artifactType");
  if (!artifact_type) return artifact_type.error();
  manifest.artifact_type = *std::move(artifact_type);
  auto annotations = read_annotations(document);
  if (!annotations) return annotations.error();
  manifest.annotations = *std::move(annotations);
  if (const json::value* value = find(document, "subject")) {
    auto subject = read_descriptor(*value);
    if (!subject) return at("subject", subject.error());
    manifest.subject = *std::move(subject);
  }
  return {};
}

ManifestKind kind_of(std::string_view media_type) {
  return media_type == media_type::kImageIndex || media_type == media_type::kDockerManifestList
             ? ManifestKind::index
             : ManifestKind::manifest;
}

}  // namespace

Result<Manifest> parse_manifest(Bytes bytes, std::string_view content_type, const ManifestLimits& limits) {
  if (bytes.size() > limits.bytes) {
    return Error{Errc::too_large, fmt::format("the manifest has {} bytes; at most {} are accepted",
                                              bytes.size(), limits.bytes)};
  }
  const std::string_view header = bare_type(content_type);
  if (!header.empty()) {
    if (const auto accepted = check_media_type(header, "Content-Type"); !accepted) return accepted.error();
  }
  const auto parsed = parse_strict_json(as_text(bytes), {.depth = limits.depth, .values = limits.values});
  if (!parsed) {
    const bool malformed = parsed.error().code == Errc::invalid_argument;
    return Error{malformed ? Errc::manifest_invalid : parsed.error().code, parsed.error().message};
  }
  const json::object* document = parsed->if_object();
  if (document == nullptr) return invalid("the manifest is not a JSON object");
  if (const auto spelling = check_spelling(*document, kManifestFields); !spelling) return spelling.error();
  if (const auto version = check_schema_version(*document); !version) return version.error();

  auto media_type = decide_media_type(header, *document);
  if (!media_type) return media_type.error();
  Manifest manifest;
  manifest.kind = kind_of(*media_type);
  manifest.media_type = *std::move(media_type);
  if (const auto kind = check_one_kind(*document, manifest.kind); !kind) return kind.error();
  if (const auto common = read_common(*document, manifest); !common) return common.error();
  const auto rest = manifest.kind == ManifestKind::manifest ? read_image(*document, limits, manifest)
                                                            : read_index(*document, limits, manifest);
  if (!rest) return rest.error();
  return manifest;
}

}  // namespace bulkhead::oci
