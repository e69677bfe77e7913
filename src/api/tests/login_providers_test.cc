// Log-in providers, their mappings and linked accounts over the management API.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/tests/test_api.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using http::Method;
using identity::SystemRole;

constexpr std::string_view kOidc =
    R"({"name":"corp","secret":"canary-secret","oidc":{"issuer":"https://login.example.com","client_id":"bulkhead"}})";

class LoginProvidersApi : public ::testing::Test {
 protected:
  ManagementCaller person(std::string_view account, SystemRole role = SystemRole::none) {
    return api_.caller(account, role);
  }
  http::Response send(Method method, std::string_view target, std::string_view body = "",
                      testing::Headers headers = {}) {
    return api_.send(admin_, method, target, body, std::move(headers));
  }
  http::Response put(std::string_view target, std::string_view body) {
    testing::Headers headers;
    headers.if_match = testing::TestApi::header(send(Method::get, target), "ETag");
    return send(Method::put, target, body, std::move(headers));
  }
  json::object get(std::string_view target) { return testing::TestApi::body(send(Method::get, target)); }
  void make_team() {
    const auto acme =
        api_.organizations.create("acme", "", erin_.principal.account_id, identity::testing::some_origin())
            .value();
    ASSERT_TRUE(api_.teams.create(acme.id, "devs", {}, identity::testing::some_origin()));
  }

  testing::TestApi api_;
  ManagementCaller admin_ = person("root", SystemRole::administrator);
  ManagementCaller erin_ = person("erin");
};

TEST_F(LoginProvidersApi, MakesShowsChangesAndRemovesWithoutEverShowingTheSecret) {
  const auto made = send(Method::post, "/login-providers", kOidc);
  ASSERT_EQ(made.status, 201u) << std::get<std::string>(made.body);
  EXPECT_EQ(testing::TestApi::header(made, "Location"), "/api/v1/login-providers/corp");
  EXPECT_EQ(std::get<std::string>(made.body).find("canary"), std::string::npos);
  const auto shown = get("/login-providers/corp");
  EXPECT_EQ(shown.at("kind"), "oidc");
  EXPECT_EQ(shown.at("has_secret"), true);
  EXPECT_EQ(shown.at("enabled"), true);
  EXPECT_EQ(shown.at("creates_accounts"), true);
  EXPECT_EQ(shown.at("oidc").at("scopes"), (json::array{"openid", "profile", "email"}));
  EXPECT_FALSE(shown.contains("secret"));

  const auto changed =
      put("/login-providers/corp",
          R"({"name":"company","enabled":false,"admitted_groups":["staff"],)"
          R"("oidc":{"issuer":"https://login.example.com","client_id":"registry","trust_factors":true}})");
  ASSERT_EQ(changed.status, 200u) << std::get<std::string>(changed.body);
  const auto now = get("/login-providers/company");
  EXPECT_EQ(now.at("enabled"), false);
  EXPECT_EQ(now.at("has_secret"), true) << "it stays";
  EXPECT_EQ(now.at("oidc").at("client_id"), "registry");
  EXPECT_EQ(now.at("admitted_groups"), json::array{"staff"});
  EXPECT_EQ(api_.login_providers.secret(api_.login_providers.find("company")->id)->reveal(), "canary-secret");
  EXPECT_EQ(get("/login-providers").at("items").as_array().size(), 1u);

  EXPECT_EQ(send(Method::delete_, "/login-providers/company").status, 200u);
  EXPECT_EQ(send(Method::get, "/login-providers/company").status, 404u);
  EXPECT_EQ(send(Method::delete_, "/login-providers/company").status, 404u);
}

TEST_F(LoginProvidersApi, ChangesOnlyWhatTheCallerHasSeen) {
  ASSERT_EQ(send(Method::post, "/login-providers", kOidc).status, 201u);
  EXPECT_EQ(send(Method::put, "/login-providers/corp", kOidc).status, 428u);
  testing::Headers stale;
  stale.if_match = "\"stale\"";
  EXPECT_EQ(send(Method::put, "/login-providers/corp", kOidc, stale).status, 412u);
}

TEST_F(LoginProvidersApi, RefusesBodiesThatAreNotOneProvider) {
  for (
      const std::string_view body :
      {R"({"name":"corp"})", R"({"oidc":{"issuer":"https://a.example","client_id":"b"}})",
       R"({"name":"corp","oidc":{"issuer":"https://a.example","client_id":"b"},"ldap":{"url":"ldaps://a","user_base":"dc=a"}})",
       R"({"name":"corp","oidc":{"client_id":"b"}})",
       R"({"name":"corp","oidc":{"issuer":"http://a.example","client_id":"b"}})",
       R"({"name":"corp","oidc":{"issuer":"https://a.example","client_id":"b","client_secret":"c"}})",
       R"({"name":"corp","has_secret":true,"oidc":{"issuer":"https://a.example","client_id":"b"}})",
       R"({"name":"callback","oidc":{"issuer":"https://a.example","client_id":"b"}})",
       R"({"name":"Corp","oidc":{"issuer":"https://a.example","client_id":"b"}})"})
    EXPECT_EQ(send(Method::post, "/login-providers", body).status, 400u) << body;
  EXPECT_TRUE(api_.login_providers.list()->empty());
}

TEST_F(LoginProvidersApi, SendsTheSecretNowhereElse) {
  ASSERT_EQ(send(Method::post, "/login-providers", kOidc).status, 201u);
  const auto stolen = put("/login-providers/corp",
                          R"({"name":"corp","oidc":{"issuer":"https://evil.example","client_id":"b"}})");
  EXPECT_EQ(stolen.status, 400u);
  EXPECT_EQ(get("/login-providers/corp").at("oidc").at("issuer"), "https://login.example.com");
}

TEST_F(LoginProvidersApi, IsManagedByAdministratorsAndReadByWhoReadsTheDirectory) {
  ASSERT_EQ(send(Method::post, "/login-providers", kOidc).status, 201u);
  for (const SystemRole role : {SystemRole::none, SystemRole::auditor, SystemRole::security_officer}) {
    const auto caller = person("erin", role);
    const bool reads = role != SystemRole::none;
    EXPECT_EQ(api_.send(caller, Method::get, "/login-providers").status, reads ? 200u : 403u);
    EXPECT_EQ(api_.send(caller, Method::get, "/login-providers/corp").status, reads ? 200u : 404u);
    EXPECT_EQ(api_.send(caller, Method::get, "/login-providers/corp/mappings").status, reads ? 200u : 404u);
    EXPECT_EQ(api_.send(caller, Method::post, "/login-providers", kOidc).status, 403u);
    EXPECT_EQ(api_.send(caller, Method::delete_, "/login-providers/corp").status, 404u);
    EXPECT_EQ(api_.send(caller, Method::put, "/users/erin/identities/corp", R"({"subject":"1"})").status,
              403u);
    EXPECT_EQ(api_.send(caller, Method::get, "/users/erin/identities").status, 200u) << "their own";
    EXPECT_EQ(api_.send(caller, Method::get, "/users/root/identities").status, reads ? 200u : 404u);
  }
}

// What the operations say; that it is asked for is management.cc's business, before a request comes here.
TEST_F(LoginProvidersApi, AsksForARecentProofWhereItDecidesWhoGetsIn) {
  std::set<std::string_view> proved;
  for (const Operation* operation : all_operations())
    if (operation->tag == "sign-on" && operation->proof) proved.insert(operation->id);
  EXPECT_TRUE(
      std::ranges::includes(proved, std::set<std::string_view>{"addGroupMapping", "changeLoginProvider",
                                                               "createLoginProvider", "linkIdentity"}));
}

TEST_F(LoginProvidersApi, MapsGroupsWithAnyLettersToTeamsForAdministrators) {
  make_team();
  ASSERT_EQ(send(Method::post, "/login-providers", kOidc).status, 201u);
  const std::string groups = "/organizations/acme/teams/devs/groups";
  const std::string mapping = groups + "/corp/";
  const auto as_owner = [&](Method method, const std::string& path) {
    return api_.send(erin_, method, path).status;
  };
  for (const std::string_view group : {"eng", "a%2Fb%20%22c%22", "%C3%A4"}) {
    EXPECT_EQ(send(Method::put, mapping + std::string(group)).status, 204u) << group;
    EXPECT_EQ(send(Method::put, mapping + std::string(group)).status, 204u) << "twice";
  }
  EXPECT_EQ(as_owner(Method::put, mapping + "admins"), 403u) << "its people would come in unasked";
  const json::array listed = get("/login-providers/corp/mappings").at("items").as_array();
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0], (json::object{{"group", "a/b \"c\""}, {"team", "acme/devs"}}));
  const json::array of_team = get(groups).at("items").as_array();
  ASSERT_EQ(of_team.size(), 3u);
  EXPECT_EQ(of_team[0], (json::object{{"provider", "corp"}, {"group", "a/b \"c\""}}));
  EXPECT_EQ(as_owner(Method::delete_, mapping + "eng"), 204u);
  EXPECT_EQ(as_owner(Method::delete_, mapping + "eng"), 404u);
  EXPECT_EQ(send(Method::put, "/organizations/acme/teams/none/groups/corp/eng").status, 404u);
  EXPECT_EQ(send(Method::put, "/organizations/none/teams/devs/groups/corp/eng").status, 404u);
  EXPECT_EQ(send(Method::put, groups + "/none/eng").status, 404u);
  EXPECT_EQ(send(Method::put, mapping + std::string(513, 'g')).status, 400u);
  EXPECT_EQ(send(Method::put, mapping + "a%0Ab").status, 400u);
}

TEST_F(LoginProvidersApi, LinksAnAccountToASubject) {
  ASSERT_EQ(send(Method::post, "/login-providers", kOidc).status, 201u);
  EXPECT_EQ(send(Method::put, "/users/erin/identities/corp", R"({"subject":"248289761001"})").status, 204u);
  const json::array listed = get("/users/erin/identities").at("items").as_array();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].at("provider"), "corp");
  EXPECT_EQ(listed[0].at("subject"), "248289761001");
  EXPECT_EQ(send(Method::put, "/users/root/identities/corp", R"({"subject":"248289761001"})").status, 409u);
  EXPECT_EQ(send(Method::put, "/users/erin/identities/corp", R"({"subject":""})").status, 400u);
  EXPECT_EQ(send(Method::put, "/users/erin/identities/none", R"({"subject":"1"})").status, 404u);
  EXPECT_EQ(send(Method::put, "/users/nobody/identities/corp", R"({"subject":"1"})").status, 404u);
  EXPECT_EQ(send(Method::delete_, "/users/erin/identities/corp").status, 204u);
  EXPECT_EQ(send(Method::delete_, "/users/erin/identities/corp").status, 404u);
}

TEST_F(LoginProvidersApi, TellsEverybodyTheNamesOfEnabledProvidersAndNothingElse) {
  ASSERT_EQ(send(Method::post, "/login-providers", kOidc).status, 201u);
  ASSERT_EQ(send(Method::post, "/login-providers",
                 R"({"name":"off","enabled":false,"ldap":{"url":"ldaps://a.example","user_base":"dc=a"}})")
                .status,
            201u);
  const auto answer = api_.send({}, Method::get, "/login");
  ASSERT_EQ(answer.status, 200u);
  EXPECT_EQ(testing::TestApi::body(answer),
            (json::object{{"providers", json::array{json::object{{"name", "corp"}, {"kind", "oidc"}}}}}));
}

}  // namespace
}  // namespace bulkhead::api::management
