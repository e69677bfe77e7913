#include "api/problem.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "api/errors.h"

namespace bulkhead::api {
namespace {

namespace json = boost::json;

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

json::object body_of(const http::Response& response) {
  return json::parse(std::get<std::string>(response.body)).as_object();
}

TEST(Problem, HasTheMembersOfTheRfc) {
  const auto response = problem_response(Error{Errc::conflict, "the name \"x\" is taken"}, "r17");
  EXPECT_EQ(response.status, 409u);
  EXPECT_EQ(header(response, "Content-Type"), "application/problem+json");
  EXPECT_EQ(body_of(response), (json::object{{"type", "urn:problem-type:bulkhead:conflict"},
                                             {"title", "The state does not allow it"},
                                             {"status", 409},
                                             {"detail", "the name \"x\" is taken"},
                                             {"instance", "r17"},
                                             {"code", "conflict"}}));
}

TEST(Problem, NamesPartsOfTheRequest) {
  const auto response =
      problem_response(kInvalidFields, "d", "r", {{"pointer", "/a", "x"}, {"parameter", "b", "y"}});
  EXPECT_EQ(body_of(response).at("errors"), (json::array{json::object{{"pointer", "/a"}, {"detail", "x"}},
                                                         json::object{{"parameter", "b"}, {"detail", "y"}}}));
}

TEST(Problem, KeepsTheInsideInside) {
  for (const Errc code : {Errc::internal, Errc::corrupt})
    EXPECT_EQ(json::serialize(body_of(problem_response(Error{code, "SELECT secret"}, "r"))).find("SELECT"),
              std::string::npos);
}

TEST(Problem, SaysWhenToTryAgain) {
  EXPECT_EQ(header(problem_response(Error{Errc::rate_limited, ""}, ""), "Retry-After"), "5");
  EXPECT_EQ(header(problem_response(Error{Errc::unavailable, ""}, ""), "Retry-After"), "5");
  EXPECT_EQ(
      header(problem_response(Error{Errc::unavailable, "", std::chrono::seconds(41)}, ""), "Retry-After"),
      "41");
  EXPECT_EQ(header(problem_response(Error{Errc::conflict, ""}, ""), "Retry-After"), "");
}

// The two surfaces agree on statuses, but for a method that does not apply, which has no Errc here.
TEST(Problem, HasAStatusForEveryCode) {
  for (int i = 0; i <= static_cast<int>(Errc::internal); ++i) {
    const auto code = static_cast<Errc>(i);
    if (code == Errc::unsupported) continue;
    EXPECT_EQ(problem_kind(code).status, wire_error(code).status) << name(code);
    EXPECT_FALSE(problem_kind(code).title.empty());
  }
}

}  // namespace
}  // namespace bulkhead::api
