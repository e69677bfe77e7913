#include "identity/federation/directory_login.h"

#include <fmt/format.h>

#include <utility>

#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

constexpr std::size_t kLongestName = 256;

ExternalPerson external(ldap::Person person) {
  ExternalPerson out;
  out.subject = std::move(person.id);
  out.name = std::move(person.name);
  out.display_name = std::move(person.display_name);
  out.email = std::move(person.email);
  // The directory is the company's own word on who has which address.
  out.email_verified = !out.email.empty();
  out.groups = std::move(person.groups);
  out.groups_complete = person.groups_missing.empty();
  out.groups_note = std::move(person.groups_missing);
  return out;
}

Error wrong() { return {Errc::unauthenticated, "the user name or the password is wrong"}; }

bool is_outage(Errc code) { return code == Errc::unavailable; }

std::string reason(std::string_view word, const Error& error) {
  return fmt::format(R"({{"reason":"{}","error":{}}})", word, json_quote(error.message));
}

std::string refusal(const Error& error) {
  return error.message == ldap::Directory::kWrong ? std::string("wrong_password")
                                                  : reason("not_found_here", error);
}

}  // namespace

// Nothing is known of the person then, so nothing is counted; the evidence says why.
LogIn::Veto DirectoryLogIn::failure(const LoginProvider& provider, const Error& error) const {
  return {reason("directory_unavailable", error),
          is_outage(error.code) ? unreachable(provider, error) : error};
}

Error DirectoryLogIn::unreachable(const LoginProvider& provider, const Error& why) const {
  log_.warning("a directory cannot be asked", {{"provider", provider.name}, {"error", why.message}});
  return {why.code,
          fmt::format("the directory {} cannot be asked now; access tokens work as ever",
                      oci::quote(provider.name)),
          why.retry_after};
}

Result<DirectoryLogIn::Proved> DirectoryLogIn::verify(const LoginProvider& provider, std::string_view name,
                                                      const Secret<>& password, const audit::Origin& origin,
                                                      const LogIn::Condition& condition,
                                                      std::int64_t session) {
  const auto* settings = std::get_if<ldap::Settings>(&provider.settings);
  if (settings == nullptr || name.empty() || name.size() > kLongestName) return wrong();
  // Nor does the directory get to see it.
  if (auto admitted = login_.admit_password(name, password, origin); !admitted) return admitted.error();
  const auto secret = providers_.secret(provider.id);
  if (!secret) return secret.error();
  Sessions::Backing backing;
  const auto judge = [&]() -> Result<LogIn::Judgement> {
    auto person = directory_.authenticate(*settings, *secret, name, password);
    if (!person && person.error().code == Errc::unauthenticated)
      return LogIn::Judgement{{}, LogIn::Veto{refusal(person.error()), std::nullopt}};
    if (!person) return LogIn::Judgement{{}, failure(provider, person.error())};
    const ExternalPerson known = external(*std::move(person));
    auto admitted = sign_on_.admit(provider, known, origin);
    if (!admitted && is_outage(admitted.error().code)) return admitted.error();
    if (!admitted)
      return LogIn::Judgement{{}, LogIn::Veto{reason("not_admitted", admitted.error()), admitted.error()}};
    if (condition) {
      auto veto = condition(*admitted);
      if (!veto) return veto.error();
      if (*veto) return LogIn::Judgement{{}, *std::move(veto)};
    }
    backing.provider_id = provider.id;
    backing.subject = known.subject;
    backing.settings = provider.stored;
    return LogIn::Judgement{*std::move(admitted), std::nullopt, known.groups_note};
  };
  auto account = login_.verify_elsewhere(provider.name, name, origin, judge, session);
  if (!account) return account.error();
  return Proved{*std::move(account), std::move(backing)};
}

Result<std::vector<Step>> DirectoryLogIn::probe(const LoginProvider& provider, std::string_view name) const {
  const auto* settings = std::get_if<ldap::Settings>(&provider.settings);
  if (settings == nullptr)
    return Error{Errc::invalid_argument, fmt::format("{} is no directory", oci::quote(provider.name))};
  const auto secret = providers_.secret(provider.id);
  if (!secret) return secret.error();
  return directory_.probe(*settings, *secret, name);
}

Result<ExternalPerson> DirectoryLogIn::look_up(const LoginProvider& provider,
                                               std::string_view subject) const {
  const auto* settings = std::get_if<ldap::Settings>(&provider.settings);
  if (settings == nullptr)
    return Error{Errc::invalid_argument, fmt::format("{} is no directory", oci::quote(provider.name))};
  const auto secret = providers_.secret(provider.id);
  if (!secret) return secret.error();
  auto person = directory_.look_up(*settings, *secret, subject);
  if (!person) return is_outage(person.error().code) ? unreachable(provider, person.error()) : person.error();
  return external(*std::move(person));
}

}  // namespace bulkhead::identity
