#include "cli/credential_helper.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstdio>
#include <filesystem>

#include "base/say.h"
#include "cli/registry_token.h"
#include "oci/strict_json.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kInputBytes = 64 << 10;

// The words that clients compare with.
constexpr std::string_view kNotFound = "credentials not found in native keychain";

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  return text;
}

Result<Secret<>> get(const LoginStore& store, std::string_view server) {
  const auto found = store.registries().find(registry_of(server));
  if (found == store.registries().end()) return Error{Errc::not_found, std::string(kNotFound)};
  return Secret<>(json::serialize(json::object{{"ServerURL", json::string(server)},
                                               {"Username", found->second.name},
                                               {"Secret", found->second.secret.reveal()}}));
}

// What is not kept any more ends, where "login --docker" made it.
template <class Change>
Result<Secret<>> replace(LoginStore& store, std::string_view server, Change change) {
  const std::string registry = registry_of(server);
  std::optional<LoginStore::RegistryCredential> before;
  auto saved = store.update([&](LoginStore& kept) { before = change(kept, registry); });
  if (!saved) return saved.error();
  if (before) end_registry_token(store, registry, *before);
  return Secret<>();
}

Result<Secret<>> put(LoginStore& store, std::string_view input) {
  const auto parsed = oci::parse_strict_json(input, {.depth = 2, .values = 16});
  if (!parsed || !parsed->is_object()) return Error{Errc::invalid_argument, "store takes a JSON object"};
  const json::object& object = parsed->get_object();
  const std::string server = text(object, "ServerURL");
  if (server.empty()) return Error{Errc::invalid_argument, "no credentials server URL"};
  using Credential = LoginStore::RegistryCredential;
  return replace(store, server, [&](LoginStore& kept, const std::string& registry) {
    Credential credential{text(object, "Username"), Secret<>(text(object, "Secret"))};
    // "docker login" stores once more what it was given.
    const auto there = kept.registries().find(registry);
    const bool same =
        there != kept.registries().end() && there->second.secret.reveal() == credential.secret.reveal();
    if (same) credential.token = there->second.token;
    auto before = kept.put_registry(registry, std::move(credential));
    return same ? std::optional<Credential>() : std::move(before);
  });
}

Result<Secret<>> drop(LoginStore& store, std::string_view server) {
  return replace(store, server,
                 [](LoginStore& kept, const std::string& registry) { return kept.drop_registry(registry); });
}

Secret<> names(const LoginStore& store) {
  json::object out;
  for (const auto& [registry, credential] : store.registries()) out[registry] = credential.name;
  return Secret<>(json::serialize(out));
}

}  // namespace

bool is_credential_helper(std::string_view program) {
  return std::filesystem::path(program).filename() == "docker-credential-bulkhead";
}

Result<Secret<>> answer_credential_request(LoginStore& store, std::string_view action,
                                           std::string_view input) {
  if (action == "get") return get(store, trimmed(input));
  if (action == "store") return put(store, input);
  if (action == "erase") return drop(store, trimmed(input));
  if (action == "list") return names(store);
  return Error{Errc::invalid_argument,
               "usage: docker-credential-bulkhead get|store|erase|list, with the rest on standard input"};
}

int run_credential_helper(int argc, char** argv) {
  const auto fail = [](const Error& error) {
    // Clients read the reason from standard output.
    say("{}\n", error.message);
    return 1;
  };
  const std::string action = argc == 2 ? argv[1] : "";
  const auto path = LoginStore::default_path();
  if (!path) return fail(path.error());
  auto store = LoginStore::load(*path);
  if (!store) return fail(store.error());
  std::string text;
  if (action == "get" || action == "store" || action == "erase") {
    text.resize(kInputBytes);
    text.resize(std::fread(text.data(), 1, text.size(), stdin));
  }
  const Secret<> input(std::move(text));
  const auto answer = answer_credential_request(*store, action, input.reveal());
  if (!answer) return fail(answer.error());
  if (!answer->empty()) say_json(answer->reveal());
  return 0;
}

}  // namespace bulkhead::cli
