#include <gtest/gtest.h>

#include <functional>

#include "ldap/directory.h"

namespace bulkhead::ldap {
namespace {

Settings valid() {
  Settings settings;
  settings.url = "ldaps://directory.example.org";
  settings.bind_dn = "cn=bulkhead,dc=example,dc=org";
  settings.user_base = "ou=people,dc=example,dc=org";
  settings.group_base = "ou=groups,dc=example,dc=org";
  return settings;
}

// The message, or "" when the settings are accepted.
std::string complaint(const std::function<void(Settings&)>& change,
                      const std::vector<std::string>& plain = {}) {
  Settings settings = valid();
  change(settings);
  const auto checked = check(settings, plain);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, Errc::invalid_argument);
  return checked.error().message;
}

TEST(Settings, AreAcceptedAsTheyAreMeant) {
  EXPECT_EQ(complaint([](Settings&) {}), "");
  EXPECT_EQ(complaint([](Settings& s) { s.bind_dn = s.group_base = ""; }), "");
  EXPECT_EQ(complaint([](Settings& s) { s.url = "ldap://directory.example.org", s.start_tls = true; }), "");
  EXPECT_EQ(complaint([](Settings& s) { s.group_name_attribute = "dn"; }), "");
  EXPECT_EQ(complaint([](Settings& s) { s.user_base = "ou=L\xc3\xbc\\2c (x),dc=example"; }), "");
}

TEST(Settings, RequireEncryptionUnlessTheHostIsNamed) {
  const auto plain = [](Settings& s) { s.url = "ldap://10.0.0.1:1389"; };
  EXPECT_NE(complaint(plain).find("encrypted"), std::string::npos);
  EXPECT_NE(complaint(plain, {"10.0.0.2", "10.0.0.1:1389", "10.0.0.10"}), "");
  EXPECT_EQ(complaint(plain, {"10.0.0.1"}), "");
  EXPECT_EQ(complaint([](Settings& s) { s.url = "ldap://[::1]"; }, {"::1"}), "");
  EXPECT_NE(complaint([](Settings& s) { s.start_tls = true; }).find("start_tls"), std::string::npos);
}

TEST(Settings, SayWhatIsWrong) {
  const auto mentions = [](const std::string& text, std::string_view word) {
    return text.find(word) != std::string::npos;
  };
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.url = "https://a"; }), "url"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.url = "ldaps://a https://b"; }), "url"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.url = "ldaps://a ldap://b"; }), "encrypted"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.url = " "; }), "url"));
  EXPECT_EQ(complaint([](Settings& s) { s.url = "ldaps://a ldaps://b:1636"; }), "");
  const auto many = [](std::size_t count) {
    return [count](Settings& s) {
      s.url.clear();
      for (std::size_t i = 0; i < count; ++i) s.url += "ldaps://a ";
    };
  };
  EXPECT_EQ(complaint(many(kMostUrls)), "");
  EXPECT_TRUE(mentions(complaint(many(kMostUrls + 1)), "url"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.url = "ldaps://" + std::string(1100, 'a'); }), "url"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.user_base = ""; }), "user_base"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.user_base = "people"; }), "user_base"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.user_base = "ou=a\nb"; }), "user_base"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.user_base = std::string("ou=a\0b", 6); }), "user_base"));
  EXPECT_TRUE(
      mentions(complaint([](Settings& s) { s.user_base = "ou=" + std::string(1024, 'a'); }), "user_base"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.bind_dn = "admin"; }), "bind_dn"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.group_base = "ou=a,"; }), "group_base"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.user_filter = "(uid=*)"; }), "user_filter"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.group_filter = ""; }), "group_filter"));
  for (const char* name : {"", "a b", "entry=UUID", "1", "2.5.4.3", "a;binary"}) {
    EXPECT_TRUE(mentions(complaint([&](Settings& s) { s.id_attribute = name; }), "id_attribute")) << name;
    EXPECT_TRUE(mentions(complaint([&](Settings& s) { s.name_attribute = name; }), "name_attribute")) << name;
    EXPECT_TRUE(mentions(complaint([&](Settings& s) { s.email_attribute = name; }), "email_attribute"))
        << name;
  }
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.display_name_attribute = std::string(129, 'a'); }),
                       "display_name_attribute"));
  EXPECT_TRUE(mentions(complaint([](Settings& s) { s.group_name_attribute = "*"; }), "group_name_attribute"));
}

}  // namespace
}  // namespace bulkhead::ldap
