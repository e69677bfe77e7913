#include "ldap/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>

#include "ldap/testing/slapd_server.h"

namespace bulkhead::ldap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SlapdServer;
using ::testing::StartsWith;

// What the environment can tell libldap, and would if it were asked. Set before libldap is first used.
class HostileEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    for (const auto& [name, value] : {std::pair{"LDAPTLS_REQCERT", "never"},
                                      {"LDAPTLS_REQSAN", "never"},
                                      {"LDAPTLS_CACERT", "/nonexistent/ca.pem"},
                                      {"LDAPTLS_CERT", "/nonexistent/client.pem"},
                                      {"LDAPTLS_CIPHER_SUITE", "NONE"},
                                      {"LDAPTLS_PROTOCOL_MIN", "9.9"},
                                      {"LDAPTLS_CRLFILE", "/nonexistent/crl.pem"},
                                      {"LDAPREFERRALS", "on"},
                                      {"LDAPDEREF", "always"},
                                      {"LDAPSIZELIMIT", "1"},
                                      {"LDAPURI", "ldap://127.0.0.1:1"},
                                      {"LDAPBASE", "dc=elsewhere"},
                                      {"LDAPBINDDN", "cn=somebody"},
                                      {"LDAPVERSION", "2"}})
      ::setenv(name, value, 1);
  }
};
[[maybe_unused]] const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new HostileEnvironment);

std::string entries(std::uint16_t elsewhere) {
  std::string ldif = R"(dn: uid=alice,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
objectClass: guidHolder
uid: alice
cn: Alice Example
sn: Example
mail: alice@example.org
employeeNumber: 7
objectGUID:: AP8QKSooXGludg==
userPassword: correct horse

dn: cn=Smith\, Bob (*)\\+uid=bob,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: bob
cn: Smith, Bob (*)\
sn: Smith
userPassword: battery staple

dn: uid=carol,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: carol
cn:: Q2Fyb2wbWzMxbQ==
sn: Carol
mail:: Y2Fyb2xAZXhhbXBsZS5vcmcKQmNjOiB4
employeeNumber: 8
employeeType: one
employeeType: two
userPassword: carol

dn: ou=north,ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: north

dn: uid=twin,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: Twin
userPassword: twin

dn: uid=twin,ou=north,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: Twin
userPassword: twin

dn: uid=mover,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: mover
cn: Mover
sn: Mover
employeeType: staff
userPassword: mover

dn: uid=leaver,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: leaver
cn: Leaver
sn: Leaver
userPassword: leaver

dn: ou=open,dc=example,dc=org
objectClass: organizationalUnit
ou: open

dn: uid=olga,ou=open,dc=example,dc=org
objectClass: inetOrgPerson
uid: olga
cn: Olga
sn: Olga
userPassword: olga

dn: ou=elsewhere,ou=people,dc=example,dc=org
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://127.0.0.1:@/ou=people,dc=example,dc=org

dn: cn=developers,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: developers
member: uid=alice,ou=people,dc=example,dc=org
member: cn=Smith\, Bob (*)\\+uid=bob,ou=people,dc=example,dc=org

dn: cn=administrators,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: administrators
cn: admins
member: uid=alice,ou=people,dc=example,dc=org

dn: cn=builders,ou=groups,dc=example,dc=org
objectClass: posixGroup
cn: builders
gidNumber: 1
memberUid: alice

dn: cn=others,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: others
member: uid=somebody,ou=people,dc=example,dc=org

)";
  return ldif.replace(ldif.find('@' + std::string("/ou")), 1, std::to_string(elsewhere));
}

class DirectoryTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    elsewhere_ = std::make_unique<testing::SilentServer>();
    server_ = std::make_unique<SlapdServer>(entries(elsewhere_->port()));
  }
  static void TearDownTestSuite() {
    server_.reset();
    elsewhere_.reset();
  }

  static Settings settings() {
    Settings settings;
    settings.url = server_->url();
    settings.bind_dn = SlapdServer::kSearcher;
    settings.user_base = SlapdServer::kPeople;
    settings.group_base = SlapdServer::kGroups;
    return settings;
  }
  static Options options() {
    Options options;
    options.plain_hosts = {"127.0.0.1"};
    options.limits.timeout = std::chrono::seconds(20);
    return options;
  }
  static Secret<> bind_password() { return Secret<>(std::string(SlapdServer::kSearcherPassword)); }

  static Result<Person> log_in(std::string_view name, std::string password,
                               const Settings& settings = DirectoryTest::settings(),
                               const Options& options = DirectoryTest::options()) {
    return Directory(options).authenticate(settings, bind_password(), name, Secret<>(std::move(password)));
  }
  static Result<Person> look_up(std::string_view id, const Settings& settings = DirectoryTest::settings()) {
    return Directory(options()).look_up(settings, bind_password(), id);
  }
  // "" for a success.
  static std::string refusal(const Result<Person>& result) {
    return result ? "" : std::string(name(result.error().code)) + ": " + result.error().message;
  }

  // The test's directory has a referral beside its people; those who are not here may be there. Only evidence
  // says so.
  static ::testing::Matcher<std::string> nobody() {
    return AllOf(StartsWith("unauthenticated: nobody here has this name"), HasSubstr("is not followed"));
  }
  static const std::string kRefused;
  static std::unique_ptr<testing::SilentServer> elsewhere_;
  static std::unique_ptr<SlapdServer> server_;
};
const std::string DirectoryTest::kRefused = "unauthenticated: the user name or the password is wrong";
std::unique_ptr<testing::SilentServer> DirectoryTest::elsewhere_;
std::unique_ptr<SlapdServer> DirectoryTest::server_;

TEST_F(DirectoryTest, KnowsAPersonByTheirPassword) {
  const auto person = log_in("alice", "correct horse");
  ASSERT_TRUE(person) << person.error().message;
  EXPECT_EQ(person->id.size(), 36u);
  EXPECT_EQ(person->dn, "uid=alice,ou=people,dc=example,dc=org");
  EXPECT_EQ(person->name, "alice");
  EXPECT_EQ(person->display_name, "Alice Example");
  EXPECT_EQ(person->email, "alice@example.org");
  EXPECT_THAT(person->groups, ElementsAre("administrators", "admins", "developers"));
}

TEST_F(DirectoryTest, RefusesEverythingElseAlike) {
  EXPECT_EQ(refusal(log_in("alice", "wrong")), kRefused);
  EXPECT_EQ(refusal(log_in("alice", "")), kRefused);
  EXPECT_EQ(refusal(log_in("alice", std::string(1 << 20, 'x'))), kRefused);
  EXPECT_EQ(refusal(log_in("alice", std::string("correct horse\0", 14))), kRefused);
  EXPECT_THAT(refusal(log_in("nobody", "correct horse")), nobody());
  EXPECT_EQ(refusal(log_in("twin", "twin")), kRefused);
}

TEST_F(DirectoryTest, TakesANameOnlyAsAName) {
  using namespace std::string_view_literals;
  for (const std::string_view name :
       {""sv, "*"sv, "a*"sv, "alice)(uid=*"sv, ")(uid=*"sv, "*)(objectClass=*"sv, "alice)(|(uid=*"sv,
        "\\2a"sv, "alice\0"sv, "alice\0bob"sv, "\0"sv, "\xff\xfe"sv, "(uid=alice)"sv, "{name}"sv,
        "uid=alice,ou=people,dc=example,dc=org"sv})
    EXPECT_THAT(refusal(log_in(name, "correct horse")), ::testing::AnyOf(kRefused, nobody())) << name;
  EXPECT_EQ(refusal(log_in(std::string(257, 'a'), "correct horse")), kRefused);
  EXPECT_EQ(refusal(log_in(std::string(1 << 20, '*'), "correct horse")), kRefused);
}

TEST_F(DirectoryTest, RefusesWhatNeedsNoDirectoryWithoutAskingIt) {
  const testing::SilentServer silent;
  Settings settings = DirectoryTest::settings();
  settings.url = "ldap://127.0.0.1:" + std::to_string(silent.port());
  EXPECT_EQ(refusal(log_in("alice", "", settings)), kRefused);
  EXPECT_EQ(refusal(log_in("", "x", settings)), kRefused);
  EXPECT_EQ(refusal(log_in(std::string(257, 'a'), "x", settings)), kRefused);
  EXPECT_FALSE(silent.was_connected_to());
}

TEST_F(DirectoryTest, PutsADistinguishedNameIntoTheGroupFilterAsItIs) {
  const auto person = log_in("bob", "battery staple");
  ASSERT_TRUE(person) << person.error().message;
  EXPECT_EQ(person->display_name, "Smith, Bob (*)\\");
  EXPECT_THAT(person->groups, ElementsAre("developers"));
}

TEST_F(DirectoryTest, FindsGroupsByNameAndByDistinguishedName) {
  Settings settings = DirectoryTest::settings();
  settings.group_filter = "(|(memberUid={name})(member={dn}))";
  settings.group_name_attribute = "dn";
  const auto person = log_in("alice", "correct horse", settings);
  ASSERT_TRUE(person) << person.error().message;
  EXPECT_THAT(person->groups, ElementsAre("cn=administrators,ou=groups,dc=example,dc=org",
                                          "cn=builders,ou=groups,dc=example,dc=org",
                                          "cn=developers,ou=groups,dc=example,dc=org"));
  settings.group_filter = "(memberUid={name})";
  settings.group_name_attribute = "cn";
  EXPECT_THAT(log_in("alice", "correct horse", settings)->groups, ElementsAre("builders"));
  settings.group_base = "";
  EXPECT_THAT(log_in("alice", "correct horse", settings)->groups, IsEmpty());
}

TEST_F(DirectoryTest, SaysWhenThereAreMoreGroupsThanItLooksAt) {
  Options options = DirectoryTest::options();
  options.limits.groups = 3;
  const auto all = log_in("alice", "correct horse", settings(), options);
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->groups_missing, "");
  options.limits.groups = 2;  // two entries, three names
  const auto two = log_in("alice", "correct horse", settings(), options);
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(two->groups.size(), 2u);
  EXPECT_THAT(two->groups_missing, HasSubstr("more groups than the 2"));
  options.limits.groups = 1;
  const auto one = log_in("alice", "correct horse", settings(), options);
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->groups.size(), 1u);
  EXPECT_THAT(one->groups_missing, HasSubstr("more groups than the 1"));
}

TEST_F(DirectoryTest, LeavesOutTextThatTerminalsObey) {
  const auto person = log_in("carol", "carol");
  ASSERT_TRUE(person) << person.error().message;
  EXPECT_EQ(person->display_name, "");
  EXPECT_EQ(person->email, "");
  EXPECT_THAT(person->groups, IsEmpty());
}

TEST_F(DirectoryTest, LeavesOutValuesThatAreTooLong) {
  Options options = DirectoryTest::options();
  options.limits.value_bytes = 40;  // room for the id and the DN
  const std::string dn = "uid=carol,ou=people,dc=example,dc=org";
  server_->replace(dn, "description", {std::string(41, 'x')});
  Settings settings = DirectoryTest::settings();
  settings.email_attribute = "description";
  EXPECT_EQ(log_in("carol", "carol", settings, options)->email, "");
  options.limits.value_bytes = 41;
  EXPECT_EQ(log_in("carol", "carol", settings, options)->email, std::string(41, 'x'));
  options.limits.value_bytes = 35;
  EXPECT_THAT(refusal(log_in("carol", "carol", settings, options)), HasSubstr("unavailable"));
}

TEST_F(DirectoryTest, NeedsExactlyOneId) {
  Settings settings = DirectoryTest::settings();
  settings.id_attribute = "title";
  EXPECT_THAT(refusal(log_in("carol", "carol", settings)),
              HasSubstr("unavailable: the directory shows no single title"));
  settings.id_attribute = "employeeType";
  EXPECT_THAT(refusal(log_in("carol", "carol", settings)), HasSubstr("no single employeeType"));
  // Not said to who does not know the password.
  EXPECT_EQ(refusal(log_in("carol", "wrong", settings)), kRefused);
  settings.id_attribute = "EMPLOYEENUMBER";
  EXPECT_EQ(log_in("carol", "carol", settings)->id, "8");
}

TEST_F(DirectoryTest, WritesBinaryIdsInHexAndFindsThemAgain) {
  Settings settings = DirectoryTest::settings();
  settings.id_attribute = "objectGUID";
  const auto person = log_in("alice", "correct horse", settings);
  ASSERT_TRUE(person) << person.error().message;
  EXPECT_EQ(person->id, "hex:00ff10292a285c696e76");  // with \0 ) * ( and a backslash
  const auto again = look_up(person->id, settings);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->dn, person->dn);
  for (const char* id : {"hex:", "hex:00FF10292A285C696E76", "hex:0", "00ff10292a285c696e76", "hex:61"})
    EXPECT_THAT(refusal(look_up(id, settings)), HasSubstr("not_found")) << id;
}

TEST_F(DirectoryTest, FindsARenamedPersonByTheirId) {
  const auto before = log_in("mover", "mover");
  ASSERT_TRUE(before) << before.error().message;
  server_->rename(before->dn, "uid=moved");
  const auto after = look_up(before->id);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->id, before->id);
  EXPECT_EQ(after->name, "moved");
  EXPECT_EQ(after->dn, "uid=moved,ou=people,dc=example,dc=org");

  // Who no longer fits the user filter is gone, as they could no longer log in.
  Settings staff = settings();
  staff.user_filter = "(&(uid={name})(employeeType=staff))";
  EXPECT_TRUE(look_up(before->id, staff));
  server_->replace(after->dn, "employeeType", {"guest"});
  EXPECT_THAT(refusal(look_up(before->id, staff)), HasSubstr("not_found"));
}

TEST_F(DirectoryTest, SaysWhenAPersonIsGone) {
  const auto person = log_in("leaver", "leaver");
  ASSERT_TRUE(person) << person.error().message;
  EXPECT_TRUE(look_up(person->id));
  server_->remove(person->dn);
  EXPECT_THAT(refusal(look_up(person->id)), HasSubstr("not_found"));
  EXPECT_THAT(refusal(log_in("leaver", "leaver")), nobody());
}

TEST_F(DirectoryTest, LooksUpNobodyForIdsThatAreNone) {
  for (const std::string& id : {std::string(), std::string("*"), std::string("x)(uid=*"),
                                std::string("a\0b", 3), std::string(1 << 20, 'a')})
    EXPECT_THAT(refusal(look_up(id)), HasSubstr("not_found")) << id.substr(0, 20);
}

TEST_F(DirectoryTest, RefusesAnIdThatTwoPeopleHave) {
  Settings settings = DirectoryTest::settings();
  settings.id_attribute = "sn";
  EXPECT_THAT(refusal(look_up("Twin", settings)), HasSubstr("unavailable: the directory has more than one"));
}

TEST_F(DirectoryTest, FollowsNoReferral) {
  EXPECT_THAT(refusal(log_in("nobody-here", "x")), nobody());
  EXPECT_TRUE(log_in("alice", "correct horse"));
  Settings settings = DirectoryTest::settings();
  settings.user_base = "ou=elsewhere,ou=people,dc=example,dc=org";
  EXPECT_THAT(refusal(log_in("alice", "correct horse", settings)), HasSubstr("unavailable"));
  EXPECT_FALSE(elsewhere_->was_connected_to());
}

TEST_F(DirectoryTest, DoesNotBlameThePersonForItsOwnAccount) {
  const auto authenticate = [](const Settings& with, std::string password) {
    return refusal(Directory(options()).authenticate(with, Secret<>(std::move(password)), "alice",
                                                     Secret<>(std::string("correct horse"))));
  };
  EXPECT_THAT(authenticate(settings(), "wrong"), HasSubstr("unavailable: the directory refuses bind_dn"));
  EXPECT_THAT(authenticate(settings(), ""),
              HasSubstr("unavailable: the directory's bind_dn has no password"));
  Settings anonymous = settings();
  anonymous.bind_dn = "";  // may not search there
  EXPECT_THAT(authenticate(anonymous, ""), HasSubstr("unavailable"));
  Settings nowhere = settings();
  nowhere.user_base = "ou=nowhere,dc=example,dc=org";
  EXPECT_THAT(authenticate(nowhere, std::string(SlapdServer::kSearcherPassword)), HasSubstr("unavailable"));
}

TEST_F(DirectoryTest, SearchesAnonymouslyWhereItMay) {
  Settings settings = DirectoryTest::settings();
  settings.bind_dn = "";
  settings.user_base = "ou=open,dc=example,dc=org";
  settings.group_base = "";
  const auto person =
      Directory(options()).authenticate(settings, Secret<>(), "olga", Secret<>(std::string("olga")));
  ASSERT_TRUE(person) << person.error().message;
  EXPECT_EQ(person->name, "olga");
}

}  // namespace
}  // namespace bulkhead::ldap
