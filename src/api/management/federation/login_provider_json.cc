#include "api/management/federation/login_provider_json.h"

#include "api/login/browser.h"
#include "api/management/vocabulary.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using identity::LoginProvider;
using identity::OidcSettings;

constexpr std::string_view kKindWords[] = {"oidc", "ldap"};
constexpr Schema kKind = choice(kKindWords);
constexpr Schema kGroup = text(1, 512);
constexpr Schema kGroups = list(kGroup, 100);
constexpr Schema kProviderSecret = secret_text(4096);
constexpr Schema kIssuer = text(1, 1024, kVisible, "uri");
constexpr Schema kClientId = text(1, 255);
constexpr Schema kScope = text(1, 128, kVisible);
constexpr Schema kScopes = list(kScope, 20);
constexpr Schema kClaim = text(1, 256);
constexpr Schema kOptionalClaim = text(0, 256);
constexpr Schema kRedirect = text(1, 1024, kVisible, "uri");
constexpr Schema kLdapText = text(0, 1024);

constexpr Field kOidcFields[] = {
    {"issuer", &kIssuer, "The provider's name, below which its discovery document is", kRequired},
    {"client_id", &kClientId, "What this installation is to the provider", kRequired},
    {"scopes", &kScopes, "What is asked for; openid, profile and email when absent"},
    {"name_claim", &kClaim,
     "Where the ID token, or else userinfo, says what people are called; preferred_username when absent"},
    {"groups_claim", &kOptionalClaim,
     "Where they say in which groups people are; groups when absent, \"\" where groups do not matter"},
    {"trust_factors", &kFlag, "Whether the provider is believed that it has seen a second factor"},
};
constexpr Schema kOidc = object("OidcSettings", kOidcFields);

constexpr Field kLdapFields[] = {
    {"url", &kLdapText,
     "ldaps://HOST[:PORT] or ldap://HOST[:PORT]; several servers of one directory with spaces between them, "
     "the next of which is asked when one cannot be",
     kRequired},
    {"start_tls", &kFlag, "For an ldap:// URL"},
    {"bind_dn", &kLdapText,
     "The account that searches, with the secret as its password; anonymous when absent"},
    {"user_base", &kLdapText, "The entry below which people are", kRequired},
    {"user_filter", &kLdapText, "Finds a person by {name}; (uid={name}) when absent"},
    {"id_attribute", &kLdapText, "A value that is never given to another entry; entryUUID when absent"},
    {"name_attribute", &kLdapText, "uid when absent"},
    {"display_name_attribute", &kLdapText, "cn when absent"},
    {"email_attribute", &kLdapText, "mail when absent"},
    {"group_base", &kLdapText, "The entry below which groups are; none are looked for when absent"},
    {"group_filter", &kLdapText, "Finds a person's groups by {dn} or {name}; (member={dn}) when absent"},
    {"group_name_attribute", &kLdapText, "cn when absent"},
};
constexpr Schema kLdap = object("LdapSettings", kLdapFields);

constexpr Schema kNotice = text(1, 255);
constexpr Field kProviderFields[] = {
    {"name", &kAnyName, "", kRequired},
    {"kind", &kKind, "", kRequired},
    {"enabled", &kFlag, "", kRequired},
    {"creates_accounts", &kFlag, "Whether a first log-in makes an account", kRequired},
    {"admitted_groups", &kGroups, "Only members of one of these get in; empty: everybody", kRequired},
    {"has_secret", &kFlag, "Whether one is stored; it is never shown", kRequired},
    {"oidc", &kOidc, "Of the kind oidc"},
    {"ldap", &kLdap, "Of the kind ldap"},
    {"redirect_uri", &kRedirect,
     "Of the kind oidc: what to register there as the redirect address; absent where the registry does not "
     "know "
     "its own address"},
    {"notice", &kNotice, "What keeps people from logging in with it, if anything does"},
    {"created_at", &kTime, "", kRequired},
};

constexpr Field kInputFields[] = {
    {"name", &kGivenName, "", kRequired},
    {"enabled", &kFlag, "true when absent"},
    {"creates_accounts", &kFlag, "Whether a first log-in makes an account; true when absent"},
    {"admitted_groups", &kGroups, "Only members of one of these get in; everybody when absent"},
    {"secret", &kProviderSecret,
     "The OpenID client's, or the password of the directory's own account; \"\" for none. When absent, a "
     "change leaves it as it is, unless it would be sent to another server"},
    {"oidc", &kOidc, "This or ldap"},
    {"ldap", &kLdap, "This or oidc"},
};

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

std::vector<std::string> texts_of(const json::value& value) {
  std::vector<std::string> out;
  for (const json::value& each : value.as_array()) out.push_back(text_of(each));
  return out;
}

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

// Members that are absent leave the default.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  void read(std::string_view name, std::string& out) const {
    if (const json::value* value = object_.if_contains(name)) out = text_of(*value);
  }
  void read(std::string_view name, bool& out) const {
    if (const json::value* value = object_.if_contains(name)) out = value->as_bool();
  }
  void read(std::string_view name, std::vector<std::string>& out) const {
    if (const json::value* value = object_.if_contains(name)) out = texts_of(*value);
  }

 private:
  const json::object& object_;
};

json::object represent(const OidcSettings& settings) {
  return {{"issuer", settings.issuer},
          {"client_id", settings.client_id},
          {"scopes", array_of(settings.scopes)},
          {"name_claim", settings.name_claim},
          {"groups_claim", settings.groups_claim},
          {"trust_factors", settings.trust_factors}};
}

json::object represent(const ldap::Settings& settings) {
  return {{"url", settings.url},
          {"start_tls", settings.start_tls},
          {"bind_dn", settings.bind_dn},
          {"user_base", settings.user_base},
          {"user_filter", settings.user_filter},
          {"id_attribute", settings.id_attribute},
          {"name_attribute", settings.name_attribute},
          {"display_name_attribute", settings.display_name_attribute},
          {"email_attribute", settings.email_attribute},
          {"group_base", settings.group_base},
          {"group_filter", settings.group_filter},
          {"group_name_attribute", settings.group_name_attribute}};
}

OidcSettings read_oidc(const json::object& value) {
  OidcSettings settings;
  const Members members(value);
  members.read("issuer", settings.issuer);
  members.read("client_id", settings.client_id);
  members.read("scopes", settings.scopes);
  members.read("name_claim", settings.name_claim);
  members.read("groups_claim", settings.groups_claim);
  members.read("trust_factors", settings.trust_factors);
  return settings;
}

ldap::Settings read_ldap(const json::object& value) {
  ldap::Settings settings;
  const Members members(value);
  members.read("url", settings.url);
  members.read("start_tls", settings.start_tls);
  members.read("bind_dn", settings.bind_dn);
  members.read("user_base", settings.user_base);
  members.read("user_filter", settings.user_filter);
  members.read("id_attribute", settings.id_attribute);
  members.read("name_attribute", settings.name_attribute);
  members.read("display_name_attribute", settings.display_name_attribute);
  members.read("email_attribute", settings.email_attribute);
  members.read("group_base", settings.group_base);
  members.read("group_filter", settings.group_filter);
  members.read("group_name_attribute", settings.group_name_attribute);
  return settings;
}

}  // namespace

constexpr Schema kLoginProvider = object("LoginProvider", kProviderFields);
constexpr Schema kLoginProviderInput = object("LoginProviderInput", kInputFields);

json::object represent(const Call& call, const LoginProvider& provider) {
  json::object out{{"name", provider.name},
                   {"kind", identity::name(provider.kind())},
                   {"enabled", provider.enabled},
                   {"creates_accounts", provider.creates_accounts},
                   {"admitted_groups", array_of(provider.admitted_groups)},
                   {"has_secret", provider.has_secret}};
  out[identity::name(provider.kind())] =
      std::visit([](const auto& settings) { return represent(settings); }, provider.settings);
  const bool in_browser = provider.kind() == identity::ProviderKind::oidc;
  if (in_browser && !call.browser_origin.empty())
    out["redirect_uri"] = login_callback_url(call.browser_origin, provider.name);
  if (in_browser && call.options.public_url.empty()) out["notice"] = kOwnAddressUnknown;
  out["created_at"] = to_rfc3339(provider.created_at);
  return out;
}

Result<LoginProvider> read_login_provider(const Call& call) {
  if (call.has("oidc") == call.has("ldap"))
    return Error{Errc::invalid_argument,
                 "say what the provider is with \"oidc\" or \"ldap\", one of the two"};
  LoginProvider provider;
  const Members members(call.body);
  members.read("name", provider.name);
  members.read("enabled", provider.enabled);
  members.read("creates_accounts", provider.creates_accounts);
  members.read("admitted_groups", provider.admitted_groups);
  if (call.has("oidc"))
    provider.settings = read_oidc(call.body.at("oidc").as_object());
  else
    provider.settings = read_ldap(call.body.at("ldap").as_object());
  return provider;
}

}  // namespace bulkhead::api::management
