#include "app/fetcher.h"

#include <gtest/gtest.h>

#include <map>

namespace bulkhead::app {
namespace {

// Answers with what it was asked.
class RecordingClient final : public http::OutboundClient {
 public:
  Result<http::Fetched> fetch(const http::Outgoing& request) override {
    method = request.method;
    url = request.url;
    for (const auto& [name, value] : request.headers) headers[name] = value;
    authorization = request.authorization.reveal();
    body = request.body.reveal();
    largest_body = request.largest_body;
    return answer;
  }

  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;
  std::string authorization;
  std::string body;
  std::size_t largest_body = 0;
  Result<http::Fetched> answer = http::Fetched{302, "text/html", "moved"};
};

TEST(HttpFetcher, GetsDocumentsWithinTheirLimit) {
  RecordingClient client;
  identity::FetchRequest request;
  request.url = "https://ci.example/keys";
  const auto answer = HttpFetcher(client).fetch(request);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 302u);
  EXPECT_EQ(answer->body, "moved");
  EXPECT_EQ(client.method, "GET");
  EXPECT_EQ(client.url, request.url);
  EXPECT_EQ(client.largest_body, request.largest_body);
  EXPECT_EQ(client.body, "");
  EXPECT_EQ(client.headers.count("Content-Type"), 0u);
}

TEST(HttpFetcher, PostsFormsWithTheirCredential) {
  RecordingClient client;
  identity::FetchRequest request;
  request.url = "https://ci.example/token";
  request.form = Secret<>(std::string("grant_type=authorization_code"));
  request.authorization = Secret<>(std::string("Basic abc"));
  ASSERT_TRUE(HttpFetcher(client).fetch(request).has_value());
  EXPECT_EQ(client.method, "POST");
  EXPECT_EQ(client.body, "grant_type=authorization_code");
  EXPECT_EQ(client.authorization, "Basic abc");
  EXPECT_EQ(client.headers["Content-Type"], "application/x-www-form-urlencoded");
}

TEST(HttpFetcher, HandsOnWhyThereIsNoAnswer) {
  RecordingClient client;
  client.answer = Error{Errc::too_large, "100 MB"};
  const auto answer = HttpFetcher(client).fetch({});
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().code, Errc::too_large);
}

}  // namespace
}  // namespace bulkhead::app
