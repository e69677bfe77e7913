// login, logout, whoami: the command line's sessions with servers.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/say.h"
#include "cli/command_line.h"
#include "cli/environment.h"
#include "cli/keep_session.h"
#include "cli/login_store.h"
#include "cli/registry_token.h"
#include "cli/sso_login.h"
#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr const char* kFirstServer = "http://127.0.0.1:5000";

struct LoginOptions {
  std::string server;
  std::string name;
  std::string sso;
  std::string code;
  std::string ca;
  bool password_stdin = false;
  bool token_stdin = false;
  bool docker = false;
};

std::string text(const json::value& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

// Logs in; where an account turns out to have a second factor, its code is asked for.
Result<json::value> start_session(ApiClient& client, const LoginOptions& options, const Secret<>& password) {
  json::object body{{"name", options.name}, {"password", password.reveal()}};
  if (!options.sso.empty()) body["provider"] = options.sso;
  if (!options.code.empty()) body["code"] = options.code;
  auto started = client.create("/sessions", body);
  const bool wants_code = !started && started.error().code == Errc::unauthenticated && options.code.empty() &&
                          started.error().message.find("second factor") != std::string::npos;
  if (!wants_code) return started;
  if (!at_terminal())
    return Error{Errc::unauthenticated,
                 "the account has a second factor: give its code, or a recovery code, with --code"};
  const Secret<> code = ask_secret("Code of the second factor: ");
  body["code"] = code.reveal();
  return client.create("/sessions", body);
}

// However the person proves it: in a browser, or with a password, of the server's own or of a directory.
Result<json::value> prove(ApiClient& client, LoginOptions& options) {
  if (!options.sso.empty()) {
    const auto kind = login_provider_kind(client, options.sso);
    if (!kind) return kind.error();
    if (*kind == "oidc") return log_in_with_browser(client, options.sso);
  }
  if (options.name.empty() && at_terminal() && !options.password_stdin) options.name = ask_line("Name: ");
  if (options.name.empty()) return Error{Errc::invalid_argument, "say who logs in with --name"};
  const auto password = read_one_password(options.password_stdin);
  if (!password) return password.error();
  // It would count as a wrong one.
  if (password->empty()) return Error{Errc::invalid_argument, "no password was given"};
  return start_session(client, options, *password);
}

Result<std::string> absolute_path(const std::string& path) {
  if (path.empty()) return std::string();
  std::error_code error;
  auto absolute = std::filesystem::canonical(path, error);
  if (error) return Error{Errc::not_found, fmt::format("cannot read {}: {}", path, error.message())};
  return absolute.string();
}

// A session that nobody can use any more; best effort, for it runs out by itself.
void end_session(const std::string& server, const Secret<>& token, const std::string& ca) {
  const auto client = make_remote_client(server, Secret<>(token.reveal()), ca);
  static_cast<void>(client->remove("/sessions/current"));
}

// The policy's or the account's second factor comes first; with one, the token can be made.
bool waits_for_factor(const Error& error) {
  return error.code == Errc::denied && error.message.find("second factor") != std::string::npos;
}

// A log-in as it was kept, and what it took the place of.
struct Kept {
  std::unique_ptr<ApiClient> client;
  std::int64_t docker_token = 0;
  bool docker_waits = false;  // for a second factor
  std::optional<LoginStore::Session> session;
  std::optional<LoginStore::RegistryCredential> credential;
};

// Whether the answer has what is made use of once the session is kept.
bool is_log_in(const json::value& started) {
  const auto member = [](const json::value& value, std::string_view name) {
    return value.is_object() ? value.get_object().if_contains(name) : nullptr;
  };
  const auto has_text = [&](const json::value* value, std::string_view name) {
    const json::value* held = value == nullptr ? nullptr : member(*value, name);
    return held != nullptr && held->is_string() && !held->get_string().empty();
  };
  const json::value* needs_factor = member(started, "needs_factor");
  return has_text(&started, "secret") && has_text(member(started, "user"), "name") &&
         has_text(member(started, "session"), "expires_at") && needs_factor != nullptr &&
         needs_factor->is_bool();
}

// Puts the new session, and what docker logs in with, into the store. What cannot be kept is ended.
Result<Kept> keep(const LoginOptions& options, const std::string& server, const std::string& ca,
                  LoginStore& store, const json::value& started) {
  const Secret<> token(text(started, "secret"));
  const std::string name = text(started.at("user"), "name");
  Kept kept;
  kept.client = make_remote_client(server, Secret<>(token.reveal()), ca);
  std::optional<LoginStore::RegistryCredential> credential;
  if (options.docker) {
    auto made = make_registry_token(*kept.client, name);
    kept.docker_waits = !made && (started.at("needs_factor").as_bool() || waits_for_factor(made.error()));
    if (!made && !kept.docker_waits) return made.error();
    if (made) credential = *std::move(made);
  }
  kept.docker_token = credential ? credential->token : 0;
  const std::int64_t now = to_micros(SystemClock().now()) / 1'000'000;
  const auto saved = store.update([&](LoginStore& fresh) {
    if (credential)
      kept.credential = fresh.put_registry(registry_of(server),
                                           {name, Secret<>(credential->secret.reveal()), credential->token});
    kept.session = fresh.put_session(
        server, {name, Secret<>(token.reveal()), ca, options.sso.empty() ? 0 : now + kRefreshSeconds,
                 text(started.at("session"), "expires_at")});
  });
  if (saved) return kept;
  if (credential) end_registry_token(kept.client.get(), *credential);
  return saved.error();
}

// A token that was made before ends when whoever made it says so; a session, with its log-in.
void end_at_server(ApiClient& client, const LoginStore::Session& session) {
  if (!session.access_token) static_cast<void>(client.remove("/sessions/current"));
}

// With whichever session is its owner's: the new one, or the one that ends with it.
void end_replaced(const Kept& kept, const std::string& server, const std::string& name) {
  std::unique_ptr<ApiClient> old;
  if (kept.session)
    old = make_remote_client(server, Secret<>(kept.session->token.reveal()), kept.session->ca);
  if (kept.credential) {
    const bool own = kept.credential->name == name;
    const bool of_before = kept.session && kept.session->name == kept.credential->name;
    end_registry_token(own ? kept.client.get() : of_before ? old.get() : nullptr, *kept.credential);
  }
  if (old) end_at_server(*old, *kept.session);
}

void print_log_in(const CommandLine& line, const std::string& server, const json::value& started,
                  const Kept& kept) {
  const std::string name = text(started.at("user"), "name");
  if (kept.docker_waits)
    tell("docker has no access token yet: a second factor comes first; then log in with --docker again\n");
  if (line.json) {
    json::object out{
        {"server", server}, {"name", name}, {"expires_at", started.at("session").at("expires_at")}};
    if (kept.docker_token != 0) out["docker_token"] = kept.docker_token;
    say_json(json::serialize(out));
    return;
  }
  say("{} is logged in to {}{}\n", name, server,
      started.at("needs_factor").as_bool() ? "; a policy asks for a second factor: bulkhead factor enroll"
                                           : "");
  if (kept.docker_token != 0)
    say("docker-credential-bulkhead gives access token {} to docker and podman for a week, where their "
        "configuration says {}\n",
        kept.docker_token,
        json::serialize(json::object{{"credHelpers", json::object{{registry_of(server), "bulkhead"}}}}));
}

// When the token that is used ends, where it may look; its credential is "token:NUMBER".
std::string end_of_token(ApiClient& client, const json::value& whoami) {
  const std::string credential = text(whoami, "credential");
  const auto tokens = client.list(path_of("users", text(whoami.at("user"), "name"), "tokens"));
  if (!tokens) return {};
  for (const json::value& token : *tokens)
    if (credential == fmt::format("token:{}", token.at("id").to_number<std::int64_t>()))
      return text(token, "expires_at");
  return {};
}

// Keeps an access token as the log-in.
Result<void> log_in_with_token(const CommandLine& line, const std::string& server, const std::string& ca,
                               LoginStore& store) {
  const auto pasted = read_one_password(true);
  if (!pasted) return pasted.error();
  const auto token = read_access_token(pasted->reveal(), "--token-stdin");
  if (!token) return token.error();
  const auto client = make_remote_client(server, Secret<>(token->reveal()), ca);
  const auto me = client->get("/whoami");
  if (!me) return me.error();
  LoginStore::Session session{text(me->at("user"), "name"), Secret<>(token->reveal()), ca};
  session.expires_at = end_of_token(*client, *me);
  session.access_token = true;
  std::optional<LoginStore::Session> before;
  const std::string name = session.name;
  const std::string expires_at = session.expires_at;
  if (auto saved =
          store.update([&](LoginStore& fresh) { before = fresh.put_session(server, std::move(session)); });
      !saved)
    return saved.error();
  if (before)
    end_at_server(*make_remote_client(server, Secret<>(before->token.reveal()), before->ca), *before);
  if (line.json)
    say_json(json::serialize(json::object{{"server", server}, {"name", name}, {"expires_at", expires_at}}));
  else
    say("{} is logged in to {} with an access token ({})\n", name, server, text(*me, "management"));
  return {};
}

Result<void> log_in(const CommandLine& line, LoginOptions options) {
  const auto path = LoginStore::default_path();
  if (!path) return path.error();
  auto store = LoginStore::load(*path);
  if (!store) return store.error();
  if (options.server.empty()) options.server = server_variable();
  if (options.ca.empty()) options.ca = ca_variable();
  if (options.server.empty()) options.server = store->last().empty() ? kFirstServer : store->last();
  const auto server = store->url_of(options.server, !options.ca.empty());
  if (!server) return server.error();
  const auto ca = absolute_path(options.ca.empty() ? store->authority(*server) : options.ca);
  if (!ca) return ca.error();
  if (options.token_stdin) return log_in_with_token(line, *server, *ca, *store);
  const auto anonymous = make_remote_client(*server, Secret<>(), *ca);
  const auto started = prove(*anonymous, options);
  if (!started) return started.error();
  if (!is_log_in(*started))
    return Error{Errc::unavailable,
                 fmt::format("{} answered the log-in with something else than a session; is it a Bulkhead "
                             "registry, of this version?",
                             *server)};
  const auto kept = keep(options, *server, *ca, *store, *started);
  if (!kept) {
    end_session(*server, Secret<>(text(*started, "secret")), *ca);
    return kept.error();
  }
  end_replaced(*kept, *server, text(started->at("user"), "name"));
  print_log_in(line, *server, *started, *kept);
  return {};
}

// Ends a session, and the token of docker's that was made in one of the same person.
Result<void> end_log_in(const LoginStore& store, const std::string& server,
                        const LoginStore::Session& session) {
  const auto client = make_remote_client(server, Secret<>(session.token.reveal()), session.ca);
  if (const auto docker = store.registries().find(registry_of(server)); docker != store.registries().end())
    end_registry_token(docker->second.name == session.name ? client.get() : nullptr, docker->second);
  if (session.access_token) return {};
  // A session that has ended already is as good as ended now.
  const auto ended = client->remove("/sessions/current");
  if (!ended && ended.error().code != Errc::unauthenticated && ended.error().code != Errc::not_found)
    return ended.error();
  return {};
}

Result<void> log_out(const CommandLine& line, std::string given) {
  if (given.empty()) given = server_variable();
  const auto path = LoginStore::default_path();
  if (!path) return path.error();
  auto store = LoginStore::load(*path);
  if (!store) return store.error();
  const auto server = given.empty() ? Result<std::string>(store->current()) : store->url_of(given, false);
  if (!server) return server.error();
  const auto found = store->sessions().find(*server);
  if (found == store->sessions().end())
    return Error{Errc::not_found, server->empty() ? std::string("nobody is logged in")
                                                  : fmt::format("nobody is logged in to {}", *server)};
  const std::string name = found->second.name;
  if (auto ended = end_log_in(*store, *server, found->second); !ended) return ended.error();
  const Secret<> token(found->second.token.reveal());
  const auto saved = store->update([&](LoginStore& fresh) {
    // Another terminal may have logged in meanwhile.
    const auto there = fresh.sessions().find(*server);
    if (there == fresh.sessions().end() || there->second.token.reveal() != token.reveal()) return;
    fresh.drop_session(*server);
    fresh.drop_registry(registry_of(*server));
  });
  if (!saved) return saved.error();
  const std::string& current = store->current();
  if (line.json) {
    json::object out{{"server", *server}, {"name", name}};
    if (!current.empty()) out["current"] = current;
    say_json(json::serialize(out));
    return {};
  }
  say("{} is logged out of {}\n", name, *server);
  if (!current.empty())
    say("commands go to {} as {} from here on\n", current, store->sessions().at(current).name);
  return {};
}

// What a person has to know of their credentials.
void print_notices(const json::value& whoami) {
  for (const json::value& notice : whoami.at("notices").as_array())
    say("{} {} of {} was reported as leaked at {}, and is of no use any more\n",
        std::string_view(notice.at("kind").as_string()) == "access_token" ? "access token"
                                                                          : text(notice, "kind"),
        notice.at("id").to_number<std::int64_t>(), text(notice, "account"), text(notice, "at"));
}

Result<void> who_am_i(const CommandLine& line) {
  auto remote = remote_server(line);
  if (!remote) return remote.error();
  if (!*remote) return Error{Errc::unauthenticated, "nobody is logged in; log in with: bulkhead login"};
  auto answer = (*remote)->client->get("/whoami");
  if (!answer) return answer.error();
  answer->as_object()["server"] = (*remote)->url;
  if (line.json) {
    say_json(boost::json::serialize(*answer));
    return {};
  }
  const json::value& user = answer->at("user");
  const std::string role = text(user, "system_role");
  say("{}{} at {}\n", text(user, "name"), role == "none" ? "" : fmt::format(" ({})", role), (*remote)->url);
  print_notices(*answer);
  return {};
}

}  // namespace

void add_login_commands(Command& app, CommandLine& line) {
  const auto options = std::make_shared<LoginOptions>();
  auto* login = app.add_subcommand("login", "Log in to a server; commands go to it from then on");
  login->add_option(
      "server", options->server,
      fmt::format("The server's address; without it the one logged in to last, at first {}", kFirstServer));
  login->add_option("--name", options->name, "The account");
  login->add_option("--sso", options->sso, "Log in with this provider, in a browser or with its password")
      ->type_name("PROVIDER");
  login->add_option("--code", options->code, "Of the second factor, or a recovery code");
  login->add_option("--ca", options->ca, "Trust this certificate authority (PEM), such as <data>/tls/ca.pem");
  auto* password =
      login->add_flag("--password-stdin", options->password_stdin, "Read the password from standard input");
  login
      ->add_flag("--token-stdin", options->token_stdin,
                 "Read an access token from standard input, and keep it as the log-in")
      ->excludes(password);
  login->add_flag("--docker", options->docker,
                  "Also make an access token for docker and podman, given out by docker-credential-bulkhead");
  login->add_flag("--json", line.json, "Print JSON, for scripts");
  login->callback([&line, options] { line.action = [&line, options] { return log_in(line, *options); }; });

  const auto server = std::make_shared<std::string>();
  auto* logout = app.add_subcommand("logout", "End the session with a server");
  logout->add_option("server", *server, "The server's address; the one logged in to last when absent");
  logout->add_flag("--json", line.json, "Print JSON, for scripts");
  logout->callback([&line, server] { line.action = [&line, server] { return log_out(line, *server); }; });

  auto* whoami = app.add_subcommand("whoami", "Say who is logged in, and where");
  whoami->add_option("--server", line.server, "Ask this server")->type_name("URL");
  whoami->add_flag("--json", line.json, "Print JSON, for scripts");
  whoami->callback([&line] { line.action = [&line] { return who_am_i(line); }; });
  for (const char* example : {
           "login registry.example.com --name alice",
           "login registry.example.com --sso corp --docker",
           "logout",
           "whoami",
       })
    app.example(example);
}

}  // namespace bulkhead::cli
