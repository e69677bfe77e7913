#include "http/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>

namespace bulkhead::http {
namespace {

constexpr std::size_t kLongestHead = std::size_t{64} << 10;
constexpr std::size_t kLongestUrl = 8 << 10;

struct CurlFree {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
};
struct UrlFree {
  void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
};
struct TextFree {
  void operator()(char* text) const { ::curl_free(text); }
};
struct ListFree {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using CurlPointer = std::unique_ptr<CURL, CurlFree>;
using UrlPointer = std::unique_ptr<CURLU, UrlFree>;
using ListPointer = std::unique_ptr<curl_slist, ListFree>;

// Text of requests goes into lines and must not make lines.
bool is_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// What the callbacks of one call share with it.
struct Call {
  const OutboundOptions& options;
  std::size_t largest_body;
  Fetched fetched{};
  std::size_t head_bytes = 0;
  bool too_large = false;
  bool address_refused = false;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* call_pointer) {
  auto& call = *static_cast<Call*>(call_pointer);
  const std::size_t bytes = size * count;
  if (bytes > call.largest_body - call.fetched.body.size()) {
    call.too_large = true;
    return 0;
  }
  call.fetched.body.append(data, bytes);
  return bytes;
}

std::size_t take_head(char*, std::size_t size, std::size_t count, void* call_pointer) {
  auto& call = *static_cast<Call*>(call_pointer);
  call.head_bytes += size * count;
  if (call.head_bytes <= kLongestHead) return size * count;
  call.too_large = true;
  return 0;
}

std::string text_of(const curl_sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = {};
  const void* bytes = nullptr;
  if (address.family == AF_INET) {
    bytes = &reinterpret_cast<const ::sockaddr_in*>(&address.addr)->sin_addr;
  } else if (address.family == AF_INET6) {
    bytes = &reinterpret_cast<const ::sockaddr_in6*>(&address.addr)->sin6_addr;
  }
  if (bytes == nullptr || ::inet_ntop(address.family, bytes, text, sizeof text) == nullptr) return "";
  return text;
}

// Called with the very address that is about to be connected to.
curl_socket_t open_socket(void* call_pointer, curlsocktype, curl_sockaddr* address) {
  auto& call = *static_cast<Call*>(call_pointer);
  const std::string text = text_of(*address);
  const auto& allowed = call.options.allowed_networks;
  const bool named = std::any_of(allowed.begin(), allowed.end(),
                                 [&](const IpNetwork& network) { return network.contains(text); });
  if (!named && !is_public_address(text)) {
    call.address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (::curl_url_get(url, which, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, TextFree> owner(text);
  return text;
}

Error unusable(std::string_view why) {
  return {Errc::invalid_argument, fmt::format("the URL cannot be used: {}", why)};
}

struct Target {
  UrlPointer url;  // what was checked is what is used
  std::string host;
};

Result<Target> parse_target(const std::string& text, const OutboundOptions& options) {
  if (text.size() > kLongestUrl || !is_line(text))
    return unusable("it is too long or has control characters");
  Target target{UrlPointer(::curl_url()), {}};
  if (target.url == nullptr || ::curl_url_set(target.url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return unusable("it is none");
  target.host = part(target.url.get(), CURLUPART_HOST);
  const std::string scheme = part(target.url.get(), CURLUPART_SCHEME);
  if (target.host.empty()) return unusable("it names no host");
  if (!part(target.url.get(), CURLUPART_USER).empty() || !part(target.url.get(), CURLUPART_PASSWORD).empty())
    return unusable("it holds a user or a password");
  if (scheme != "https" && scheme != "http") return unusable("it is not one of https");
  // libcurl would make do with one slash, or three.
  const std::string beginning = scheme + "://";
  if (!text.starts_with(beginning) || text.substr(beginning.size(), 1) == "/")
    return unusable("it does not begin with https://");
  const auto& plain = options.plain_hosts;
  if (scheme == "http" && std::find(plain.begin(), plain.end(), target.host) == plain.end())
    return unusable("http is only for hosts that the setting for it names; use https");
  return target;
}

class Headers {
 public:
  // False for what would not be one line.
  bool add(std::string_view name, std::string_view value) {
    if (name.empty() || !is_line(name) || !is_line(value) || name.find(':') != name.npos) return false;
    // A header without a value would be one that libcurl leaves out.
    Secret<> line(value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value));
    return append(line.reveal());
  }
  bool suppress(std::string_view name) { return append(fmt::format("{}:", name)); }
  curl_slist* get() const { return list_.get(); }

 private:
  bool append(const std::string& line) {
    curl_slist* longer = ::curl_slist_append(list_.get(), line.c_str());
    if (longer == nullptr) return false;
    static_cast<void>(list_.release());
    list_.reset(longer);
    return true;
  }
  ListPointer list_;
};

class CurlClient final : public OutboundClient {
 public:
  explicit CurlClient(OutboundOptions options) : options_(std::move(options)) {}

  Result<Fetched> fetch(const Outgoing& request) override {
    const auto target = parse_target(request.url, options_);
    if (!target) return target.error();
    Headers headers;
    bool sound = headers.suppress("Expect") && headers.suppress("Content-Type");
    for (const auto& [name, value] : request.headers) sound = sound && headers.add(name, value);
    if (!request.authorization.empty())
      sound = sound && headers.add("Authorization", request.authorization.reveal());
    if (!sound || request.method.empty() || !is_line(request.method))
      return Error{Errc::invalid_argument, "the request's method or headers cannot be sent"};
    const CurlPointer curl(::curl_easy_init());
    if (curl == nullptr) return Error{Errc::internal, "libcurl cannot be used"};

    Call call{options_, request.largest_body == 0 ? options_.largest_body
                                                  : std::min(request.largest_body, options_.largest_body)};
    guard(curl.get(), call);
    ::curl_easy_setopt(curl.get(), CURLOPT_CURLU, target->url.get());
    ::curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    if (!request.body.empty()) {
      ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.reveal().size()));
      ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.reveal().data());
    }
    if (request.method == "HEAD") ::curl_easy_setopt(curl.get(), CURLOPT_NOBODY, 1L);
    ::curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
    const CURLcode code = ::curl_easy_perform(curl.get());
    if (code != CURLE_OK) return failure(code, call, target->host);
    finish(curl.get(), call.fetched);
    return std::move(call.fetched);
  }

 private:
  // All that makes this client what client.h promises.
  void guard(CURL* curl, Call& call) const {
    const auto milliseconds = static_cast<long>(options_.timeout.count());
    ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
    ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(curl, CURLOPT_PROXY, "");
    ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    ::curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds);
    ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, milliseconds);
    ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, options_.slowest);
    ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stalled.count()));
    ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "bulkhead");
    ::curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    ::curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &call);
    ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &call);
    ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
    ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &call);
    if (!options_.authorities.empty()) ::curl_easy_setopt(curl, CURLOPT_CAINFO, options_.authorities.c_str());
  }

  static void finish(CURL* curl, Fetched& fetched) {
    long status = 0;
    ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    fetched.status = static_cast<unsigned>(status);
    const char* type = nullptr;
    ::curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    if (type != nullptr) fetched.content_type = type;
  }

  Error failure(CURLcode code, const Call& call, std::string_view host) const {
    if (call.too_large)
      return {Errc::too_large, fmt::format("{} answered with more than {} bytes", host, call.largest_body)};
    if (code == CURLE_COULDNT_CONNECT && call.address_refused)
      return {Errc::denied, fmt::format("{} is not at a public address; allow its network by the setting for "
                                        "that if it is meant to be asked",
                                        host)};
    if (code == CURLE_OPERATION_TIMEDOUT)
      return inner_error(Errc::unavailable, fmt::format("{} did not answer in time", host));
    return inner_error(Errc::unavailable,
                       fmt::format("{} cannot be asked: {}", host, ::curl_easy_strerror(code)));
  }

  const OutboundOptions options_;
};

}  // namespace

std::unique_ptr<OutboundClient> make_outbound_client(OutboundOptions options) {
  return std::make_unique<CurlClient>(std::move(options));
}

}  // namespace bulkhead::http
