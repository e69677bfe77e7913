#include "cli/login_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <cstdlib>

#include "base/bytes.h"
#include "base/file.h"
#include "base/ip_network.h"
#include "base/shown.h"
#include "oci/strict_json.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kFileBytes = 1 << 20;

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

// The members of `key` that are objects themselves.
template <class Each>
void for_each_object(const json::object& document, std::string_view key, Each each) {
  const json::value* value = document.if_contains(key);
  if (value == nullptr || !value->is_object()) return;
  for (const auto& [name, member] : value->get_object())
    if (member.is_object()) each(std::string(name), member.get_object());
}

template <class Value>
std::optional<Value> take(std::map<std::string, Value>& map, const std::string& key) {
  auto node = map.extract(key);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

// Whoever else may write there chooses where the next password goes.
Result<void> check_directory(const std::filesystem::path& directory) {
  struct ::stat status {};
  if (::stat(directory.c_str(), &status) != 0) return {};
  if (status.st_uid != ::geteuid() && status.st_uid != 0)
    return Error{
        Errc::denied,
        fmt::format("{} belongs to another user, and so do the log-ins that are kept in it: remove it",
                    directory.string())};
  if ((status.st_mode & 022) != 0)
    return Error{Errc::denied, fmt::format("others may write to {}; mend that with: chmod 700 {}",
                                           directory.string(), directory.string())};
  return {};
}

}  // namespace

bool is_this_machine(std::string_view host) {
  if (host.starts_with("[::1]")) return host.size() == 5 || host[5] == ':';
  const std::string_view bare = host.substr(0, host.find(':'));
  return bare == "localhost" || (bare.starts_with("127.") && is_ip_address(bare));
}

Result<std::string> server_url(std::string_view text, bool encrypted) {
  const Error malformed{Errc::invalid_argument,
                        fmt::format("{} is no server; write https://registry.example.com", quote(text))};
  std::string_view scheme;
  std::string_view host = text;
  if (const auto mark = text.find("://"); mark != std::string_view::npos) {
    if (mark == 0) return malformed;
    scheme = text.substr(0, mark);
    host = text.substr(mark + 3);
  }
  while (host.ends_with('/')) host.remove_suffix(1);
  if (scheme.empty()) scheme = is_this_machine(host) && !encrypted ? "http" : "https";
  if (scheme != "http" && scheme != "https") return malformed;
  if (host.empty() || host.find_first_of("/?#@ \t\"\\") != std::string_view::npos) return malformed;
  return fmt::format("{}://{}", scheme, host);
}

std::string registry_of(std::string_view server) {
  const auto mark = server.find("://");
  std::string_view host = mark == std::string_view::npos ? server : server.substr(mark + 3);
  return std::string(host.substr(0, host.find('/')));
}

Result<std::filesystem::path> LoginStore::default_path() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && *config == '/')
    return std::filesystem::path(config) / "bulkhead" / "credentials.json";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::filesystem::path(home) / ".config" / "bulkhead" / "credentials.json";
  return Error{Errc::not_found, "there is no home directory to keep a log-in in: HOME is not set"};
}

Result<LoginStore> LoginStore::load(const std::filesystem::path& path) {
  LoginStore store;
  store.path_ = path;
  struct ::stat status {};
  if (auto own = check_directory(path.parent_path()); !own) return own.error();
  if (::stat(path.c_str(), &status) != 0) return store;
  if (status.st_uid != ::geteuid())
    return Error{Errc::denied,
                 fmt::format("{} belongs to another user; remove it, and log in again", path.string())};
  if ((status.st_mode & 077) != 0)
    return Error{Errc::denied, fmt::format("others may read {}; mend that with: chmod 600 {}", path.string(),
                                           path.string())};
  auto contents = read_file(path, kFileBytes);
  if (!contents) return contents.error();
  const Secret<> secret(std::move(*contents));
  const auto document = oci::parse_strict_json(secret.reveal(), {.depth = 8, .values = 10'000});
  if (!document || !document->is_object())
    return Error{Errc::corrupt, fmt::format("{} cannot be read; remove it, and log in again", path.string())};
  const json::object& object = document->get_object();
  store.current_ = text(object, "current");
  store.last_ = text(object, "last");
  if (store.last_.empty()) store.last_ = store.current_;
  for_each_object(object, "authorities", [&store](const std::string& server, const json::object& entry) {
    store.authorities_[server] = text(entry, "ca");
  });
  for_each_object(object, "servers", [&store](const std::string& server, const json::object& entry) {
    store.sessions_[server] = {text(entry, "name"),       Secret<>(text(entry, "session")),
                               text(entry, "ca"),         number(entry, "refresh_at"),
                               text(entry, "expires_at"), number(entry, "access_token") != 0};
  });
  for_each_object(object, "registries", [&store](const std::string& registry, const json::object& entry) {
    store.registries_[registry] = {text(entry, "name"), Secret<>(text(entry, "secret")),
                                   number(entry, "token")};
  });
  if (!store.sessions_.contains(store.current_)) store.current_.clear();
  return store;
}

Result<void> LoginStore::update(const std::function<void(LoginStore&)>& change) {
  if (auto made = make_directories(path_.parent_path(), 0700); !made) return made.error();
  const std::filesystem::path lock = path_.string() + ".lock";
  // Closing it lets the next one in; the file stays, for one that is removed would be two.
  const auto held = open_file(lock, O_RDWR | O_CREAT, 0600);
  if (!held) return held.error();
  while (::flock(held->get(), LOCK_EX) != 0)
    if (errno != EINTR) return system_error("lock", lock, errno);
  auto fresh = load(path_);
  if (!fresh) return fresh.error();
  change(*fresh);
  if (auto saved = fresh->save(); !saved) return saved.error();
  *this = *std::move(fresh);
  return {};
}

Result<void> LoginStore::save() const {
  json::object servers;
  for (const auto& [server, session] : sessions_)
    servers[server] = json::object{{"name", session.name},
                                   {"session", session.token.reveal()},
                                   {"ca", session.ca},
                                   {"refresh_at", session.refresh_at},
                                   {"expires_at", session.expires_at},
                                   {"access_token", session.access_token ? 1 : 0}};
  json::object registries;
  for (const auto& [registry, credential] : registries_)
    registries[registry] = json::object{
        {"name", credential.name}, {"secret", credential.secret.reveal()}, {"token", credential.token}};
  json::object authorities;
  for (const auto& [server, ca] : authorities_) authorities[server] = json::object{{"ca", ca}};
  const Secret<> contents(json::serialize(json::object{{"current", current_},
                                                       {"last", last_},
                                                       {"authorities", std::move(authorities)},
                                                       {"servers", std::move(servers)},
                                                       {"registries", std::move(registries)}}));
  return replace_file(path_, as_bytes(contents.reveal()), 0600);
}

std::optional<LoginStore::Session> LoginStore::put_session(const std::string& server, Session session) {
  if (!session.ca.empty()) authorities_[server] = session.ca;
  auto before = take(sessions_, server);
  sessions_.emplace(server, std::move(session));
  current_ = last_ = server;
  return before;
}

std::string LoginStore::authority(const std::string& server) const {
  const auto session = sessions_.find(server);
  if (session != sessions_.end() && !session->second.ca.empty()) return session->second.ca;
  const auto kept = authorities_.find(server);
  return kept == authorities_.end() ? std::string() : kept->second;
}

Result<std::string> LoginStore::url_of(std::string_view text, bool encrypted) const {
  auto url = server_url(text, true);
  if (!url || text.find("://") != std::string_view::npos || encrypted) return url;
  if (sessions_.contains(*url) || authorities_.contains(*url)) return url;
  return server_url(text);
}

void LoginStore::set_refresh(const std::string& server, std::int64_t at) {
  if (const auto found = sessions_.find(server); found != sessions_.end()) found->second.refresh_at = at;
}

std::optional<LoginStore::Session> LoginStore::drop_session(const std::string& server) {
  auto before = take(sessions_, server);
  if (current_ == server) current_ = sessions_.empty() ? std::string() : sessions_.begin()->first;
  return before;
}

std::optional<LoginStore::RegistryCredential> LoginStore::put_registry(const std::string& registry,
                                                                       RegistryCredential credential) {
  auto before = take(registries_, registry);
  registries_.emplace(registry, std::move(credential));
  return before;
}

std::optional<LoginStore::RegistryCredential> LoginStore::drop_registry(const std::string& registry) {
  return take(registries_, registry);
}

}  // namespace bulkhead::cli
