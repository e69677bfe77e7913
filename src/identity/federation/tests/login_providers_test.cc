#include "identity/federation/login_providers.h"

#include <atomic>
#include <thread>

#include "identity/federation/login_provider_rows.h"
#include "identity/federation/login_provider_rules.h"
#include "identity/federation/testing/login_providers_fixture.h"

namespace bulkhead::identity {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Recorded;
using testing::some_origin;

class LoginProvidersTest : public testing::LoginProvidersFixture {
 protected:
  void expect_refused(const LoginProvider& provider, Errc code, std::string_view why = "") {
    EXPECT_THAT(create(provider), FailsWith(code)) << why;
    EXPECT_EQ(count("login_providers"), 0) << why;
  }
  std::string detail_of_last_event() { return installation_.last_event().detail; }
};

TEST_P(LoginProvidersTest, AreMadeFoundAndListedByName) {
  LoginProvider wanted = oidc("corp");
  wanted.creates_accounts = false;
  wanted.admitted_groups = {"staff", "Entwickler \xc3\xa4"};
  oidc_of(wanted).trust_factors = true;
  oidc_of(wanted).scopes = {"openid", "groups"};
  oidc_of(wanted).groups_claim = "/realm~1access/roles";
  const auto made = create(wanted);
  ASSERT_THAT(made, Succeeds());
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"login_provider_created", "root-of-tests", "operator", "", "corp", "oidc"}));
  created(ldap("branch"));
  EXPECT_EQ(detail_of_last_event(), "ldap");

  for (const auto& found : {providers_.find(made->id), providers_.find("corp")}) {
    ASSERT_THAT(found, Succeeds());
    EXPECT_EQ(found->id, made->id);
    EXPECT_EQ(found->name, "corp");
    EXPECT_TRUE(found->enabled);
    EXPECT_FALSE(found->creates_accounts);
    EXPECT_TRUE(found->has_secret);
    EXPECT_EQ(found->admitted_groups, wanted.admitted_groups);
    EXPECT_EQ(found->settings, wanted.settings);
    EXPECT_EQ(found->created_at, installation_.clock.now());
  }
  const auto all = providers_.list().value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "branch");
  EXPECT_EQ(all[0].kind(), ProviderKind::ldap);
  EXPECT_EQ(all[0].settings, ldap("branch").settings);
  EXPECT_EQ(all[1].name, "corp");
  EXPECT_THAT(providers_.find(4711), FailsWith(Errc::not_found));
  EXPECT_THAT(providers_.find("nobody"), FailsWith(Errc::not_found));
  EXPECT_THAT(providers_.find("\xff"), FailsWith(Errc::not_found));
  EXPECT_THAT(providers_.find(std::string("co\0rp", 5)), FailsWith(Errc::not_found));
}

TEST_P(LoginProvidersTest, HaveNamesThatCannotBeTakenForOthers) {
  for (const std::string& name :
       {std::string(), std::string("Corp"), std::string("c\xd0\xberp"), std::string("co rp"),
        std::string("a/b"), std::string("corp\n"), std::string("co\0rp", 5), std::string(65, 'a'),
        std::string(1 << 20, 'a'), std::string("callback"), std::string("device"), std::string("\xff")})
    expect_refused(oidc(name), Errc::name_invalid, name.substr(0, 70));
  created(oidc("corp"));
  EXPECT_THAT(create(ldap("corp")), FailsWith(Errc::conflict));
  EXPECT_EQ(count("login_providers"), 1);
}

TEST_P(LoginProvidersTest, OfOpenIdHaveSettingsThatCanBeUsed) {
  const auto refused_with = [&](std::string_view why, auto spoil) {
    LoginProvider provider = oidc("corp");
    spoil(oidc_of(provider));
    expect_refused(provider, Errc::invalid_argument, why);
  };
  for (const char* issuer :
       {"", "login.example.com", "http://login.example.com", "https://login.example.com/?a=b",
        "https://user@login.example.com", "https://login.example.com/\n"})
    refused_with(issuer, [&](OidcSettings& settings) { settings.issuer = issuer; });
  for (const std::string& id :
       {std::string(), std::string(256, 'a'), std::string("a\nb"), std::string("\xc3\xa4")})
    refused_with(id, [&](OidcSettings& settings) { settings.client_id = id; });
  for (const char* scope : {"", "a b", "a\"", "a\\b", "\xc3\xa4", "openid", "a\x7f"})
    refused_with(scope, [&](OidcSettings& settings) { settings.scopes = {"openid", scope}; });
  refused_with("long scope", [](OidcSettings& settings) {
    settings.scopes = {"openid", std::string(kLongestScope + 1, 'a')};
  });
  refused_with("no openid", [](OidcSettings& settings) { settings.scopes = {"profile"}; });
  refused_with("no scope", [](OidcSettings& settings) { settings.scopes.clear(); });
  for (const std::size_t many : {kMostScopes, std::size_t{10'000}})
    refused_with("many scopes", [&](OidcSettings& settings) {
      settings.scopes = {"openid"};
      for (std::size_t i = 0; i < many; ++i) settings.scopes.push_back("scope" + std::to_string(i));
    });
  for (const std::string& claim : {std::string(), std::string(257, 'a'), std::string("a\tb"),
                                   std::string("/a~2"), std::string("/a~"), std::string("\xff")}) {
    refused_with(claim, [&](OidcSettings& settings) { settings.name_claim = claim; });
    if (!claim.empty())  // which is: none
      refused_with(claim, [&](OidcSettings& settings) { settings.groups_claim = claim; });
  }
  LoginProvider most = oidc("most");
  oidc_of(most).issuer = "http://localhost:8080";
  oidc_of(most).client_id = std::string(kLongestClientId, 'a');
  for (std::size_t i = 3; i < kMostScopes; ++i) oidc_of(most).scopes.push_back("scope" + std::to_string(i));
  EXPECT_THAT(create(most), Succeeds());
}

TEST_P(LoginProvidersTest, OfDirectoriesHaveSettingsThatCanBeUsed) {
  const auto refused_with = [&](std::string_view why, auto spoil) {
    LoginProvider provider = ldap("corp");
    spoil(ldap_of(provider));
    expect_refused(provider, Errc::invalid_argument, why);
  };
  refused_with("plain", [](ldap::Settings& settings) { settings.url = "ldap://ldap.example.com"; });
  refused_with("no base", [](ldap::Settings& settings) { settings.user_base.clear(); });
  refused_with("filter", [](ldap::Settings& settings) { settings.user_filter = "(uid=alice)"; });
  refused_with("control", [](ldap::Settings& settings) { settings.user_base += '\n'; });
  refused_with("encoding", [](ldap::Settings& settings) { settings.group_base = "ou=\xff"; });
  refused_with("long",
               [](ldap::Settings& settings) { settings.bind_dn = "cn=" + std::string(1 << 20, 'a'); });
  LoginProvider plain = ldap("plain");
  ldap_of(plain).url = "ldap://localhost";
  EXPECT_THAT(create(plain), Succeeds());
}

TEST_P(LoginProvidersTest, AdmitGroupsThatExistOnceAndCanBeWritten) {
  LoginProvider provider = oidc("corp");
  for (const std::string& group : {std::string(), std::string(kLongestGroup + 1, 'g'), std::string("a\nb"),
                                   std::string("a\0b", 3), std::string("\xc3"), std::string("a\xc2\x85")}) {
    provider.admitted_groups = {group};
    expect_refused(provider, Errc::invalid_argument, group.substr(0, 20));
  }
  provider.admitted_groups = {"staff", "staff"};
  expect_refused(provider, Errc::invalid_argument, "twice");
  provider.admitted_groups.clear();
  for (std::size_t i = 0; i <= kMostAdmittedGroups; ++i)
    provider.admitted_groups.push_back("g" + std::to_string(i));
  expect_refused(provider, Errc::invalid_argument, "too many");
  provider.admitted_groups.pop_back();
  EXPECT_THAT(create(provider), Succeeds());
}

TEST_P(LoginProvidersTest, AreLimitedInNumber) {
  for (std::size_t i = 0; i < LoginProviders::kMost; ++i) created(oidc("corp" + std::to_string(i)));
  EXPECT_THAT(create(oidc("more")), FailsWith(Errc::conflict));
  EXPECT_THAT(providers_.remove(providers_.find("corp7")->id, some_origin()), Succeeds());
  EXPECT_THAT(create(oidc("more")), Succeeds());
}

TEST_P(LoginProvidersTest, OfOneNameMadeTwiceAtOnceAreOne) {
  std::atomic<int> made{0};
  std::atomic<int> refused{0};
  const auto attempt = [&] {
    const auto result = create(oidc("corp"));
    made += result.has_value();
    refused += !result && result.error().code == Errc::conflict;
  };
  std::thread first(attempt);
  std::thread second(attempt);
  first.join();
  second.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(count("login_providers"), 1);
}

TEST_P(LoginProvidersTest, KeepTheSecretWhereNobodySeesIt) {
  const auto corp = created(oidc("corp"));
  ASSERT_THAT(change(corp, std::string(kSecret) + "-again"), Succeeds());
  EXPECT_EQ(secret_of(corp), std::string(kSecret) + "-again");
  const auto row = installation_.read("SELECT settings, sealed FROM login_providers").at(0);
  EXPECT_THAT(row.text(0), Not(HasSubstr("canary")));
  EXPECT_THAT(row.text(1), Not(HasSubstr("canary")));
  for (const Recorded& event : installation_.events()) {
    EXPECT_THAT(event.detail, Not(HasSubstr("canary")));
    EXPECT_THAT(event.target, Not(HasSubstr("canary")));
  }
  for (const LoginProvider& provider : providers_.list().value())
    EXPECT_THAT(render_settings(provider), Not(HasSubstr("canary")));
  const auto refused = create(oidc("other"), std::string(kSecret) + "\n");
  EXPECT_THAT(refused, FailsWith(Errc::invalid_argument));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("canary")));
}

TEST_P(LoginProvidersTest, DoNotOpenTheSecretOfAnother) {
  const auto corp = created(oidc("corp"));
  const auto other = create(oidc("other"), "another").value();
  installation_.write("UPDATE login_providers SET sealed = (SELECT sealed FROM login_providers WHERE id = ?)",
                      {corp.id});
  EXPECT_THAT(providers_.secret(other.id), FailsWith(Errc::corrupt));
  EXPECT_THAT(providers_.secret(4711), FailsWith(Errc::not_found));
}

TEST_P(LoginProvidersTest, HaveSecretsThatFitTheirKind) {
  EXPECT_THAT(create(oidc("public"), ""), Succeeds());
  EXPECT_FALSE(providers_.find("public")->has_secret);
  EXPECT_EQ(secret_of(*providers_.find("public")), "");
  EXPECT_THAT(create(ldap("bound"), ""), FailsWith(Errc::invalid_argument));
  LoginProvider anonymous = ldap("anonymous");
  ldap_of(anonymous).bind_dn.clear();
  EXPECT_THAT(create(anonymous), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(create(anonymous, ""), Succeeds());
  for (const std::string& secret : {std::string(kLongestProviderSecret + 1, 's'), std::string("a\nb"),
                                    std::string("a\0b", 3), std::string("\xff")})
    EXPECT_THAT(create(oidc("corp"), secret), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(create(oidc("corp"), std::string(kLongestProviderSecret, 's')), Succeeds());
}

TEST_P(LoginProvidersTest, AreListedAndChangedWhenTheKeyringIsLost) {
  auto corp = created(oidc("corp"));
  const auto others = crypto::Keyring::ephemeral();
  const auto sealer = DataKeys::open(*installation_.database, others, installation_.clock).value();
  LoginProviders bereft(directory_, sessions_, *sealer, {});
  EXPECT_THAT(bereft.secret(corp.id), FailsWith(Errc::corrupt));
  EXPECT_EQ(bereft.list()->size(), 1u);
  EXPECT_TRUE(bereft.find("corp")->has_secret);
  ASSERT_THAT(bereft.change(corp.id, corp, Secret<>(std::string("entered again")), some_origin()),
              Succeeds());
  EXPECT_EQ(bereft.secret(corp.id)->reveal(), "entered again");
  EXPECT_THAT(bereft.remove(corp.id, some_origin()), Succeeds());
}

TEST_P(LoginProvidersTest, ChangeAndSayWhatChanged) {
  auto corp = created(oidc("corp"));
  corp.name = "company";
  corp.enabled = false;
  corp.admitted_groups = {"staff"};
  oidc_of(corp).client_id = "registry";
  const auto changed = change(corp);
  ASSERT_THAT(changed, Succeeds());
  EXPECT_TRUE(changed->has_secret);
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"login_provider_changed", "root-of-tests", "operator", "", "corp",
                      R"(["name","enabled","admitted_groups","client_id"])"}));
  const auto found = providers_.find("company").value();
  EXPECT_EQ(found.id, corp.id);
  EXPECT_FALSE(found.enabled);
  EXPECT_EQ(found.settings, corp.settings);
  EXPECT_EQ(found.admitted_groups, corp.admitted_groups);
  EXPECT_EQ(secret_of(corp), kSecret) << "it stays";
  EXPECT_THAT(providers_.find("corp"), FailsWith(Errc::not_found));

  const auto before = events();
  EXPECT_THAT(change(corp), Succeeds());
  EXPECT_EQ(events(), before) << "nothing changed";
  EXPECT_THAT(change(corp, "new secret"), Succeeds());
  EXPECT_EQ(detail_of_last_event(), R"(["secret"])");
  EXPECT_THAT(change(corp, ""), Succeeds());
  EXPECT_FALSE(providers_.find(corp.id)->has_secret);
}

TEST_P(LoginProvidersTest, ChangeOnlyIntoWhatCouldBeMade) {
  const auto corp = created(oidc("corp"));
  created(oidc("other"));
  const auto before = events();
  LoginProvider spoilt = corp;
  spoilt.name = "other";
  EXPECT_THAT(change(spoilt), FailsWith(Errc::conflict));
  spoilt.name = "Corp";
  EXPECT_THAT(change(spoilt), FailsWith(Errc::name_invalid));
  spoilt = corp;
  oidc_of(spoilt).scopes.clear();
  EXPECT_THAT(change(spoilt), FailsWith(Errc::invalid_argument));
  spoilt = ldap("corp");
  spoilt.id = corp.id;
  EXPECT_THAT(change(spoilt, "secret"), FailsWith(Errc::invalid_argument)) << "another kind";
  EXPECT_THAT(change(corp, "new\nsecret"), FailsWith(Errc::invalid_argument));
  spoilt = corp;
  spoilt.id = 4711;
  EXPECT_THAT(change(spoilt), FailsWith(Errc::not_found));
  EXPECT_EQ(events(), before);
  EXPECT_EQ(providers_.find(corp.id)->settings, corp.settings);
}

TEST_P(LoginProvidersTest, SendTheSecretNowhereElseUnlessItIsEnteredAnew) {
  auto corp = created(oidc("corp"));
  oidc_of(corp).issuer = "https://evil.example.com";
  EXPECT_THAT(change(corp), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(change(corp, "another"), Succeeds());

  const auto directory = created(ldap("directory"));
  const auto refused_with = [&](std::string_view why, auto spoil) {
    LoginProvider other = directory;
    spoil(ldap_of(other));
    EXPECT_THAT(change(other), FailsWith(Errc::invalid_argument)) << why;
    EXPECT_EQ(providers_.find(directory.id)->settings, directory.settings) << why;
  };
  refused_with("url", [](ldap::Settings& settings) { settings.url = "ldaps://evil.example.com"; });
  refused_with("account", [](ldap::Settings& settings) { settings.bind_dn = "cn=other,dc=example,dc=com"; });
  refused_with("no account", [](ldap::Settings& settings) { settings.bind_dn.clear(); });
  LoginProvider other = directory;
  ldap_of(other).user_base = "ou=staff,dc=example,dc=com";
  EXPECT_THAT(change(other), Succeeds()) << "it is sent to the same server";
  ldap_of(other).bind_dn.clear();
  EXPECT_THAT(change(other, ""), Succeeds());

  // Without TLS everybody on the way reads it.
  auto local = ldap("local");
  ldap_of(local).url = "ldap://localhost";
  ldap_of(local).start_tls = true;
  local = created(local);
  ldap_of(local).start_tls = false;
  EXPECT_THAT(change(local), FailsWith(Errc::invalid_argument));
}

TEST_P(LoginProvidersTest, KeepTheirIdsWhileAccountsHangOnThem) {
  auto corp = created(oidc("corp"));
  link(corp, "248289761001", alice_);
  auto moved = corp;
  oidc_of(moved).issuer = "https://login.example.org";
  EXPECT_THAT(change(moved, "secret"), FailsWith(Errc::conflict));
  oidc_of(corp).client_id = "registry";
  EXPECT_THAT(change(corp), Succeeds());
  auto directory = created(ldap("directory"));
  link(directory, "1000", alice_);
  ldap_of(directory).id_attribute = "uidNumber";
  EXPECT_THAT(change(directory), FailsWith(Errc::conflict));
}

TEST_P(LoginProvidersTest, ForgetLogInsUnderWayWhenTheyWouldGoOnElsewhere) {
  auto corp = created(oidc("corp"));
  begin_log_in(corp);
  corp.name = "company";
  ASSERT_THAT(change(corp), Succeeds());
  EXPECT_EQ(count("login_requests"), 1);
  oidc_of(corp).client_id = "registry";
  ASSERT_THAT(change(corp), Succeeds());
  EXPECT_EQ(count("login_requests"), 0);
  begin_log_in(corp);
  corp.creates_accounts = false;
  ASSERT_THAT(change(corp), Succeeds());
  EXPECT_EQ(count("login_requests"), 0);
  begin_log_in(corp);
  corp.enabled = false;
  ASSERT_THAT(change(corp), Succeeds());
  EXPECT_EQ(count("login_requests"), 0);
}

TEST_P(LoginProvidersTest, AreReadBackStrictly) {
  const auto corp = created(oidc("corp"));
  const std::string good = installation_.read("SELECT settings FROM login_providers").at(0).text(0);
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const std::string& settings :
       {std::string("{}"), std::string("[]"), std::string("{"), std::string(), with("{", R"({"more":1,)"),
        with(R"("client_id":"bulkhead")", R"("client_id":1)"),
        with(R"("trust_factors":false)", R"("trust":false)"),
        with(R"("creates_accounts":true)", R"("creates_accounts":1)"), with(R"(["openid")", R"([1)"),
        with(R"("admitted_groups":[])", R"("admitted_groups":null)")}) {
    installation_.write("UPDATE login_providers SET settings = ?", {settings});
    EXPECT_THAT(providers_.find(corp.id), FailsWith(Errc::corrupt)) << settings;
    EXPECT_THAT(providers_.list(), FailsWith(Errc::corrupt)) << settings;
  }
  installation_.write("UPDATE login_providers SET settings = ?, kind = 'ldap'", {good});
  EXPECT_THAT(providers_.find("corp"), FailsWith(Errc::corrupt)) << "of another kind";
  EXPECT_THAT(providers_.remove(corp.id, some_origin()), Succeeds()) << "whatever it holds";
}

TEST(LoginProviderTest, KindsHaveNames) {
  for (const ProviderKind kind : {ProviderKind::oidc, ProviderKind::ldap})
    EXPECT_EQ(parse_provider_kind(name(kind)).value(), kind);
  EXPECT_THAT(parse_provider_kind("saml"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(parse_provider_kind(""), FailsWith(Errc::invalid_argument));
}

INSTANTIATE_TEST_SUITE_P(Engines, LoginProvidersTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
