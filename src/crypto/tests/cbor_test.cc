#include "crypto/cbor.h"

#include <gtest/gtest.h>

#include "crypto/testing/cbor_writer.h"

namespace bulkhead::crypto {
namespace {

using namespace testing;

std::string hex(std::string_view digits) { return from_hex(digits).value(); }

Errc refusal(std::string_view bytes, const CborLimits& limits = {}) {
  const auto parsed = parse_cbor(as_bytes(bytes), limits);
  EXPECT_FALSE(parsed.has_value()) << to_hex(as_bytes(bytes));
  return parsed ? Errc::internal : parsed.error().code;
}

std::optional<std::int64_t> integer(std::string_view bytes) {
  const auto parsed = parse_cbor(as_bytes(bytes));
  return parsed ? parsed->integer() : std::nullopt;
}

// The examples of RFC 8949 appendix A that are of the subset.
TEST(Cbor, ReadsIntegers) {
  EXPECT_EQ(integer(hex("00")), 0);
  EXPECT_EQ(integer(hex("17")), 23);
  EXPECT_EQ(integer(hex("1818")), 24);
  EXPECT_EQ(integer(hex("1903e8")), 1000);
  EXPECT_EQ(integer(hex("1a000f4240")), 1000000);
  EXPECT_EQ(integer(hex("1b000000e8d4a51000")), 1000000000000);
  EXPECT_EQ(integer(hex("1b7fffffffffffffff")), INT64_MAX);
  EXPECT_EQ(integer(hex("20")), -1);
  EXPECT_EQ(integer(hex("3903e7")), -1000);
  EXPECT_EQ(integer(hex("3b7fffffffffffffff")), INT64_MIN);
}

TEST(Cbor, ReadsStringsContainersAndSimpleValues) {
  const std::string bytes =
      cbor_map({{cbor_integer(1), cbor_array({cbor_bytes("ab"), cbor_text("c"), hex("f4"), hex("f6")})},
                {cbor_integer(-1), cbor_integer(7)},
                {cbor_text("k"), cbor_map({})}});
  const auto parsed = parse_cbor(as_bytes(bytes));
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  ASSERT_NE(parsed->map(), nullptr);
  EXPECT_EQ(parsed->map()->size(), 3u);
  EXPECT_EQ(parsed->find(-1)->integer(), 7);
  EXPECT_NE(parsed->find("k")->map(), nullptr);
  EXPECT_EQ(parsed->find("l"), nullptr);
  EXPECT_EQ(parsed->find(2), nullptr);
  const Cbor::Array* elements = parsed->find(1)->array();
  ASSERT_NE(elements, nullptr);
  ASSERT_EQ(elements->size(), 4u);
  EXPECT_EQ(as_text(*elements->at(0).bytes()), "ab");
  EXPECT_EQ(elements->at(1).text(), "c");
  EXPECT_FALSE(elements->at(1).bytes());
  EXPECT_FALSE(elements->at(2).integer());
  EXPECT_EQ(elements->at(3).find("k"), nullptr) << "what is not a map holds nothing";
}

TEST(Cbor, RefusesWhatIsNotCanonical) {
  const char* const spellings[] = {
      "1800",  // 0 in two bytes
      "1817",  // 23 in two bytes
      "1900ff",
      "1a0000ffff",
      "1b00000000ffffffff",
      "5800",  // a length that is too long
      "9fff",  // indefinite
      "bfff",
      "5f4101ff",
      "7f6161ff",
      "a201020102",        // a key twice
      "a202000100",        // keys out of order
      "a220000100",        // negative before positive
      "a262616100616200",  // the longer key before the shorter
      "c000",              // a tag
      "f93c00",
      "fa3f800000",  // floating point
      "f820",
      "f0",
      "f7",  // simple values
      "1c",
      "1f",
      "ff",        // reserved
      "a1810000",  // a key that is an array
      "a1410000",  // a key that is a byte string
  };
  for (const char* spelling : spellings)
    EXPECT_EQ(refusal(hex(spelling)), Errc::invalid_argument) << spelling;
}

TEST(Cbor, OrdersKeysAsCtap2Does) {
  const std::string nothing = cbor_integer(0);
  const auto in_order = [&](const std::string& first, const std::string& second) {
    return parse_cbor(as_bytes(cbor_map({{first, nothing}, {second, nothing}}))).has_value();
  };
  EXPECT_TRUE(in_order(cbor_integer(23), cbor_integer(24)));
  EXPECT_TRUE(in_order(cbor_integer(1000), cbor_integer(-1))) << "the major type comes first";
  EXPECT_TRUE(in_order(cbor_text("b"), cbor_text("aa"))) << "then the shorter";
  EXPECT_FALSE(in_order(cbor_text("aa"), cbor_text("b")));
  EXPECT_TRUE(in_order(cbor_text("fmt"), cbor_text("attStmt")));
  EXPECT_FALSE(in_order(cbor_text("a"), cbor_text("a")));
}

TEST(Cbor, RefusesEveryTruncationAndAnythingAfterTheEnd) {
  const std::string whole = cbor_map(
      {{cbor_text("fmt"), cbor_text("packed")}, {cbor_text("authData"), cbor_bytes(std::string(300, 'x'))}});
  ASSERT_TRUE(parse_cbor(as_bytes(whole)).has_value());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(refusal(whole.substr(0, size)), Errc::invalid_argument) << size;
  EXPECT_EQ(refusal(whole + '\0'), Errc::invalid_argument);
  const auto prefix = parse_cbor_prefix(as_bytes(whole + "rest"));
  ASSERT_TRUE(prefix.has_value());
  EXPECT_EQ(prefix->size, whole.size());
}

TEST(Cbor, RefusesLengthsBeyondTheInputWithoutAllocatingThem) {
  for (const char* claim : {"5bffffffffffffffff", "7bffffffffffffffff", "5a7fffffff"})
    EXPECT_EQ(refusal(hex(claim)), Errc::invalid_argument) << claim;
  for (const char* claim : {"9bffffffffffffffff", "bbffffffffffffffff", "9a7fffffff"})
    EXPECT_EQ(refusal(hex(claim)), Errc::too_large) << claim;
}

TEST(Cbor, RefusesNumbersPast64BitsSigned) {
  EXPECT_EQ(refusal(hex("1b8000000000000000")), Errc::invalid_argument);
  EXPECT_EQ(refusal(hex("3b8000000000000000")), Errc::invalid_argument);
}

TEST(Cbor, HoldsItsLimits) {
  const CborLimits limits{.depth = 2, .items = 5};
  const std::string two_levels = cbor_array({cbor_array({cbor_integer(1)})});
  EXPECT_TRUE(parse_cbor(as_bytes(two_levels), limits).has_value());
  EXPECT_EQ(refusal(cbor_array({two_levels}), limits), Errc::too_large);
  const std::string nothing = cbor_integer(0);
  EXPECT_TRUE(parse_cbor(as_bytes(cbor_array({nothing, nothing, nothing, nothing})), limits).has_value());
  EXPECT_EQ(refusal(cbor_array({nothing, nothing, nothing, nothing, nothing}), limits), Errc::too_large);
  EXPECT_EQ(refusal(cbor_array({cbor_array({nothing, nothing}), nothing, nothing}), limits), Errc::too_large);
  // A stack of containers ends at the limit, however many there are.
  EXPECT_EQ(refusal(std::string(1'000'000, '\x81')), Errc::too_large);
}

}  // namespace
}  // namespace bulkhead::crypto
