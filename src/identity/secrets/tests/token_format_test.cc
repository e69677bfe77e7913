#include "identity/secrets/token_format.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

namespace bulkhead::identity {
namespace {

TEST(TokenFormat, IsPrefixRandomAndChecksum) {
  const auto token = make_token("bhsetup_");
  EXPECT_TRUE(std::regex_match(token.reveal(), std::regex("bhsetup_[0-9A-Za-z]{36}"))) << token.reveal();
  EXPECT_TRUE(token_is_well_formed("bhsetup_", token.reveal()));
  EXPECT_NE(token.reveal(), make_token("bhsetup_").reveal());
}

// Scanners of other people compute this too: CRC-32 (IEEE 802.3) of the text before it, in base62 of
// 0-9A-Za-z.
TEST(TokenFormat, HasTheChecksumThatIsWrittenDown) {
  // crc32("bhsetup_" + 30 * "0") = 0xf706fbc5
  EXPECT_TRUE(token_is_well_formed("bhsetup_", "bhsetup_" + std::string(30, '0') + "4WTbZV"));
}

TEST(TokenFormat, NoticesEveryChangedCharacter) {
  const std::string good(make_token("bhsetup_").reveal());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string wrong = good;
    wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(token_is_well_formed("bhsetup_", wrong)) << "at " << i;
  }
}

TEST(TokenFormat, RefusesOtherLengthsPrefixesAndAlphabets) {
  const std::string good(make_token("bhsetup_").reveal());
  EXPECT_FALSE(token_is_well_formed("bhsetup_", ""));
  EXPECT_FALSE(token_is_well_formed("bhsetup_", "bhsetup_"));
  EXPECT_FALSE(token_is_well_formed("bhsetup_", good.substr(0, good.size() - 1)));
  EXPECT_FALSE(token_is_well_formed("bhsetup_", good + "0"));
  EXPECT_FALSE(token_is_well_formed("bhsetup_", " " + good.substr(1)));
  EXPECT_FALSE(token_is_well_formed("bhother_", good));
}

}  // namespace
}  // namespace bulkhead::identity
