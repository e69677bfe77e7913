#include "identity/federation/session_refresh.h"

#include <fmt/format.h>

#include <utility>

#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

Error not_vouched_for(const LoginProvider& provider) {
  return {Errc::unauthenticated,
          fmt::format("{} does not vouch for this person any more; log in again", oci::quote(provider.name))};
}

}  // namespace

struct SessionRefresh::Asked {
  bool vouched = false;
  ExternalPerson person;
  Secret<> refresh;
};

Result<SessionRefresh::Asked> SessionRefresh::ask(const LoginProvider& provider,
                                                  const Sessions::Backing& backing) {
  if (provider.kind() == ProviderKind::ldap) {
    auto person = directories_.look_up(provider, backing.subject);
    if (!person && person.error().code == Errc::not_found) return Asked();
    if (!person) return person.error();
    return Asked{true, *std::move(person), Secret<>()};
  }
  if (backing.refresh.reveal().empty())
    return Error{
        Errc::conflict,
        fmt::format("{} gave nothing to ask it again with; log in again when the session has run out",
                    oci::quote(provider.name))};
  const auto secret = providers_.secret(provider.id);
  if (!secret) return secret.error();
  auto vouched =
      oidc_.refresh(std::get<OidcSettings>(provider.settings), *secret, backing.subject, backing.refresh);
  if (!vouched && vouched.error().code == Errc::unauthenticated) return Asked();
  if (!vouched) {
    // What the person is told of it; the log has why.
    log_.warning("an OpenID provider cannot be asked about somebody",
                 {{"provider", provider.name}, {"error", vouched.error().message}});
    return Error{vouched.error().code,
                 fmt::format("the log-in provider {} cannot be asked now, or does not answer of whom; the "
                             "session goes on until it expires",
                             oci::quote(provider.name)),
                 vouched.error().retry_after};
  }
  return Asked{true, std::move(vouched->person), std::move(vouched->refresh)};
}

Result<Session> SessionRefresh::refresh(const Session& session, const audit::Origin& origin) {
  // Gives the session free again, whatever happens.
  class Turn {
   public:
    Turn(SessionRefresh& of, std::int64_t session) : of_(of), session_(session) {
      std::unique_lock lock(of_.mutex_);
      of_.done_.wait(lock, [&] { return of_.busy_.insert(session_).second; });
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      {
        const std::lock_guard lock(of_.mutex_);
        of_.busy_.erase(session_);
      }
      of_.done_.notify_all();
    }

   private:
    SessionRefresh& of_;
    std::int64_t session_;
  };
  const Turn turn(*this, session.id);
  return refresh_alone(session, origin);
}

Result<Session> SessionRefresh::refresh_alone(const Session& session, const audit::Origin& origin) {
  const auto backing = sessions_.backing(session.id);
  if (!backing && backing.error().code == Errc::not_found)
    return Error{Errc::conflict, "only sessions of single sign-on are refreshed; log in again instead"};
  if (!backing) return backing.error();
  const auto provider = providers_.find(backing->provider_id);
  if (!provider) return provider.error();
  if (!provider->enabled)
    return Error{Errc::conflict,
                 fmt::format("logging in with {} is switched off", oci::quote(provider->name))};
  auto asked = ask(*provider, *backing);
  if (!asked) return asked.error();
  if (!asked->vouched) {
    if (const auto gone = sign_on_.dismiss(*provider, backing->subject, origin); !gone) return gone.error();
    return not_vouched_for(*provider);
  }
  // A directory that answers with another entry for the id has not vouched for this one.
  if (asked->person.subject != backing->subject)
    return Error{Errc::unavailable,
                 fmt::format("{} answered with somebody else", oci::quote(provider->name))};
  const auto account = sign_on_.admit(*provider, asked->person, origin);
  // The session is none the worse for it.
  if (!account && account.error().code == Errc::unauthenticated)
    return Error{Errc::conflict, account.error().message};
  if (!account) return account.error();
  if (account->id != session.account_id) {
    // The person has been linked to another account since.
    const auto ended = sessions_.end_backed(provider->id, backing->subject, origin);
    if (!ended) return ended.error();
    return not_vouched_for(*provider);
  }
  return sessions_.refresh(session.id, asked->refresh, origin);
}

}  // namespace bulkhead::identity
