// A request's path comes from anybody. For any path: a route's parts are values that render to what the path
// held, so that no two spellings of a name are two repositories; and what has no encoding means the same when
// it is encoded.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>

#include "api/route.h"

namespace api = bulkhead::api;
namespace oci = bulkhead::oci;
namespace route = bulkhead::api::route;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

std::string reference(const oci::Reference& reference) {
  return std::visit([](const auto& value) { return std::string(value.render()); }, reference);
}

// The path that the route was made for.
std::string render(const api::Route& parsed) {
  return std::visit(
      [](const auto& at) -> std::string {
        using T = std::decay_t<decltype(at)>;
        if constexpr (std::is_same_v<T, route::Base>) return "/v2/";
        if constexpr (std::is_same_v<T, route::Catalog>) return "/v2/_catalog";
        if constexpr (std::is_same_v<T, route::Manifest>)
          return "/v2/" + at.name.render() + "/manifests/" + reference(at.reference);
        if constexpr (std::is_same_v<T, route::NoManifest>) return "";
        if constexpr (std::is_same_v<T, route::Blob>)
          return "/v2/" + at.name.render() + "/blobs/" + at.digest.render();
        if constexpr (std::is_same_v<T, route::UploadStart>)
          return "/v2/" + at.name.render() + "/blobs/uploads/";
        if constexpr (std::is_same_v<T, route::Upload>)
          return "/v2/" + at.name.render() + "/blobs/uploads/" + at.id;
        if constexpr (std::is_same_v<T, route::Tags>) return "/v2/" + at.name.render() + "/tags/list";
        if constexpr (std::is_same_v<T, route::Referrers>)
          return "/v2/" + at.name.render() + "/referrers/" + at.subject.render();
        if constexpr (std::is_same_v<T, route::Token>) return "/token";
        if constexpr (std::is_same_v<T, route::LogIn>) return "/login" + at.path;
        if constexpr (std::is_same_v<T, route::Management>) return "/api/v1" + at.path;
        if constexpr (std::is_same_v<T, route::Health>) return "/healthz";
        if constexpr (std::is_same_v<T, route::Ready>) return "/readyz";
        if constexpr (std::is_same_v<T, route::Metrics>) return "/metrics";
        if constexpr (std::is_same_v<T, route::Home>) return "/";
        if constexpr (std::is_same_v<T, route::Icon>) return "/favicon.svg";
      },
      parsed);
}

std::string encoded(std::string_view path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    if (c == '/') {
      out.push_back(c);
      continue;
    }
    out.push_back('%');
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view path(reinterpret_cast<const char*>(data), size);
  if (path.find('\0') != std::string_view::npos) return 0;  // http::RequestParser lets none through
  const auto parsed = api::parse_route(path);
  if (!parsed) {
    require(!parsed.error().message.empty());
    return 0;
  }
  require(!api::name(*parsed).empty());
  if (const auto* none = std::get_if<route::NoManifest>(&*parsed)) {
    require(!none->why.message.empty());
    return 0;
  }
  // Left as they were sent: management_fuzz has one of them, and the pages compare the other with a few
  // words.
  if (std::holds_alternative<route::Management>(*parsed) || std::holds_alternative<route::LogIn>(*parsed)) {
    require(render(*parsed) == path);
    return 0;
  }
  const std::string rendered = render(*parsed);
  if (path.find('%') == std::string_view::npos) {
    const auto is_asked_by = [path](const std::string& asked) {
      return asked == path || asked == std::string(path) + "/";
    };
    // "library/NAME" is another way to write NAME (RepositoryName::parse_asked()).
    constexpr std::string_view kRoot = "/v2/";
    const bool named = rendered.starts_with(kRoot);
    require(is_asked_by(rendered) ||
            (named && is_asked_by(std::string(kRoot) + "library/" + rendered.substr(kRoot.size()))));
  }
  const auto again = api::parse_route(rendered);
  // An upload's id may hold anything but a slash, a '%' among it.
  if (rendered.find('%') == std::string::npos) require(again && render(*again) == rendered);
  const auto from_encoded = api::parse_route(encoded(rendered));
  require(from_encoded && render(*from_encoded) == rendered);
  return 0;
}
