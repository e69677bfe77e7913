#include "http/response.h"

#include <gtest/gtest.h>

namespace bulkhead::http {
namespace {

std::string head(const Response& response, bool keep_alive = true, bool with_length = true) {
  std::string out = "before";
  write_head(out, response, keep_alive, with_length, "DATE");
  return out.substr(6);
}

TEST(Response, WritesItsHeadInOrder) {
  Response response;
  response.status = 201;
  response.header("Location", "/v2/");
  response.header("X", "");
  response.body = std::string("four");
  EXPECT_EQ(head(response),
            "HTTP/1.1 201 Created\r\nDate: DATE\r\nLocation: /v2/\r\nX: \r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(head(response, false, false),
            "HTTP/1.1 201 Created\r\nDate: DATE\r\nLocation: /v2/\r\nX: \r\nConnection: close\r\n\r\n");
}

TEST(Response, AValueCannotBecomeAHeader) {
  Response response;
  response.header("Location", std::string("a\r\nSet-Cookie: b\n\0c", 20));
  EXPECT_EQ(head(response, true, false),
            "HTTP/1.1 200 OK\r\nDate: DATE\r\nLocation: aSet-Cookie: bc\r\n\r\n");
}

TEST(Response, TheLengthIsTheBodysUnlessStated) {
  Response response;
  EXPECT_NE(head(response).find("Content-Length: 0\r\n"), std::string::npos);
  response.body = FileBytes{nullptr, -1, 10, 5'000'000'000, nullptr};
  EXPECT_NE(head(response).find("Content-Length: 5000000000\r\n"), std::string::npos);
  response.body = SharedBytes{nullptr, "abc"};
  EXPECT_NE(head(response).find("Content-Length: 3\r\n"), std::string::npos);
  response.stated_length = 7;
  EXPECT_NE(head(response).find("Content-Length: 7\r\n"), std::string::npos);
}

TEST(Response, EveryStatusInUseHasItsReason) {
  for (const unsigned status : {200, 201, 202, 204, 206, 304, 307, 400, 401, 403, 404, 405, 408,
                                409, 411, 413, 414, 415, 416, 417, 429, 431, 500, 503, 505, 507})
    EXPECT_NE(reason(status), "Status") << status;
  EXPECT_EQ(reason(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason(299), "Status");
}

}  // namespace
}  // namespace bulkhead::http
