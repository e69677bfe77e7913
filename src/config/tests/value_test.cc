#include "config/value.h"

#include <gtest/gtest.h>

namespace bulkhead::config {
namespace {

using List = std::vector<std::string>;

TEST(Size, ReadsBytesAndBinaryUnits) {
  EXPECT_EQ(as_size(std::int64_t{4096}), 4096u);
  EXPECT_EQ(as_size("64MiB"), 64 * kMiB);
  EXPECT_EQ(as_size(Untyped{"64MiB"}), 64 * kMiB);
  EXPECT_EQ(as_size(Untyped{"4096"}), 4096u);
  EXPECT_EQ(as_size("1TiB"), 1024 * kGiB);
  EXPECT_EQ(as_size("0KiB"), 0u);
}

TEST(Size, RefusesWhatCouldMeanTwoThings) {
  for (const auto text :
       {"64MB", "64M", "64 MiB", "64mib", "MiB", "", "-1KiB", "+1KiB", "1.5MiB", "0x10", "64MiB "})
    EXPECT_FALSE(as_size(Untyped{text})) << text;
  EXPECT_FALSE(as_size(std::int64_t{-1}));
  EXPECT_FALSE(as_size(true));
  EXPECT_FALSE(as_size("4096")) << "a number in quotes is a mistake in TOML";
}

TEST(Size, RefusesWhatDoesNotFit) {
  EXPECT_TRUE(as_size("8388607TiB"));
  EXPECT_FALSE(as_size("8388608TiB"));
  EXPECT_FALSE(as_size(Untyped{"18446744073709551616"}));
}

TEST(Duration, ReadsEachUnit) {
  EXPECT_EQ(as_duration("250ms"), Duration(250));
  EXPECT_EQ(as_duration("5s"), Duration(5'000));
  EXPECT_EQ(as_duration(Untyped{"2m"}), Duration(120'000));
  EXPECT_EQ(as_duration("24h"), Duration(86'400'000));
  EXPECT_EQ(as_duration("30d"), 30 * as_duration("24h").value());
  EXPECT_EQ(as_duration("0s"), Duration(0));
}

TEST(Duration, RefusesANumberWithoutItsUnit) {
  EXPECT_FALSE(as_duration(std::int64_t{5}));
  for (const auto text : {"5", "", "s", "-5s", "5 s", "5S", "1h30m", "0.5s", "99999999999999999999s"})
    EXPECT_FALSE(as_duration(Untyped{text})) << text;
  EXPECT_FALSE(as_duration("106751991168d")) << "past what milliseconds in 63 bits hold";
}

TEST(Rendering, ReadsBackAsTheSameValue) {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1000}, kKiB, 3 * kMiB, 10 * kGiB, 1024 * kGiB})
    EXPECT_EQ(as_size(Untyped{render_size(bytes)}), bytes);
  for (const int milliseconds : {0, 1, 999, 1'000, 90'000, 3'600'000, 86'400'000})
    EXPECT_EQ(as_duration(render_duration(Duration(milliseconds))), Duration(milliseconds));
  EXPECT_EQ(render_duration(Duration(86'400'000)), "24h");
  EXPECT_EQ(render_duration(Duration(90'000)), "90s");
}

TEST(Boolean, IsTrueOrFalseAndNothingElse) {
  EXPECT_EQ(as_boolean(true), true);
  EXPECT_EQ(as_boolean(Untyped{"false"}), false);
  for (const auto text : {"yes", "1", "True", ""}) EXPECT_FALSE(as_boolean(Untyped{text})) << text;
  EXPECT_FALSE(as_boolean("true"));
  EXPECT_FALSE(as_boolean(std::int64_t{1}));
}

TEST(List, SplitsUntypedTextAtCommas) {
  EXPECT_EQ(as_list(Untyped{"a, b,c"}), (List{"a", "b", "c"}));
  EXPECT_EQ(as_list(Untyped{""}), List{});
  EXPECT_EQ(as_list(Untyped{"  "}), List{});
  EXPECT_EQ(as_list(Untyped{"a,"}), (List{"a", ""})) << "an empty item is for the setting to refuse";
  EXPECT_EQ(as_list(List{"a,b"}), List{"a,b"});
  EXPECT_FALSE(as_list("a,b"));
}

TEST(Endpoint, ReadsBothFamilies) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:5000"), (Endpoint{"127.0.0.1", 5000}));
  EXPECT_EQ(parse_endpoint("[::1]:0"), (Endpoint{"::1", 0}));
  for (const auto text : {"127.0.0.1:65535", "[2001:db8::1]:443"})
    EXPECT_EQ(render(parse_endpoint(text).value()), text);
}

TEST(Endpoint, RefusesWhatIsNotAnAddressAndAPort) {
  for (const auto text :
       {"", ":5000", "5000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:5000 ",
        "::1:5000", "[::1]", "[127.0.0.1]:80", "localhost:5000", "[]:80", "127.0.0.1/8:80"})
    EXPECT_FALSE(parse_endpoint(text)) << text;
}

TEST(WithoutPassword, HidesItInTheAuthority) {
  EXPECT_EQ(without_password("postgres://bulkhead:hunter2@db:5432/app"),
            "postgres://bulkhead:***@db:5432/app");
  EXPECT_EQ(without_password("postgres://:hunter2@db/app"), "postgres://:***@db/app");
}

TEST(WithoutPassword, HidesItInTheQuery) {
  EXPECT_EQ(without_password("postgres://db/app?password=hunter2&sslmode=require"),
            "postgres://db/app?password=***&sslmode=require");
  EXPECT_EQ(without_password("postgres://db/app?sslpassword=hunter2"), "postgres://db/app?sslpassword=***");
}

TEST(WithoutPassword, HidesItInAUrlThatIsMalformed) {
  for (const auto url :
       {"postgres://u:hunter2/x@db/app", "postgres://u:hunter2?x@db/app", "postgres://u:hunter2@x@db/app",
        "postgres:/u:hunter2@db/app", "u:hunter2@db", "host=db password=hunter2 user=u"})
    EXPECT_EQ(without_password(url).find("hunter2"), std::string::npos) << without_password(url);
}

TEST(WithoutPassword, LeavesTheRestAlone) {
  for (const auto url : {"sqlite", "postgres://db:5432/app", "postgres://u@/app?host=/run/postgresql"})
    EXPECT_EQ(without_password(url), url);
}

}  // namespace
}  // namespace bulkhead::config
