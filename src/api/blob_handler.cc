#include <fmt/format.h>

#include "api/errors.h"
#include "api/handlers.h"
#include "async/offload.h"
#include "blob/verify.h"
#include "oci/range.h"
#include "registry/blobs.h"

namespace bulkhead::api {
namespace {

// Hashes a blob that has not been verified lately; the answer's last bytes wait for it.
async::Task<Result<void>> verify(const Services& services, std::shared_ptr<const registry::BlobHandle> blob) {
  auto sound = co_await async::offload(services.work,
                                       [&] { return services.verifier.verify(blob->digest, *blob->reader); });
  if (!sound)
    services.log.error("a stored blob is not what its digest says; the answer was cut short",
                       {{"digest", blob->digest.render()}, {"error", sound.error().message}});
  co_return sound;
}

Error unknown(const route::Blob& route) {
  return {Errc::blob_unknown, fmt::format("{} has no blob {}", route.name.render(), route.digest.render())};
}

}  // namespace

async::Task<http::Response> BlobHandler::handle(http::Exchange& exchange, const Caller& caller,
                                                const route::Blob& route) {
  switch (exchange.request().method) {
    case http::Method::get:
    case http::Method::head: co_return co_await get(exchange, caller, route);
    case http::Method::delete_: co_return co_await remove(exchange, caller, route);
    default: co_return method_not_allowed("GET, HEAD, DELETE");
  }
}

async::Task<http::Response> BlobHandler::get(http::Exchange& exchange, const Caller& caller,
                                             const route::Blob& route) {
  auto permitted = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::pull);
  if (auto* refused = std::get_if<http::Response>(&permitted)) co_return std::move(*refused);
  const auto& repository = std::get<Permitted>(permitted).repository;
  if (!repository) co_return error_response(unknown(route));
  auto blob = deps_.services.blobs.peek(*repository, route.digest);
  if (!blob) {
    auto found = co_await async::offload(
        deps_.services.work, [&] { return deps_.services.blobs.find(*repository, route.digest); });
    if (!found) co_return not_given(deps_, route.name, route.digest.render(), found.error(), unknown(route));
    blob = std::move(*found);
  }

  http::Response response;
  const std::uint64_t size = blob->reader->size();
  const std::string digest = route.digest.render();
  response.header("Content-Type", "application/octet-stream");
  response.header("Docker-Content-Digest", digest);
  response.header("ETag", '"' + digest + '"');
  response.header("Accept-Ranges", "bytes");
  if (const auto match = exchange.request().header("If-None-Match");
      match && match->find(digest) != std::string_view::npos) {
    response.status = 304;
    co_return response;
  }
  oci::ByteRange range{0, size};
  if (const auto header = exchange.request().header("Range")) {
    const auto resolved = oci::resolve_range(*header, size);
    if (resolved.outcome == oci::RangeOutcome::unsatisfiable) {
      http::Response refused =
          error_response({Errc::range_invalid,
                          fmt::format("the range {} is not within the blob's {} bytes", *header, size)});
      refused.header("Content-Range", fmt::format("bytes */{}", size));
      co_return refused;
    }
    if (resolved.outcome == oci::RangeOutcome::partial) {
      range = resolved.range;
      response.status = 206;
      response.header("Content-Range",
                      fmt::format("bytes {}-{}/{}", range.offset, range.offset + range.length - 1, size));
    }
  }
  if (exchange.request().method == http::Method::head) {
    response.stated_length = range.length;
    co_return response;
  }
  record_pull(deps_, exchange, caller, audit::Action::blob_pulled, route.name, digest, route.digest);
  http::FileBytes body{blob, blob->reader->file_descriptor(), range.offset, range.length, nullptr};
  if (!deps_.services.verifier.verified(blob->digest, *blob->reader))
    body.before_tail = [&services = deps_.services, blob] { return verify(services, blob); };
  response.body = std::move(body);
  co_return response;
}

async::Task<http::Response> BlobHandler::remove(http::Exchange& exchange, const Caller& caller,
                                                const route::Blob& route) {
  auto permitted = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::remove);
  if (auto* refused = std::get_if<http::Response>(&permitted)) co_return std::move(*refused);
  const Permitted& may = std::get<Permitted>(permitted);
  if (!may.repository) co_return error_response(unknown(route));
  auto removed = co_await async::offload(deps_.services.work, [&] {
    return deps_.services.blobs.remove(*may.repository, route.digest, may.context);
  });
  if (!removed && removed.error().code == Errc::blob_unknown) co_return error_response(unknown(route));
  if (!removed) co_return error_response(removed.error());
  co_return accepted();
}

}  // namespace bulkhead::api
