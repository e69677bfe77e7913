#include "transfer/layout.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/file.h"
#include "base/shown.h"
#include "oci/strict_json.h"

namespace bulkhead::transfer {
namespace {

namespace json = boost::json;

constexpr std::size_t kIndexBytes = std::size_t{64} << 20;
constexpr std::string_view kVersion = R"({"imageLayoutVersion":"1.0.0"})";
constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";

const json::value* member(const json::value* value, std::string_view key) {
  const auto* object = value == nullptr ? nullptr : value->if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::string text(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

// Some programs write the whole name there: "docker.io/library/alpine:3.20".
std::string tag_in(std::string name) {
  if (oci::Tag::parse(name)) return name;
  const auto colon = name.rfind(':');
  if (colon == std::string::npos || name.find('/', colon) != std::string::npos) return name;
  std::string tag = name.substr(colon + 1);
  return oci::Tag::parse(tag) ? tag : name;
}

}  // namespace

std::filesystem::path Layout::blob(const oci::Digest& digest) const {
  return directory_ / "blobs" / oci::name(digest.algorithm()) / digest.hex();
}

Result<Layout> Layout::open(std::filesystem::path directory) {
  const auto version = read_file(directory / "oci-layout", 4096);
  if (!version && version.error().code == Errc::not_found)
    return Error{Errc::not_found,
                 fmt::format("{} is no OCI layout: there is no file oci-layout in it", directory.string())};
  if (!version) return version.error();
  const auto parsed = oci::parse_strict_json(*version);
  if (!parsed || !text(member(&*parsed, "imageLayoutVersion")).starts_with("1."))
    return Error{Errc::unsupported,
                 fmt::format("{} is an OCI layout of another version than 1", directory.string())};
  Layout layout(std::move(directory));
  if (auto read = layout.read_index(); !read) return read.error();
  return layout;
}

Result<void> Layout::read_index() {
  const auto contents = read_file(directory_ / "index.json", kIndexBytes);
  if (!contents) return contents.error();
  const auto parsed = oci::parse_strict_json(*contents, {.depth = 32, .values = 4'000'000});
  const json::value* list = parsed ? member(&*parsed, "manifests") : nullptr;
  if (list == nullptr || !list->is_array())
    return Error{Errc::invalid_argument,
                 fmt::format("{} is no index: {}", (directory_ / "index.json").string(),
                             parsed ? "it has no list of manifests" : parsed.error().message)};
  for (const json::value& each : list->get_array()) {
    const auto digest = oci::Digest::parse(text(member(&each, "digest")));
    if (!digest) return digest.error();
    const json::value* size = member(&each, "size");
    LayoutEntry entry{
        {text(member(&each, "mediaType")), *digest, 0}, text(member(&each, "artifactType")), {}};
    if (size != nullptr && size->is_int64() && size->get_int64() >= 0)
      entry.descriptor.size = static_cast<std::uint64_t>(size->get_int64());
    entry.tag = tag_in(text(member(member(&each, "annotations"), kRefName)));
    add(std::move(entry));
  }
  return {};
}

Result<Layout> Layout::make(std::filesystem::path directory) {
  std::error_code failed;
  if (std::filesystem::exists(directory / "oci-layout", failed)) return open(std::move(directory));
  if (std::filesystem::exists(directory, failed) && !std::filesystem::is_empty(directory, failed))
    return Error{Errc::conflict,
                 fmt::format("{} has something else in it: name a directory that is empty, or "
                             "that is not there yet",
                             directory.string())};
  Layout layout(std::move(directory));
  for (const oci::Algorithm algorithm : {oci::Algorithm::sha256, oci::Algorithm::sha512})
    if (auto made = make_directories(layout.directory_ / "blobs" / oci::name(algorithm), 0755); !made)
      return made.error();
  // The file that makes it one comes last.
  if (auto saved = layout.save(); !saved) return saved.error();
  if (auto wrote = replace_file(layout.directory_ / "oci-layout", as_bytes(kVersion), 0644); !wrote)
    return wrote.error();
  return layout;
}

void Layout::add(LayoutEntry entry) {
  if (entry.tag.empty()) {
    if (untagged_.insert(entry.descriptor.digest).second) entries_.push_back(std::move(entry));
    return;
  }
  const auto [place, fresh] = by_tag_.emplace(entry.tag, entries_.size());
  if (fresh)
    entries_.push_back(std::move(entry));
  else
    entries_[place->second] = std::move(entry);
}

Result<void> Layout::save() const {
  json::array manifests;
  for (const LayoutEntry& entry : entries_) {
    json::object descriptor{{"mediaType", entry.descriptor.media_type},
                            {"digest", entry.descriptor.digest.render()},
                            {"size", entry.descriptor.size}};
    if (!entry.artifact_type.empty()) descriptor["artifactType"] = entry.artifact_type;
    if (!entry.tag.empty()) descriptor["annotations"] = json::object{{kRefName, entry.tag}};
    manifests.push_back(std::move(descriptor));
  }
  const std::string bytes = json::serialize(json::object{{"schemaVersion", 2},
                                                         {"mediaType", oci::media_type::kImageIndex},
                                                         {"manifests", std::move(manifests)}});
  return replace_file(directory_ / "index.json", as_bytes(bytes), 0644);
}

}  // namespace bulkhead::transfer
