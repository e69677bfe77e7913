#include "app/api_command.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "api/management/perform.h"

namespace bulkhead::app {
namespace {

namespace json = boost::json;
namespace management = api::management;

Result<http::Method> parse_method(std::string_view text) {
  for (const auto method :
       {http::Method::get, http::Method::post, http::Method::put, http::Method::patch, http::Method::delete_})
    if (management::method_name(method) == text) return method;
  return Error{Errc::invalid_argument, fmt::format("the management API has no method {}", text)};
}

management::ManagementCaller operator_caller(const audit::Origin& origin) {
  management::ManagementCaller caller;
  caller.principal.account = origin.account;
  caller.system_role = identity::SystemRole::administrator;
  caller.reach = management::Reach::write;
  caller.is_operator = true;
  caller.credential = origin.credential;
  return caller;
}

json::object outcome_of(const http::Response& response) {
  json::object out{{"status", response.status}, {"etag", ""}, {"body", nullptr}};
  for (const auto& [name, value] : response.headers)
    if (name == "ETag") out["etag"] = value;
  // What the API renders itself it may read again.
  if (const auto* text = std::get_if<std::string>(&response.body); text != nullptr && !text->empty())
    out["body"] = json::parse(*text);
  return out;
}

}  // namespace

Result<json::value> api_request(Installation& installation, Arguments& arguments,
                                const audit::Origin& origin) {
  const auto method = parse_method(arguments.text("method"));
  const std::string target = arguments.text("path");
  const json::value* body = arguments.object("body");
  const std::string condition = arguments.text("if_match");
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (!method) return method.error();
  const management::Router router(management::all_operations());
  const api::Services services = installation.services();
  api::Options options;
  options.public_url = installation.settings().public_url;
  while (options.public_url.ends_with('/')) options.public_url.pop_back();
  management::Performer performer(services, options, router);
  management::Incoming incoming;
  incoming.path = target.substr(0, target.find('?'));
  if (incoming.path.size() < target.size()) incoming.query = target.substr(incoming.path.size() + 1);
  auto found = router.match(*method, incoming.path);
  if (!std::holds_alternative<management::Router::Match>(found))
    return Error{Errc::unsupported,
                 fmt::format("this version has no {} {}", management::method_name(*method), incoming.path)};
  incoming.match = std::get<management::Router::Match>(std::move(found));
  if (body != nullptr) incoming.body = Secret<>(json::serialize(*body));
  incoming.content_type = "application/json";
  if (!condition.empty()) incoming.if_match = condition;
  incoming.origin = origin;
  incoming.browser_origin = options.public_url;
  incoming.caller = operator_caller(origin);
  return json::value(outcome_of(performer.perform(incoming)));
}

}  // namespace bulkhead::app
