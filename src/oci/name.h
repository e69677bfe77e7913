// Repository names, tags and references (OCI distribution-spec 1.1, "Pulling manifests").
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "oci/digest.h"

namespace bulkhead::oci {

// One or more components of [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* joined by '/', at most 255 characters in all.
class RepositoryName {
 public:
  static Result<RepositoryName> parse(std::string_view text);  // Errc::name_invalid
  // The same of what a client asks for: "library/NAME", which those that come from Docker Hub say for NAME,
  // is NAME. Whatever takes a name from a client's request takes it through this, so that no check is made
  // for one of the two and the work done on the other.
  static Result<RepositoryName> parse_asked(std::string_view text);

  const std::string& render() const { return text_; }
  // The first component, or "" for a one-component name: those are the installation's own images.
  std::string_view namespace_name() const;

  friend bool operator==(const RepositoryName&, const RepositoryName&) = default;
  friend auto operator<=>(const RepositoryName&, const RepositoryName&) = default;

 private:
  explicit RepositoryName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}
class Tag {
 public:
  static Result<Tag> parse(std::string_view text);  // Errc::tag_invalid

  const std::string& render() const { return text_; }

  friend bool operator==(const Tag&, const Tag&) = default;
  friend auto operator<=>(const Tag&, const Tag&) = default;

 private:
  explicit Tag(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// What stands after /manifests/: a digest when it holds a ':', else a tag.
using Reference = std::variant<Tag, Digest>;
Result<Reference> parse_reference(std::string_view text);

}  // namespace bulkhead::oci
