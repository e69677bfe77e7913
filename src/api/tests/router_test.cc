#include "api/management/router.h"

#include <gtest/gtest.h>

namespace bulkhead::api::management {
namespace {

Result<Reply> nothing(Call&) { return Reply(); }

constexpr Operation kOperations[] = {
    {.method = http::Method::get, .path = "/things", .id = "list", .handler = nothing},
    {.method = http::Method::post, .path = "/things", .id = "create", .handler = nothing},
    {.method = http::Method::get, .path = "/things/{id}", .id = "get", .handler = nothing},
    {.method = http::Method::delete_, .path = "/things/{id}", .id = "remove", .handler = nothing},
    {.method = http::Method::delete_, .path = "/things/current", .id = "removeCurrent", .handler = nothing},
    {.method = http::Method::put, .path = "/things/{id}/parts/{part}", .id = "put", .handler = nothing},
};

Router router() {
  std::vector<const Operation*> all;
  for (const Operation& operation : kOperations) all.push_back(&operation);
  return Router(all);
}

// "id" and then what the parameters hold; "405 …" or "404".
std::string found(http::Method method, std::string_view path) {
  const Router routes = router();
  const auto match = routes.match(method, path);
  if (const auto* wrong = std::get_if<Router::WrongMethod>(&match)) return "405 " + wrong->allowed;
  const auto* right = std::get_if<Router::Match>(&match);
  if (right == nullptr) return "404";
  std::string out(right->operation->id);
  for (const auto& [name, value] : right->values) out += " " + std::string(name) + "=" + value;
  return out;
}

TEST(Router, FindsByMethodAndPath) {
  EXPECT_EQ(found(http::Method::get, "/things"), "list");
  EXPECT_EQ(found(http::Method::head, "/things"), "list");
  EXPECT_EQ(found(http::Method::post, "/things"), "create");
  EXPECT_EQ(found(http::Method::get, "/things/7"), "get id=7");
  EXPECT_EQ(found(http::Method::put, "/things/7/parts/x"), "put id=7 part=x");
}

TEST(Router, PrefersWordsToParameters) {
  EXPECT_EQ(found(http::Method::delete_, "/things/current"), "removeCurrent");
  EXPECT_EQ(found(http::Method::delete_, "/things/current2"), "remove id=current2");
}

TEST(Router, SplitsBeforeItDecodes) {
  EXPECT_EQ(found(http::Method::get, "/things/a%2Fb"), "get id=a/b");
  EXPECT_EQ(found(http::Method::get, "/things/a%252Fb"), "get id=a%2Fb");
  EXPECT_EQ(found(http::Method::get, "/things/a+b"), "get id=a+b");
  EXPECT_EQ(found(http::Method::get, "/things/a/b"), "404");
  // Literal segments have one spelling.
  EXPECT_EQ(found(http::Method::get, "/thing%73"), "404");
}

TEST(Router, NamesTheMethodsThatWork) {
  EXPECT_EQ(found(http::Method::patch, "/things"), "405 GET, HEAD, POST");
  EXPECT_EQ(found(http::Method::other, "/things/7"), "405 GET, HEAD, DELETE");
}

TEST(Router, FindsNothingElsewhere) {
  for (const std::string_view path : {"", "/", "/thing", "/things/", "//things", "/things//parts/x",
                                      "/things/7/parts", "/things/7/parts/x/y", "/things/%", "/things/%zz",
                                      "/things/%00", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", "/Things"})
    EXPECT_EQ(found(http::Method::get, path), "404") << path;
}

TEST(Router, FindsNothingByBytesThatNoRequestLineHolds) {
  EXPECT_EQ(found(http::Method::get, "/things/a%0Eb"),
            "get id=a\x0e"
            "b");
  for (const std::string_view path : {std::string_view("/things/a\x0e"
                                                       "b"),
                                      std::string_view("/things/a\0b", 11), std::string_view("/things/a b"),
                                      std::string_view("/things/\xc3\xa9")})
    EXPECT_EQ(found(http::Method::get, path), "404") << path;
}

TEST(Router, KnowsWhatReadsAThing) {
  const Router routes = router();
  const auto remove = routes.match(http::Method::delete_, "/things/7");
  EXPECT_EQ(std::get<Router::Match>(remove).reading->id, "get");
  const auto put = routes.match(http::Method::put, "/things/7/parts/x");
  EXPECT_EQ(std::get<Router::Match>(put).reading, nullptr);
}

}  // namespace
}  // namespace bulkhead::api::management
