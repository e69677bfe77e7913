#include "cli/probe.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/shown.h"
#include "cli/login_store.h"

namespace bulkhead::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kLookedAt = 64 << 10;
constexpr long kConnectSeconds = 10;
constexpr long kSeconds = 30;

struct CurlFree {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* into) {
  std::string& body = static_cast<Seen*>(into)->body;
  body.append(data, std::min(size * count, kLookedAt - std::min(kLookedAt, body.size())));
  return size * count;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* into) {
  std::string_view line(data, size * count);
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  line.remove_prefix(colon + 1);
  while (line.starts_with(' ')) line.remove_prefix(1);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  static_cast<Seen*>(into)->headers[name] = line;
  return size * count;
}

std::optional<Time> moment(const std::string& text) {
  const std::time_t seconds = ::curl_getdate(text.c_str(), nullptr);
  if (seconds == -1) return std::nullopt;
  return Time(std::chrono::seconds(seconds));
}

std::optional<Time> end_of_certificate(CURL* curl) {
  ::curl_certinfo* chain = nullptr;
  if (::curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr ||
      chain->num_of_certs < 1)
    return std::nullopt;
  constexpr std::string_view kField = "Expire date:";
  for (const ::curl_slist* each = chain->certinfo[0]; each != nullptr; each = each->next)
    if (std::string_view(each->data).starts_with(kField)) return moment(each->data + kField.size());
  return std::nullopt;
}

// What to do about it, where that is known.
std::string_view cure_of(CURLcode code, std::string_view cause) {
  const auto says = [cause](std::string_view words) { return cause.find(words) != std::string_view::npos; };
  if (code == CURLE_SSL_CACERT_BADFILE) return "; --ca takes a file with the authority's certificate as PEM";
  if (code == CURLE_SSL_CONNECT_ERROR && says("wrong version number"))
    return "; no TLS is spoken there: write http:// in front";
  if (code != CURLE_PEER_FAILED_VERIFICATION) return "";
  if (says("expired") || says("not yet valid"))
    return "; the server needs another certificate, or a clock is wrong";
  if (says("subject name")) return "; write a name that its certificate is made out to";
  return "; where its authority is one of your own, log in with --ca FILE (in scripts: BULKHEAD_CA)";
}

}  // namespace

Error unreachable(std::string_view server, int code, std::string_view reason) {
  const auto curl_code = static_cast<CURLcode>(code);
  const std::string cause = shown(reason.empty() ? ::curl_easy_strerror(curl_code) : reason);
  return {Errc::unavailable, fmt::format("cannot reach {}: {}{}", server, cause, cure_of(curl_code, cause))};
}

std::string Seen::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

std::optional<std::chrono::seconds> Seen::ahead() const {
  const auto date = moment(header("date"));
  if (!date) return std::nullopt;
  return std::chrono::round<std::chrono::seconds>(*date - SystemClock().now());
}

Result<Seen> probe(const std::string& server, const std::string& ca, const Question& question) {
  const std::unique_ptr<CURL, CurlFree> curl(::curl_easy_init());
  Seen seen;
  const std::string url = server + question.path;
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, question.method.c_str());
  if (!question.body.empty()) {
    ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(question.body.size()));
    ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, question.body.data());
  }
  ::curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "bulkhead-cli");
  ::curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  ::curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kSeconds);
  ::curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_CERTINFO, 1L);
  if (is_this_machine(registry_of(server))) ::curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &seen);
  ::curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &seen);
  if (!ca.empty()) ::curl_easy_setopt(curl.get(), CURLOPT_CAINFO, ca.c_str());
  std::array<char, CURL_ERROR_SIZE> reason{};
  ::curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, reason.data());
  const auto begun = steady_clock::now();
  const CURLcode code = ::curl_easy_perform(curl.get());
  seen.took = std::chrono::round<std::chrono::milliseconds>(steady_clock::now() - begun);
  long status = 0;
  ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  // An answer that came before the body was sent is one.
  if (code != CURLE_OK && !(status >= 200 && !question.body.empty()))
    return unreachable(server, code, reason.data());
  seen.status = static_cast<unsigned>(status);
  seen.certificate_until = end_of_certificate(curl.get());
  return seen;
}

}  // namespace bulkhead::cli
