#include "ldap/names.h"

#include <gtest/gtest.h>

namespace bulkhead::ldap {
namespace {

TEST(NamesTest, LetterCaseAndSpacesDoNotMatter) {
  for (const char* same : {"Dev Ops", "dev ops", " DEV  OPS ", "dev\u00a0ops"})
    EXPECT_EQ(comparable_name(same), "dev ops") << same;
  EXPECT_NE(comparable_name("devops"), "dev ops");
  EXPECT_EQ(comparable_name("ÄRZTE"), comparable_name("ärzte"));
  EXPECT_NE(comparable_name("Ärzte"), comparable_name("Arzte"));
  EXPECT_EQ(comparable_name(""), "");
  EXPECT_NE(comparable_name("a\xff"), comparable_name("a\xfe")) << "what is not text stays what it is";
}

TEST(NamesTest, DistinguishedNamesHaveOneFormForAllSpellings) {
  const std::string form = comparable_dn("cn=Dev\\2C Ops,ou=groups,dc=example,dc=org");
  for (const char* same :
       {"CN=dev\\, ops,OU=Groups,DC=Example,DC=ORG", "cn=dev\\,  ops, ou=groups, dc=example, dc=org",
        "2.5.4.3=Dev\\, Ops,2.5.4.11=groups,0.9.2342.19200300.100.1.25=example,dc=org",
        "commonName=Dev\\, Ops,organizationalUnitName=groups,domainComponent=example,dc=org"})
    EXPECT_EQ(comparable_dn(same), form) << same;
  for (const char* other :
       {"cn=Dev Ops,ou=groups,dc=example,dc=org", "cn=Dev\\, Ops,ou=people,dc=example,dc=org",
        "cn=Dev\\, Ops,dc=example,dc=org", "uid=Dev\\, Ops,ou=groups,dc=example,dc=org",
        "cn=Dev\\, Ops,ou=groups,dc=org,dc=example"})
    EXPECT_NE(comparable_dn(other), form) << other;
  EXPECT_EQ(comparable_dn("cn=a+ou=b,dc=c"), comparable_dn("OU=B + CN=A,dc=c"));
  EXPECT_NE(comparable_dn("cn=a+ou=b,dc=c"), comparable_dn("cn=a,ou=b,dc=c"));
}

TEST(NamesTest, NoValueLooksLikeTwo) {
  EXPECT_NE(comparable_dn("cn=a\\,ou=b"), comparable_dn("cn=a,ou=b"));
  EXPECT_NE(comparable_dn("cn=a\\+ou=b"), comparable_dn("cn=a+ou=b"));
  EXPECT_NE(comparable_dn("cn=a+ou=b"), comparable_dn("cn=1:a+ou=1:b"));
}

TEST(NamesTest, ANameIsNoDistinguishedNameAndComparesAsItIs) {
  EXPECT_EQ(comparable_dn("Developers "), comparable_dn("developers"));
  EXPECT_NE(comparable_dn("developers"), comparable_dn("cn=developers"));
}

TEST(NamesTest, TheSettingsSayWhichItIs) {
  Settings settings;
  EXPECT_EQ(comparable_group(settings, "CN=A, DC=B"), comparable_name("CN=A, DC=B"));
  settings.group_name_attribute = "dn";
  EXPECT_EQ(comparable_group(settings, "CN=A, DC=B"), comparable_dn("cn=a,dc=b"));
}

}  // namespace
}  // namespace bulkhead::ldap
