#include "crypto/sealing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/testing/ephemeral_sealer.h"
#include "crypto/tests/fixed_keyring.h"

namespace bulkhead::crypto {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr SealContext kPlace{"totp", 42, "sealed"};
constexpr std::string_view kGoldenWrapped =
    "v1:QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXd4n6TuH36x_laG00aO5AmRbppaYghtBPPqcZ1AOXCrpPQzMkZmf0koam79mkh1Xe";
const std::string kPlain = "JBSWY3DPEHPK3PXP";

Secret<> plain(std::string text = kPlain) { return Secret<>(std::move(text)); }
DataKey fixed_key(std::int64_t id = 7) { return {id, LockedBytes(counting_key())}; }

TEST(Sealing, WhatWasSealedForAPlaceOpensThere) {
  EphemeralSealer sealer;
  for (const auto& text : {std::string(), std::string("x"), kPlain, std::string("\0\xff", 2),
                           std::string(kMaxSealedPlainBytes, 'm')}) {
    const auto sealed = sealer.seal(kPlace, plain(text));
    ASSERT_TRUE(sealed);
    const auto opened = sealer.open(kPlace, *sealed);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->reveal(), text);
    if (text.size() > 2) {  // shorter ones stand there by chance
      EXPECT_THAT(*sealed, Not(HasSubstr(text)));
    }
  }
}

TEST(Sealing, TheSameSecretIsNeverSealedAlike) {
  EphemeralSealer sealer;
  EXPECT_NE(sealer.seal(kPlace, plain()).value(), sealer.seal(kPlace, plain()).value());
}

TEST(Sealing, AnotherTableRowOrColumnDoesNotOpen) {
  EphemeralSealer sealer;
  const auto sealed = sealer.seal(kPlace, plain()).value();
  for (const SealContext& elsewhere : {SealContext{"totq", 42, "sealed"}, SealContext{"totp", 43, "sealed"},
                                       SealContext{"totp", -42, "sealed"}, SealContext{"totp", 42, "sealee"},
                                       SealContext{"totpsealed", 42, ""}, SealContext{"", 42, "totpsealed"},
                                       SealContext{"tot", 42, "psealed"}}) {
    const auto opened = sealer.open(elsewhere, sealed);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    EXPECT_THAT(opened.error().message, Not(HasSubstr(kPlain)));
  }
}

TEST(Sealing, AnotherKeyOrKeyNumberDoesNotOpen) {
  const auto sealed = seal_value(fixed_key(), kPlace, plain()).value();
  EXPECT_TRUE(open_value(fixed_key(), kPlace, sealed));
  EXPECT_FALSE(open_value({7, LockedBytes::random(32)}, kPlace, sealed));
  EXPECT_FALSE(open_value(fixed_key(8), kPlace, sealed));
  // Renumbered in the database along with the value.
  EXPECT_FALSE(open_value(fixed_key(8), kPlace, "v1:8" + sealed.substr(4)));
}

TEST(Sealing, EveryAlteredCharacterIsNoticed) {
  const auto sealed = seal_value(fixed_key(), kPlace, plain()).value();
  for (std::size_t i = 0; i < sealed.size(); ++i)
    for (const char other : {'A', '_', ':', '1', '\0'}) {
      if (sealed[i] == other) continue;
      std::string altered = sealed;
      altered[i] = other;
      EXPECT_FALSE(open_value(fixed_key(), kPlace, altered)) << i;
    }
  for (std::size_t length = 0; length < sealed.size(); ++length)
    EXPECT_FALSE(open_value(fixed_key(), kPlace, sealed.substr(0, length)));
  EXPECT_FALSE(open_value(fixed_key(), kPlace, sealed + "A"));
}

TEST(Sealing, RefusesMoreThanItsLimitAndValuesOverIt) {
  const auto sealed = seal_value(fixed_key(), kPlace, plain(std::string(kMaxSealedPlainBytes + 1, 'x')));
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, Errc::too_large);
  EXPECT_FALSE(open_value(fixed_key(), kPlace, "v1:7:" + std::string(1'000'000, 'A')));
}

TEST(Sealing, TheKeyOfAValueIsReadFromItsFrontOnly) {
  EXPECT_EQ(data_key_of("v1:7:AAAA"), 7);
  EXPECT_EQ(data_key_of("v1:9223372036854775807:"), 9223372036854775807);
  for (const char* text : {"", "v1", "v1:", "v1::", "v1:0:AA", "v1:07:AA", "v1:-7:AA", "v1:+7:AA", "v1:7",
                           "v2:7:AA", "v1:7x:AA", "v1:9223372036854775808:AA", "JBSWY3DPEHPK3PXP"})
    EXPECT_EQ(data_key_of(text), std::nullopt) << text;
}

// docs/formats/sealing.md gives this value with its key and place.
TEST(Sealing, OpensTheDocumentedValue) {
  const std::string golden =
      "v1:7:QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXnntWJ4nTPUbKvNf1nMw9wr1I7M_ourA_LzZDJMChfSs";
  const auto opened = open_value(fixed_key(), kPlace, golden);
  ASSERT_TRUE(opened) << seal_value(fixed_key(), kPlace, plain()).value();
  EXPECT_EQ(opened->reveal(), kPlain);
}

TEST(AssociatedData, IsEncodedAsDocumented) {
  AssociatedData data("ab");
  data.add("c").add(std::int64_t{-2});
  EXPECT_EQ(to_hex(as_bytes(data.bytes())),
            "0000000000000002"
            "6162"
            "0000000000000001"
            "63"
            "fffffffffffffffe");
}

TEST(WrappedDataKey, OpensWithItsKeyForItsNumberOnly) {
  const auto keyring = fixed_keyring({{1, counting_key()}, {2, std::string(32, 'x')}});
  const Key& first = *keyring.find(KeyPurpose::key_encryption, 1);
  const Key& second = *keyring.find(KeyPurpose::key_encryption, 2);
  const DataKey key{5, LockedBytes::random(32)};
  const auto wrapped = wrap_data_key(first, key);
  EXPECT_THAT(wrapped, Not(HasSubstr(to_base64url(as_bytes(key.bytes.reveal())))));
  const auto unwrapped = unwrap_data_key(first, 5, wrapped);
  ASSERT_TRUE(unwrapped);
  EXPECT_EQ(unwrapped->id, 5);
  EXPECT_EQ(unwrapped->bytes.reveal(), key.bytes.reveal());
  EXPECT_FALSE(unwrap_data_key(second, 5, wrapped));
  EXPECT_FALSE(unwrap_data_key(first, 6, wrapped));
  EXPECT_FALSE(unwrap_data_key(first, 5, ""));
  EXPECT_FALSE(unwrap_data_key(first, 5, wrapped.substr(0, wrapped.size() - 1)));
  EXPECT_FALSE(unwrap_data_key(first, 5, "v1:" + to_base64url(as_bytes("short"))));
  // The same bytes under another version's number.
  const auto renumbered = fixed_keyring({{3, counting_key()}});
  EXPECT_FALSE(unwrap_data_key(renumbered.current(KeyPurpose::key_encryption), 5, wrapped));
}

TEST(WrappedDataKey, OpensTheDocumentedOne) {
  const auto keyring = fixed_keyring({{1, std::string(32, 'x')}});
  const auto key = unwrap_data_key(keyring.current(KeyPurpose::key_encryption), 7, kGoldenWrapped);
  ASSERT_TRUE(key) << wrap_data_key(keyring.current(KeyPurpose::key_encryption), fixed_key());
  EXPECT_EQ(key->bytes.reveal(), counting_key());
}

}  // namespace
}  // namespace bulkhead::crypto
