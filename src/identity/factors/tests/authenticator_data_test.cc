#include "identity/factors/authenticator_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/testing/cbor_writer.h"
#include "db/testing/database_contract.h"
#include "identity/factors/testing/authenticator.h"

namespace bulkhead::identity {
namespace {

using db::testing::FailsWith;
using testing::Authenticator;

constexpr std::size_t kFlags = 32;

Result<AuthenticatorData> parse(const std::string& bytes) {
  return parse_authenticator_data(as_bytes(bytes));
}

TEST(AuthenticatorData, SaysWhatTheAuthenticatorSaid) {
  Authenticator authenticator;
  authenticator.sign_count = 0xfffefdfc;
  const std::string bytes = authenticator.data(true);
  const auto data = parse(bytes);
  ASSERT_TRUE(data.has_value()) << data.error().message;
  EXPECT_EQ(as_text(data->relying_party_hash),
            crypto::hash(crypto::HashAlgorithm::sha256, as_bytes("registry.example.com")));
  EXPECT_TRUE(data->user_present);
  EXPECT_TRUE(data->user_verified);
  EXPECT_EQ(data->sign_count, 0xfffefdfcu);
  ASSERT_TRUE(data->credential.has_value());
  EXPECT_EQ(as_text(data->credential->id), authenticator.credential_id);
  EXPECT_EQ(as_text(data->credential->aaguid), authenticator.aaguid);
  EXPECT_EQ(as_text(data->credential->encoded_key), authenticator.key.public_key());
}

TEST(AuthenticatorData, TellsItsFlagsApart) {
  Authenticator authenticator;
  std::string bytes = authenticator.data(false);
  const auto with_flags = [&](unsigned flags) {
    bytes[kFlags] = static_cast<char>(flags);
    return parse(bytes);
  };
  EXPECT_TRUE(with_flags(0x01)->user_present);
  EXPECT_FALSE(with_flags(0x01)->user_verified);
  EXPECT_FALSE(with_flags(0x04)->user_present);
  EXPECT_TRUE(with_flags(0x04)->user_verified);
  const auto reserved = with_flags(0x02 | 0x08 | 0x10 | 0x20);
  EXPECT_FALSE(reserved->user_present || reserved->user_verified);
  EXPECT_FALSE(with_flags(0x01)->credential.has_value());
}

TEST(AuthenticatorData, RefusesEveryTruncationAndTrailingByte) {
  Authenticator authenticator;
  authenticator.extensions = crypto::testing::cbor_map(
      {{crypto::testing::cbor_text("credProtect"), crypto::testing::cbor_integer(2)}});
  const std::string whole = authenticator.data(true);
  ASSERT_TRUE(parse(whole).has_value());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THAT(parse(whole.substr(0, size)), FailsWith(Errc::invalid_argument)) << size;
  EXPECT_THAT(parse(whole + '\0'), FailsWith(Errc::invalid_argument));
  const std::string bare = Authenticator().data(false);
  EXPECT_THAT(parse(bare + '\0'), FailsWith(Errc::invalid_argument));
}

TEST(AuthenticatorData, RefusesFlagsThatPromiseWhatIsNotThere) {
  std::string bytes = Authenticator().data(false);
  for (const unsigned flags : {0x41u, 0x81u, 0xc1u}) {
    bytes[kFlags] = static_cast<char>(flags);
    EXPECT_THAT(parse(bytes), FailsWith(Errc::invalid_argument)) << flags;
  }
  Authenticator authenticator;
  authenticator.extensions = crypto::testing::cbor_array({});
  EXPECT_THAT(parse(authenticator.data(false)), FailsWith(Errc::invalid_argument)) << "extensions are a map";
}

TEST(AuthenticatorData, HoldsTheLimitsOfACredentialsId) {
  Authenticator authenticator;
  authenticator.credential_id = std::string(1023, 'i');
  EXPECT_TRUE(parse(authenticator.data(true)).has_value());
  authenticator.credential_id = std::string(1024, 'i');
  EXPECT_THAT(parse(authenticator.data(true)), FailsWith(Errc::invalid_argument));
  authenticator.credential_id.clear();
  EXPECT_THAT(parse(authenticator.data(true)), FailsWith(Errc::invalid_argument));
}

}  // namespace
}  // namespace bulkhead::identity
