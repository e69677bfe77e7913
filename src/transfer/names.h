// What is copied, and what it is called afterwards.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "oci/name.h"

namespace bulkhead::transfer {

// Where something comes from, as people write it.
struct SourceName {
  std::string host;        // "docker.io", "registry.example.com:5000"; "" for a directory
  std::string url;         // "https://registry-1.docker.io"
  std::string repository;  // "acme/app"; with `all`, "" or what the names begin with, without its '/'
  bool all = false;        // of a registry, or below a name
  std::optional<oci::Reference> reference;
  std::string directory;  // an OCI layout
};

// "HOST", "HOST/*" and "HOST/acme/*" for all that is listed there; "HOST/acme/app", ":TAG" or "@DIGEST"
// behind it; "docker.io/alpine" for Docker Hub's library/alpine; a URL's "https://" or "http://" in front. A
// directory is an absolute path, or begins with "." Errc::invalid_argument.
Result<SourceName> parse_source(std::string_view text, bool plain_http);

// Which target a source's repository has.
class NameMap {
 public:
  // Names that are `from`, or lie below it, are `to` or lie below that. Errc::invalid_argument.
  Result<void> add(std::string_view from, std::string_view to);
  // All others lie below this namespace.
  void set_below(std::string space) { below_ = std::move(space); }

  // The longest that fits. Where none does, "library/NAME" is "NAME", as Docker Hub and this registry have
  // it. Errc::name_invalid, Errc::invalid_argument for a name that no repository here can have.
  Result<oci::RepositoryName> map(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> parts_;
  std::string below_;
};

}  // namespace bulkhead::transfer
