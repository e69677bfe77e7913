// Logging in with the password of an LDAP directory, and asking the directory again about somebody who has.
//
// Calls block, for as long as the directory takes (ldap/directory.h). Thread-safe.
#pragma once

#include <string_view>

#include "audit/event.h"
#include "base/log.h"
#include "base/secret.h"
#include "identity/federation/external_person.h"
#include "identity/federation/login_provider.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/single_sign_on.h"
#include "identity/login/login.h"
#include "identity/login/sessions.h"
#include "ldap/directory.h"

namespace bulkhead::identity {

class DirectoryLogIn {
 public:
  // All must outlive this.
  DirectoryLogIn(const ldap::Directory& directory, const LoginProviders& providers, SingleSignOn& sign_on,
                 LogIn& login, Log& log)
      : directory_(directory), providers_(providers), sign_on_(sign_on), login_(login), log_(log) {}

  struct Proved {
    Account account;
    Sessions::Backing backing;
  };
  // `provider` is of kind ldap. Limited and journaled as a log-in with a password is, and with its one
  // message for a wrong one; otherwise as SingleSignOn::admit(). `condition` may refuse all the same.
  // Errc::unavailable when the directory cannot be asked: then nobody is let in, and nothing is counted.
  Result<Proved> verify(const LoginProvider& provider, std::string_view name, const Secret<>& password,
                        const audit::Origin& origin, const LogIn::Condition& condition = {},
                        std::int64_t session = 0);

  // The person as the directory knows them now. Errc::not_found when it does not any more.
  Result<ExternalPerson> look_up(const LoginProvider& provider, std::string_view subject) const;

  // Whether the directory can be asked, and whom it has by that name ("" for nobody): for whoever manages it.
  Result<std::vector<Step>> probe(const LoginProvider& provider, std::string_view name) const;

 private:
  LogIn::Veto failure(const LoginProvider& provider, const Error& error) const;
  // What the caller is told of it; the log has why.
  Error unreachable(const LoginProvider& provider, const Error& why) const;

  const ldap::Directory& directory_;
  const LoginProviders& providers_;
  SingleSignOn& sign_on_;
  LogIn& login_;
  Log& log_;
};

}  // namespace bulkhead::identity
