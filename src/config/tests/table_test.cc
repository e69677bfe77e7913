#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "config/setting.h"

namespace bulkhead::config {
namespace {

const Setting& row(std::string_view key) {
  return *std::find_if(table().begin(), table().end(), [&](const Setting& s) { return s.info.key == key; });
}

// Everything of Settings as text, to see that two are equal.
std::string all_of(const Settings& settings) {
  std::string out;
  for (const Setting& setting : table()) out += setting.info.key + " = " + setting.render(settings) + "\n";
  return out;
}

TEST(Table, DerivesTheNames) {
  const SettingInfo& info = row("http.idle_timeout").info;
  EXPECT_EQ(info.environment, "BULKHEAD_HTTP_IDLE_TIMEOUT");
  EXPECT_EQ(info.flag, "--http-idle-timeout");
  EXPECT_EQ(info.default_text, "\"1m\"");
  EXPECT_EQ(row("tls.mode").info.flag, "--tls");
}

TEST(Table, EveryNameBelongsToOneSetting) {
  std::set<std::string> seen;
  for (const SettingInfo& info : settings()) {
    EXPECT_TRUE(seen.insert(info.key).second) << info.key;
    EXPECT_TRUE(seen.insert(info.environment).second) << info.environment;
    EXPECT_TRUE(seen.insert(info.flag).second) << info.flag;
  }
}

TEST(Table, GroupsAreContiguousAndEverySettingIsExplained) {
  std::set<std::string> groups;
  std::string_view group;
  for (const Setting& setting : table()) {
    EXPECT_FALSE(setting.info.doc.empty()) << setting.info.key;
    EXPECT_EQ(setting.info.doc.back(), '.') << setting.info.key;
    if (group_of(setting.info.key) != group) {
      group = group_of(setting.info.key);
      EXPECT_TRUE(groups.insert(std::string(group)).second) << group << " is in two places";
    }
  }
}

// Two rows on one field would show here: a change through one would change how the other renders.
TEST(Table, NoTwoSettingsShareAField) {
  for (const Setting& setting : table()) {
    Settings changed;
    const std::vector<Value> candidates = {Untyped{"false"},
                                           Untyped{"true"},
                                           Untyped{"123"},
                                           Untyped{"20000"},
                                           Untyped{"1234s"},
                                           Untyped{"7s"},
                                           Untyped{"7"},
                                           Untyped{"8MiB"},
                                           Untyped{"error"},
                                           Untyped{"files"},
                                           Untyped{"json"},
                                           Untyped{"other"},
                                           Untyped{"10.0.0.1"},
                                           Untyped{"http://other"},
                                           Untyped{"postgres://other"},
                                           Untyped{"127.0.0.2:80"},
                                           Untyped{"forwarded"}};
    const bool took = std::any_of(candidates.begin(), candidates.end(), [&](const Value& value) {
      return setting.assign(changed, value) && setting.render(changed) != setting.info.default_text;
    });
    ASSERT_TRUE(took) << setting.info.key;
    for (const Setting& other : table()) {
      if (other.info.key == setting.info.key) continue;
      EXPECT_EQ(other.render(changed), other.info.default_text)
          << setting.info.key << " moves " << other.info.key;
    }
  }
}

TEST(Table, ARefusedValueChangesNothing) {
  Settings changed;
  for (const Setting& setting : table())
    EXPECT_FALSE(setting.assign(changed, Unusable{"a group"})) << setting.info.key;
  EXPECT_EQ(all_of(changed), all_of(Settings{}));
}

// "from X to Y" in `allowed` is what the code enforces, for every setting that has bounds.
TEST(Table, TakesEachBoundAndNothingPastIt) {
  const std::regex bounds(R"re(from "?([0-9]+)([A-Za-z]*)"? to "?([0-9]+)([A-Za-z]*)"?$)re");
  int checked = 0;
  for (const Setting& setting : table()) {
    const SettingType type = setting.info.type;
    if (type != SettingType::count && type != SettingType::size && type != SettingType::duration) continue;
    std::smatch found;
    ASSERT_TRUE(std::regex_search(setting.info.allowed, found, bounds))
        << setting.info.key << setting.info.allowed;
    const auto takes = [&](std::uint64_t number, const std::string& unit) {
      Settings scratch;
      return setting.assign(scratch, Untyped{std::to_string(number) + unit});
    };
    const std::uint64_t least = std::stoull(found[1]), most = std::stoull(found[3]);
    EXPECT_TRUE(takes(least, found[2])) << setting.info.key;
    EXPECT_TRUE(takes(most, found[4])) << setting.info.key;
    EXPECT_FALSE(takes(most + 1, found[4])) << setting.info.key;
    EXPECT_FALSE(least > 0 && takes(least - 1, found[2])) << setting.info.key;
    ++checked;
  }
  EXPECT_GT(checked, 30);
}

TEST(Table, ChoicesAreTheOnesNamed) {
  Settings settings;
  for (const auto text : {"off", "auto", "files"})
    EXPECT_TRUE(row("tls.mode").assign(settings, Untyped{text}));
  EXPECT_EQ(settings.tls.mode, TlsMode::files);
  for (const auto text : {"", "on", "Auto", "automatic"})
    EXPECT_FALSE(row("tls.mode").assign(settings, Untyped{text})) << text;
  EXPECT_EQ(row("tls.mode").info.allowed, R"(one of "off", "auto", "files")");
}

TEST(Table, TheServiceNameCannotLeaveItsQuotes) {
  Settings settings;
  EXPECT_TRUE(row("service").assign(settings, "registry.example.com:5000"));
  for (const auto text : {"", "a\"b", "a b", "a,b", "a\nb", "a\\b"})
    EXPECT_FALSE(row("service").assign(settings, text)) << text;
  EXPECT_FALSE(row("service").assign(settings, std::string(256, 'a')));
}

TEST(Table, ThePublicUrlIsASchemeAndAHost) {
  Settings settings;
  for (const auto text :
       {"", "https://registry.example.com", "http://127.0.0.1:5000", "https://[::1]:5000", "http://[::1]"})
    EXPECT_TRUE(row("public_url").assign(settings, text)) << text;
  for (const auto text : {"registry.example.com", "https://", "ftp://a", "https://a/", "https://a/b",
                          "https://u@a", "https://a?b", "https://a b", "https://a:b", "https://a:70000"})
    EXPECT_FALSE(row("public_url").assign(settings, text)) << text;
}

TEST(Table, HostsAreAuthorities) {
  Settings settings;
  EXPECT_TRUE(
      row("hosts").assign(settings, Untyped{"registry.example.com, localhost:5000, [::1]:5000, 10.0.0.1"}));
  EXPECT_EQ(settings.hosts.size(), 4u);
  for (const auto text : {"a,", "http://a", "a/b", "a b", ".a", "a..b", "-a", "a:"})
    EXPECT_FALSE(row("hosts").assign(settings, Untyped{text})) << text;
}

TEST(Table, ProxiesAreNetworks) {
  Settings settings;
  EXPECT_TRUE(row("trusted_proxies").assign(settings, Untyped{"10.0.0.0/8, ::1"}));
  EXPECT_TRUE(settings.trusted_proxies.at(0).contains("10.1.2.3"));
  EXPECT_FALSE(row("trusted_proxies").assign(settings, Untyped{"10.0.0.1/8"}));
  EXPECT_FALSE(row("trusted_proxies").assign(settings, Untyped{"proxy.example.com"}));
}

TEST(Keys, AreBelowDataUnlessPutElsewhere) {
  Settings settings;
  settings.data = "/srv/bulkhead";
  EXPECT_EQ(keys_directory(settings), "/srv/bulkhead/keys");
  settings.keys = "/etc/bulkhead/keys";
  EXPECT_EQ(keys_directory(settings), "/etc/bulkhead/keys");
}

}  // namespace
}  // namespace bulkhead::config
