#include "api/errors.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

namespace bulkhead::api {
namespace {

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

// The only error of an answer, as {code, message}.
std::pair<std::string, std::string> error_of(const http::Response& response) {
  EXPECT_EQ(header(response, "Content-Type"), "application/json");
  const auto document = boost::json::parse(std::get<std::string>(response.body));
  const auto& errors = document.as_object().at("errors").as_array();
  EXPECT_EQ(errors.size(), 1u);
  const auto& error = errors.at(0).as_object();
  return {std::string(error.at("code").as_string()), std::string(error.at("message").as_string())};
}

TEST(WireError, MapsEveryCode) {
  const std::map<Errc, std::pair<unsigned, std::string_view>> expected = {
      {Errc::invalid_argument, {400, "BAD_REQUEST"}},
      {Errc::name_invalid, {400, "NAME_INVALID"}},
      {Errc::tag_invalid, {400, "MANIFEST_INVALID"}},
      {Errc::digest_invalid, {400, "DIGEST_INVALID"}},
      {Errc::digest_unsupported, {400, "UNSUPPORTED"}},
      {Errc::manifest_invalid, {400, "MANIFEST_INVALID"}},
      {Errc::size_invalid, {400, "SIZE_INVALID"}},
      {Errc::range_invalid, {416, "RANGE_INVALID"}},
      {Errc::unsupported, {405, "UNSUPPORTED"}},
      {Errc::name_unknown, {404, "NAME_UNKNOWN"}},
      {Errc::blob_unknown, {404, "BLOB_UNKNOWN"}},
      {Errc::manifest_unknown, {404, "MANIFEST_UNKNOWN"}},
      {Errc::manifest_blob_unknown, {400, "MANIFEST_BLOB_UNKNOWN"}},
      {Errc::upload_unknown, {404, "BLOB_UPLOAD_UNKNOWN"}},
      {Errc::not_found, {404, "NOT_FOUND"}},
      {Errc::unauthenticated, {401, "UNAUTHORIZED"}},
      {Errc::denied, {403, "DENIED"}},
      {Errc::quota_exceeded, {403, "DENIED"}},
      {Errc::rate_limited, {429, "TOOMANYREQUESTS"}},
      {Errc::conflict, {409, "CONFLICT"}},
      {Errc::precondition_failed, {412, "PRECONDITION_FAILED"}},
      {Errc::immutable, {409, "DENIED"}},
      {Errc::upload_busy, {409, "BLOB_UPLOAD_INVALID"}},
      {Errc::too_large, {413, "SIZE_INVALID"}},
      {Errc::uri_too_long, {414, "SIZE_INVALID"}},
      {Errc::no_space, {507, "INSUFFICIENT_STORAGE"}},
      {Errc::unavailable, {503, "UNAVAILABLE"}},
      {Errc::interrupted, {400, "BAD_REQUEST"}},
      {Errc::timeout, {408, "TIMEOUT"}},
      {Errc::corrupt, {500, "INTERNAL"}},
      {Errc::internal, {500, "INTERNAL"}},
  };
  EXPECT_EQ(expected.size(), static_cast<std::size_t>(Errc::internal) + 1) << "internal is the last code";
  for (const auto& [code, wire] : expected) {
    EXPECT_EQ(wire_error(code).status, wire.first) << name(code);
    EXPECT_EQ(wire_error(code).code, wire.second) << name(code);
    EXPECT_NE(http::reason(wire.first), "Status") << wire.first;
  }
}

TEST(ErrorResponse, IsOciJsonWhateverTheMessageHolds) {
  const std::string message = "the tag \"a\\b\" holds \x01, \n and \xff";
  const http::Response response = error_response(Error{Errc::tag_invalid, message});
  EXPECT_EQ(response.status, 400u);
  const auto [code, text] = error_of(response);
  EXPECT_EQ(code, "MANIFEST_INVALID");
  EXPECT_EQ(text, "the tag \"a\\b\" holds \x01, \n and \xef\xbf\xbd");
}

TEST(ErrorResponse, KeepsTheInsideOfTheMachineToTheLog) {
  for (const Errc code : {Errc::internal, Errc::corrupt}) {
    const http::Response response = error_response(Error{code, "cannot open /var/lib/secret"});
    EXPECT_EQ(response.status, 500u);
    EXPECT_EQ(error_of(response).second.find("secret"), std::string::npos);
  }
  for (const Errc code : {Errc::unavailable, Errc::not_found, Errc::conflict}) {
    const http::Response response = error_response(inner_error(code, "no answer from 10.0.0.7"));
    EXPECT_EQ(response.status, wire_error(code).status);
    EXPECT_EQ(error_of(response).second.find("10.0.0.7"), std::string::npos);
    EXPECT_EQ(response.log_note, "no answer from 10.0.0.7");
  }
  EXPECT_EQ(error_of(error_response(Error{Errc::unavailable, "too much is waiting"})).second,
            "too much is waiting");
}

TEST(ErrorResponse, SaysWhenToTryAgain) {
  EXPECT_EQ(header(error_response(Error{Errc::rate_limited, "slowly"}), "Retry-After"), "5") << "unknown";
  EXPECT_EQ(
      header(error_response(Error{Errc::rate_limited, "slowly", std::chrono::seconds(298)}), "Retry-After"),
      "298");
  EXPECT_EQ(header(error_response(Error{Errc::denied, "no", std::chrono::seconds(298)}), "Retry-After"), "");
  EXPECT_EQ(header(error_response(Error{Errc::unavailable, "later"}), "Retry-After"), "5");
  EXPECT_EQ(header(error_response(Error{Errc::denied, "no"}), "Retry-After"), "");
}

TEST(RefusalResponse, NamesTheCodeOfEachStatusOfTheProtocolLayer) {
  const std::map<unsigned, std::string_view> expected = {
      {400, "BAD_REQUEST"},  {405, "UNSUPPORTED"},  {408, "TIMEOUT"},
      {413, "SIZE_INVALID"}, {414, "SIZE_INVALID"}, {417, "BAD_REQUEST"},
      {431, "SIZE_INVALID"}, {500, "INTERNAL"},     {505, "UNSUPPORTED"}};
  for (const auto& [status, code] : expected) {
    const http::Response response = refusal_response(status, "why");
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(error_of(response), (std::pair<std::string, std::string>(code, "why"))) << status;
  }
}

TEST(RefusalResponse, TellsTheMethodsThatAreAllowed) {
  EXPECT_EQ(header(refusal_response(405, "no"), "Allow"), "GET, HEAD, POST, PUT, PATCH, DELETE");
  EXPECT_EQ(header(refusal_response(400, "no"), "Allow"), "");
}

}  // namespace
}  // namespace bulkhead::api
