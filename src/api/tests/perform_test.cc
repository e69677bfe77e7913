// The rules that hold for every operation, on operations made for these tests.
#include "api/management/perform.h"

#include <gtest/gtest.h>

#include <map>

#include "api/tests/test_api.h"
#include "base/percent.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using http::Method;
using identity::SystemRole;

// What the operations keep; one test has it at a time.
std::map<std::string, std::string>* things = nullptr;
int changes = 0;

constexpr Schema kText = text(1, 20);
constexpr Schema kSecret = secret_text(20);
constexpr Field kThingFields[] = {{"name", &kText, "", kRequired}, {"value", &kText, "", kRequired}};
constexpr Schema kThing = object("Thing", kThingFields);
constexpr Field kNewThingFields[] = {
    {"name", &kText, "", kRequired}, {"value", &kText, "", kRequired}, {"secret", &kSecret}};
constexpr Schema kNewThing = object("NewThing", kNewThingFields);
constexpr Field kFilters[] = {{"prefix", &kText}};

json::object thing(const std::string& name) { return {{"name", name}, {"value", things->at(name)}}; }

Result<Reply> list_things(Call& call) {
  std::vector<std::string> names;
  for (const auto& [name, value] : *things)
    if (name > call.after && name.starts_with(call.filter("prefix")) && names.size() <= call.limit)
      names.push_back(name);
  return page_of(call, names, thing, [](const std::string& name) { return name; });
}
Result<Reply> get_thing(Call& call) {
  if (!things->contains(call.path("team"))) return Error{Errc::not_found, "there is no such thing"};
  return Reply(thing(call.path("team")));
}
Result<Reply> create_thing(Call& call) {
  const std::string name = *call.text("name");
  if (things->contains(name)) return Error{Errc::conflict, "taken"};
  things->emplace(name, *call.text("value"));
  ++changes;
  Reply reply(thing(name));
  reply.body.as_object()["secret"] = "shown once";
  reply.location = "/things/" + percent_encode(name);
  return reply;
}
Result<Reply> change_thing(Call& call) {
  things->at(call.path("team")) = *call.text("value");
  ++changes;
  return Reply(thing(call.path("team")));
}
Result<Reply> remove_thing(Call& call) {
  things->erase(call.path("team"));
  ++changes;
  return Reply();
}
Result<Reply> fail(Call&) { return Error{Errc::internal, "the inside"}; }
Result<Reply> nothing(Call&) { return Reply(json::object{}); }

constexpr Operation kOperations[] = {
    {.method = Method::get,
     .path = "/things",
     .id = "list",
     .permission = kAccount,
     .response = &kThing,
     .query = kFilters,
     .paged = true,
     .handler = list_things},
    {.method = Method::post,
     .path = "/things",
     .id = "create",
     .permission = kAccount,
     .request = &kNewThing,
     .status = 201,
     .response = &kThing,
     .creates = true,
     .secret = true,
     .handler = create_thing},
    {.method = Method::get,
     .path = "/things/{team}",
     .id = "get",
     .permission = kAccount,
     .response = &kThing,
     .handler = get_thing},
    {.method = Method::patch,
     .path = "/things/{team}",
     .id = "change",
     .permission = kAccount,
     .request = &kNewThing,
     .response = &kThing,
     .if_match = IfMatch::required,
     .handler = change_thing},
    {.method = Method::delete_,
     .path = "/things/{team}",
     .id = "remove",
     .permission = kAccount,
     .status = 204,
     .if_match = IfMatch::optional,
     .handler = remove_thing},
    {.method = Method::get,
     .path = "/broken",
     .id = "fail",
     .permission = kAccount,
     .response = &kThing,
     .handler = fail},
    {.method = Method::get,
     .path = "/officers",
     .id = "officers",
     .permission = may(access::SystemAction::contain_incident),
     .response = &kThing,
     .handler = nothing},
    {.method = Method::get,
     .path = "/users/{user}",
     .id = "self",
     .permission = kSelf || access::SystemAction::read_directory,
     .response = &kThing,
     .handler = nothing},
    {.method = Method::get,
     .path = "/repositories/{repository}",
     .id = "reader",
     .permission = kReader,
     .response = &kThing,
     .handler = nothing},
    {.method = Method::get,
     .path = "/namespaces/{namespace}",
     .id = "namespace",
     .permission = kNamespaceOwner,
     .response = &kThing,
     .handler = nothing},
    {.method = Method::delete_,
     .path = "/repositories/{repository}",
     .id = "owner",
     .permission = kOwner,
     .status = 204,
     .handler = nothing},
};

std::vector<const Operation*> operations() {
  std::vector<const Operation*> all;
  for (const Operation& operation : kOperations) all.push_back(&operation);
  return all;
}

class Perform : public ::testing::Test {
 protected:
  Perform() {
    things = &things_;
    changes = 0;
  }

  using Headers = testing::Headers;
  http::Response send(Method method, std::string_view target, std::string_view body = "",
                      Headers headers = {}) {
    return api_.send(alice_, method, target, body, std::move(headers));
  }
  static std::string header(const http::Response& response, std::string_view name) {
    return testing::TestApi::header(response, name);
  }
  static json::object body(const http::Response& response) { return testing::TestApi::body(response); }
  static std::string code(const http::Response& response) {
    return std::string(body(response).at("code").as_string());
  }

  std::map<std::string, std::string> things_ = {{"1", "a"}, {"2", "b"}, {"3", "c"}};
  testing::TestApi api_{operations()};
  ManagementCaller alice_ = api_.caller("alice");
  ManagementCaller bob_ = api_.caller("bob");
};

TEST_F(Perform, AnswersWithARepresentationAndItsTag) {
  const auto response = send(Method::get, "/things/1");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(body(response), (json::object{{"name", "1"}, {"value", "a"}}));
  EXPECT_EQ(header(response, "Content-Type"), "application/json");
  EXPECT_EQ(header(response, "Cache-Control"), "private, no-cache");
  const auto again = send(Method::get, "/things/1", "", {.if_none_match = header(response, "ETag")});
  EXPECT_EQ(again.status, 304u);
  EXPECT_EQ(http::body_length(again.body), 0u);
  EXPECT_EQ(header(again, "ETag"), header(response, "ETag"));
  things_["1"] = "changed";
  EXPECT_EQ(send(Method::get, "/things/1", "", {.if_none_match = header(response, "ETag")}).status, 200u);
}

TEST_F(Perform, RefusesABodyThatIsNotAsDescribed) {
  const auto unknown = send(Method::post, "/things", R"({"name":"x","value":"y","admin":true})");
  EXPECT_EQ(unknown.status, 400u);
  EXPECT_EQ(code(unknown), "invalid_fields");
  EXPECT_EQ(body(unknown).at("errors").at(0).at("pointer"), "/admin");
  EXPECT_EQ(send(Method::post, "/things", R"({"name":"x"})").status, 400u);
  EXPECT_EQ(send(Method::post, "/things", R"({"name":"x","name":"x","value":"y"})").status, 400u);
  EXPECT_EQ(send(Method::post, "/things", "").status, 400u);
  EXPECT_EQ(send(Method::post, "/things", "null").status, 400u);
  EXPECT_EQ(
      send(Method::post, "/things", R"({"name":"x","value":"y"})", {.content_type = "text/plain"}).status,
      415u);
  EXPECT_EQ(send(Method::post, "/things", R"({"name":"x","value":"y"})", {.content_type = ""}).status, 415u);
  EXPECT_EQ(send(Method::get, "/things/1", "{}").status, 400u);
  EXPECT_EQ(changes, 0);
  EXPECT_EQ(send(Method::post, "/things", R"({"name":"x","value":"y"})",
                 {.content_type = "Application/JSON; charset=utf-8"})
                .status,
            201u);
}

TEST_F(Perform, RefusesParametersThatAreNotAsDescribed) {
  for (const std::string_view target :
       {"/things?unknown=1", "/things?limit=0", "/things?limit=1001", "/things?limit=x",
        "/things?limit=1&limit=2", "/things?after=%21", "/things?after=_w", "/things?prefix=", "/things?%zz",
        "/things/1?limit=1"}) {
    const auto response = send(Method::get, target);
    EXPECT_EQ(response.status, 400u) << target;
    EXPECT_TRUE(body(response).at("errors").at(0).as_object().contains("parameter")) << target;
  }
  EXPECT_EQ(api_.send(alice_, Method::get, "/things/X").status, 400u);
}

TEST_F(Perform, GivesPagesThatJoin) {
  const auto first = send(Method::get, "/things?limit=2");
  EXPECT_EQ(body(first).at("items").as_array().size(), 2u);
  const std::string next(body(first).at("next").as_string());
  EXPECT_EQ(header(first, "Link"), "</api/v1/things?limit=2&after=" + next + ">; rel=\"next\"");
  const auto second = send(Method::get, "/things?limit=2&after=" + next);
  EXPECT_EQ(body(second).at("items").at(0).at("name"), "3");
  EXPECT_FALSE(body(second).contains("next"));
  EXPECT_EQ(header(second, "Link"), "");
  EXPECT_EQ(body(send(Method::get, "/things?limit=3")).contains("next"), false);
}

TEST_F(Perform, KeepsFiltersAcrossPages) {
  things_ = {{"a b1", "x"}, {"a b2", "x"}, {"c", "x"}};
  const auto first = send(Method::get, "/things?prefix=a%20b&limit=1");
  EXPECT_NE(header(first, "Link").find("&prefix=a%20b>"), std::string::npos);
  EXPECT_TRUE(body(first).contains("next"));
}

TEST_F(Perform, HoldsPagesToTheSetting) {
  api_.options.page_size = 2;
  EXPECT_EQ(body(send(Method::get, "/things?limit=1000")).at("items").as_array().size(), 2u);
  EXPECT_EQ(body(send(Method::get, "/things")).at("items").as_array().size(), 2u);
}

TEST_F(Perform, ChangesOnlyWhatWasRead) {
  const std::string tag = header(send(Method::get, "/things/1"), "ETag");
  const std::string_view change = R"({"name":"1","value":"new"})";
  EXPECT_EQ(send(Method::patch, "/things/1", change).status, 428u);
  EXPECT_EQ(send(Method::patch, "/things/1", change, {.if_match = "\"other\""}).status, 412u);
  EXPECT_EQ(send(Method::patch, "/things/1", change, {.if_match = "other"}).status, 400u);
  EXPECT_EQ(changes, 0);
  const auto changed = send(Method::patch, "/things/1", change, {.if_match = tag});
  EXPECT_EQ(changed.status, 200u);
  EXPECT_EQ(header(changed, "ETag"), header(send(Method::get, "/things/1"), "ETag"));
  EXPECT_EQ(send(Method::patch, "/things/1", change, {.if_match = tag}).status, 412u);
  EXPECT_EQ(send(Method::patch, "/things/1", change, {.if_match = "*"}).status, 200u);
  EXPECT_EQ(send(Method::patch, "/things/9", change, {.if_match = "*"}).status, 404u);
}

TEST_F(Perform, DeletesWithAConditionOrWithout) {
  EXPECT_EQ(send(Method::delete_, "/things/1", "", {.if_match = "\"other\""}).status, 412u);
  const auto removed =
      send(Method::delete_, "/things/1", "", {.if_match = header(send(Method::get, "/things/1"), "ETag")});
  EXPECT_EQ(removed.status, 204u);
  EXPECT_EQ(http::body_length(removed.body), 0u);
  EXPECT_EQ(send(Method::delete_, "/things/2").status, 204u);
}

TEST_F(Perform, CreatesOnceForAKey) {
  const std::string_view request = R"({"name":"9","value":"y","secret":"s"})";
  const auto made = send(Method::post, "/things", request, {.idempotency_key = "k"});
  EXPECT_EQ(made.status, 201u);
  EXPECT_EQ(header(made, "Location"), "/api/v1/things/9");
  EXPECT_EQ(header(made, "Cache-Control"), "no-store");
  EXPECT_EQ(body(made).at("secret"), "shown once");
  const auto replayed = send(Method::post, "/things", request, {.idempotency_key = "k"});
  EXPECT_EQ(replayed.status, 201u);
  EXPECT_EQ(header(replayed, "Idempotency-Replayed"), "true");
  EXPECT_EQ(header(replayed, "Location"), "/api/v1/things/9");
  EXPECT_EQ(body(replayed), (json::object{{"name", "9"}, {"value", "y"}}));
  EXPECT_EQ(changes, 1);
  const auto other = send(Method::post, "/things", R"({"name":"8","value":"y"})", {.idempotency_key = "k"});
  EXPECT_EQ(other.status, 422u);
  EXPECT_EQ(code(other), "idempotency_key_reused");
  // Somebody else's key of the same name is another one.
  EXPECT_EQ(api_.send(bob_, Method::post, "/things", R"({"name":"8","value":"y"})", {.idempotency_key = "k"})
                .status,
            201u);
}

TEST_F(Perform, FreesTheKeyOfACreationThatFailed) {
  EXPECT_EQ(send(Method::post, "/things", R"({"name":"1","value":"y"})", {.idempotency_key = "k"}).status,
            409u);
  EXPECT_EQ(send(Method::post, "/things", R"({"name":"7","value":"y"})", {.idempotency_key = "k"}).status,
            201u);
}

TEST_F(Perform, SaysThatWhatAKeyMadeIsGone) {
  const std::string_view request = R"({"name":"9","value":"y"})";
  EXPECT_EQ(send(Method::post, "/things", request, {.idempotency_key = "k"}).status, 201u);
  things_.erase("9");
  EXPECT_EQ(send(Method::post, "/things", request, {.idempotency_key = "k"}).status, 404u);
}

TEST_F(Perform, RefusesOddKeys) {
  for (const std::string& key :
       {std::string(), std::string("a b"), std::string(256, 'k'), std::string("\xc3\xa9")})
    EXPECT_EQ(send(Method::post, "/things", R"({"name":"9","value":"y"})", {.idempotency_key = key}).status,
              400u);
  EXPECT_EQ(changes, 0);
}

TEST_F(Perform, HidesInternalErrors) {
  const auto response = send(Method::get, "/broken");
  EXPECT_EQ(response.status, 500u);
  EXPECT_EQ(std::get<std::string>(response.body).find("inside"), std::string::npos);
}

TEST_F(Perform, TellsNobodyWhatTheyMayNotKnow) {
  const auto denied = api_.send(bob_, Method::get, "/users/alice");
  const auto absent = api_.send(bob_, Method::get, "/users/nobody");
  EXPECT_EQ(denied.status, 404u);
  EXPECT_EQ(denied.status, absent.status);
  EXPECT_EQ(std::get<std::string>(denied.body), std::get<std::string>(absent.body));
  EXPECT_EQ(api_.send(alice_, Method::get, "/users/alice").status, 200u);
  EXPECT_EQ(api_.send(api_.caller("bob", SystemRole::auditor), Method::get, "/users/alice").status, 200u);
}

TEST_F(Perform, AsksForSystemRoles) {
  EXPECT_EQ(send(Method::get, "/officers").status, 403u);
  EXPECT_EQ(api_.send(api_.caller("bob", SystemRole::auditor), Method::get, "/officers").status, 403u);
  EXPECT_EQ(api_.send(api_.caller("bob", SystemRole::security_officer), Method::get, "/officers").status,
            200u);
}

TEST_F(Perform, AsksForRolesInRepositories) {
  api_.registry.repository("alice/app");
  EXPECT_EQ(send(Method::get, "/repositories/alice%2Fapp").status, 200u);
  EXPECT_EQ(send(Method::delete_, "/repositories/alice%2Fapp").status, 204u);
  const auto denied = api_.send(bob_, Method::get, "/repositories/alice%2Fapp");
  const auto absent = api_.send(bob_, Method::get, "/repositories/alice%2Fnone");
  EXPECT_EQ(denied.status, 404u);
  EXPECT_EQ(std::get<std::string>(denied.body), std::get<std::string>(absent.body));
  // The namespace's owner may know that there is none.
  EXPECT_NE(std::get<std::string>(send(Method::get, "/repositories/alice%2Fnone").body),
            std::get<std::string>(absent.body));
  EXPECT_EQ(send(Method::get, "/repositories/Alice").status, 400u);
}

// An access token that may manage does so within its scopes.
TEST_F(Perform, HoldsTokensToTheirScopes) {
  const auto app = api_.registry.repository("alice/app");
  api_.registry.repository("alice/other");
  const auto with = [&](bool remove) {
    ManagementCaller token = alice_;
    token.principal.token_id = 1;
    const identity::TokenActions actions{.pull = true, .push = true, .remove = remove};
    token.principal.ceiling = std::make_shared<const identity::TokenScopes>(
        std::vector{identity::TokenScope{.namespace_id = 0, .repository_id = app.id, .actions = actions}});
    return token;
  };
  EXPECT_EQ(api_.send(with(false), Method::get, "/repositories/alice%2Fapp").status, 200u);
  EXPECT_EQ(api_.send(with(false), Method::delete_, "/repositories/alice%2Fapp").status, 403u);
  EXPECT_EQ(api_.send(with(true), Method::delete_, "/repositories/alice%2Fapp").status, 204u);
  EXPECT_EQ(api_.send(with(true), Method::get, "/repositories/alice%2Fother").status, 404u);
  EXPECT_EQ(api_.send(with(true), Method::get, "/namespaces/alice").status, 403u);
  EXPECT_EQ(send(Method::get, "/namespaces/alice").status, 200u);
}

// Whoever commands the machine is asked for no permission, but told what is not there.
TEST_F(Perform, LetsTheOperatorDoEverything) {
  api_.registry.repository("alice/app");
  ManagementCaller caller;
  caller.is_operator = true;
  EXPECT_EQ(api_.send(caller, Method::delete_, "/repositories/alice%2Fapp").status, 204u);
  EXPECT_EQ(api_.send(caller, Method::delete_, "/repositories/alice%2Fnone").status, 404u);
  EXPECT_EQ(api_.send(caller, Method::get, "/users/alice").status, 200u);
}

TEST_F(Perform, SaysForbiddenOfWhatMayBeSeen) {
  api_.registry.repository("alice/app");
  ASSERT_TRUE(api_.registry.facts->change(*oci::RepositoryName::parse("alice/app"),
                                          {.visibility = access::Visibility::public_}, {}, {}));
  EXPECT_EQ(api_.send(bob_, Method::get, "/repositories/alice%2Fapp").status, 200u);
  EXPECT_EQ(api_.send(bob_, Method::delete_, "/repositories/alice%2Fapp").status, 403u);
}

TEST_F(Perform, JournalsWhatItDenies) {
  api_.send(bob_, Method::delete_, "/repositories/alice%2Fapp");
  api_.send(bob_, Method::get, "/users/alice");
  const auto events = api_.journal.events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].action, audit::Action::request_denied);
  EXPECT_EQ(events[0].origin.account, "bob");
  EXPECT_EQ(events[0].repository, "alice/app");
  EXPECT_EQ(events[0].target, "owner");
  EXPECT_EQ(events[1].target, "self");
}

// The real operations, where what a condition is compared with is found by the change's own permission.
class PerformConditions : public ::testing::Test {
 protected:
  PerformConditions() {
    const auto acme = api_.organizations.create("acme", "", alice_.principal.account_id, {}).value();
    EXPECT_TRUE(api_.robots.create_for_organization(acme.id, "ci", "", {}, {}));
  }

  // A change under the tag of what is read is made, and under any other it is not.
  void expect_compared(Method method, std::string_view target, std::string_view first,
                       std::string_view second) {
    const auto read = [&] { return api_.send(alice_, Method::get, target); };
    const auto change = [&](std::string_view body, std::optional<std::string> tag) {
      return api_.send(alice_, method, target, body, {.if_match = std::move(tag)});
    };
    const auto before = read();
    ASSERT_EQ(before.status, 200u);
    const std::string tag = testing::TestApi::header(before, "ETag");
    EXPECT_EQ(change(first, std::nullopt).status, 428u);
    EXPECT_EQ(change(first, "\"other\"").status, 412u);
    EXPECT_EQ(testing::TestApi::header(read(), "ETag"), tag) << "nothing has changed";
    const auto changed = change(first, tag);
    EXPECT_EQ(changed.status, 200u);
    const std::string next = testing::TestApi::header(read(), "ETag");
    EXPECT_NE(next, tag);
    EXPECT_EQ(testing::TestApi::header(changed, "ETag"), next);
    EXPECT_EQ(change(second, tag).status, 412u) << "it has changed since";
    EXPECT_EQ(change(second, next).status, 200u);
  }

  testing::TestApi api_;
  ManagementCaller alice_ = api_.caller("alice");
};

TEST_F(PerformConditions, OfAnOrganizationsPolicyAreComparedWithIt) {
  const auto policy = [](int token_seconds) {
    return json::serialize(json::object{{"mfa_required", false},
                                        {"token_seconds", token_seconds},
                                        {"networks", json::array()},
                                        {"password_login", true}});
  };
  expect_compared(Method::put, "/organizations/acme/policy", policy(86'400), policy(172'800));
}

TEST_F(PerformConditions, OfAnOrganizationAreComparedWithIt) {
  expect_compared(Method::patch, "/organizations/acme", R"({"display_name":"Acme"})",
                  R"({"display_name":"Acme Ltd"})");
}

TEST_F(PerformConditions, OfARobotAreComparedWithIt) {
  expect_compared(Method::patch, "/robots/acme%2Bci", R"({"enabled":false})", R"({"enabled":true})");
}

}  // namespace
}  // namespace bulkhead::api::management
