// How much the database is asked for a manifest's children.
#include <fmt/format.h>

#include "registry/children.h"
#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

// Says of every digest that it is there, and counts.
class CountingSession final : public db::Session {
 public:
  using Session::execute;
  using Session::query;
  Result<std::vector<db::Row>> query(std::string_view, std::span<const db::Value> parameters) override {
    ++statements;
    std::vector<db::Row> rows;
    for (const db::Value& parameter : parameters.subspan(1))
      rows.push_back(db::Row({parameter, std::int64_t{1}}));
    return rows;
  }
  Result<std::int64_t> execute(std::string_view, std::span<const db::Value>) override {
    return Error{Errc::internal, "a check does not write"};
  }

  int statements = 0;
};

class ChildrenWork : public ::testing::Test {
 protected:
  int statements(const oci::Manifest& manifest) {
    CountingSession session;
    EXPECT_THAT(check_children(session, repository_, manifest, false), Succeeds());
    return session.statements;
  }
  static oci::Descriptor child(int number) { return {"a/b", sha256(fmt::format("{}", number)), 1}; }

  access::Repository repository_{1, 1, 0, *oci::RepositoryName::parse("a/b"), access::Visibility::private_,
                                 ""};
};

TEST_F(ChildrenWork, GrowsWithTheNumberOfDistinctDigestsInBatches) {
  oci::Manifest manifest;
  for (int i = 0; i < 10'000; ++i) manifest.blobs.push_back(child(i));
  EXPECT_LE(statements(manifest), 200);
}

TEST_F(ChildrenWork, DoesNotGrowWithRepetitions) {
  oci::Manifest manifest;
  for (int i = 0; i < 10'000; ++i) {
    manifest.blobs.push_back(child(1));
    manifest.manifests.push_back(child(2));
  }
  EXPECT_EQ(statements(manifest), 2);
}

TEST_F(ChildrenWork, IsNoneWithoutChildren) { EXPECT_EQ(statements({}), 0); }

}  // namespace
}  // namespace bulkhead::registry::testing
