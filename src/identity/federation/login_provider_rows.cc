#include "identity/federation/login_provider_rows.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "oci/quote.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

// One list of members for writing and for reading: `visit` gets each with its name.
template <class Visit, class Provider>
void for_each_common(Visit& visit, Provider& provider) {
  visit("creates_accounts", provider.creates_accounts);
  visit("admitted_groups", provider.admitted_groups);
}

template <class Visit, class Settings>
requires std::is_same_v<std::remove_const_t<Settings>, OidcSettings>
void for_each_member(Visit& visit, Settings& settings) {
  visit("issuer", settings.issuer);
  visit("client_id", settings.client_id);
  visit("scopes", settings.scopes);
  visit("name_claim", settings.name_claim);
  visit("groups_claim", settings.groups_claim);
  visit("trust_factors", settings.trust_factors);
}

template <class Visit, class Settings>
requires std::is_same_v<std::remove_const_t<Settings>, ldap::Settings>
void for_each_member(Visit& visit, Settings& settings) {
  visit("url", settings.url);
  visit("start_tls", settings.start_tls);
  visit("bind_dn", settings.bind_dn);
  visit("user_base", settings.user_base);
  visit("user_filter", settings.user_filter);
  visit("id_attribute", settings.id_attribute);
  visit("name_attribute", settings.name_attribute);
  visit("display_name_attribute", settings.display_name_attribute);
  visit("email_attribute", settings.email_attribute);
  visit("group_base", settings.group_base);
  visit("group_filter", settings.group_filter);
  visit("group_name_attribute", settings.group_name_attribute);
}

class Writer {
 public:
  void operator()(std::string_view name, bool value) { object_[name] = value; }
  void operator()(std::string_view name, const std::string& value) { object_[name] = value; }
  void operator()(std::string_view name, const std::vector<std::string>& values) {
    object_[name] = json::array(values.begin(), values.end());
  }
  const json::object& object() const { return object_; }

 private:
  json::object object_;
};

class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  void operator()(std::string_view name, bool& out) {
    const json::value* value = take(name);
    const bool* flag = value == nullptr ? nullptr : value->if_bool();
    if (flag == nullptr) return fail(name);
    out = *flag;
  }
  void operator()(std::string_view name, std::string& out) { read_text(name, take(name), out); }
  void operator()(std::string_view name, std::vector<std::string>& out) {
    const json::value* value = take(name);
    const json::array* array = value == nullptr ? nullptr : value->if_array();
    if (array == nullptr) return fail(name);
    out.clear();
    for (const json::value& each : *array) read_text(name, &each, out.emplace_back());
  }

  // Once all members were asked for.
  Result<void> result() const {
    if (wrong_.empty() && taken_ == object_.size()) return {};
    return Error{Errc::corrupt,
                 wrong_.empty()
                     ? std::string("a log-in provider's stored settings have a member too many")
                     : fmt::format("a log-in provider's stored settings lack {}", oci::quote(wrong_))};
  }

 private:
  const json::value* take(std::string_view name) {
    const json::value* value = object_.if_contains(name);
    taken_ += value == nullptr ? 0 : 1;
    return value;
  }
  void read_text(std::string_view name, const json::value* value, std::string& out) {
    const json::string* text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr) return fail(name);
    out.assign(text->data(), text->size());
  }
  void fail(std::string_view name) { wrong_ = name; }

  const json::object& object_;
  std::size_t taken_ = 0;
  std::string wrong_;
};

json::object settings_of(const LoginProvider& provider) {
  Writer writer;
  for_each_common(writer, provider);
  std::visit([&](const auto& settings) { for_each_member(writer, settings); }, provider.settings);
  return writer.object();
}

}  // namespace

std::string render_settings(const LoginProvider& provider) { return json::serialize(settings_of(provider)); }

std::vector<std::string> changed_members(const LoginProvider& before, const LoginProvider& after) {
  std::vector<std::string> changed;
  if (before.name != after.name) changed.emplace_back("name");
  if (before.enabled != after.enabled) changed.emplace_back("enabled");
  const json::object old = settings_of(before);
  for (const auto& member : settings_of(after)) {
    const json::value* was = old.if_contains(member.key());
    if (was == nullptr || *was != member.value()) changed.emplace_back(member.key());
  }
  return changed;
}

Result<void> parse_settings(std::string_view text, ProviderKind kind, LoginProvider& provider) {
  const auto document = oci::parse_strict_json(text);
  const json::object* object = document ? document->if_object() : nullptr;
  if (object == nullptr)
    return Error{Errc::corrupt, "a log-in provider's stored settings are not a JSON object"};
  if (kind == ProviderKind::oidc)
    provider.settings = OidcSettings();
  else
    provider.settings = ldap::Settings();
  Reader reader(*object);
  for_each_common(reader, provider);
  std::visit([&](auto& settings) { for_each_member(reader, settings); }, provider.settings);
  return reader.result();
}

Result<LoginProvider> provider_from(const db::Row& row) {
  const auto kind = parse_provider_kind(row.text(2));
  if (!kind) return Error{Errc::corrupt, "a stored log-in provider has a kind that is none"};
  LoginProvider provider;
  provider.id = row.integer(0);
  provider.name = row.text(1);
  provider.enabled = row.integer(3) != 0;
  provider.has_secret = row.integer(5) != 0;
  provider.created_at = from_micros(row.integer(6));
  provider.stored = row.text(4);
  if (const auto read = parse_settings(row.text(4), *kind, provider); !read) return read.error();
  return provider;
}

Error no_provider(std::int64_t id) {
  return {Errc::not_found, fmt::format("there is no log-in provider number {}", id)};
}

Result<LoginProvider> read_provider(db::Session& session, std::int64_t id) {
  const auto rows =
      session.query(fmt::format("SELECT {} FROM login_providers WHERE id = ?", kProviderColumns), {id});
  if (!rows) return rows.error();
  if (rows->empty()) return no_provider(id);
  return provider_from(rows->front());
}

}  // namespace bulkhead::identity
