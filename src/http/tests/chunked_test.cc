#include "http/chunked.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "base/bytes.h"

namespace bulkhead::http {
namespace {

struct Outcome {
  bool malformed = false;
  bool done = false;
  std::string content;
  std::string rest;  // behind the body
};

// Feeds `bytes` in pieces of `step` and takes at most `room` at once.
Outcome decode(std::string_view bytes, std::size_t step, std::size_t room, const Limits& limits = {}) {
  ChunkedDecoder decoder(limits);
  Outcome outcome;
  std::string out(room, '\0');
  std::size_t at = 0;
  std::size_t arrived = 0;
  while (!decoder.done() && (arrived < bytes.size() || at < arrived)) {
    arrived = std::min(bytes.size(), std::max(arrived, at + step));
    const auto decoded =
        decoder.decode(bytes.substr(at, arrived - at), std::as_writable_bytes(std::span(out)));
    if (!decoded) {
      outcome.malformed = true;
      EXPECT_FALSE(decoder.decode("0\r\n\r\n", {})) << "once malformed, always malformed";
      return outcome;
    }
    EXPECT_LE(decoded->consumed, arrived - at);
    outcome.content.append(out, 0, decoded->produced);
    if (decoded->consumed == 0 && arrived == bytes.size()) break;
    at += decoded->consumed;
  }
  outcome.done = decoder.done();
  outcome.rest = bytes.substr(at);
  return outcome;
}

constexpr std::string_view kBody =
    "5\r\nhello\r\n1;name=value;other=\"a b\"\r\n,\r\n00A\r\n 0123\r\n567\r\n0;last\r\nX-Sum: "
    "1\r\nY:\r\n\r\n";
constexpr std::string_view kContent = "hello, 0123\r\n567";

TEST(ChunkedDecoder, DecodesWhateverWayTheBytesArrive) {
  const std::string bytes = std::string(kBody) + "GET / HTTP/1.1";
  for (std::size_t step = 1; step <= bytes.size(); ++step)
    for (const std::size_t room : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{4096}}) {
      const Outcome outcome = decode(bytes, step, room);
      ASSERT_TRUE(outcome.done) << step << ' ' << room;
      EXPECT_EQ(outcome.content, kContent);
      EXPECT_EQ(outcome.rest, "GET / HTTP/1.1");
    }
}

TEST(ChunkedDecoder, DecodesInPlaceInTwoHalves) {
  for (std::size_t cut = 0; cut <= kBody.size(); ++cut) {
    const Limits limits;
    ChunkedDecoder decoder(limits);
    std::string content;
    for (std::string part : {std::string(kBody.substr(0, cut)), std::string(kBody.substr(cut))}) {
      const auto decoded = decoder.decode(part, std::as_writable_bytes(std::span(part)));
      ASSERT_TRUE(decoded) << cut;
      EXPECT_EQ(decoded->consumed, part.size());
      content.append(part, 0, decoded->produced);
    }
    EXPECT_TRUE(decoder.done());
    EXPECT_EQ(content, kContent);
  }
}

TEST(ChunkedDecoder, AnEmptyBodyIsABody) {
  EXPECT_TRUE(decode("0\r\n\r\n", 1, 1).done);
  EXPECT_EQ(decode("0\r\n\r\n", 1, 1).content, "");
}

TEST(ChunkedDecoder, IsNotDoneBeforeTheLastByte) {
  for (std::size_t size = 0; size < kBody.size(); ++size) {
    const Outcome outcome = decode(kBody.substr(0, size), 4096, 4096);
    EXPECT_FALSE(outcome.malformed) << size;
    EXPECT_FALSE(outcome.done) << size;
  }
}

class MalformedChunks : public testing::TestWithParam<std::string> {};
TEST_P(MalformedChunks, AreRefusedWhateverWayTheyArrive) {
  EXPECT_TRUE(decode(GetParam(), 1, 4096).malformed);
  EXPECT_TRUE(decode(GetParam(), 4096, 4096).malformed);
}
using namespace std::string_literals;
INSTANTIATE_TEST_SUITE_P(Table, MalformedChunks,
                         testing::Values("\r\n", ";a\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x5\r\n", " 5\r\n",
                                         "5 \r\n", "5\t;a\r\n", "10000000000000000\r\n",
                                         "FFFFFFFFFFFFFFFFF\r\n", "5\n", "5\rX", "5;a\n", "5;a=\"\n\"\r\n",
                                         "5;a\x01\r\n", "5;a\0\r\n"s, "5\r\nhello5\r\n", "5\r\nhello\n",
                                         "5\r\nhello\r5", "5\r\nhello!\r\n", "0\r\nX\r\n", "0\r\n X: y\r\n",
                                         "0\r\nX: y\r\n z\r\n", "0\r\n: y\r\n", "0\r\nX : y\r\n",
                                         "0\r\nX: y\n", "0\r\nX: \0\r\n"s, "0\r\n\n", "0\r\n\rX",
                                         "0\r\nX: y\r\n\rX"));

TEST(ChunkedDecoder, SizesUpTo64BitsAreNotMalformed) {
  EXPECT_FALSE(decode("FFFFFFFFFFFFFFFF\r\nx", 1, 1).malformed);
  EXPECT_FALSE(decode("00000000000000000005\r\nhello", 1, 1).malformed);
}

TEST(ChunkedDecoder, ASizeLineIsLimited) {
  const std::string just(ChunkedDecoder::kSizeLine - 3, 'e');
  EXPECT_FALSE(decode("1;" + just + "\r\nx\r\n", 4096, 16).malformed);
  EXPECT_TRUE(decode("1;" + just + "e\r\nx\r\n", 4096, 16).malformed);
  EXPECT_TRUE(decode(std::string(ChunkedDecoder::kSizeLine + 1, '0'), 1, 16).malformed);
}

TEST(ChunkedDecoder, TrailersThatBelongIntoTheHeadAreRefused) {
  for (const std::string name : {"Content-Length", "transfer-encoding", "HOST", "Authorization",
                                 "X-Forwarded-For", "Proxy-Authorization", "If-Unmodified-Since"}) {
    EXPECT_TRUE(decode("0\r\nX: 1\r\n" + name + ": 1\r\n\r\n", 1, 1).malformed) << name;
    EXPECT_TRUE(decode("0\r\nX" + name + ": 1\r\n\r\n", 1, 1).done) << name;
    EXPECT_TRUE(decode("0\r\n" + name + "x: 1\r\n\r\n", 4096, 1).done) << name;
  }
}

TEST(ChunkedDecoder, TrailersAreLimitedInNumberAndBytes) {
  Limits limits;
  limits.headers = 2;
  EXPECT_TRUE(decode("0\r\nA: 1\r\nB: 2\r\n\r\n", 1, 1, limits).done);
  EXPECT_TRUE(decode("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", 1, 1, limits).malformed);
  limits.header_bytes = 15;
  EXPECT_TRUE(decode("0\r\nA: 123456789\r\n\r\n", 1, 1, limits).done);
  EXPECT_TRUE(decode("0\r\nA: 1234567890\r\n\r\n", 1, 1, limits).malformed);
}

}  // namespace
}  // namespace bulkhead::http
