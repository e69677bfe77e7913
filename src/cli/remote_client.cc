#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <boost/json/serialize.hpp>

#include "base/shown.h"
#include "cli/api_client.h"
#include "oci/strict_json.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kAnswerBytes = std::size_t{64} << 20;
constexpr long kConnectSeconds = 10;
constexpr long kStalledSeconds = 60;

struct CurlFree {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
};
struct ListFree {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};

struct Received {
  std::string body;
  std::string etag;
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* into) {
  auto& received = *static_cast<Received*>(into);
  if (received.body.size() + size * count > kAnswerBytes) return 0;
  received.body.append(data, size * count);
  return size * count;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* into) {
  constexpr std::string_view kName = "etag:";
  std::string_view line(data, size * count);
  if (line.size() > kName.size() && ::curl_strnequal(line.data(), kName.data(), kName.size()) != 0) {
    line.remove_prefix(kName.size());
    while (line.starts_with(' ')) line.remove_prefix(1);
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    static_cast<Received*>(into)->etag = line;
  }
  return size * count;
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

Error unreachable(std::string_view server, CURLcode code, std::string_view reason) {
  const std::string cause = shown(reason.empty() ? ::curl_easy_strerror(code) : reason);
  return {Errc::unavailable, fmt::format("cannot reach {}: {}{}", server, cause, cure_of(code, cause))};
}

class RemoteClient final : public ApiClient {
 public:
  RemoteClient(std::string server, Secret<> token, std::string ca)
      : server_(std::move(server)), token_(std::move(token)), ca_(std::move(ca)), curl_(::curl_easy_init()) {}

  Result<ApiAnswer> send(const ApiRequest& request) override;

 private:
  std::string server_;
  Secret<> token_;
  std::string ca_;
  std::unique_ptr<CURL, CurlFree> curl_;
};

Result<ApiAnswer> RemoteClient::send(const ApiRequest& request) {
  std::unique_ptr<curl_slist, ListFree> headers;
  const auto add = [&headers](const std::string& line) {
    headers.reset(::curl_slist_append(headers.release(), line.c_str()));
  };
  const Secret<> authorization("Authorization: Bearer " + token_.reveal());
  if (!token_.empty()) add(authorization.reveal());
  if (!request.if_match.empty()) add("If-Match: " + request.if_match);
  const Secret<> body(request.body.is_null() ? std::string() : json::serialize(request.body));
  if (!request.body.is_null()) add("Content-Type: application/json");
  const std::string url = server_ + "/api/v1" + request.path;
  Received received;
  CURL* curl = curl_.get();
  ::curl_easy_reset(curl);
  ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.body.is_null()) {
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.reveal().size()));
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.reveal().data());
  }
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "bulkhead-cli");
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  // A proxy is for the way out: what is meant for this machine stays on it.
  if (is_this_machine(registry_of(server_))) ::curl_easy_setopt(curl, CURLOPT_PROXY, "");
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
  ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &received);
  if (!ca_.empty()) ::curl_easy_setopt(curl, CURLOPT_CAINFO, ca_.c_str());
  std::array<char, CURL_ERROR_SIZE> reason{};
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());
  const CURLcode code = ::curl_easy_perform(curl);
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  if (code != CURLE_OK) return unreachable(server_, code, reason.data());
  long status = 0;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  ApiAnswer answer{static_cast<unsigned>(status), nullptr, std::move(received.etag)};
  if (!received.body.empty()) {
    auto parsed = oci::parse_strict_json(received.body, {.depth = 32, .values = 2'000'000});
    if (parsed) answer.body = std::move(*parsed);
  }
  const Secret<> wiped(std::move(received.body));
  if (status >= 200 && status < 300) return answer;
  problem_ = std::move(answer.body);
  return problem_error(answer.status, problem_, request.path);
}

}  // namespace

std::unique_ptr<ApiClient> make_remote_client(std::string server, Secret<> token, std::string ca) {
  return std::make_unique<RemoteClient>(std::move(server), std::move(token), std::move(ca));
}

}  // namespace bulkhead::cli
