#include "identity/secrets/stored_hash.h"

#include <gtest/gtest.h>

namespace bulkhead::identity {
namespace {

TEST(StoredHash, MatchesItsSecretUseAccountAndKeyOnly) {
  const auto keyring = crypto::Keyring::ephemeral();
  const std::string stored = stored_hash(keyring, {.use = "a", .account = 12}, "secret");
  EXPECT_TRUE(stored.starts_with("v1:"));
  EXPECT_EQ(stored.size(), 3 + 64u);
  EXPECT_TRUE(matches_stored_hash(keyring, stored, {.use = "a", .account = 12}, "secret"));
  EXPECT_FALSE(matches_stored_hash(keyring, stored, {.use = "a", .account = 12}, "secre"));
  EXPECT_FALSE(matches_stored_hash(keyring, stored, {.use = "b", .account = 12}, "secret"));
  EXPECT_FALSE(matches_stored_hash(keyring, stored, {.use = "a", .account = 1}, "secret"));
  EXPECT_FALSE(matches_stored_hash(keyring, stored, {.use = "a", .account = 1}, "2secret"));
  EXPECT_FALSE(
      matches_stored_hash(crypto::Keyring::ephemeral(), stored, {.use = "a", .account = 12}, "secret"));
}

TEST(StoredHash, RefusesWhatIsNoStoredHash) {
  const auto keyring = crypto::Keyring::ephemeral();
  const HashedFor what{.use = "a", .account = 1};
  const std::string stored = stored_hash(keyring, what, "secret");
  for (const std::string& other : {std::string(), std::string("v"), stored.substr(1), stored + "0",
                                   stored.substr(0, 10), "v2" + stored.substr(2), "v01" + stored.substr(2)})
    EXPECT_FALSE(matches_stored_hash(keyring, other, what, "secret")) << other;
}

}  // namespace
}  // namespace bulkhead::identity
