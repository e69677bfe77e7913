// Migration 0008 on a database that an earlier version has used: it counts anew, and keeps what manifests
// refer to.
#include "db/engine.h"
#include "db/testing/database_contract.h"

namespace bulkhead::db::testing {
namespace {

constexpr std::size_t kBefore = 7;

class RoomMigration : public ::testing::TestWithParam<Engine> {
 protected:
  RoomMigration() {
    const auto old = open(empty_.url(), Options{}, embedded_migrations().first(kBefore)).value();
    write(
        *old,
        {
            "INSERT INTO namespaces (name, created_at, quota_bytes, used_bytes) VALUES ('alice', 0, 1, 77)",
            "INSERT INTO namespaces (name, created_at, used_bytes) VALUES ('bob', 0, 5)",
            "INSERT INTO repositories (namespace_id, name, visibility, created_at) "
            "SELECT id, 'alice/app', 'private', 0 FROM namespaces WHERE name = 'alice'",
            "INSERT INTO quota_reservations (namespace_id, bytes, expires_at) "
            "SELECT id, 1000, 0 FROM namespaces WHERE name = 'alice'",
            "INSERT INTO blobs (digest, size, created_at) VALUES ('layer', 5000, 0), ('config', 2, 0), "
            "('released', 9000, 0), ('image', 300, 0), ('index', 5000, 0)",
            "INSERT INTO repository_blobs (repository_id, digest, created_at, released_at) "
            "SELECT r.id, b.digest, 0, CASE b.digest WHEN 'released' THEN 1 END FROM repositories r, blobs b "
            "WHERE b.digest IN ('layer', 'config', 'released')",
            "INSERT INTO manifests (repository_id, digest, size, media_type, artifact_type, annotations, "
            "created_at, children_known) SELECT r.id, b.digest, b.size, 'm', '', '{}', 0, 1 "
            "FROM repositories r, blobs b WHERE b.digest IN ('image', 'index')",
            "INSERT INTO manifest_children (repository_id, digest, child) SELECT r.id, 'image', b.digest "
            "FROM repositories r, blobs b WHERE b.digest IN ('layer', 'config')",
            "INSERT INTO manifest_children (repository_id, digest, child) SELECT r.id, 'index', 'image' "
            "FROM repositories r",
        });
    database_ = db::open(empty_.url()).value();
  }
  static void write(Database& database, std::initializer_list<const char*> statements) {
    ASSERT_THAT(database.write([&](Session& session) -> Result<void> {
      for (const char* sql : statements)
        if (auto done = session.execute(sql); !done) return done.error();
      return {};
    }),
                Succeeds());
  }
  std::vector<std::string> texts(std::string_view sql) {
    std::vector<std::string> out;
    EXPECT_THAT(database_->read([&](Session& session) -> Result<void> {
      out.clear();
      const auto rows = session.query(sql);
      if (!rows) return rows.error();
      for (const Row& row : *rows) out.push_back(row.text(0));
      return {};
    }),
                Succeeds());
    return out;
  }

  const EmptyDatabase empty_{GetParam()};
  std::unique_ptr<Database> database_;
};

INSTANTIATE_TEST_SUITE_P(Database, RoomMigration, ::testing::Values(Engine::sqlite, Engine::postgres),
                         engine_name);

TEST_P(RoomMigration, CountsFilesAndReferencesAnew) {
  // layer 5000, config 4096; image 4096 with two references, index 5000 with one.
  constexpr std::int64_t kUsed = 5000 + 4096 + 4096 + 5000 + 3 * 256;
  EXPECT_EQ(texts("SELECT name || ' ' || CAST(used_bytes AS TEXT) FROM repositories"),
            std::vector<std::string>{"alice/app " + std::to_string(kUsed)});
  EXPECT_EQ(
      texts("SELECT name || ' ' || CAST(used_bytes AS TEXT) FROM namespaces WHERE name <> '' ORDER BY name"),
      (std::vector<std::string>{"#removed 0", "alice " + std::to_string(kUsed + 1000), "bob 0"}));
}

TEST_P(RoomMigration, KeepsWhatManifestsReferTo) {
  EXPECT_EQ(texts("SELECT p.digest || ' > ' || c.digest FROM manifest_children m "
                  "JOIN repository_digests p ON p.id = m.parent JOIN repository_digests c ON c.id = m.child "
                  "ORDER BY p.digest, c.digest"),
            (std::vector<std::string>{"image > config", "image > layer", "index > image"}));
}

}  // namespace
}  // namespace bulkhead::db::testing
