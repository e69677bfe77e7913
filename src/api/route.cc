#include "api/route.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/request.h"

namespace bulkhead::api {
namespace {

constexpr std::string_view kManagement = "/api/v1";
constexpr std::string_view kLogIn = "/login";

// Takes the last component off `path`.
std::string_view pop(std::string_view& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return std::exchange(path, {});
  const std::string_view last = path.substr(slash + 1);
  path = path.substr(0, slash);
  return last;
}

Error no_route() {
  return {Errc::not_found, "there is nothing at this address; the registry API begins at /v2/"};
}

// What a session's id can be made of; nothing else needs to be looked for, logged or answered.
bool is_upload_id(std::string_view text) {
  return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
         });
}

template <class T, class... Parts>
Result<Route> named(std::string_view name, Parts&&... parts) {
  auto parsed = oci::RepositoryName::parse_asked(name);
  if (!parsed) return parsed.error();
  return Route(T{std::move(*parsed), std::forward<Parts>(parts)...});
}

// What stands between "/v2/" and the end, read from its end: a repository's name may hold any of the words.
Result<Route> parse_registry(std::string_view rest) {
  if (rest.empty()) return Route(route::Base{});
  if (rest == "_catalog") return Route(route::Catalog{});

  std::string_view name = rest;
  const std::string_view last = pop(name);
  const std::string_view before = pop(name);
  if (before == "manifests") {
    auto reference = oci::parse_reference(last);
    if (!reference) return named<route::NoManifest>(name, reference.error());
    return named<route::Manifest>(name, std::move(*reference));
  }
  if (before == "tags" && last == "list") return named<route::Tags>(name);
  if (before == "referrers") {
    auto digest = oci::Digest::parse(last);
    if (!digest) return digest.error();
    return named<route::Referrers>(name, *digest);
  }
  if (before == "blobs") {
    if (last == "uploads") return named<route::UploadStart>(name);
    auto digest = oci::Digest::parse(last);
    if (!digest) return digest.error();
    return named<route::Blob>(name, *digest);
  }
  if (before == "uploads") {
    if (pop(name) != "blobs") return no_route();
    if (last.empty()) return named<route::UploadStart>(name);
    if (!is_upload_id(last))
      return Error(Errc::upload_unknown, "there is no such upload; begin again with a POST");
    return named<route::Upload>(name, std::string(last));
  }
  return no_route();
}

}  // namespace

std::string_view name(const Route& route) {
  static constexpr std::string_view kNames[] = {
      "base",  "catalog",    "manifest", "blob",  "upload_start", "upload",   "tags", "referrers", "token",
      "login", "management", "health",   "ready", "metrics",      "manifest", "home", "home"};
  static_assert(std::size(kNames) == std::variant_size_v<Route>);
  return kNames[route.index()];
}

Result<Route> parse_route(std::string_view path) {
  if (path.starts_with(kManagement)) {
    const std::string_view below = path.substr(kManagement.size());
    if (below.starts_with('/')) return Route(route::Management{std::string(below)});
  }
  if (path == kLogIn || path.starts_with(fmt::format("{}/", kLogIn)))
    return Route(route::LogIn{std::string(path.substr(kLogIn.size()))});
  std::string decoded;
  if (path.find('%') != std::string_view::npos) {
    // An encoded slash would make the path's meaning depend on who decodes it.
    auto once = http::percent_decode(path);
    if (!once || path.find("%2f") != std::string_view::npos || path.find("%2F") != std::string_view::npos)
      return Error{Errc::name_invalid, "the path holds an encoding that no repository name can have"};
    decoded = std::move(*once);
    path = decoded;
  }
  if (path == "/v2") return Route(route::Base{});
  if (path.starts_with("/v2/")) return parse_registry(path.substr(4));
  if (path == "/token") return Route(route::Token{});
  if (path == "/healthz") return Route(route::Health{});
  if (path == "/readyz") return Route(route::Ready{});
  if (path == "/metrics") return Route(route::Metrics{});
  if (path == "/") return Route(route::Home{});
  if (path == "/favicon.svg") return Route(route::Icon{});
  return no_route();
}

}  // namespace bulkhead::api
