// Sessions that a log-in provider stands behind, kept alive by asking it again: whether it still vouches for
// the person, and what groups they are in now.
//
// A provider that cannot be asked changes nothing: the session lasts as long as it would have. One that says
// no ends it, and what the provider gave the person goes with it.
//
// Calls block, for as long as the provider takes. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>

#include "audit/event.h"
#include "base/log.h"
#include "identity/federation/directory_login.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/oidc_client.h"
#include "identity/federation/single_sign_on.h"
#include "identity/login/sessions.h"

namespace bulkhead::identity {

class SessionRefresh {
 public:
  // All must outlive this.
  SessionRefresh(Sessions& sessions, const LoginProviders& providers, SingleSignOn& sign_on,
                 const DirectoryLogIn& directories, OidcClient& oidc, Log& log)
      : sessions_(sessions),
        providers_(providers),
        sign_on_(sign_on),
        directories_(directories),
        oidc_(oidc),
        log_(log) {}

  // Errc::conflict for a session that cannot be refreshed: no provider stands behind it, the provider is
  // switched off, or it has given nothing to ask with. Errc::unauthenticated when it does not vouch for the
  // person any more: then the session has ended. Errc::denied as SingleSignOn::admit(). Errc::unavailable.
  Result<Session> refresh(const Session& session, const audit::Origin& origin);

 private:
  struct Asked;
  Result<Session> refresh_alone(const Session& session, const audit::Origin& origin);
  Result<Asked> ask(const LoginProvider& provider, const Sessions::Backing& backing);

  Sessions& sessions_;
  const LoginProviders& providers_;
  SingleSignOn& sign_on_;
  const DirectoryLogIn& directories_;
  OidcClient& oidc_;
  Log& log_;
  // A refresh token that is used twice at once looks stolen to its provider: one at a time of each session,
  // and none waits for another's provider.
  std::mutex mutex_;
  std::condition_variable done_;
  std::set<std::int64_t> busy_;
};

}  // namespace bulkhead::identity
