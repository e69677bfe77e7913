// Log-in with an OpenID provider, from its beginning to a session: in a browser, and for a device (RFC 8628)
// with the help of one. Which of its pages shows what is the API's.
//
// Every attempt that comes back is journaled as a log-in, with the credential "oidc:PROVIDER"; one that fails
// counts against its network as a wrong password does, unless it was the provider that could not be asked. A
// provider that was disabled or removed meanwhile lets nobody in.
//
// Calls block. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "audit/event.h"
#include "audit/journal.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/login_requests.h"
#include "identity/federation/oidc_client.h"
#include "identity/federation/single_sign_on.h"
#include "identity/login/login.h"
#include "identity/login/sessions.h"
#include "identity/people/accounts.h"

namespace bulkhead::identity {

class OidcLogIn {
 public:
  // All must outlive this.
  OidcLogIn(const LoginProviders& providers, OidcClient& client, LoginRequests& requests,
            SingleSignOn& sign_on, Accounts& accounts, Sessions& sessions, LogIn& login,
            audit::Journal& journal, const Clock& clock, Log& log)
      : providers_(providers),
        client_(client),
        requests_(requests),
        sign_on_(sign_on),
        accounts_(accounts),
        sessions_(sessions),
        login_(login),
        journal_(journal),
        clock_(clock),
        log_(log) {}

  // Where the provider of that name sends people back to. Each has an address of its own: an answer that
  // comes to another than that of the provider that the log-in was begun with is refused unread (RFC 9700
  // section 4.4.2.2), whether or not the providers name themselves in their answers.
  using RedirectUri = std::function<std::string(std::string_view provider)>;

  // Whether the provider can be asked: for whoever manages it.
  std::vector<Step> probe(const OidcSettings& settings) { return client_.probe(settings); }

  // Where the browser that knows `binder` is to be sent. Errc::not_found for a name that is no OpenID
  // provider in use, Errc::unavailable when the provider cannot be asked, Errc::rate_limited. Why it cannot
  // be asked is the log's business.
  Result<std::string> begin(std::string_view provider, const Secret<>& binder,
                            const RedirectUri& redirect_uri, const audit::Origin& origin);

  struct Device {
    Secret<> device_code;
    Secret<> user_code;
    std::chrono::seconds lifetime{};
    std::chrono::seconds interval{};
  };
  Result<Device> begin_device(std::string_view provider, const audit::Origin& origin);

  // Who asks to be let in with the user code: for the person to compare. Errors as those of LoginRequests.
  struct Waiting {
    std::string provider;
    std::string client;
    std::string address;
    Time created_at{};
  };
  Result<Waiting> waiting(std::string_view user_code, const audit::Origin& origin);
  // The person says yes: where their browser is to be sent.
  Result<std::string> confirm(std::string_view user_code, const Secret<>& binder,
                              const RedirectUri& redirect_uri, const audit::Origin& origin);
  // The person says no.
  Result<void> refuse(std::string_view user_code, const audit::Origin& origin);

  // What the browser brings back from the provider (RFC 6749 section 4.1.2, RFC 9207 section 2).
  struct Callback {
    std::string provider;  // whose address it came to
    std::string state;
    Secret<> code;
    std::string error;
    std::string issuer;
  };
  struct Finished {
    std::string account;
    std::optional<Sessions::Started> session;  // the browser's; none when it was for a device
  };
  // Whom finish() will ask: the provider's name, or "" for a state that leads nowhere.
  Result<std::string> provider_of(std::string_view state) const;
  // Errc::unauthenticated, Errc::denied, Errc::conflict, Errc::name_invalid, Errc::unavailable,
  // Errc::not_found and Errc::rate_limited, each with a sentence for the person.
  Result<Finished> finish(const Callback& callback, const Secret<>& binder, const RedirectUri& redirect_uri,
                          const audit::Origin& origin);

  struct Polled {
    LoginRequests::Progress progress = LoginRequests::Progress::unknown;
    // With `approved`.
    std::string account;
    std::optional<Sessions::Started> session;
  };
  Result<Polled> poll(const Secret<>& device_code, const audit::Origin& origin);

 private:
  Result<LoginProvider> usable(const Result<LoginProvider>& provider) const;
  Result<std::string> departure(const LoginProvider& provider, const LoginRequests::Journey& journey,
                                const RedirectUri& redirect_uri);
  Result<Finished> settle(const LoginRequests::Returned& returned, const Callback& callback,
                          const RedirectUri& redirect_uri, audit::Origin& origin, std::string& reason);
  Result<Sessions::Started> start(LoginRequests::Approval& approval, audit::Origin& origin,
                                  std::string& account, std::string& reason);
  // Journals a code that nobody waits with; the error again.
  Error wrong_code(const Error& error, const audit::Origin& origin);
  void journal_failure(std::string_view reason, const Error& error, const audit::Origin& origin);
  // What anybody is told of a provider that cannot be asked; the log has why.
  Error unreachable(const LoginProvider& provider, const Error& why) const;

  const LoginProviders& providers_;
  OidcClient& client_;
  LoginRequests& requests_;
  SingleSignOn& sign_on_;
  Accounts& accounts_;
  Sessions& sessions_;
  LogIn& login_;
  audit::Journal& journal_;
  const Clock& clock_;
  Log& log_;
};

}  // namespace bulkhead::identity
