// `bulkhead health`: for container engines and scripts, which have no other client where the server runs.
#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <memory>

#include "base/say.h"
#include "base/shown.h"
#include "cli/command_line.h"

namespace bulkhead::cli {
namespace {

constexpr long kMostMilliseconds = 600'000;
constexpr std::size_t kAnswerBytes = 4096;

struct CurlFree {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size * count > kAnswerBytes) return 0;
  body.append(data, size * count);
  return size * count;
}

// Where the server of these settings is reached from its own machine.
std::string readiness_url(const config::Settings& settings) {
  std::string host = settings.listen.address;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != host.npos) host = "[" + host + "]";
  const char* scheme = settings.tls.mode == config::TlsMode::off ? "http" : "https";
  return fmt::format("{}://{}:{}/readyz", scheme, host, settings.listen.port);
}

Result<void> ask(const std::string& url, long milliseconds) {
  const std::unique_ptr<CURL, CurlFree> curl(::curl_easy_init());
  std::string body;
  std::array<char, CURL_ERROR_SIZE> reason{};
  const auto set = [&curl](CURLoption option, auto value) { ::curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, "");
  set(CURLOPT_TIMEOUT_MS, milliseconds);
  set(CURLOPT_NOSIGNAL, 1L);
  // The address is one of this machine's, for which certificates are not made out; nothing secret is said.
  set(CURLOPT_SSL_VERIFYPEER, 0L);
  set(CURLOPT_SSL_VERIFYHOST, 0L);
  set(CURLOPT_WRITEFUNCTION, on_body);
  set(CURLOPT_WRITEDATA, &body);
  set(CURLOPT_ERRORBUFFER, reason.data());
  const CURLcode code = ::curl_easy_perform(curl.get());
  if (code != CURLE_OK)
    return Error{
        Errc::unavailable,
        fmt::format("not ready: {} does not answer: {}; is `bulkhead serve` running, and with these "
                    "settings?",
                    url, shown(reason.front() != '\0' ? reason.data() : ::curl_easy_strerror(code)))};
  long status = 0;
  ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (body.ends_with('\n')) body.pop_back();
  if (status != 200)
    return Error{Errc::unavailable, fmt::format("not ready: {} answers {}: {}", url, status, shown(body))};
  say("{}\n", body);
  return {};
}

}  // namespace

void add_health_command(Command& app, CommandLine& line) {
  auto* health = app.add_subcommand(
      "health", "Ask the server of this machine whether it is ready: exit status 0 when it is, 1 when not");
  add_settings(*health, line, true);
  const auto milliseconds = std::make_shared<std::int64_t>(5000);
  health->add_option("--within", *milliseconds, "Give up after so many milliseconds")->show_default();
  health->callback([&line, milliseconds] {
    line.action = [&line, milliseconds]() -> Result<void> {
      if (*milliseconds < 1 || *milliseconds > kMostMilliseconds)
        return Error{Errc::invalid_argument,
                     fmt::format("--within takes 1 to {} milliseconds", kMostMilliseconds)};
      const auto loaded = line.load(Fallback::installed);
      if (!loaded) return loaded.error();
      return ask(readiness_url(loaded->settings), static_cast<long>(*milliseconds));
    };
  });
  app.example("health --within 1000");
}

}  // namespace bulkhead::cli
