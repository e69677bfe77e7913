#include "cli/registry_token.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/say.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

}  // namespace

Result<LoginStore::RegistryCredential> make_registry_token(ApiClient& client, const std::string& name) {
  char host[256] = "this machine";
  ::gethostname(host, sizeof host - 1);
  const auto made = client.create(
      path_of("users", name, "tokens"),
      {{"name", fmt::format("docker on {}", host)},
       {"scopes", json::array{json::object{{"actions", json::array{"pull", "push", "delete"}}}}}});
  if (!made) return made.error();
  return LoginStore::RegistryCredential{name, Secret<>(std::string(made->at("secret").as_string())),
                                        made->at("token").at("id").to_number<std::int64_t>()};
}

void end_registry_token(ApiClient* owner, const LoginStore::RegistryCredential& credential) {
  if (credential.token == 0) return;
  const std::string number = std::to_string(credential.token);
  if (owner != nullptr) {
    const auto done = owner->remove(path_of("users", credential.name, "tokens", number));
    if (done || done.error().code == Errc::not_found) return;
  }
  tell(
      "docker's access token {} of {} still works; log in as {}, and end it with: bulkhead token revoke {} "
      "{}\n",
      number, credential.name, credential.name, credential.name, number);
}

void end_registry_token(const LoginStore& store, const std::string& registry,
                        const LoginStore::RegistryCredential& credential) {
  std::unique_ptr<ApiClient> owner;
  for (const auto& [server, session] : store.sessions())
    if (registry_of(server) == registry && session.name == credential.name)
      owner = make_remote_client(server, Secret<>(session.token.reveal()), session.ca);
  end_registry_token(owner.get(), credential);
}

}  // namespace bulkhead::cli
