#include "registry/removed.h"

#include <fmt/format.h>

#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

class RemovedRepositories : public OnBothEngines {
 protected:
  std::size_t rows(std::string_view table) {
    return registry_.installation.read(fmt::format("SELECT 1 FROM {}", table)).size();
  }
  // How many steps it took.
  int clean_up() {
    int steps = 0;
    while (clean_up_removed(*registry_.installation.database).value()) ++steps;
    return steps;
  }

  access::Repository app_ = registry_.repository("alice/app");
  access::Repository other_ = registry_.repository("alice/other");
  Context alice_ = registry_.as("alice");
};

INSTANTIATE_TEST_SUITE_P(Database, RemovedRepositories, both_engines(), db::testing::engine_name);

TEST_P(RemovedRepositories, LeaveNothingAndTouchNothingElse) {
  registry_.push_image(app_, "v1");
  const std::string kept = registry_.push_image(other_, "v1");
  const std::int64_t used = registry_.used_bytes("alice");
  ASSERT_THAT(registry_.facts->remove(app_.name, alice_.origin), Succeeds());
  EXPECT_EQ(registry_.used_bytes("alice"), used / 2);
  EXPECT_GT(rows("tags"), 1u) << "not in that transaction";
  EXPECT_GT(clean_up(), 1);
  for (const std::string_view table : {"tags", "manifests", "repositories"})
    EXPECT_EQ(rows(table), 1u) << table;
  EXPECT_EQ(rows("manifest_children"), 2u);
  EXPECT_EQ(rows("repository_digests"), 3u);
  EXPECT_EQ(rows("repository_blobs"), 2u);
  EXPECT_EQ(registry_.used_bytes("alice"), used / 2);
  EXPECT_EQ((*registry_.manifests->find(other_, reference("v1")))->bytes, kept);
}

TEST_P(RemovedRepositories, GoInStepsOfBoundedSize) {
  for (int i = 0; i < 1500; ++i)
    registry_.installation.write("INSERT INTO repository_digests (repository_id, digest) VALUES (?, ?)",
                                 {app_.id, fmt::format("sha256:{:064x}", i)});
  registry_.installation.write(
      "INSERT INTO manifest_children (child, parent) SELECT c.id, p.id FROM repository_digests c, "
      "repository_digests p WHERE p.digest = ? OR p.digest = ?",
      {fmt::format("sha256:{:064x}", 0), fmt::format("sha256:{:064x}", 1499)});
  ASSERT_THAT(registry_.facts->remove(app_.name, alice_.origin), Succeeds());
  std::size_t before = rows("manifest_children") + rows("repository_digests");
  ASSERT_EQ(before, 4500u);
  while (clean_up_removed(*registry_.installation.database).value()) {
    const std::size_t after = rows("manifest_children") + rows("repository_digests");
    EXPECT_LE(before - after, 3000u);
    before = after;
  }
  EXPECT_EQ(before, 0u);
}

TEST_P(RemovedRepositories, AreNoneWhereNoneWasRemoved) { EXPECT_EQ(clean_up(), 0); }

}  // namespace
}  // namespace bulkhead::registry::testing
