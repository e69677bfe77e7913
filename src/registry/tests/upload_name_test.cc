#include "registry/upload_name.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "blob/layout.h"

namespace bulkhead::registry {
namespace {

constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();

TEST(UploadName, IsReadBackAsItWasWritten) {
  for (const auto algorithm : {oci::Algorithm::sha256, oci::Algorithm::sha512}) {
    const auto name = UploadName::fresh(17, 4, algorithm);
    const auto parsed = UploadName::parse(name.render());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->id, name.id);
    EXPECT_EQ(parsed->repository, 17);
    EXPECT_EQ(parsed->account, 4);
    EXPECT_EQ(parsed->algorithm, algorithm);
  }
}

TEST(UploadName, TheLongestIsStillAStagesName) {
  EXPECT_TRUE(blob::valid_stage_id(UploadName::fresh(kLargest, kLargest, oci::Algorithm::sha512).render()));
}

TEST(UploadName, CannotBeGuessed) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(UploadName::fresh(1, 1, oci::Algorithm::sha256).id);
  EXPECT_EQ(ids.size(), 1000u);
  EXPECT_EQ(ids.begin()->size(), 22u);  // 131 bits
}

TEST(UploadName, RefusesWhatItWouldNotWrite) {
  const std::string id(22, 'x');
  EXPECT_TRUE(UploadName::parse(id + "-1-2-2"));
  for (const std::string& text :
       {std::string(), id, id + "-1-2", id + "-1-2-3", id + "-1-2-2-2", id + "--2-2", id + "-1--2",
        id + "-a-2-2", id + "-1-2x-2", id + "-1-2-2 ", "x" + id + "-1-2-2", id.substr(1) + "-1-2-2",
        id + "-+1-2-2", id + "-99999999999999999999-2-2", std::string("put-0123456789abcdefghijklmn")})
    EXPECT_FALSE(UploadName::parse(text)) << text;
}

}  // namespace
}  // namespace bulkhead::registry
