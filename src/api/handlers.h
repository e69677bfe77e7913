// The handlers of /v2, by what they serve. Each takes a parsed route and a caller, asks the gate, calls one
// service and renders the answer. A handler object is shared by all event loops and has no state of its own.
#pragma once

#include "api/caller.h"
#include "api/route.h"
#include "api/services.h"
#include "api/transfer.h"
#include "async/task.h"
#include "blob/verify.h"
#include "http/exchange.h"
#include "http/response.h"
#include "identity/login/registry_login.h"
#include "registry/blobs.h"
#include "registry/manifests.h"
#include "registry/uploads.h"

namespace bulkhead::api {

// What every handler works with.
struct Deps {
  const Services& services;
  const Options& options;
  const Gate& gate;
  TransferMemory& transfers;
  http::BodyMemory& bodies;
  http::BodyMemory& answers;
};

class ManifestHandler {
 public:
  explicit ManifestHandler(const Deps& deps) : deps_(deps) {}
  async::Task<http::Response> handle(http::Exchange& exchange, const Caller& caller,
                                     const route::Manifest& route);
  // What can be by no reference is not there; to whoever would write it, it is wrong.
  async::Task<http::Response> handle(http::Exchange& exchange, const Caller& caller,
                                     const route::NoManifest& route);

 private:
  async::Task<http::Response> get(http::Exchange& exchange, const Caller& caller,
                                  const route::Manifest& route);
  async::Task<http::Response> put(http::Exchange& exchange, const Caller& caller,
                                  const route::Manifest& route);
  async::Task<http::Response> remove(http::Exchange& exchange, const Caller& caller,
                                     const route::Manifest& route);

  const Deps& deps_;
};

class BlobHandler {
 public:
  explicit BlobHandler(const Deps& deps) : deps_(deps) {}
  async::Task<http::Response> handle(http::Exchange& exchange, const Caller& caller,
                                     const route::Blob& route);

 private:
  async::Task<http::Response> get(http::Exchange& exchange, const Caller& caller, const route::Blob& route);
  async::Task<http::Response> remove(http::Exchange& exchange, const Caller& caller,
                                     const route::Blob& route);

  const Deps& deps_;
};

class UploadHandler {
 public:
  explicit UploadHandler(const Deps& deps) : deps_(deps) {}
  async::Task<http::Response> start(http::Exchange& exchange, const Caller& caller,
                                    const route::UploadStart& route);
  async::Task<http::Response> handle(http::Exchange& exchange, const Caller& caller,
                                     const route::Upload& route);

 private:
  using Writer = registry::Uploads::Writer;

  async::Task<http::Response> patch(http::Exchange& exchange, const route::Upload& route,
                                    const access::Repository& repository, const Permitted& permitted);
  async::Task<http::Response> put(http::Exchange& exchange, const Caller& caller, const route::Upload& route,
                                  const access::Repository& repository, const Permitted& permitted);
  // Appends the body, held to what its Content-Range promises; the answer to send when that fails.
  async::Task<std::optional<http::Response>> append(http::Exchange& exchange, const route::Upload& route,
                                                    Writer& writer);
  async::Task<http::Response> finish(const http::Exchange& exchange, const oci::RepositoryName& name,
                                     std::unique_ptr<Writer> writer, const oci::Digest& digest,
                                     const Permitted& permitted);
  // Mounts when it can; nullopt: start an upload, which looks the same.
  async::Task<std::optional<http::Response>> mount(http::Exchange& exchange, const Caller& caller,
                                                   const route::UploadStart& route,
                                                   const Permitted& permitted, const std::string& digest,
                                                   const std::string& from);
  // The whole blob in one POST.
  async::Task<http::Response> take_whole(http::Exchange& exchange, const Caller& caller,
                                         const route::UploadStart& route, const Permitted& permitted,
                                         const oci::Digest& digest);
  // The repository, or what stands for one that is not there yet.
  async::Task<Result<access::Repository>> target(const http::Exchange& exchange,
                                                 const oci::RepositoryName& name, const Permitted& permitted,
                                                 bool begins);
  http::Response session(unsigned status, const oci::RepositoryName& name, std::string_view id,
                         std::uint64_t size) const;

  const Deps& deps_;
};

class ListHandler {
 public:
  explicit ListHandler(const Deps& deps) : deps_(deps) {}
  async::Task<http::Response> catalog(http::Exchange& exchange, const Caller& caller);
  async::Task<http::Response> tags(http::Exchange& exchange, const Caller& caller, const route::Tags& route);
  async::Task<http::Response> referrers(http::Exchange& exchange, const Caller& caller,
                                        const route::Referrers& route);

 private:
  const Deps& deps_;
};

class TokenHandler {
 public:
  explicit TokenHandler(const Deps& deps) : deps_(deps) {}
  async::Task<http::Response> handle(http::Exchange& exchange);

 private:
  async::Task<http::Response> get(http::Exchange& exchange);
  async::Task<http::Response> post(http::Exchange& exchange);
  // Whom a token is issued to: somebody, or whoever has a bearer token that logs in.
  struct LoggedIn {
    LoggedIn() = default;
    explicit LoggedIn(access::Principal by) : principal(std::move(by)) {}
    explicit LoggedIn(std::shared_ptr<const access::Bearer> by) : bearer(std::move(by)) {}

    access::Principal principal;
    std::shared_ptr<const access::Bearer> bearer;  // null for the former
  };
  // To somebody at `address`.
  async::Task<http::Response> issue(const http::Exchange& exchange, const LoggedIn& who,
                                    const std::vector<std::string>& scopes);
  // With a password, an access token or, for a robot, a workload's bearer token.
  async::Task<Result<LoggedIn>> log_in(http::Exchange& exchange, const BasicCredentials& credentials);
  async::Task<identity::RegistryLogIn::Outcome> prove(const http::Exchange& exchange,
                                                      const BasicCredentials& credentials,
                                                      const audit::Origin& origin);
  async::Task<Result<LoggedIn>> prove_by_bearer(const http::Exchange& exchange,
                                                const BasicCredentials& credentials,
                                                const audit::Origin& origin);

  const Deps& deps_;
};

// Shared by the handlers.
http::Response accepted();  // 202
// Cache-Control of bytes that never change: a shared cache may keep them for what anybody may read.
std::string_view cache_control(const Caller& caller);
// What was asked for was not found, or could not be read, which the log has. What is damaged is told as
// `unknown`, so that clients push it again.
http::Response not_given(const Deps& deps, const oci::RepositoryName& name, std::string_view reference,
                         const Error& why, const Error& unknown);
http::Response method_not_allowed(std::string_view allowed);
// RFC 9110 section 13: what a change depends on, as registry/ asks it. Errc::invalid_argument.
Result<registry::Condition> condition_of(const http::Request& request);
// The same for a read of something whose entity tag is its digest in quotes: 304 or 412 in `response`, or
// nothing when it is to be answered in full. Errc::invalid_argument.
Result<bool> answered_by_condition(const http::Request& request, const oci::Digest& digest,
                                   http::Response& response);
// "/v2/NAME/…" below the public URL when one is configured.
std::string location(const Options& options, const oci::RepositoryName& name, std::string_view rest);
void record_pull(const Deps& deps, const http::Exchange& exchange, const Caller& caller, audit::Action action,
                 const oci::RepositoryName& name, std::string_view target, const oci::Digest& digest);

}  // namespace bulkhead::api
