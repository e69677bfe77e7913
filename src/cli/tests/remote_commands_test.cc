// Operator commands in the words of the management API, on a client that only writes down what it was asked.
#include "cli/remote_commands.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <deque>

#include "cli/remote_tokens.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

class Recorder final : public ApiClient {
 public:
  Result<ApiAnswer> exchange(const ApiRequest& request) override {
    asked.push_back(request.method + " " + request.path +
                    (request.body.is_null() ? "" : " " + json::serialize(request.body)) +
                    (request.if_match.empty() ? "" : " if " + request.if_match));
    if (answers.empty()) return ApiAnswer{200, json::object{{"items", json::array()}}, "\"tag\""};
    ApiAnswer answer{200, json::parse(answers.front()), "\"tag\""};
    answers.pop_front();
    return answer;
  }

  std::vector<std::string> asked;
  std::deque<std::string> answers;
};

class Remote : public testing::Test {
 protected:
  Result<json::value> run(std::string_view command) {
    const json::object object = json::parse(command).as_object();
    const RemoteCommand found = find_remote_command(object);
    if (found == nullptr) return Error{Errc::unsupported, "local"};
    return found(client_, object);
  }

  Recorder client_;
};
using Asked = std::vector<std::string>;

TEST_F(Remote, ReadsAllPages) {
  client_.answers = {R"({"items":[{"name":"a"}],"next":"Yg"})", R"({"items":[{"name":"b"}]})"};
  const auto found = client_.list("/things?x=1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), 2u);
  EXPECT_EQ(client_.asked, (Asked{"GET /things?x=1&limit=1000", "GET /things?x=1&limit=1000&after=Yg"}));
}

TEST_F(Remote, ChangesWhatItHasRead) {
  ASSERT_TRUE(run(R"({"command":"user.set","name":"bob","active":false})"));
  EXPECT_EQ(client_.asked, (Asked{"GET /users/bob", R"(PATCH /users/bob {"state":"disabled"} if "tag")"}));
}

TEST_F(Remote, EncodesNamesInPaths) {
  ASSERT_TRUE(run(R"({"command":"repo.delete","name":"alice/tools/lint"})"));
  ASSERT_TRUE(
      run(R"({"command":"grant.set","subject":"team:acme/dev","role":"reader","target":"alice/app"})"));
  ASSERT_TRUE(run(R"({"command":"grant.remove","subject":"acme+ci","target":"acme/"})"));
  ASSERT_TRUE(run(R"({"command":"grant.remove","subject":"bob","target":"/"})"));
  EXPECT_EQ(client_.asked,
            (Asked{"DELETE /repositories/alice%2Ftools%2Flint",
                   R"(PUT /repositories/alice%2Fapp/grants/team%3Aacme%2Fdev {"role":"reader"})",
                   "DELETE /namespaces/acme/grants/acme%2Bci", "DELETE /namespaces/%2F/grants/bob"}));
}

TEST_F(Remote, SaysAccountsAsTheOperatorsCommandDoes) {
  client_.answers = {
      R"({"items":[{"name":"a","kind":"person","state":"locked","system_role":"administrator","display_name":"",
          "email":"","email_verified":false,"created_at":"2026-01-01T00:00:00.000000Z"}]})"};
  const auto users = run(R"({"command":"user.list"})");
  ASSERT_TRUE(users);
  EXPECT_EQ(json::serialize(*users),
            R"([{"name":"a","kind":"person","state":"locked","active":false,"system_role":"administrator",)"
            R"("administrator":true,"created_at":"2026-01-01T00:00:00.000000Z"}])");
}

TEST_F(Remote, TakesQuotasAway) {
  ASSERT_TRUE(run(R"({"command":"namespace.set","name":"alice","quota":-1})"));
  ASSERT_TRUE(run(R"({"command":"namespace.set","name":"alice","quota":5})"));
  EXPECT_EQ(client_.asked[1], R"(PATCH /namespaces/alice {"quota_bytes":null} if "tag")");
  EXPECT_EQ(client_.asked[3], R"(PATCH /namespaces/alice {"quota_bytes":5} if "tag")");
}

TEST_F(Remote, MakesTokensWithScopes) {
  client_.answers = {
      R"({"token":{"id":7,"name":"ci","state":"active","scopes":[{"repository":"alice/app","actions":["pull","push"]},
    {"namespace":"/","actions":["pull"]},{"actions":["delete"]}],"management":"none","networks":["192.0.2.0/24"],
    "created_at":"2026-01-01T00:00:00.000000Z","expires_at":"9999-01-01T00:00:00.000000Z"},"secret":"bhpat_x"})"};
  const auto made = run(
      R"({"command":"token.create","account":"alice","name":"ci","scopes":"alice/app:pull,push /:pull alice/:pull *:*",
          "management":"none","networks":"192.0.2.0/24 198.51.100.1/32"})");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(
      client_.asked,
      Asked{R"(POST /users/alice/tokens {"name":"ci","scopes":[)"
            R"({"repository":"alice/app","actions":["pull","push"]},{"namespace":"/","actions":["pull"]},)"
            R"({"namespace":"alice","actions":["pull"]},{"actions":["pull","push","delete"]}],)"
            R"("management":"none","networks":["192.0.2.0/24","198.51.100.1/32"]})"});
  EXPECT_EQ(made->at("token"), "bhpat_x");
  EXPECT_EQ(made->at("state"), "active");
  EXPECT_EQ(json::serialize(made->at("scopes")), R"(["alice/app:pull,push","/:pull","*:delete"])");
}

TEST_F(Remote, RefusesScopesThatAreNone) {
  for (const std::string_view text : {"alice", ":pull"}) EXPECT_FALSE(api_scopes(text)) << text;
}

TEST_F(Remote, LeavesTheMachinesOwnCommandsToIt) {
  for (const std::string_view command :
       {R"({"command":"keys.rotate"})", R"({"command":"audit.newest"})", R"({"command":"setup.token"})"})
    EXPECT_EQ(run(command).error().code, Errc::unsupported) << command;
}

TEST(ProblemError, IsAnErrorOfOurs) {
  const Error error = problem_error(
      404, json::parse(R"({"type":"x","title":"t","status":404,"detail":"not there","code":"not_found"})"));
  EXPECT_EQ(error.code, Errc::not_found);
  EXPECT_EQ(error.message, "not there");
  EXPECT_EQ(problem_error(412, json::parse(R"({"detail":"d","code":"precondition_failed"})")).code,
            Errc::precondition_failed);
  EXPECT_EQ(problem_error(401, json::parse(R"({"detail":"d","code":"proof_required"})")).code,
            Errc::unauthenticated);
  EXPECT_EQ(problem_error(502, nullptr).code, Errc::unavailable);
  EXPECT_EQ(problem_error(400, json::parse(R"({"errors":[{"code":"BAD_REQUEST","message":"use https://"}]})"))
                .message,
            "the server answered 400: use https://");
  EXPECT_EQ(
      problem_error(404,
                    json::parse(R"({"code":"not_found",)"
                                R"("detail":"there is nothing at this address, or it is not yours to see"})"),
                    "/repositories/acme%2Fapp/robots?limit=1000")
          .message,
      "there is nothing at repositories/acme/app/robots, or it is not yours to see");
  EXPECT_EQ(problem_error(200, json::parse(R"([])")).code, Errc::unavailable);
}

}  // namespace
}  // namespace bulkhead::cli
