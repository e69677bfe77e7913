#include <fmt/format.h>

#include "access/facts.h"
#include "api/errors.h"
#include "api/handlers.h"
#include "async/offload.h"
#include "http/request.h"
#include "oci/range.h"
#include "registry/blobs.h"
#include "registry/unborn.h"
#include "registry/uploads.h"

namespace bulkhead::api {
namespace {

Result<http::Parameters> query_of(const http::Exchange& exchange) {
  auto query = http::parse_query(exchange.request().query);
  if (!query) return Error{Errc::invalid_argument, "the query is not properly encoded"};
  // What is asked for here can have one value each.
  for (const std::string_view name : {"digest", "digest-algorithm", "mount", "from"})
    if (const auto value = http::one_value(*query, name); !value) return value.error();
  return std::move(*query);
}

const std::string* find(const http::Parameters& query, std::string_view key) {
  for (const auto& [name, value] : query)
    if (name == key) return &value;
  return nullptr;
}

// Who is told that somebody else is at work learns when to come again.
http::Response upload_error(const Error& error) {
  http::Response response = error_response(error);
  if (error.code == Errc::upload_busy && error.retry_after > std::chrono::seconds::zero())
    response.header("Retry-After", std::to_string(error.retry_after.count()));
  return response;
}

// What a Content-Range promises about a body, checked against what is known before it is read.
Result<std::optional<oci::ByteRange>> promised(const http::Request& request, std::uint64_t size) {
  const auto header = request.header("Content-Range");
  if (!header) return std::optional<oci::ByteRange>();
  auto range = oci::parse_content_range(*header);
  if (!range) return range.error();
  if (range->offset != size)
    return Error{Errc::range_invalid,
                 fmt::format("the chunk starts at {} but the upload continues at {}", range->offset, size)};
  if (request.content_length && *request.content_length != range->length)
    return Error{Errc::size_invalid, fmt::format("Content-Range says {} bytes and Content-Length {}",
                                                 range->length, *request.content_length)};
  return std::optional(*range);
}

}  // namespace

http::Response UploadHandler::session(unsigned status, const oci::RepositoryName& name, std::string_view id,
                                      std::uint64_t size) const {
  http::Response response;
  response.status = status;
  response.header("Location", location(deps_.options, name, fmt::format("blobs/uploads/{}", id)));
  response.header("Range", fmt::format("0-{}", size == 0 ? 0 : size - 1));
  response.header("Docker-Upload-UUID", std::string(id));
  return response;
}

async::Task<Result<access::Repository>> UploadHandler::target(const http::Exchange& exchange,
                                                              const oci::RepositoryName& name,
                                                              const Permitted& permitted, bool begins) {
  if (permitted.repository) co_return *permitted.repository;
  const auto space = co_await at_work(exchange, deps_.services,
                                      [&] { return deps_.services.facts.namespace_of(name, begins); });
  if (!space) co_return space.error();
  co_return registry::unborn(name, *space);
}

async::Task<std::optional<http::Response>> UploadHandler::mount(
    http::Exchange& exchange, const Caller& caller, const route::UploadStart& route,
    const Permitted& permitted, const std::string& digest, const std::string& from) {
  const auto parsed = oci::Digest::parse(digest);
  if (!parsed) co_return error_response(parsed.error());
  const Services& services = deps_.services;
  std::optional<access::Repository> source;
  if (from.empty()) {
    auto found = co_await at_work(exchange, services, [&] {
      return services.blobs.find_anywhere(
          *parsed,
          [&](std::string_view name) {
            return !caller.bearer || caller.bearer->covers(name, access::Action::pull);
          },
          permitted.context);
    });
    if (!found) co_return error_response(found.error());
    source = std::move(*found);
  } else if (const auto name = oci::RepositoryName::parse_asked(from); name) {
    const Source named = co_await deps_.gate.source(exchange, caller, *name);
    // Says nothing of the blob, nor of anything that the account may not read.
    if (named.out_of_scope)
      co_return deps_.gate.challenge(
          exchange, caller.scope, "insufficient_scope", "DENIED",
          fmt::format("the token does not cover {}, which the blob is to be mounted from", name->render()));
    if (named.repository) source = *named.repository;
  }
  if (!source) co_return std::nullopt;
  auto mounted = co_await at_work(exchange, services, [&]() -> Result<bool> {
    const auto held = services.blobs.find(*source, *parsed);
    // What is damaged is to be pushed again, and not to be spread.
    if (!held && (held.error().code == Errc::blob_unknown || held.error().code == Errc::corrupt))
      return false;
    if (!held) return held.error();
    if (services.verifier.rotten(*parsed, *(*held)->reader)) return false;
    auto repository = permitted.repository;
    if (!repository) {
      auto made = services.facts.ensure(route.name, permitted.context.principal, permitted.context.origin);
      if (!made) return made.error();
      repository = *made;
    }
    return services.blobs.mount(*repository, *source, *parsed, permitted.context);
  });
  if (!mounted) co_return error_response(mounted.error());
  if (!*mounted) co_return std::nullopt;
  http::Response response;
  response.status = 201;
  response.header("Location", location(deps_.options, route.name, "blobs/" + digest));
  response.header("Docker-Content-Digest", digest);
  co_return response;
}

async::Task<http::Response> UploadHandler::start(http::Exchange& exchange, const Caller& caller,
                                                 const route::UploadStart& route) {
  if (exchange.request().method != http::Method::post) co_return method_not_allowed("POST");
  auto gate = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::push);
  if (auto* refused = std::get_if<http::Response>(&gate)) co_return std::move(*refused);
  const Permitted& permitted = std::get<Permitted>(gate);
  const auto query = query_of(exchange);
  if (!query) co_return error_response(query.error());

  if (const std::string* digest = find(*query, "mount")) {
    const std::string* named = find(*query, "from");
    // Not within the co_await: GCC 12 destroys a temporary of a conditional there twice.
    const std::string from = named != nullptr ? *named : std::string();
    auto mounted = co_await mount(exchange, caller, route, permitted, *digest, from);
    if (mounted) co_return std::move(*mounted);
  }

  auto algorithm = oci::Algorithm::sha256;
  if (const std::string* name = find(*query, "digest-algorithm")) {
    const auto parsed = oci::parse_algorithm(*name);
    if (!parsed) co_return error_response(parsed.error());
    algorithm = *parsed;
  }
  if (const std::string* text = find(*query, "digest")) {
    const auto digest = oci::Digest::parse(*text);
    if (!digest) co_return error_response(digest.error());
    co_return co_await take_whole(exchange, caller, route, permitted, *digest);
  }

  const auto repository = co_await target(exchange, route.name, permitted, true);
  if (!repository) co_return error_response(repository.error());
  auto started = co_await at_work(exchange, deps_.services, [&] {
    return deps_.services.uploads.start(*repository, algorithm, permitted.context);
  });
  if (!started) co_return error_response(started.error());
  co_return session(202, route.name, started->id, started->size);
}

async::Task<http::Response> UploadHandler::take_whole(http::Exchange& exchange, const Caller& caller,
                                                      const route::UploadStart& route,
                                                      const Permitted& permitted, const oci::Digest& digest) {
  const auto range = promised(exchange.request(), 0);
  if (!range) co_return error_response(range.error());
  const auto repository = co_await target(exchange, route.name, permitted, true);
  if (!repository) co_return error_response(repository.error());
  auto started = co_await at_work(exchange, deps_.services, [&] {
    return deps_.services.uploads.start(*repository, digest.algorithm(), permitted.context);
  });
  if (!started) co_return error_response(started.error());
  auto writer = co_await at_work(exchange, deps_.services, [&] {
    return deps_.services.uploads.acquire(*repository, started->id, permitted.context, &digest);
  });
  if (!writer) co_return error_response(writer.error());
  const auto limit = *range ? std::optional((*range)->length) : std::nullopt;
  auto seat = deps_.services.work.seat(place_at_work(exchange));
  auto received = co_await receive(exchange, **writer, deps_.transfers, seat, limit);
  if (received && limit && (*writer)->size() != *limit)
    received = Error(Errc::size_invalid, "the body's length is not what its Content-Range says");
  std::optional<http::Response> refused;
  if (received) refused = co_await deps_.gate.still(exchange, caller, route.name, access::Action::push);
  if (!received || refused) {
    // A single POST has told its client no session to resume.
    writer->reset();
    auto cancelled = co_await at_work(exchange, deps_.services, [&] {
      return deps_.services.uploads.cancel(*repository, started->id, permitted.context);
    });
    if (!cancelled)
      deps_.services.log.debug("an upload could not be dropped", {{"error", cancelled.error().message}});
    if (refused) co_return std::move(*refused);
    co_return error_response(received.error());
  }
  co_return co_await finish(exchange, route.name, std::move(*writer), digest, permitted);
}

async::Task<http::Response> UploadHandler::handle(http::Exchange& exchange, const Caller& caller,
                                                  const route::Upload& route) {
  auto gate = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::push);
  if (auto* refused = std::get_if<http::Response>(&gate)) co_return std::move(*refused);
  const Permitted& permitted = std::get<Permitted>(gate);
  const auto repository = co_await target(exchange, route.name, permitted, false);
  if (!repository && repository.error().code == Errc::name_unknown)
    co_return error_response({Errc::upload_unknown, "there is no such upload; begin again with a POST"});
  if (!repository) co_return error_response(repository.error());
  switch (exchange.request().method) {
    case http::Method::patch: co_return co_await patch(exchange, route, *repository, permitted);
    case http::Method::put: co_return co_await put(exchange, caller, route, *repository, permitted);
    case http::Method::get:
    case http::Method::head: {
      auto status = co_await at_work(exchange, deps_.services, [&] {
        return deps_.services.uploads.status(*repository, route.id, permitted.context);
      });
      if (!status) co_return error_response(status.error());
      co_return session(204, route.name, status->id, status->size);
    }
    case http::Method::delete_: {
      auto cancelled = co_await at_work(exchange, deps_.services, [&] {
        return deps_.services.uploads.cancel(*repository, route.id, permitted.context);
      });
      if (!cancelled) co_return upload_error(cancelled.error());
      http::Response response;
      response.status = 204;
      co_return response;
    }
    default: co_return method_not_allowed("GET, HEAD, PATCH, PUT, DELETE");
  }
}

async::Task<std::optional<http::Response>> UploadHandler::append(http::Exchange& exchange,
                                                                 const route::Upload& route, Writer& writer) {
  const std::uint64_t before = writer.size();
  const auto range = promised(exchange.request(), before);
  if (!range) {
    // Says where the upload stands, so that the client can go on from there.
    http::Response refused = error_response(range.error());
    const http::Response state = session(416, route.name, route.id, before);
    refused.headers.insert(refused.headers.end(), state.headers.begin(), state.headers.end());
    co_return refused;
  }
  const auto limit = *range ? std::optional((*range)->length) : std::nullopt;
  auto seat = deps_.services.work.seat(place_at_work(exchange));
  auto received = co_await receive(exchange, writer, deps_.transfers, seat, limit);
  const bool too_short = received && limit && writer.size() - before != *limit;
  if (too_short || (!received && received.error().code == Errc::size_invalid)) {
    auto undone = co_await at_work(exchange, deps_.services, [&] { return writer.truncate(before); });
    if (!undone) co_return error_response(undone.error());
    co_return error_response({Errc::size_invalid, "the body's length is not what its Content-Range says"});
  }
  if (!received) co_return error_response(received.error());
  co_return std::nullopt;
}

async::Task<http::Response> UploadHandler::patch(http::Exchange& exchange, const route::Upload& route,
                                                 const access::Repository& repository,
                                                 const Permitted& permitted) {
  auto writer = co_await at_work(exchange, deps_.services, [&] {
    return deps_.services.uploads.acquire(repository, route.id, permitted.context);
  });
  if (!writer) co_return upload_error(writer.error());
  if (auto refused = co_await append(exchange, route, **writer)) co_return std::move(*refused);
  co_return session(202, route.name, route.id, (*writer)->size());
}

async::Task<http::Response> UploadHandler::put(http::Exchange& exchange, const Caller& caller,
                                               const route::Upload& route,
                                               const access::Repository& repository,
                                               const Permitted& permitted) {
  const auto query = query_of(exchange);
  if (!query) co_return error_response(query.error());
  const std::string* text = find(*query, "digest");
  if (text == nullptr)
    co_return error_response(
        {Errc::digest_invalid, "the upload's last request must say ?digest=<algorithm>:<hex>"});
  const auto digest = oci::Digest::parse(*text);
  if (!digest) co_return error_response(digest.error());
  auto writer = co_await at_work(exchange, deps_.services, [&] {
    return deps_.services.uploads.acquire(repository, route.id, permitted.context, &*digest);
  });
  if (!writer) co_return upload_error(writer.error());
  if (auto refused = co_await append(exchange, route, **writer)) co_return std::move(*refused);
  if (auto refused = co_await deps_.gate.still(exchange, caller, route.name, access::Action::push))
    co_return std::move(*refused);
  co_return co_await finish(exchange, route.name, std::move(*writer), *digest, permitted);
}

async::Task<http::Response> UploadHandler::finish(const http::Exchange& exchange,
                                                  const oci::RepositoryName& name,
                                                  std::unique_ptr<Writer> writer, const oci::Digest& digest,
                                                  const Permitted& permitted) {
  auto finished = co_await at_work(exchange, deps_.services, [&] {
    auto done = writer->finish(digest, permitted.context);
    writer.reset();
    return done;
  });
  if (!finished) co_return error_response(finished.error());
  http::Response response;
  response.status = 201;
  response.header("Location", location(deps_.options, name, "blobs/" + digest.render()));
  response.header("Docker-Content-Digest", digest.render());
  co_return response;
}

}  // namespace bulkhead::api
