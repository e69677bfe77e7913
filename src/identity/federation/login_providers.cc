#include "identity/federation/login_providers.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "identity/federation/login_provider_rows.h"
#include "identity/federation/login_provider_rules.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;
using audit::Action;

crypto::SealContext place_of(std::int64_t id) {
  return {.table = "login_providers", .row = id, .column = "sealed"};
}

Result<std::int64_t> count(db::Session& session, std::string_view sql,
                           std::initializer_list<db::Value> parameters) {
  const auto rows = session.query(sql, parameters);
  if (!rows) return rows.error();
  return rows->front().integer(0);
}

Result<void> check_name_is_free(db::Session& session, const std::string& name) {
  const auto taken = count(session, "SELECT COUNT(*) FROM login_providers WHERE name = ?", {name});
  if (!taken) return taken.error();
  if (*taken == 0) return {};
  return Error{Errc::conflict, fmt::format("there is a log-in provider named {} already; choose another name",
                                           oci::quote(name))};
}

Result<void> check_room(db::Session& session) {
  const auto all = count(session, "SELECT COUNT(*) FROM login_providers", {});
  if (!all) return all.error();
  if (std::cmp_less(*all, LoginProviders::kMost)) return {};
  return Error{Errc::conflict, fmt::format("there are {} log-in providers, which is the most; remove one",
                                           LoginProviders::kMost)};
}

// A provider's ids mean nothing to another, and its people's accounts hang on them.
Result<void> check_ids_stay(db::Session& session, const LoginProvider& before, const LoginProvider& after) {
  const auto namer = [](const LoginProvider& provider) -> const std::string& {
    const auto* oidc = std::get_if<OidcSettings>(&provider.settings);
    return oidc != nullptr ? oidc->issuer : std::get<ldap::Settings>(provider.settings).id_attribute;
  };
  if (namer(before) == namer(after)) return {};
  const auto linked =
      count(session, "SELECT COUNT(*) FROM external_identities WHERE provider_id = ?", {before.id});
  if (!linked) return linked.error();
  if (*linked == 0) return {};
  return Error{Errc::conflict,
               fmt::format("accounts are linked to {} by the ids that {} gives; make another provider for "
                           "other ids",
                           oci::quote(before.name), oci::quote(namer(before)))};
}

Result<void> store_secret(db::Session& session, crypto::Sealer& sealer, std::int64_t id,
                          const Secret<>& secret) {
  std::string text;
  if (!secret.empty()) {
    auto sealed = sealer.seal(place_of(id), secret);
    if (!sealed) return sealed.error();
    text = *std::move(sealed);
  }
  const auto stored = session.execute("UPDATE login_providers SET sealed = ? WHERE id = ?", {text, id});
  if (!stored) return stored.error();
  return {};
}

std::string list_of(const std::vector<std::string>& names) {
  return json::serialize(json::array(names.begin(), names.end()));
}

}  // namespace

Result<LoginProvider> LoginProviders::create(const LoginProvider& provider, const Secret<>& secret,
                                             const audit::Origin& origin) {
  if (const auto good = check_provider(provider, plain_); !good) return good.error();
  if (const auto good = check_provider_secret(provider, secret); !good) return good.error();
  LoginProvider made;
  const auto done = directory_.change(origin, [&](Change& change) -> Result<void> {
    if (auto room = check_room(change.session); !room) return room;
    if (auto free = check_name_is_free(change.session, provider.name); !free) return free;
    const auto rows = change.session.query(
        "INSERT INTO login_providers (name, kind, enabled, settings, sealed, created_at) "
        "VALUES (?, ?, ?, ?, '', ?) RETURNING id",
        {provider.name, std::string(identity::name(provider.kind())), std::int64_t{provider.enabled},
         render_settings(provider), to_micros(change.now)});
    if (!rows) return rows.error();
    made = provider;
    made.id = rows->front().integer(0);
    made.created_at = change.now;
    made.has_secret = !secret.empty();
    made.stored = render_settings(made);
    if (auto stored = store_secret(change.session, sealer_, made.id, secret); !stored) return stored;
    return change.record(Action::login_provider_created, made.name, identity::name(made.kind()));
  });
  if (!done) return done.error();
  return made;
}

Result<LoginProvider> LoginProviders::change(std::int64_t id, const LoginProvider& provider,
                                             const std::optional<Secret<>>& secret,
                                             const audit::Origin& origin) {
  if (const auto good = check_provider(provider, plain_); !good) return good.error();
  LoginProvider changed;
  const auto done = directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto before = read_provider(change.session, id);
    if (!before) return before.error();
    if (before->kind() != provider.kind())
      return Error{Errc::invalid_argument,
                   fmt::format("{} is of the kind {}; make another provider for another kind",
                               oci::quote(before->name), identity::name(before->kind()))};
    if (!secret && before->has_secret && !same_addressee(*before, provider))
      return Error{
          Errc::invalid_argument,
          "the secret would be sent to somebody else than the one it was entered for: enter it anew"};
    const Secret<> none;
    if (secret || !before->has_secret)
      if (auto good = check_provider_secret(provider, secret ? *secret : none); !good) return good;
    if (before->name != provider.name)
      if (auto free = check_name_is_free(change.session, provider.name); !free) return free;
    if (auto stay = check_ids_stay(change.session, *before, provider); !stay) return stay;

    changed = provider;
    changed.id = id;
    changed.created_at = before->created_at;
    changed.stored = render_settings(changed);
    changed.has_secret = secret ? !secret->empty() : before->has_secret;
    auto differs = changed_members(*before, changed);
    if (secret && (before->has_secret || changed.has_secret)) differs.emplace_back("secret");
    if (differs.empty()) return {};
    const auto stored =
        change.execute("UPDATE login_providers SET name = ?, enabled = ?, settings = ? WHERE id = ?",
                       {changed.name, std::int64_t{changed.enabled}, changed.stored, id});
    if (!stored) return stored.error();
    if (secret)
      if (auto sealed = store_secret(change.session, sealer_, id, *secret); !sealed) return sealed;
    if (!changed.enabled || changed.stored != before->stored)
      if (auto ended = change.execute_each({"DELETE FROM login_requests WHERE provider_id = ?"}, id); !ended)
        return ended;
    return change.record(Action::login_provider_changed, before->name, list_of(differs));
  });
  if (!done) return done.error();
  return changed;
}

Result<LoginProvider> LoginProviders::find(std::int64_t id) const {
  std::optional<LoginProvider> found;
  const auto done = directory_.read([&](db::Session& session) -> Result<void> {
    auto provider = read_provider(session, id);
    if (!provider) return provider.error();
    found = *std::move(provider);
    return {};
  });
  if (!done) return done.error();
  return *std::move(found);
}

Result<LoginProvider> LoginProviders::find(std::string_view name) const {
  const Error absent{Errc::not_found, fmt::format("there is no log-in provider named {}", oci::quote(name))};
  // Bytes that are no name are not sent to the database, which may refuse them in its own way.
  if (!parse_component(name, "a log-in provider's name")) return absent;
  const auto row =
      directory_.read_row(fmt::format("SELECT {} FROM login_providers WHERE name = ?", kProviderColumns),
                          {std::string(name)}, absent);
  if (!row) return row.error();
  return provider_from(*row);
}

Result<std::vector<LoginProvider>> LoginProviders::list() const {
  const auto rows =
      directory_.read_rows(fmt::format("SELECT {} FROM login_providers ORDER BY name", kProviderColumns), {});
  if (!rows) return rows.error();
  std::vector<LoginProvider> all;
  for (const db::Row& row : *rows) {
    auto provider = provider_from(row);
    if (!provider) return provider.error();
    all.push_back(*std::move(provider));
  }
  return all;
}

Result<Secret<>> LoginProviders::secret(std::int64_t id) const {
  const auto row =
      directory_.read_row("SELECT sealed FROM login_providers WHERE id = ?", {id}, no_provider(id));
  if (!row) return row.error();
  if (row->text(0).empty()) return Secret<>();
  return sealer_.open(place_of(id), row->text(0));
}

}  // namespace bulkhead::identity
