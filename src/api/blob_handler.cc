#include <fmt/format.h>

#include "api/errors.h"
#include "api/handlers.h"
#include "async/offload.h"
#include "base/bytes.h"
#include "blob/verify.h"
#include "crypto/hash.h"
#include "http/conditions.h"
#include "oci/range.h"
#include "registry/blobs.h"

namespace bulkhead::api {
namespace {

// Hashes a blob that has not been verified lately; the answer's last bytes wait for it.
async::Task<Result<void>> verify(const Services& services, std::shared_ptr<const registry::BlobHandle> blob,
                                 async::Place place) {
  auto seat = services.work.seat(std::move(place));
  auto sound =
      co_await async::offload(seat, [&] { return services.verifier.verify(blob->digest, *blob->reader); });
  if (!sound)
    services.log.error("a stored blob is not what its digest says; the answer was cut short",
                       {{"digest", blob->digest.render()}, {"error", sound.error().message}});
  co_return sound;
}

constexpr const char* kBytes = "application/octet-stream";

std::string content_range(const oci::ByteRange& range, std::uint64_t size) {
  return fmt::format("bytes {}-{}/{}", range.offset, range.offset + range.length - 1, size);
}

// RFC 9110 section 14.6.
http::FileParts in_parts(http::FileBytes file, const std::vector<oci::ByteRange>& ranges, std::uint64_t size,
                         const std::string& boundary) {
  http::FileParts parts{std::move(file), {}, fmt::format("\r\n--{}--\r\n", boundary)};
  for (const oci::ByteRange& range : ranges)
    parts.parts.push_back(
        {fmt::format("{}--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
                     parts.parts.empty() ? "" : "\r\n", boundary, kBytes, content_range(range, size)),
         range.offset, range.length});
  return parts;
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
  const blob::Verifier& verifier = deps_.services.verifier;
  const bool only_asked = exchange.request().method == http::Method::head;
  auto blob = deps_.services.blobs.peek(*repository, route.digest);
  // What has rotted may have been pushed again since, into another repository.
  if (!blob || verifier.rotten(route.digest, *blob->reader)) {
    auto found = co_await at_work(exchange, deps_.services,
                                  [&] { return deps_.services.blobs.find(*repository, route.digest); });
    if (!found) co_return not_given(deps_, route.name, route.digest.render(), found.error(), unknown(route));
    blob = std::move(*found);
  }
  if (verifier.rotten(route.digest, *blob->reader)) co_return error_response(unknown(route));

  http::Response response;
  const std::uint64_t size = blob->reader->size();
  const std::string digest = route.digest.render();
  response.header("Docker-Content-Digest", digest);
  response.header("ETag", '"' + digest + '"');
  response.header("Accept-Ranges", "bytes");
  response.header("Cache-Control", std::string(cache_control(caller)));
  const auto answered = answered_by_condition(exchange.request(), route.digest, response);
  if (!answered) co_return error_response(answered.error());
  if (*answered) co_return response;
  // RFC 9110 section 14.2: HEAD knows no ranges.
  if (only_asked) {
    response.header("Content-Type", kBytes);
    response.stated_length = size;
    co_return response;
  }
  oci::ResolvedRanges wanted;
  if (const auto header = exchange.request().header("Range");
      header && http::range_applies(exchange.request(), '"' + digest + '"'))
    wanted = oci::resolve_ranges(*header, size);
  if (wanted.outcome == oci::RangeOutcome::unsatisfiable) {
    http::Response refused = error_response(
        {Errc::range_invalid, fmt::format("the range {} is not within the blob's {} bytes",
                                          exchange.request().header("Range").value_or(""), size)});
    refused.header("Content-Range", fmt::format("bytes */{}", size));
    co_return refused;
  }
  record_pull(deps_, exchange, caller, audit::Action::blob_pulled, route.name, digest, route.digest);
  http::FileBytes body{blob, blob->reader->file_descriptor(), 0, size, nullptr};
  if (!deps_.services.verifier.verified(blob->digest, *blob->reader))
    body.before_tail = [&services = deps_.services, blob, place = place_at_work(exchange)] {
      return verify(services, blob, place);
    };
  if (wanted.outcome == oci::RangeOutcome::whole) {
    response.header("Content-Type", kBytes);
    response.body = std::move(body);
    co_return response;
  }
  response.status = 206;
  if (wanted.ranges.size() == 1) {
    const oci::ByteRange& range = wanted.ranges.front();
    response.header("Content-Type", kBytes);
    response.header("Content-Range", content_range(range, size));
    body.offset = range.offset;
    body.length = range.length;
    response.body = std::move(body);
    co_return response;
  }
  const std::string boundary = to_hex(as_bytes(crypto::random_bytes(16)));
  response.header("Content-Type", "multipart/byteranges; boundary=" + boundary);
  response.body = in_parts(std::move(body), wanted.ranges, size, boundary);
  co_return response;
}

async::Task<http::Response> BlobHandler::remove(http::Exchange& exchange, const Caller& caller,
                                                const route::Blob& route) {
  auto permitted = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::remove);
  if (auto* refused = std::get_if<http::Response>(&permitted)) co_return std::move(*refused);
  Permitted& may = std::get<Permitted>(permitted);
  auto condition = condition_of(exchange.request());
  if (!condition) co_return error_response(condition.error());
  may.context.condition = *std::move(condition);
  if (!may.repository) co_return error_response(unknown(route));
  auto removed = co_await at_work(exchange, deps_.services, [&] {
    return deps_.services.blobs.remove(*may.repository, route.digest, may.context);
  });
  if (!removed && removed.error().code == Errc::blob_unknown) co_return error_response(unknown(route));
  if (!removed) co_return error_response(removed.error());
  co_return accepted();
}

}  // namespace bulkhead::api
