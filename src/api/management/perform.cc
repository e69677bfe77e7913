#include "api/management/perform.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <functional>

#include "api/management/conditions.h"
#include "api/management/input.h"
#include "api/management/permission.h"
#include "api/management/proof.h"
#include "api/management/standing.h"
#include "api/problem.h"
#include "audit/journal.h"
#include "base/percent.h"
#include "db/condition.h"
#include "db/database.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;

http::Response fields_response(const std::vector<FieldProblem>& problems, std::string_view instance) {
  std::vector<ProblemPart> parts;
  for (const FieldProblem& problem : problems) {
    const std::string_view place = problem.place == FieldProblem::Place::body        ? "pointer"
                                   : problem.place == FieldProblem::Place::parameter ? "parameter"
                                                                                     : "header";
    parts.push_back({place, problem.name, problem.detail});
  }
  const FieldProblem& first = problems.front();
  const std::string_view whole = first.place == FieldProblem::Place::body ? "the body" : "the query";
  return problem_response(
      kInvalidFields,
      fmt::format("{} {}", first.name.empty() ? whole : std::string_view(first.name), first.detail), instance,
      parts);
}

bool is_idempotency_key(std::string_view text) {
  return !text.empty() && text.size() <= IdempotencyKeys::kMaxKeyBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// What a path names, however it is written.
std::string what_is_named(const Router::Match& match) {
  std::string named(match.operation->path);
  for (const auto& [name, value] : match.values) named.append(1, '\0').append(value);
  return named;
}

Call call_for(const Services& services, const Options& options, const Incoming& incoming) {
  Call call(services, options, incoming.caller);
  call.origin = incoming.origin;
  call.may_wait = incoming.may_wait;
  call.browser_origin = incoming.browser_origin;
  call.path_values = incoming.match.values;
  return call;
}

}  // namespace

Performer::Performer(const Services& services, const Options& options, const Router& router)
    : services_(services),
      options_(options),
      router_(router),
      keys_(services.database, services.keyring, services.clock),
      changes_(options.changes_per_hour) {}

Wait Performer::wait_of(const Incoming& incoming) const {
  const Operation& operation = *incoming.match.operation;
  if (operation.wait == nullptr) return {};
  Call call = call_for(services_, options_, incoming);
  Wait wait;
  const bool readable = operation.request == nullptr || [&] {
    const auto problems = read_body(operation, incoming.body.reveal(), call);
    return problems && problems->empty();
  }();
  if (readable) wait = operation.wait(call);
  json::value body = std::move(call.body);
  wipe(body);
  return wait;
}

http::Response Performer::perform(Incoming& incoming) {
  Call call = call_for(services_, options_, incoming);
  http::Response response = answer(incoming, call);
  json::value body = std::move(call.body);
  wipe(body);
  return response;
}

http::Response Performer::answer(const Incoming& incoming, Call& call) {
  const Operation& operation = *incoming.match.operation;
  const std::string& instance = incoming.origin.request_id;
  if (const auto problems = check_path(call); !problems.empty()) return fields_response(problems, instance);
  if (const auto permitted = permit(operation, call); !permitted) {
    // Before the permission is there, the caller hears of a refusal as of an absence.
    if (permitted.error().code == Errc::not_found) journal_denial(incoming, call.denied_for, call.body);
    return failed(incoming, call, permitted.error());
  }
  if (const auto problems = read_query(operation, incoming.query, call); !problems.empty())
    return fields_response(problems, instance);
  if (operation.request != nullptr && !is_json(incoming.content_type))
    return problem_response(kWrongMediaType, "send the body as application/json", instance);
  const auto problems = read_body(operation, incoming.body.reveal(), call);
  if (!problems) return problem_response(problems.error(), instance);
  if (!problems->empty()) return fields_response(*problems, instance);
  if (operation.proof_for != nullptr && operation.proof_for(call))
    if (auto refused = lacking_proof(incoming.caller, services_.clock.now(), instance))
      return std::move(*refused);

  if (operation.creates && incoming.idempotency_key && !incoming.caller.principal.anonymous())
    return create(incoming, call);
  if (operation.if_match == IfMatch::unused) return run(incoming, call);
  const std::lock_guard lock(changing_[path_hash_(what_is_named(incoming.match)) % changing_.size()]);
  if (auto refused = check_condition(incoming, call)) return std::move(*refused);
  return run(incoming, call);
}

std::optional<http::Response> Performer::check_condition(const Incoming& incoming, const Call& call) {
  const Operation& operation = *incoming.match.operation;
  const std::string& instance = incoming.origin.request_id;
  if (!incoming.if_match) {
    if (operation.if_match == IfMatch::optional && !incoming.if_none_match) return std::nullopt;
    if (operation.if_match != IfMatch::optional)
      return problem_response(kPreconditionRequired,
                              "read it first and send its ETag as If-Match, so that nobody's change is lost; "
                              "If-Match: * changes it whatever it is",
                              instance);
  }
  Call reading = call_for(services_, options_, incoming);
  // What the change's own permission has found; a handler relies on it.
  reading.repository = call.repository;
  reading.organization = call.organization;
  reading.account = call.account;
  auto current = incoming.match.reading->handler(reading);
  // If-None-Match alone asks for nothing that is there.
  if (!current && current.error().code == Errc::not_found && !incoming.if_match) return std::nullopt;
  if (!current) return failed(incoming, call, current.error());
  const std::string etag = etag_of(json::serialize(current->body));
  const auto matches = incoming.if_match ? if_match(*incoming.if_match, etag) : Result<bool>(true);
  if (!matches) return problem_response(matches.error(), instance);
  const auto known =
      incoming.if_none_match ? if_none_match(*incoming.if_none_match, etag) : Result<bool>(false);
  if (!known) return problem_response(known.error(), instance);
  if (*matches && !*known) return std::nullopt;
  return problem_response(kPreconditionFailed, "read it again, and decide again", instance);
}

http::Response Performer::create(const Incoming& incoming, Call& call) {
  const std::string& key = *incoming.idempotency_key;
  const std::string& instance = incoming.origin.request_id;
  if (!is_idempotency_key(key))
    return fields_response(
        {{FieldProblem::Place::header, "Idempotency-Key", "must be 1 to 255 visible ASCII characters"}},
        instance);
  const std::int64_t account = incoming.caller.principal.account_id;
  const Secret<> request(fmt::format("{}\n{}?{}\n{}", incoming.match.operation->id, incoming.path,
                                     incoming.query, incoming.body.reveal()));
  const auto claim = keys_.claim(account, key, request.reveal());
  if (!claim) return problem_response(claim.error(), instance);
  switch (claim->state) {
    case IdempotencyKeys::State::claimed: break;
    case IdempotencyKeys::State::made: return replay(incoming, call, claim->resource);
    case IdempotencyKeys::State::under_way:
      return problem_response(
          Error{Errc::conflict,
                "a request with this Idempotency-Key is under way, or was interrupted: look whether it took "
                "effect, and use another key if it did not"},
          instance);
    case IdempotencyKeys::State::other_request:
      return problem_response(
          kKeyReused, "this Idempotency-Key came with another request before; take a new one", instance);
  }
  std::optional<std::string> created;
  http::Response response = run(incoming, call, &created);
  const auto settled = created ? keys_.complete(account, key, *created) : keys_.abandon(account, key);
  // What was made is made; the key only stays claimed.
  if (!settled)
    services_.log.warning("an idempotency key could not be settled",
                          {{"request", instance}, {"error", settled.error().message}});
  return response;
}

http::Response Performer::replay(const Incoming& incoming, const Call& call, const std::string& resource) {
  const auto found = router_.match(http::Method::get, resource);
  const auto* match = std::get_if<Router::Match>(&found);
  if (match == nullptr)
    return problem_response(Error{Errc::internal, "what was created has no address"},
                            incoming.origin.request_id);
  Call reading(services_, options_, incoming.caller);
  reading.origin = call.origin;
  reading.path_values = match->values;
  Result<Reply> reply = not_visible();
  if (const auto permitted = permit(*match->operation, reading); permitted)
    reply = match->operation->handler(reading);
  if (!reply) return problem_response(reply.error(), incoming.origin.request_id);
  reply->location = resource;
  http::Response response = render(incoming, call, std::move(*reply));
  response.header("Idempotency-Replayed", "true");
  return response;
}

http::Response Performer::run(const Incoming& incoming, Call& call, std::optional<std::string>* created) {
  const Operation& operation = *incoming.match.operation;
  const db::Condition standing(
      [&](db::Session& session) { return check_still_permitted(session, operation, call); });
  if (auto within = count(operation, incoming.caller); !within) return failed(incoming, call, within.error());
  Result<Reply> reply = operation.handler(call);
  if (reply && reply->problem)
    return problem_response(*reply->problem, reply->detail, incoming.origin.request_id);
  if (created != nullptr && reply) *created = reply->location;
  if (reply) return render(incoming, call, std::move(*reply));
  return failed(incoming, call, reply.error());
}

// What ends something always may: there is no more of it than was made.
Result<void> Performer::count(const Operation& operation, const ManagementCaller& caller) {
  if (operation.method == http::Method::get || operation.method == http::Method::delete_) return {};
  if (caller.is_operator || caller.principal.anonymous() || caller.system_role != identity::SystemRole::none)
    return {};
  const auto wait = changes_.take(identity::sharer(caller.principal.account), services_.clock.now());
  if (!wait) return {};
  return Error{
      Errc::rate_limited,
      fmt::format("{} changes within an hour are as many as an account may make; try again in {} seconds",
                  options_.changes_per_hour, wait->count()),
      *wait};
}

http::Response Performer::failed(const Incoming& incoming, const Call& call, const Error& error) {
  if (error.code == Errc::denied || error.code == Errc::unauthenticated) {
    // What a handler refuses by itself is a matter of roles, where the operation is.
    const Permission::Kind kind = incoming.match.operation->permission.kind;
    const bool by_role = error.code == Errc::denied && kind != Permission::Kind::anyone &&
                         kind != Permission::Kind::account && kind != Permission::Kind::in_person;
    journal_denial(incoming, call.denied_for.empty() && by_role ? access::why::kRole : call.denied_for,
                   call.body);
  }
  return problem_response(error, incoming.origin.request_id);
}

http::Response Performer::render(const Incoming& incoming, const Call& call, Reply reply) {
  const Operation& operation = *incoming.match.operation;
  const std::string base = options_.public_url + "/api/v1";
  http::Response response;
  response.status = operation.status;
  if (!reply.location.empty()) response.header("Location", base + reply.location);
  if (reply.next) {
    const std::string cursor = render_cursor(*reply.next);
    reply.body.as_object()["next"] = cursor;
    std::string link = fmt::format("<{}{}?limit={}&after={}", base, incoming.path, call.limit, cursor);
    for (const Field& field : operation.query)
      if (const json::value* value = call.query.if_contains(field.name))
        link += fmt::format(
            "&{}={}", field.name,
            percent_encode(value->is_string() ? std::string(value->get_string()) : json::serialize(*value)));
    response.header("Link", link + ">; rel=\"next\"");
  }
  response.header("Cache-Control", operation.secret ? "no-store" : "private, no-cache");
  if (operation.response == nullptr) return response;
  std::string body = json::serialize(reply.body);
  if (operation.method != http::Method::post && !operation.secret) {
    const std::string etag = etag_of(body);
    response.header("ETag", etag);
    if (operation.method == http::Method::get && incoming.if_none_match) {
      const auto known = if_none_match(*incoming.if_none_match, etag);
      if (known && *known) {
        response.status = 304;
        return response;
      }
    }
  }
  response.header("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

void Performer::journal_denial(const Incoming& incoming, std::string_view why,
                               const json::object& body) const {
  audit::Event event;
  event.at = services_.clock.now();
  event.action = audit::Action::request_denied;
  event.origin = incoming.origin;
  event.target = incoming.match.operation->id;
  json::object detail;
  for (const auto& [name, value] : incoming.match.values)
    if (name == "repository")
      event.repository = value;
    else
      detail[name] = value;
  // What was to be changed, and never to what: a body may hold a password.
  json::array fields;
  for (const auto& field : body) fields.emplace_back(field.key());
  if (!fields.empty()) detail["fields"] = std::move(fields);
  if (!why.empty()) detail["reason"] = why;
  if (!detail.empty()) event.detail = json::serialize(detail);
  services_.journal.append(event);
}

}  // namespace bulkhead::api::management
