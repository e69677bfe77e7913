#include "transfer/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.h"
#include "transfer/connection.h"

namespace bulkhead::transfer {
namespace {

constexpr std::string_view kLibrary = "library/";
constexpr std::string_view kHub = "docker.io";
constexpr std::string_view kHubServer = "https://registry-1.docker.io";

bool is_host(std::string_view text) {
  return text.find_first_of(".:") != std::string_view::npos || text == "localhost";
}

bool is_hub(std::string_view host) {
  return host == kHub || host == "index.docker.io" || host == "registry-1.docker.io" ||
         host == "hub.docker.com";
}

// Takes a scheme off; the one that stands there, or is meant.
std::string_view take_scheme(std::string_view& text, bool plain_http) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    return scheme;
  }
  return plain_http ? "http://" : "https://";
}

Result<void> take_reference(std::string_view& rest, SourceName& out) {
  auto at = rest.find('@');
  const auto colon = rest.rfind(':');
  if (at == std::string_view::npos && colon != std::string_view::npos) at = colon;
  if (at == std::string_view::npos) return {};
  const std::string_view text = rest.substr(at + 1);
  if (rest[at] == '@') {
    auto digest = oci::Digest::parse(text);
    if (!digest) return digest.error();
    out.reference = *digest;
  } else {
    auto tag = oci::Tag::parse(text);
    if (!tag) return tag.error();
    out.reference = *std::move(tag);
  }
  rest = rest.substr(0, at);
  // "NAME:TAG@DIGEST" names the digest, as clients read it.
  if (const auto tag = rest.rfind(':'); tag != std::string_view::npos) rest = rest.substr(0, tag);
  return {};
}

bool below(std::string_view name, std::string_view part) {
  return name.starts_with(part) && (name.size() == part.size() || name[part.size()] == '/');
}

}  // namespace

Result<SourceName> parse_source(std::string_view text, bool plain_http) {
  SourceName out;
  if (text.starts_with('/') || text.starts_with('.')) {
    out.directory = text;
    return out;
  }
  std::string_view rest = text;
  const std::string_view scheme = take_scheme(rest, plain_http);
  const auto slash = std::min(rest.find('/'), rest.size());
  out.host = rest.substr(0, slash);
  rest.remove_prefix(std::min(slash + 1, rest.size()));
  if (!is_host(out.host))
    return Error{Errc::invalid_argument,
                 fmt::format("{} does not begin with a registry's host: docker.io/{} is one of Docker Hub, "
                             "registry.example.com/{} of another registry, ./{} a directory",
                             quote(text), shown(text), shown(text), shown(text))};
  out.url = is_hub(out.host) ? std::string(kHubServer) : fmt::format("{}{}", scheme, out.host);
  if (auto origin = origin_of(out.url); !origin) return origin.error();
  if (is_hub(out.host) && (rest.empty() || rest.ends_with('*')))
    return Error{
        Errc::invalid_argument,
        "Docker Hub lists nothing: name its repositories, as in docker.io/acme/app; a file may hold them"};
  if (rest.empty() || rest == "*") {
    out.all = true;
    return out;
  }
  if (rest.ends_with("/*")) {
    out.all = true;
    out.repository = rest.substr(0, rest.size() - 2);
  } else {
    if (auto taken = take_reference(rest, out); !taken) return taken.error();
    out.repository = rest;
    if (is_hub(out.host) && rest.find('/') == std::string_view::npos)
      out.repository = fmt::format("{}{}", kLibrary, rest);
  }
  if (auto name = oci::RepositoryName::parse(out.repository); !name) return name.error();
  return out;
}

Result<void> NameMap::add(std::string_view from, std::string_view to) {
  while (from.ends_with('/')) from.remove_suffix(1);
  while (to.ends_with('/')) to.remove_suffix(1);
  for (const std::string_view part : {from, to})
    if (auto name = oci::RepositoryName::parse(part); !name) return name.error();
  if (!parts_.emplace(from, to).second)
    return Error{Errc::invalid_argument, fmt::format("{} is mapped twice", quote(from))};
  return {};
}

Result<oci::RepositoryName> NameMap::map(std::string_view name) const {
  const std::pair<const std::string, std::string>* best = nullptr;
  for (const auto& entry : parts_)
    if (below(name, entry.first) && (best == nullptr || entry.first.size() > best->first.size()))
      best = &entry;
  if (best != nullptr)
    return oci::RepositoryName::parse(fmt::format("{}{}", best->second, name.substr(best->first.size())));
  std::string_view rest = name;
  if (rest.starts_with(kLibrary) && rest.find('/', kLibrary.size()) == std::string_view::npos)
    rest.remove_prefix(kLibrary.size());
  return oci::RepositoryName::parse(below_.empty() ? std::string(rest) : fmt::format("{}/{}", below_, rest));
}

}  // namespace bulkhead::transfer
