#include "http/parser.h"

#include <gtest/gtest.h>

namespace bulkhead::http {
namespace {

using Head = RequestParser::Head;

std::string request(std::string_view line, std::string_view headers = "") {
  return std::string(line) + "\r\nHost: registry.example\r\n" + std::string(headers) + "\r\n";
}

// The status of the refusal; 0 when accepted, 1 when incomplete.
unsigned status_of(std::string_view bytes, const Limits& limits = {}) {
  RequestParser parser(limits);
  switch (parser.parse(bytes)) {
    case Head::complete: return 0;
    case Head::incomplete: return 1;
    case Head::refused: EXPECT_FALSE(parser.refusal().message.empty()); return parser.refusal().status;
  }
  return 2;
}

struct Case {
  std::string_view name;
  std::string bytes;
  unsigned status;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

class Heads : public testing::TestWithParam<Case> {};
TEST_P(Heads, AreAnsweredAsTheyShould) { EXPECT_EQ(status_of(GetParam().bytes), GetParam().status); }

std::vector<Case> heads() {
  using namespace std::string_literals;
  const std::string get = "GET /v2/ HTTP/1.1";
  const std::string host = "Host: a\r\n";
  return {
      {"plain", request(get), 0},
      {"leading empty line", "\r\n" + request(get), 0},
      {"two leading empty lines", "\r\n\r\n" + request(get), 400},
      {"no headers in 1.0", "GET / HTTP/1.0\r\n\r\n", 0},
      {"no headers in 1.1", "GET / HTTP/1.1\r\n\r\n", 400},
      {"empty host", get + "\r\nHost:\r\n\r\n", 0},
      {"host and port", get + "\r\nHost: [::1]:5000\r\n\r\n", 0},
      {"two hosts", get + "\r\n" + host + host + "\r\n", 400},
      {"host with a path", get + "\r\nHost: a/b\r\n\r\n", 400},
      {"host with a user", get + "\r\nHost: u@a\r\n\r\n", 400},
      {"host with a space", get + "\r\nHost: a b\r\n\r\n", 400},
      {"host with a quote", get + "\r\nHost: a\"b\r\n\r\n", 400},

      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"lower-case protocol", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"no version", "GET / HTTP/\r\nHost: a\r\n\r\n", 400},
      {"three-part version", "GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", 400},
      {"space behind the version", request(get + " "), 400},
      {"two spaces", request("GET  / HTTP/1.1"), 400},
      {"tab", request("GET\t/ HTTP/1.1"), 400},
      {"no method", request(" / HTTP/1.1"), 400},
      {"method that is no token", request("G(T / HTTP/1.1"), 400},
      {"unknown method", request("BREW / HTTP/1.1"), 0},
      {"TRACE", request("TRACE / HTTP/1.1"), 405},
      {"TRACK", request("TRACK / HTTP/1.1"), 405},
      {"CONNECT", request("CONNECT a:80 HTTP/1.1"), 405},

      {"absolute form", request("GET http://a:80/v2/ HTTP/1.1"), 0},
      {"absolute form without a path", request("GET https://a HTTP/1.1"), 0},
      {"absolute form of another scheme", request("GET ftp://a/ HTTP/1.1"), 400},
      {"absolute form without a host", request("GET http:///v2/ HTTP/1.1"), 400},
      {"absolute form with a user", request("GET http://u:p@a/ HTTP/1.1"), 400},
      {"scheme in the middle", request("GET x?http://a/ HTTP/1.1"), 400},
      {"asterisk form", request("OPTIONS * HTTP/1.1"), 400},
      {"relative target", request("GET v2/ HTTP/1.1"), 400},
      {"control character in the target", request("GET /\x01 HTTP/1.1"), 400},
      {"DEL in the target", request("GET /\x7f HTTP/1.1"), 400},
      {"NUL in the target", request("GET /\0 HTTP/1.1"s), 400},

      {"space before the colon", request(get, "Transfer-Encoding : chunked\r\n"), 400},
      {"tab before the colon", request(get, "Transfer-Encoding\t: chunked\r\n"), 400},
      {"no colon", request(get, "nonsense\r\n"), 400},
      {"no name", request(get, ": x\r\n"), 400},
      {"name in quotes", request(get, "\"a\": x\r\n"), 400},
      {"control character in a name", request(get, "\vTransfer-Encoding: chunked\r\n"), 400},
      {"NUL in a name", request(get, "a\0b: x\r\n"s), 400},
      {"byte over 0x7F in a name", request(get, "a\xe9: x\r\n"), 400},
      {"empty value", request(get, "X:\r\n"), 0},
      {"byte over 0x7F in a value", request(get, "X: caf\xc3\xa9\r\n"), 0},
      {"tab in a value", request(get, "X: a\tb\r\n"), 0},
      {"NUL in a value", request(get, "X: a\0b\r\n"s), 400},
      {"control character in a value", request(get, "X: a\x1b[2J\r\n"), 400},
      {"DEL in a value", request(get, "X: a\x7f\r\n"), 400},
      {"bare CR in a value", request(get, "X: a\rY: b\r\n"), 400},
      {"bare LF in a value", request(get, "X: a\nTransfer-Encoding: chunked\r\n"), 400},
      {"bare LF at the end of a line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"bare LF only", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"CR CR LF", request(get, "X: a\r\r\n"), 400},
      {"folded with a space", request(get, "X: a\r\n b\r\n"), 400},
      {"folded with a tab", request(get, "X: a\r\n\tb\r\n"), 400},
      {"space before the first header", get + "\r\n Host: a\r\n\r\n", 400},
      {"folded length", request(get, "Content-Length:\r\n 5\r\n"), 400},

      {"length", request(get, "Content-Length: 5\r\n"), 0},
      {"length in white space", request(get, "Content-Length: \t 5 \t\r\n"), 0},
      {"largest length", request(get, "Content-Length: 18446744073709551615\r\n"), 0},
      {"length too large", request(get, "Content-Length: 18446744073709551616\r\n"), 400},
      {"two lengths", request(get, "Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {"the same length twice", request(get, "Content-Length: 5\r\ncontent-length: 5\r\n"), 400},
      {"list of lengths", request(get, "Content-Length: 5, 5\r\n"), 400},
      {"positive sign", request(get, "Content-Length: +5\r\n"), 400},
      {"negative length", request(get, "Content-Length: -5\r\n"), 400},
      {"hexadecimal length", request(get, "Content-Length: 0x5\r\n"), 400},
      {"fraction", request(get, "Content-Length: 5.0\r\n"), 400},
      {"length in words", request(get, "Content-Length: five\r\n"), 400},
      {"empty length", request(get, "Content-Length:\r\n"), 400},
      {"length with a space", request(get, "Content-Length: 1 5\r\n"), 400},

      {"chunked", request(get, "Transfer-Encoding: chunked\r\n"), 0},
      {"chunked in capitals", request(get, "transfer-encoding: CHUNKED\r\n"), 0},
      {"length and chunked", request(get, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunked and length", request(get, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
      {"chunked and length 0", request(get, "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400},
      {"chunked twice", request(get, "Transfer-Encoding: chunked, chunked\r\n"), 400},
      {"chunked in two headers", request(get, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       400},
      {"identity and chunked", request(get, "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
       400},
      {"gzip, chunked", request(get, "Transfer-Encoding: gzip, chunked\r\n"), 400},
      {"chunked, identity", request(get, "Transfer-Encoding: chunked, identity\r\n"), 400},
      {"identity", request(get, "Transfer-Encoding: identity\r\n"), 400},
      {"xchunked", request(get, "Transfer-Encoding: xchunked\r\n"), 400},
      {"chunked in quotes", request(get, "Transfer-Encoding: \"chunked\"\r\n"), 400},
      {"chunked with a parameter", request(get, "Transfer-Encoding: chunked;q=1\r\n"), 400},
      {"chunked with a vertical tab", request(get, "Transfer-Encoding: \vchunked\r\n"), 400},
      {"empty coding", request(get, "Transfer-Encoding:\r\n"), 400},
      {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},

      {"expectation", request(get, "Expect: 100-Continue\r\n"), 0},
      {"unknown expectation", request(get, "Expect: tea\r\n"), 417},
      {"connection list that is none", request(get, "Connection: \x80\r\n"), 400},

      {"nothing yet", "", 1},
      {"half a line", "GET /v2/", 1},
      {"all but the last byte", request(get).substr(0, request(get).size() - 1), 1},
      {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc"s, 400},
      {"SSH", "SSH-2.0-OpenSSH_9.2\r\n", 1},
      {"NUL at once", "\0"s, 400},
      {"bare LF at once", "GET /\n", 400},
  };
}
TEST(RequestParser, RefusesASingleFieldThatSaysTwoThings) {
  const auto head = [](std::string_view lines) {
    return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
  };
  for (const std::string name :
       {"Content-Type", "content-range", "Range", "If-Range", "Authorization", "Origin"}) {
    EXPECT_EQ(status_of(head(name + ": a\r\n" + name + ": b\r\n")), 400u) << name;
    EXPECT_EQ(status_of(head(name + ": a\r\n" + name + ": a\r\n")), status_of(head(""))) << name;
  }
  EXPECT_EQ(status_of(head("Accept: a\r\nAccept: b\r\nIf-Match: \"a\"\r\nIf-Match: \"b\"\r\n")),
            status_of(head("")));
}

INSTANTIATE_TEST_SUITE_P(Table, Heads, testing::ValuesIn(heads()));

TEST(RequestParser, GivesViewsOfEverything) {
  const Limits limits;
  RequestParser parser(limits);
  const std::string bytes =
      "PATCH /v2/a%2Db/blobs/uploads/1?x=1&y=?2 HTTP/1.1\r\nhOST: a\r\nContent-Range:  0-4 \r\n"
      "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello";
  ASSERT_EQ(parser.parse(bytes), Head::complete);
  const Request& request = parser.request();
  EXPECT_EQ(request.method, Method::patch);
  EXPECT_EQ(request.method_text, "PATCH");
  EXPECT_EQ(request.path, "/v2/a%2Db/blobs/uploads/1");
  EXPECT_EQ(request.query, "x=1&y=?2");
  EXPECT_EQ(request.header("Host"), "a");
  EXPECT_EQ(request.header("content-RANGE"), "0-4");
  EXPECT_EQ(request.header("Range"), std::nullopt);
  EXPECT_EQ(request.count("host"), 1u);
  EXPECT_EQ(request.content_length, 5u);
  EXPECT_TRUE(request.expect_continue);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(request.chunked);
  EXPECT_TRUE(request.has_body());
  EXPECT_EQ(bytes.substr(parser.head_bytes()), "hello");
}

TEST(RequestParser, TakesThePathOutOfTheAbsoluteForm) {
  const Limits limits;
  RequestParser parser(limits);
  const std::string bytes = request("GET HTTP://other:80/v2/?n=1 HTTP/1.1");
  ASSERT_EQ(parser.parse(bytes), Head::complete);
  EXPECT_EQ(parser.request().path, "/v2/");
  EXPECT_EQ(parser.request().query, "n=1");
  parser.reset();
  const std::string bare = request("GET http://other HTTP/1.1");
  ASSERT_EQ(parser.parse(bare), Head::complete);
  EXPECT_EQ(parser.request().path, "/");
}

TEST(RequestParser, WaitsForEachByteAndIsUsedAgain) {
  const Limits limits;
  RequestParser parser(limits);
  const std::string bytes = "\r\n" + request("DELETE /a HTTP/1.1", "X: y\r\n");
  for (int round = 0; round < 2; ++round) {
    for (std::size_t size = 0; size < bytes.size(); ++size)
      ASSERT_EQ(parser.parse(std::string_view(bytes).substr(0, size)), Head::incomplete) << size;
    ASSERT_EQ(parser.parse(bytes), Head::complete);
    EXPECT_EQ(parser.head_bytes(), bytes.size());
    EXPECT_EQ(parser.request().headers.size(), 2u);
    parser.reset();
  }
}

TEST(RequestParser, PersistsUnlessToldOtherwise) {
  const auto keeps = [](const std::string& bytes) {
    const Limits limits;
    RequestParser parser(limits);
    EXPECT_EQ(parser.parse(bytes), Head::complete);
    return parser.request().keep_alive;
  };
  EXPECT_TRUE(keeps(request("GET / HTTP/1.1")));
  EXPECT_FALSE(keeps(request("GET / HTTP/1.1", "Connection: close\r\n")));
  EXPECT_FALSE(keeps(request("GET / HTTP/1.1", "Connection: keep-alive, CLOSE\r\n")));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")) << "it would wait for an end";
}

TEST(RequestParser, IgnoresExpectationsOfHttp10) {
  const Limits limits;
  RequestParser parser(limits);
  ASSERT_EQ(parser.parse("PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"),
            Head::complete);
  EXPECT_FALSE(parser.request().expect_continue);
}

TEST(RequestParser, HeadersAreLimitedInBytes) {
  Limits limits;
  const std::string bytes = request("GET / HTTP/1.1", "X: 0123456789\r\n");
  limits.header_bytes = bytes.size();
  EXPECT_EQ(status_of(bytes, limits), 0u);
  limits.header_bytes = bytes.size() - 1;
  EXPECT_EQ(status_of(bytes, limits), 431u);
  EXPECT_EQ(status_of(std::string_view(bytes).substr(0, bytes.size() - 1), limits), 1u);
  EXPECT_EQ(status_of("GET /" + std::string(bytes.size(), 'a'), limits), 431u) << "no end is waited for";
}

TEST(RequestParser, TheTargetIsLimited) {
  Limits limits;
  limits.target_bytes = 20;
  const std::string path = "/" + std::string(19, 'p');
  EXPECT_EQ(status_of(request("GET " + path + " HTTP/1.1"), limits), 0u);
  EXPECT_EQ(status_of(request("GET " + path + "p HTTP/1.1"), limits), 414u);
  EXPECT_EQ(status_of(request("GET /?" + std::string(19, 'q') + " HTTP/1.1"), limits), 414u);
  EXPECT_EQ(status_of(request("GET http://a" + path + " HTTP/1.1"), limits), 414u) << "all of it counts";
}

TEST(RequestParser, HeadersAreLimitedInNumber) {
  const auto with = [](std::size_t count) {
    std::string headers;
    for (std::size_t i = 1; i < count; ++i) headers += "X: y\r\n";
    return request("GET / HTTP/1.1", headers);
  };
  EXPECT_EQ(status_of(with(100)), 0u);
  EXPECT_EQ(status_of(with(101)), 431u);
  Limits limits;
  limits.headers = 3;
  EXPECT_EQ(status_of(with(3), limits), 0u);
  EXPECT_EQ(status_of(with(4), limits), 431u);
}

}  // namespace
}  // namespace bulkhead::http
