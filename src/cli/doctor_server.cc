#include "cli/doctor_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "cli/login_store.h"
#include "cli/probe.h"
#include "oci/strict_json.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;
using app::fail;
using app::Findings;
using app::good;
using app::warn;

constexpr const char* kProxies = "docs/guide/proxies.md has what a proxy has to do, and whole configurations";
constexpr std::size_t kLargeBody = std::size_t{2} << 20;  // more than proxies pass unless they are told to
constexpr std::chrono::seconds kApart{5};
constexpr std::chrono::hours kSoon{14 * 24};
constexpr std::size_t kFileBytes = 1 << 20;

void look_at_certificate(const Seen& seen, Findings& out) {
  if (!seen.certificate_until) return;
  const std::string until = fmt::format("good until {}", to_rfc3339(*seen.certificate_until));
  if (*seen.certificate_until < SystemClock().now() + kSoon)
    out.push_back(warn("certificate", until, "put a new one in its place before that"));
  else
    out.push_back(good("certificate", until));
}

void look_at_clock(const Seen& seen, Findings& out) {
  const auto ahead = seen.ahead();
  if (!ahead) return;
  if (*ahead > kApart || *ahead < -kApart)
    out.push_back(
        warn("clock", fmt::format("the server's is {} s ahead of this machine's", ahead->count()),
             "codes of authenticator apps and CI's tokens need right ones: let both machines use NTP"));
  else
    out.push_back(good("clock", "the server's and this machine's agree"));
}

// The token service that clients are sent to has to be the server as they call it.
void look_at_challenge(const std::string& server, const std::string& ca, Findings& out) {
  const auto seen = probe(server, ca, {.path = "/v2/"});
  if (!seen) {
    out.push_back(fail("/v2/", seen.error().message));
    return;
  }
  const std::string challenge = seen->header("www-authenticate");
  const std::string wanted = fmt::format("realm=\"{}/token\"", server);
  if (seen->status == 401 && challenge.find(wanted) != std::string::npos)
    out.push_back(good("/v2/", "clients are sent to this address for their tokens"));
  else if (seen->status == 401 && challenge.find("realm=") != std::string::npos)
    out.push_back(warn("/v2/", fmt::format("clients are sent elsewhere for their tokens: {}", challenge),
                       fmt::format("set public_url to {}, if that is what clients call it", server)));
  else
    out.push_back(fail("/v2/",
                       fmt::format("answers {}, where the registry asks who is there (401)", seen->status),
                       kProxies));
}

void look_at_slashes(const std::string& server, const std::string& ca, Findings& out) {
  const auto seen = probe(server, ca, {.path = "/api/v1/repositories/a%2Fb"});
  if (seen && seen->status == 401)
    out.push_back(good("/api/v1/", "names with slashes arrive as they were sent"));
  else
    out.push_back(fail("/api/v1/",
                       seen ? fmt::format("a name with an encoded slash is answered {}: something in between "
                                          "decodes paths",
                                          seen->status)
                            : seen.error().message,
                       kProxies));
}

void look_at_pages(const std::string& server, const std::string& ca, Findings& out) {
  const auto seen = probe(server, ca, {.path = "/login"});
  const bool page = seen && seen->status == 200 && seen->header("content-type").starts_with("text/html") &&
                    seen->body.find("Bulkhead") != std::string::npos;
  if (page)
    out.push_back(good("/login", "people can log in in a browser"));
  else
    out.push_back(fail(
        "/login",
        seen ? fmt::format("answers {}, and not with the log-in page", seen->status) : seen.error().message,
        kProxies));
}

// A push of nobody's: the registry refuses it, a proxy that takes no large bodies does so first.
void look_at_bodies(const std::string& server, const std::string& ca, Findings& out) {
  const auto seen = probe(
      server, ca,
      {.method = "POST", .path = "/v2/doctor/doctor/blobs/uploads/", .body = std::string(kLargeBody, '\0')});
  if (seen && seen->status == 401)
    out.push_back(good("large bodies", "pass"));
  else
    out.push_back(fail(
        "large bodies",
        seen ? fmt::format("2 MiB are answered {}: something in between limits what is pushed", seen->status)
             : seen.error().message,
        kProxies));
}

std::filesystem::path docker_file() {
  if (const char* folder = std::getenv("DOCKER_CONFIG"); folder != nullptr)
    return std::filesystem::path(folder) / "config.json";
  const char* home = std::getenv("HOME");
  return home != nullptr ? std::filesystem::path(home) / ".docker" / "config.json" : std::filesystem::path();
}

bool is_on_path(const std::string& program) {
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable != nullptr ? variable : "";
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    if (::access((std::filesystem::path(folder) / program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

const json::object* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr ? value->if_object() : nullptr;
}

void look_at_helper(const std::string& registry, const std::string& helper, Findings& out) {
  const std::string program = "docker-credential-" + helper;
  if (!is_on_path(program)) {
    out.push_back(fail("docker",
                       fmt::format("it asks {} for {}, and that is not on the PATH", program, registry),
                       "ln -s \"$(command -v bulkhead)\" ~/bin/docker-credential-bulkhead"));
    return;
  }
  const auto path = LoginStore::default_path();
  const auto store = path ? LoginStore::load(*path) : Result<LoginStore>(path.error());
  if (helper == "bulkhead" && store && !store->registries().contains(registry))
    out.push_back(warn("docker", fmt::format("it asks bulkhead for {}, which has nothing to give", registry),
                       fmt::format("bulkhead login {} --docker", registry)));
  else
    out.push_back(good("docker", fmt::format("{} logs it in to {}", program, registry)));
}

}  // namespace

void look_at_log_ins(Findings& out) {
  const auto path = LoginStore::default_path();
  if (!path) {
    out.push_back(warn("log-ins", path.error().message));
    return;
  }
  const auto store = LoginStore::load(*path);
  if (!store) {
    out.push_back(fail("log-ins", store.error().message));
    return;
  }
  out.push_back(good("log-ins", store->sessions().empty()
                                    ? std::string("none on this machine")
                                    : fmt::format("{} in {}", store->sessions().size(), path->string())));
}

void look_at_server(const std::string& server, const std::string& ca, Findings& out) {
  const auto seen = probe(server, ca, {.path = "/readyz"});
  if (!seen) {
    out.push_back(fail("reach", seen.error().message));
    return;
  }
  if (seen->status == 200)
    out.push_back(
        good("reach", fmt::format("{} is ready, and answers in {} ms", server, seen->took.count())));
  else
    out.push_back(fail("reach", fmt::format("{}/readyz answers {}", server, seen->status),
                       "the server's log says why it is not ready, or a proxy answers in its place"));
  look_at_certificate(*seen, out);
  look_at_clock(*seen, out);
  look_at_challenge(server, ca, out);
  look_at_slashes(server, ca, out);
  look_at_pages(server, ca, out);
  look_at_bodies(server, ca, out);
}

void look_at_docker(const std::string& server, Findings& out) {
  const std::filesystem::path path = docker_file();
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) return;
  const auto contents = read_file(path, kFileBytes);
  const auto document = contents ? oci::parse_strict_json(*contents, {.depth = 16, .values = 10'000})
                                 : Result<json::value>(contents.error());
  if (!document || !document->is_object()) {
    out.push_back(warn("docker", fmt::format("{} cannot be read", path.string())));
    return;
  }
  const std::string registry = registry_of(server);
  const json::object& config = document->get_object();
  const json::object* helpers = member(config, "credHelpers");
  if (helpers != nullptr && helpers->contains(registry) && helpers->at(registry).is_string()) {
    look_at_helper(registry, std::string(helpers->at(registry).as_string()), out);
    return;
  }
  const json::object* known = member(config, "auths");
  if (known != nullptr && known->contains(registry)) {
    out.push_back(good("docker", fmt::format("it is logged in to {}", registry)));
    return;
  }
  std::string others;
  if (known != nullptr)
    for (const auto& [name, entry] : *known) {
      const bool here = is_this_machine(registry) && is_this_machine(registry_of(std::string_view(name)));
      if (here) others += (others.empty() ? "" : ", ") + std::string(name);
    }
  if (!others.empty())
    out.push_back(warn("docker",
                       fmt::format("it is logged in to {}, and images here are named {}/…", others, registry),
                       fmt::format("docker login {}", registry)));
}

}  // namespace bulkhead::cli
