// Where the command line keeps what it logged in with: credentials.json in the user's configuration directory
// ($XDG_CONFIG_HOME/bulkhead or ~/.config/bulkhead), readable by its owner alone. Sessions are for the
// management API; registry credentials are what the credential helper gives to docker and podman.
//
// Several terminals use the file at once: who changes it holds a lock from reading to writing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::cli {

// "https://registry.example.com": without a path; where no scheme is given, http for this machine unless it
// is known to speak TLS, else https. Errc::invalid_argument.
Result<std::string> server_url(std::string_view text, bool encrypted = false);
// Whether a URL's host, with or without its port, is a name or address of the loopback interface.
bool is_this_machine(std::string_view host);
// What docker calls a server: the URL's host and port.
std::string registry_of(std::string_view server);

// The file's contents as they were read last; what is changed outside of update() stays in memory.
class LoginStore {
 public:
  struct Session {
    std::string name;
    Secret<> token;
    std::string ca;  // a PEM file to trust, or ""
    // When to have the log-in provider asked again, in seconds since 1970; 0 for never.
    std::int64_t refresh_at = 0;
    std::string expires_at = {};  // RFC 3339; "" where nobody has said
    bool access_token = false;    // `token` is one that was made before, and outlives this log-in
  };
  struct RegistryCredential {
    std::string name;
    Secret<> secret;
    std::int64_t token = 0;  // the number of the access token, where "login --docker" made it
  };

  // An absent file is an empty store. Errc::denied for one that others may read or that is another user's,
  // and where others may write to its directory.
  static Result<LoginStore> load(const std::filesystem::path& path);
  // Errc::not_found when the environment names no place.
  static Result<std::filesystem::path> default_path();
  // Reads the file anew, has `change` applied to this, and writes it, while every other update waits: what
  // they keep stays. Where it fails nothing was kept.
  Result<void> update(const std::function<void(LoginStore&)>& change);

  // The server that commands go to; "" for none.
  const std::string& current() const { return current_; }
  // The server that was logged in to last, also when nobody is any more; "" for none.
  const std::string& last() const { return last_; }
  // The authority that a log-in there was given last, a PEM file; "" for none. Outlives the session.
  std::string authority(const std::string& server) const;
  // server_url() with what is known of a server that is named without its scheme.
  Result<std::string> url_of(std::string_view text, bool encrypted) const;
  const std::map<std::string, Session>& sessions() const { return sessions_; }
  const std::map<std::string, RegistryCredential>& registries() const { return registries_; }

  // Each gives back what was there before.
  std::optional<Session> put_session(const std::string& server,
                                     Session session);  // it is the current one then
  std::optional<Session> drop_session(const std::string& server);
  std::optional<RegistryCredential> put_registry(const std::string& registry, RegistryCredential credential);
  std::optional<RegistryCredential> drop_registry(const std::string& registry);
  // Commands go there from now on. It has a session.
  void use(const std::string& server) { current_ = last_ = server; }
  void set_refresh(const std::string& server, std::int64_t at);

 private:
  Result<void> save() const;

  std::filesystem::path path_;
  std::string current_;
  std::string last_;
  std::map<std::string, std::string> authorities_;
  std::map<std::string, Session> sessions_;
  std::map<std::string, RegistryCredential> registries_;
};

}  // namespace bulkhead::cli
