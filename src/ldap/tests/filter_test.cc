#include "ldap/filter.h"

#include <gtest/gtest.h>

#include "ldap/url.h"

namespace bulkhead::ldap {
namespace {

std::string shape(std::string_view text) {
  const auto parsed = parse_filter(text);
  return parsed ? parsed->shape : "refused";
}

TEST(Filter, EscapesWhateverCouldEndAValue) {
  using namespace std::string_view_literals;
  EXPECT_EQ(escape("alice.o-r_1@example"), "alice.o-r_1@example");
  EXPECT_EQ(escape("*"), "\\2a");
  EXPECT_EQ(escape(")(uid=*"), "\\29\\28uid\\3d\\2a");
  EXPECT_EQ(escape("a\0b"sv), "a\\00b");
  EXPECT_EQ(escape("\\5c"), "\\5c5c");
  EXPECT_EQ(escape("\xff {name}"), "\\ff\\20\\7bname\\7d");
}

TEST(Filter, ParsesWhatTheStandardAllows) {
  EXPECT_EQ(shape("(uid=alice)"), "(uid=#)");
  EXPECT_EQ(shape("(&(uid=alice)(|(a>=1)(b<=2)(c~=3))(!(d=*)))"), "(&(uid=#)(|(a>=#)(b<=#)(c~=#))(!(d=*)))");
  EXPECT_EQ(shape("(cn=)"), "(cn=#)");
  EXPECT_EQ(shape("(cn=a*b*c)"), "(cn=#*#*#)");
  EXPECT_EQ(shape("(cn=*b*)"), "(cn=*#*)");
  EXPECT_EQ(shape("(cn;lang-en=a)"), "(cn;lang-en=#)");
  EXPECT_EQ(shape("(2.5.4.3=a)"), "(2.5.4.3=#)");
  EXPECT_EQ(shape("(member:1.2.840.113556.1.4.1941:=cn=x)"), "(member:1.2.840.113556.1.4.1941:=#)");
  EXPECT_EQ(shape("(cn:dn:caseExactMatch:=a)"), "(cn:dn:caseExactMatch:=#)");
  EXPECT_EQ(shape("(cn:dn:=a)"), "(cn:dn:=#)");
  EXPECT_EQ(shape("(cn:=a)"), "(cn:=#)");
  EXPECT_EQ(shape("(:dn:2.4.6=:=a)"), "refused");
  EXPECT_EQ(shape("(:caseExactMatch:=a)"), "(:caseExactMatch:=#)");
  EXPECT_EQ(shape("(cn=L\xc3\xbcns)"), "(cn=#)");
  EXPECT_EQ(parse_filter("(cn=\\2a\\41b)")->values.front().bytes, "*Ab");
}

TEST(Filter, RefusesEverythingElse) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      "uid=a"sv,
                                      "(uid=a"sv,
                                      "(uid=a))"sv,
                                      "(uid=a)(b=c)"sv,
                                      "(&)"sv,
                                      "(!(a=b)(c=d))"sv,
                                      "(=a)"sv,
                                      "(a b=c)"sv,
                                      "(uid=a(b)"sv,
                                      "(uid=\\2)"sv,
                                      "(uid=\\zz)"sv,
                                      "(uid=a\0b)"sv,
                                      "(uid=\xff)"sv,
                                      "(1a=b)"sv,
                                      "(uid>=a*)"sv,
                                      "(uid=**)"sv,
                                      " (uid=a)"sv,
                                      "(uid;=a)"sv,
                                      "(:=a)"sv,
                                      "(:dn:=a)"sv,
                                      "()"sv})
    EXPECT_EQ(shape(text), "refused") << text;
  std::string deep;
  for (int depth = 0; depth < 100'000; ++depth) deep += "(!";
  EXPECT_EQ(shape(deep), "refused");
}

TEST(Filter, HoldsItsPlaceholderInValuesOnly) {
  for (const char* text : {"(uid={name})", "(&(objectClass=person)(|(uid={name})(mail={name}@example.org)))",
                           "(cn=\\7bx\\7d {name})", "(&(uid={name})(!(locked=TRUE)))"})
    EXPECT_TRUE(check_filter(text, FilterKind::user)) << text;
  for (const char* text : {"(uid=alice)", "({name}=alice)", "{name}", "(uid={name}", "(uid={dn})",
                           "(uid={nam})", "(uid={name}{)", "(!(uid={name}))", "(uid>={name})",
                           "(cn:caseExactMatch:={name})", "(uid=\\{name})", "(uid=\\4{name})"})
    EXPECT_FALSE(check_filter(text, FilterKind::user)) << text;
  for (const char* text : {"(member={dn})", "(memberUid={name})", "(member:1.2.840.113556.1.4.1941:={dn})",
                           "(|(member={dn})(memberUid={name}))"})
    EXPECT_TRUE(check_filter(text, FilterKind::group)) << text;
  for (const char* text : {"(cn=admins)", "(member={DN})", "(member={dn}) "})
    EXPECT_FALSE(check_filter(text, FilterKind::group)) << text;
  EXPECT_FALSE(check_filter("(uid={name}" + std::string(1024, 'a') + ")", FilterKind::user));
}

TEST(Filter, FillsInValuesThatStayValues) {
  EXPECT_EQ(fill_in("(|(member={dn})(memberUid={name}))", "a*", "cn=a,b"),
            "(|(member=cn\\3da\\2cb)(memberUid=a\\2a))");
  // What is filled in is not looked at again.
  EXPECT_EQ(fill_in("(uid={name})", "{dn}", "x"), "(uid=\\7bdn\\7d)");
  EXPECT_EQ(fill_any("(&(uid={name})(mail={name}@*)(cn=a\\2a))"), "(&(uid=*)(mail=*@*)(cn=a\\2a))");
  EXPECT_EQ(fill_any("(cn=*{name}*)"), "(cn=*)");
}

TEST(Filter, KnowsDescriptorsAndOids) {
  for (const char* text : {"uid", "a-1", "X"}) EXPECT_TRUE(is_descriptor(text)) << text;
  for (const char* text : {"", "1a", "a_b", "a b", "a;b", "-a", "a.b"})
    EXPECT_FALSE(is_descriptor(text)) << text;
  for (const char* text : {"0.9.2342", "2.5.4.3", "1.0"}) EXPECT_TRUE(is_numeric_oid(text)) << text;
  for (const char* text : {"", "1", "1.", ".1", "1..2", "01.2", "1.02", "1.a"})
    EXPECT_FALSE(is_numeric_oid(text)) << text;
}

TEST(Url, IsAHostAndAPort) {
  EXPECT_EQ(parse_url("ldaps://directory.example.org"), (Url{true, "directory.example.org", 0}));
  EXPECT_EQ(parse_url("ldap://10.0.0.1:1389"), (Url{false, "10.0.0.1", 1389}));
  EXPECT_EQ(parse_url("ldaps://[::1]:636"), (Url{true, "::1", 636}));
  for (const char* text : {"ldaps://directory.example.org", "ldap://10.0.0.1:1389", "ldaps://[::1]:636"})
    EXPECT_EQ(parse_url(text)->render(), text);
}

TEST(Url, IsNothingElse) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv,
                                      "ldap://"sv,
                                      "ldapi://%2ftmp%2fsocket"sv,
                                      "https://a"sv,
                                      "LDAP://a"sv,
                                      "ldap:a"sv,
                                      "ldap://a/"sv,
                                      "ldap://a/dc=b"sv,
                                      "ldap://a?b"sv,
                                      "ldap://a ldap://b"sv,
                                      "ldap://a:0"sv,
                                      "ldap://a:65536"sv,
                                      "ldap://a:"sv,
                                      "ldap://a:+1"sv,
                                      "ldap://a:01"sv,
                                      "ldap://u@a"sv,
                                      "ldap://a..b"sv,
                                      "ldap://.a"sv,
                                      "ldap://[::1"sv,
                                      "ldap://[::1]x"sv,
                                      "ldap://[a]"sv,
                                      "ldap://::1"sv,
                                      "ldap://a\0b"sv,
                                      "ldap://[::1\0]"sv,
                                      "ldap://%41"sv,
                                      "ldap://a,b"sv})
    EXPECT_FALSE(parse_url(text)) << text;
  EXPECT_FALSE(parse_url("ldap://" + std::string(254, 'a')));
}

}  // namespace
}  // namespace bulkhead::ldap
