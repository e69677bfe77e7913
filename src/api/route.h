// A request's path, decoded once into what it names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "oci/digest.h"
#include "oci/name.h"

namespace bulkhead::api {

namespace route {
struct Base {};     // /v2/
struct Catalog {};  // /v2/_catalog
struct Manifest {
  oci::RepositoryName name;
  oci::Reference reference;
};
// A manifest by a reference that no manifest can have.
struct NoManifest {
  oci::RepositoryName name;
  Error why;
};
struct Blob {
  oci::RepositoryName name;
  oci::Digest digest;
};
struct UploadStart {
  oci::RepositoryName name;
};
struct Upload {
  oci::RepositoryName name;
  std::string id;
};
struct Tags {
  oci::RepositoryName name;
};
struct Referrers {
  oci::RepositoryName name;
  oci::Digest subject;
};
struct Token {};  // /token
struct LogIn {
  std::string path;  // what stands behind /login, as sent
};
struct Management {
  std::string path;  // what stands behind /api/v1, as sent: management/router.h reads it
};
struct Health {};   // /healthz
struct Ready {};    // /readyz
struct Metrics {};  // /metrics
struct Home {};     // /
struct Icon {};     // /favicon.svg
}  // namespace route

using Route =
    std::variant<route::Base, route::Catalog, route::Manifest, route::Blob, route::UploadStart, route::Upload,
                 route::Tags, route::Referrers, route::Token, route::LogIn, route::Management, route::Health,
                 route::Ready, route::Metrics, route::NoManifest, route::Home, route::Icon>;

// The label in metrics and logs, such as "manifest".
std::string_view name(const Route& route);

// `path` is as sent, percent-encoded. Errc::name_invalid, digest_invalid, digest_unsupported for a part that
// is none; Errc::not_found for a path that is no route.
Result<Route> parse_route(std::string_view path);

}  // namespace bulkhead::api
