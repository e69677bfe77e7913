#include "transfer/names.h"

#include <gtest/gtest.h>

namespace bulkhead::transfer {
namespace {

SourceName parsed(std::string_view text, bool plain = false) {
  auto name = parse_source(text, plain);
  EXPECT_TRUE(name) << text << ": " << name.error().message;
  return name ? *name : SourceName{};
}

TEST(SourceNames, NameARegistryAndWhatIsWantedOfIt) {
  const auto one = parsed("registry.example.com:5000/acme/app:v1");
  EXPECT_EQ(one.url, "https://registry.example.com:5000");
  EXPECT_EQ(one.repository, "acme/app");
  ASSERT_TRUE(one.reference);
  EXPECT_EQ(std::get<oci::Tag>(*one.reference).render(), "v1");
  EXPECT_FALSE(one.all);
  const auto below = parsed("http://localhost/acme/*");
  EXPECT_EQ(below.url, "http://localhost");
  EXPECT_EQ(below.repository, "acme");
  EXPECT_TRUE(below.all);
  EXPECT_TRUE(parsed("harbor.example.com").all);
  EXPECT_TRUE(parsed("harbor.example.com/").all);
  EXPECT_EQ(parsed("localhost/a", true).url, "http://localhost");
  const std::string digest = "sha256:" + std::string(64, 'a');
  const auto pinned = parsed("localhost/a:v1@" + digest);
  EXPECT_EQ(pinned.repository, "a");
  EXPECT_EQ(std::get<oci::Digest>(*pinned.reference).render(), digest);
}

TEST(SourceNames, DockerHubIsCalledAsPeopleCallIt) {
  const auto alpine = parsed("docker.io/alpine:3.20");
  EXPECT_EQ(alpine.url, "https://registry-1.docker.io");
  EXPECT_EQ(alpine.repository, "library/alpine");
  EXPECT_EQ(parsed("docker.io/acme/app").repository, "acme/app");
}

TEST(SourceNames, ADirectoryIsAPath) {
  EXPECT_EQ(parsed("./app").directory, "./app");
  EXPECT_EQ(parsed("/srv/app").directory, "/srv/app");
}

TEST(SourceNames, RefuseWhatNamesNoRegistry) {
  for (const std::string_view text :
       {"alpine", "acme/app", "", "registry.example.com/Acme",
        "registry.example.com/a:", "registry.example.com/a@x", "user@registry.example.com/a",
        "registry.example.com/../a", "https://", "docker.io", "docker.io/acme/*"})
    EXPECT_FALSE(parse_source(text, false)) << text;
}

TEST(NameMaps, TheLongestPartThatFitsCounts) {
  NameMap map;
  ASSERT_TRUE(map.add("acme", "team"));
  ASSERT_TRUE(map.add("acme/app", "team/web"));
  EXPECT_EQ(map.map("acme/app")->render(), "team/web");
  EXPECT_EQ(map.map("acme/app/v2")->render(), "team/web/v2");
  EXPECT_EQ(map.map("acme/apple")->render(), "team/apple");
  EXPECT_EQ(map.map("acmeish/app")->render(), "acmeish/app");
  EXPECT_FALSE(map.add("acme", "other"));
  EXPECT_FALSE(map.add("Acme", "other"));
  map.set_below("mirror");
  EXPECT_EQ(map.map("other/app")->render(), "mirror/other/app");
  EXPECT_EQ(map.map("acme/app")->render(), "team/web");
}

TEST(NameMaps, LibraryIsDroppedWhereNobodySaysOtherwise) {
  NameMap map;
  EXPECT_EQ(map.map("library/alpine")->render(), "alpine");
  EXPECT_EQ(map.map("library/a/b")->render(), "library/a/b");
  map.set_below("hub");
  EXPECT_EQ(map.map("library/alpine")->render(), "hub/alpine");
  ASSERT_TRUE(map.add("library", "base"));
  EXPECT_EQ(map.map("library/alpine")->render(), "base/alpine");
}

}  // namespace
}  // namespace bulkhead::transfer
