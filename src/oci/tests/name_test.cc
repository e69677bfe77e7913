#include "oci/name.h"

#include <gtest/gtest.h>

namespace bulkhead::oci {
namespace {

TEST(RepositoryName, AcceptsTheGrammar) {
  for (const std::string_view text :
       {"a", "7", "app", "library/debian", "a/b/c/d/e", "a.b", "a_b", "a__b", "a-b", "a--b", "a---------b",
        "1.2.3", "a-b_c.d__e/f", "xn--abc/x--y", "aux", "manifests/blobs/tags/list"}) {
    const auto name = RepositoryName::parse(text);
    ASSERT_TRUE(name) << text << ": " << name.error().message;
    EXPECT_EQ(name->render(), text);
  }
}

TEST(RepositoryName, IsAskedForWithLibraryBeforeANameOfOnePart) {
  for (const auto& [text, name] :
       {std::pair("library/alpine", "alpine"), std::pair("alpine", "alpine"),
        std::pair("library/a/b", "library/a/b"), std::pair("library", "library"),
        std::pair("library/library", "library"), std::pair("acme/library/app", "acme/library/app")})
    EXPECT_EQ(RepositoryName::parse_asked(text)->render(), name);
  for (const char* text : {"library/", "library//a", "library/A", "/library/a"})
    EXPECT_FALSE(RepositoryName::parse_asked(text)) << text;
}

TEST(RepositoryName, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "/",
                                      "a/",
                                      "/a",
                                      "a//b",
                                      "A",
                                      "aB",
                                      "a/B",
                                      ".",
                                      "..",
                                      "a/..",
                                      "../a",
                                      "a/../b",
                                      "a/./b",
                                      "a..b",
                                      ".a",
                                      "a.",
                                      "_a",
                                      "a_",
                                      "-a",
                                      "a-",
                                      "a___b",
                                      "a.-b",
                                      "a-.b",
                                      "a._b",
                                      "a_-b",
                                      "a-_b",
                                      "a_._b",
                                      "a/-b",
                                      "a-/b",
                                      "a b",
                                      " a",
                                      "a ",
                                      "a:b",
                                      "a@b",
                                      "a%2fb",
                                      "a\\b",
                                      "a+b",
                                      "a\nb",
                                      "a\n",
                                      "\xc3\xa9",
                                      "a\xc0\xaf",
                                      "\xc0\xae\xc0\xae/a",
                                      "a?b",
                                      "a#b",
                                      "a~b"}) {
    const auto name = RepositoryName::parse(text);
    ASSERT_FALSE(name) << text;
    EXPECT_EQ(name.error().code, Errc::name_invalid) << text;
  }
  EXPECT_FALSE(RepositoryName::parse(std::string_view("a\0b", 3)));
  EXPECT_FALSE(RepositoryName::parse(std::string_view("a\0", 2)));
}

TEST(RepositoryName, IsAtMost255Characters) {
  EXPECT_TRUE(RepositoryName::parse(std::string(255, 'a')));
  const auto name = RepositoryName::parse(std::string(256, 'a'));
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, Errc::name_invalid);
  EXPECT_NE(name.error().message.find("256"), std::string::npos);
  EXPECT_NE(name.error().message.find("255"), std::string::npos);
  EXPECT_TRUE(RepositoryName::parse(std::string(127, 'a') + '/' + std::string(127, 'a')));
  EXPECT_FALSE(RepositoryName::parse(std::string(127, 'a') + '/' + std::string(128, 'a')));
}

TEST(RepositoryName, SaysWhatToDoAboutUpperCase) {
  EXPECT_EQ(RepositoryName::parse("team/App").error().message,
            "repository name \"team/App\" has upper-case letters; use lower case");
}

TEST(RepositoryName, NamesTheComponentThatIsWrong) {
  EXPECT_NE(RepositoryName::parse("team/a..b/c").error().message.find("\"a..b\""), std::string::npos);
}

TEST(RepositoryName, BelongsToItsFirstComponent) {
  EXPECT_EQ(RepositoryName::parse("team/app/web")->namespace_name(), "team");
  EXPECT_EQ(RepositoryName::parse("team/app")->namespace_name(), "team");
}

TEST(RepositoryName, OfOneComponentHasNoNamespace) {
  EXPECT_EQ(RepositoryName::parse("debian")->namespace_name(), "");
}

TEST(Tag, AcceptsTheGrammar) {
  for (const std::string_view text :
       {"latest", "v1.2.3", "A", "_", "0", "_-.", "a..b", "1-", "sha256-abc.sig"}) {
    const auto tag = Tag::parse(text);
    ASSERT_TRUE(tag) << text << ": " << tag.error().message;
    EXPECT_EQ(tag->render(), text);
  }
}

TEST(Tag, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", ".a", "-a", ".", "..", "a b", "a/b", "a+b", "a:b", "a@b", "a\n", "\xc3\xa9", "a%20b", "a*"}) {
    const auto tag = Tag::parse(text);
    ASSERT_FALSE(tag) << text;
    EXPECT_EQ(tag.error().code, Errc::tag_invalid) << text;
  }
  EXPECT_FALSE(Tag::parse(std::string_view("a\0b", 3)));
}

TEST(Tag, IsAtMost128Characters) {
  EXPECT_TRUE(Tag::parse(std::string(128, 'a')));
  const auto tag = Tag::parse(std::string(129, 'a'));
  ASSERT_FALSE(tag);
  EXPECT_EQ(tag.error().code, Errc::tag_invalid);
}

TEST(Reference, IsATagWithoutAColon) {
  const auto reference = parse_reference("v1");
  ASSERT_TRUE(reference);
  ASSERT_TRUE(std::holds_alternative<Tag>(*reference));
  EXPECT_EQ(std::get<Tag>(*reference).render(), "v1");
}

TEST(Reference, IsADigestWithAColon) {
  const std::string text = "sha256:" + std::string(64, 'a');
  const auto reference = parse_reference(text);
  ASSERT_TRUE(reference);
  ASSERT_TRUE(std::holds_alternative<Digest>(*reference));
  EXPECT_EQ(std::get<Digest>(*reference).render(), text);
}

TEST(Reference, FailsAsWhatItLooksLike) {
  EXPECT_EQ(parse_reference(".a").error().code, Errc::tag_invalid);
  EXPECT_EQ(parse_reference("").error().code, Errc::tag_invalid);
  EXPECT_EQ(parse_reference(std::string(129, 'a')).error().code, Errc::tag_invalid);
  EXPECT_EQ(parse_reference("sha256:abc").error().code, Errc::digest_invalid);
  EXPECT_EQ(parse_reference("md5:abc").error().code, Errc::digest_unsupported);
}

}  // namespace
}  // namespace bulkhead::oci
