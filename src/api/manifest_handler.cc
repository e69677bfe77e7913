#include <fmt/format.h>

#include <algorithm>

#include "access/facts.h"
#include "api/errors.h"
#include "api/handlers.h"
#include "async/offload.h"
#include "registry/manifests.h"
#include "registry/unborn.h"

namespace bulkhead::api {
namespace {

http::Response describe(const registry::StoredManifest& manifest, const Caller& caller) {
  http::Response response;
  response.headers.reserve(5);
  response.header("Content-Type", manifest.media_type);
  response.header("Cache-Control", std::string(cache_control(caller)));
  std::string digest = manifest.digest.render();
  response.header("ETag", '"' + digest + '"');
  response.header("Docker-Content-Digest", std::move(digest));
  return response;
}

std::string render(const oci::Reference& reference) {
  if (const auto* tag = std::get_if<oci::Tag>(&reference)) return tag->render();
  return std::get<oci::Digest>(reference).render();
}

Error unknown(const route::Manifest& route) {
  return {Errc::manifest_unknown,
          fmt::format("{} has no manifest {}", route.name.render(), render(route.reference))};
}

}  // namespace

async::Task<http::Response> ManifestHandler::handle(http::Exchange& exchange, const Caller& caller,
                                                    const route::Manifest& route) {
  switch (exchange.request().method) {
    case http::Method::get:
    case http::Method::head: co_return co_await get(exchange, caller, route);
    case http::Method::put: co_return co_await put(exchange, caller, route);
    case http::Method::delete_: co_return co_await remove(exchange, caller, route);
    default: co_return method_not_allowed("GET, HEAD, PUT, DELETE");
  }
}

async::Task<http::Response> ManifestHandler::handle(http::Exchange& exchange, const Caller& caller,
                                                    const route::NoManifest& route) {
  const http::Method method = exchange.request().method;
  if (method == http::Method::put) co_return error_response(route.why);
  const bool reads = method == http::Method::get || method == http::Method::head;
  if (!reads && method != http::Method::delete_) co_return method_not_allowed("GET, HEAD, PUT, DELETE");
  const access::Action action = reads ? access::Action::pull : access::Action::remove;
  auto permitted = co_await deps_.gate.authorize(exchange, caller, route.name, action);
  if (auto* refused = std::get_if<http::Response>(&permitted)) co_return std::move(*refused);
  co_return error_response({Errc::manifest_unknown, fmt::format("{} has no such manifest: {}",
                                                                route.name.render(), route.why.message)});
}

async::Task<http::Response> ManifestHandler::get(http::Exchange& exchange, const Caller& caller,
                                                 const route::Manifest& route) {
  auto permitted = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::pull);
  if (auto* refused = std::get_if<http::Response>(&permitted)) co_return std::move(*refused);
  const auto& repository = std::get<Permitted>(permitted).repository;
  if (!repository) co_return error_response(unknown(route));
  auto manifest = deps_.services.manifests.peek(*repository, route.reference);
  if (!manifest) {
    auto found = co_await at_work(exchange, deps_.services, [&] {
      return deps_.services.manifests.find(*repository, route.reference);
    });
    if (!found)
      co_return not_given(deps_, route.name, render(route.reference), found.error(), unknown(route));
    manifest = std::move(*found);
  }
  http::Response response = describe(*manifest, caller);
  const auto answered = answered_by_condition(exchange.request(), manifest->digest, response);
  if (!answered) co_return error_response(answered.error());
  if (*answered) co_return response;
  response.body = http::SharedBytes{manifest, manifest->bytes};
  if (exchange.request().method == http::Method::get)
    record_pull(deps_, exchange, caller, audit::Action::manifest_pulled, route.name, render(route.reference),
                manifest->digest);
  co_return response;
}

async::Task<http::Response> ManifestHandler::put(http::Exchange& exchange, const Caller& caller,
                                                 const route::Manifest& route) {
  auto permitted = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::push);
  if (auto* refused = std::get_if<http::Response>(&permitted)) co_return std::move(*refused);
  Permitted& may = std::get<Permitted>(permitted);
  auto condition = condition_of(exchange.request());
  if (!condition) co_return error_response(condition.error());
  may.context.condition = *std::move(condition);

  std::vector<oci::Tag> tags;
  const auto query = http::parse_query(exchange.request().query);
  if (!query) co_return error_response(400, "BAD_REQUEST", "the query is not properly encoded");
  std::size_t asked = 0;
  for (const auto& [key, value] : *query) {
    if (key != "tag") continue;
    if (++asked > deps_.options.tags_per_put)
      co_return error_response({Errc::uri_too_long, fmt::format("at most {} tags can be set in one push",
                                                                deps_.options.tags_per_put)});
    if (!std::holds_alternative<oci::Digest>(route.reference))
      co_return error_response(400, "BAD_REQUEST", "?tag= goes with a push by digest");
    auto tag = oci::Tag::parse(value);
    if (!tag) co_return error_response(tag.error());
    if (std::ranges::find(tags, *tag) == tags.end()) tags.push_back(std::move(*tag));
  }

  http::BodyMemory::Lease lease(deps_.bodies, holder_of(exchange));
  auto body = co_await exchange.read_all(deps_.options.manifest_bytes, &lease);
  if (!body && body.error().code == Errc::too_large)
    co_return error_response(
        {Errc::too_large, fmt::format("the manifest is larger than {} bytes", deps_.options.manifest_bytes)});
  if (!body) co_return error_response(body.error());
  if (auto refused = co_await deps_.gate.still(exchange, caller, route.name, access::Action::push))
    co_return std::move(*refused);
  const std::string_view content_type = exchange.request().header("Content-Type").value_or("");

  auto stored = co_await at_work(exchange, deps_.services, [&]() -> Result<registry::PutResult> {
    auto repository = may.repository;
    if (!repository) {
      // A manifest that would be refused must not leave an empty repository behind.
      const auto space = deps_.services.facts.namespace_of(route.name, true);
      if (!space) return space.error();
      if (auto acceptable =
              deps_.services.manifests.check(registry::unborn(route.name, *space), route.reference, tags,
                                             as_bytes(*body), content_type, may.context);
          !acceptable)
        return acceptable.error();
      auto created = deps_.services.facts.ensure(route.name, may.context.principal, may.context.origin);
      if (!created) return created.error();
      repository = *created;
    }
    return deps_.services.manifests.put(*repository, route.reference, tags, as_bytes(*body), content_type,
                                        may.context);
  });
  if (!stored) co_return error_response(stored.error());

  http::Response response;
  response.status = 201;
  const std::string digest = stored->digest.render();
  response.header("Location", location(deps_.options, route.name, "manifests/" + digest));
  response.header("Docker-Content-Digest", digest);
  if (stored->subject) response.header("OCI-Subject", stored->subject->render());
  // One line however many there are: clients and proxies count headers.
  std::string list;
  for (const oci::Tag& tag : tags) list.append(list.empty() ? "" : ", ").append(tag.render());
  if (!list.empty()) response.header("OCI-Tag", std::move(list));
  co_return response;
}

async::Task<http::Response> ManifestHandler::remove(http::Exchange& exchange, const Caller& caller,
                                                    const route::Manifest& route) {
  auto permitted = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::remove);
  if (auto* refused = std::get_if<http::Response>(&permitted)) co_return std::move(*refused);
  Permitted& may = std::get<Permitted>(permitted);
  auto condition = condition_of(exchange.request());
  if (!condition) co_return error_response(condition.error());
  may.context.condition = *std::move(condition);
  if (!may.repository) co_return error_response(unknown(route));
  auto removed = co_await at_work(exchange, deps_.services, [&] {
    return deps_.services.manifests.remove(*may.repository, route.reference, may.context);
  });
  if (!removed) co_return error_response(removed.error());
  co_return accepted();
}

}  // namespace bulkhead::api
