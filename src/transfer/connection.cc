#include "transfer/connection.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/shown.h"

namespace bulkhead::transfer {
namespace {

constexpr std::size_t kLongestHead = std::size_t{64} << 10;
constexpr int kRedirects = 5;
constexpr long kReadBytes = 128 << 10;
constexpr long kConnectSeconds = 20;
constexpr long kStalledSeconds = 60;
constexpr std::chrono::seconds kLongestRetryAfter{24 * 3600};

struct UrlFree {
  void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
};
struct ListFree {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
struct TextFree {
  void operator()(char* text) const { ::curl_free(text); }
};
using UrlPointer = std::unique_ptr<CURLU, UrlFree>;

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (::curl_url_get(url, which, &text, flags) != CURLUE_OK) return "";
  const std::unique_ptr<char, TextFree> owner(text);
  return text;
}

UrlPointer parse(const std::string& text) {
  UrlPointer url(::curl_url());
  if (url != nullptr && ::curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool is_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// What the callbacks of one exchange share with it.
struct Exchange {
  CURL* curl;
  const Request& request;
  const Stop& stop;
  Answer answer{};
  std::size_t head_bytes = 0;
  bool head_read = false;
  bool too_large = false;
  bool refused = false;  // by the sink
};

void read_head(Exchange& exchange) {
  if (std::exchange(exchange.head_read, true)) return;
  long status = 0;
  ::curl_easy_getinfo(exchange.curl, CURLINFO_RESPONSE_CODE, &status);
  exchange.answer.status = static_cast<unsigned>(status);
  curl_off_t length = -1;
  ::curl_easy_getinfo(exchange.curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length >= 0) exchange.answer.length = static_cast<std::uint64_t>(length);
  curl_off_t wait = 0;
  ::curl_easy_getinfo(exchange.curl, CURLINFO_RETRY_AFTER, &wait);
  exchange.answer.retry_after = std::clamp(std::chrono::seconds(wait), {}, kLongestRetryAfter);
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* pointer) {
  auto& exchange = *static_cast<Exchange*>(pointer);
  const std::string_view piece(data, size * count);
  read_head(exchange);
  const unsigned status = exchange.answer.status;
  if (exchange.request.sink && (status == 200 || status == 206)) {
    if (exchange.request.sink(exchange.answer, piece)) return piece.size();
    exchange.refused = true;
    return 0;
  }
  if (piece.size() > exchange.request.largest_body - exchange.answer.body.size()) {
    exchange.too_large = true;
    return 0;
  }
  exchange.answer.body += piece;
  return piece.size();
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* pointer) {
  auto& exchange = *static_cast<Exchange*>(pointer);
  std::string_view line(data, size * count);
  exchange.head_bytes += line.size();
  if (exchange.head_bytes > kLongestHead) {
    exchange.too_large = true;
    return 0;
  }
  // Of an interim answer (100 Continue) nothing stays.
  if (line.starts_with("HTTP/")) exchange.answer.headers.clear();
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front())) != 0)
    value.remove_prefix(1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0)
    value.remove_suffix(1);
  exchange.answer.headers.emplace(lower(line.substr(0, colon)), value);
  return size * count;
}

int on_progress(void* pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(pointer)->stop ? 1 : 0;
}

std::string_view cure_of(CURLcode code) {
  if (code == CURLE_SSL_CACERT_BADFILE) return "; the authority's file must hold certificates as PEM";
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    return "; where its authority is one of its own, name its file (--source-ca for the source)";
  if (code == CURLE_SSL_CONNECT_ERROR) return "; if it speaks no TLS, say so (--source-plain-http)";
  return "";
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host.starts_with("127.") || host == "[::1]";
}

}  // namespace

std::string_view Answer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

struct Connection::State {
  struct Free {
    void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
  };
  std::string authority;
  const Stop& stop;
  std::unique_ptr<CURL, Free> curl;
};

Connection::Connection(std::string authority, const Stop& stop)
    : state_(std::make_unique<State>(State{std::move(authority), stop, {}})) {
  state_->curl.reset(::curl_easy_init());
}

Connection::~Connection() = default;

Result<Answer> Connection::once(const Request& request, const std::string& url, bool with_authorization) {
  CURL* curl = state_->curl.get();
  if (curl == nullptr) return Error{Errc::internal, "libcurl cannot be used"};
  ::curl_easy_reset(curl);
  std::unique_ptr<curl_slist, ListFree> headers;
  const auto add = [&headers](const std::string& line) {
    headers.reset(::curl_slist_append(headers.release(), line.c_str()));
  };
  add("Expect:");
  bool typed = false;
  for (const std::string& line : request.headers) {
    add(line);
    typed = typed || lower(line.substr(0, line.find(':'))) == "content-type";
  }
  if (!typed) add("Content-Type:");  // libcurl would call every body a form
  if (with_authorization && !request.authorization.empty()) {
    const Secret<> line("Authorization: " + request.authorization.reveal());
    add(line.reveal());
  }
  Exchange exchange{curl, request, state_->stop};
  ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  ::curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "bulkhead-transfer");
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
  ::curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kReadBytes);
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  ::curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  if (!state_->authority.empty()) ::curl_easy_setopt(curl, CURLOPT_CAINFO, state_->authority.c_str());
  if (is_loopback(host_of(url))) ::curl_easy_setopt(curl, CURLOPT_PROXY, "");
  if (request.body) {
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body->empty() ? "" : request.body->data());
  }
  if (request.method == "HEAD") ::curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  ::curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  std::array<char, CURL_ERROR_SIZE> reason{};
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());
  const CURLcode code = ::curl_easy_perform(curl);
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  if (state_->stop) return Error{Errc::interrupted, "stopped"};
  if (exchange.refused) return Error{Errc::interrupted, "the answer was refused"};
  if (exchange.too_large)
    return Error{Errc::too_large,
                 fmt::format("{} answered with more than the {} bytes that such an answer may have",
                             shown(host_of(url)), request.largest_body)};
  if (code != CURLE_OK)
    return Error{
        Errc::unavailable,
        fmt::format("{}: {}{}", shown(host_of(url)),
                    shown(reason[0] != 0 ? reason.data() : ::curl_easy_strerror(code)), cure_of(code))};
  read_head(exchange);
  exchange.answer.url = url;
  return std::move(exchange.answer);
}

Result<Answer> Connection::send(const Request& request) {
  if (!is_line(request.url)) return Error{Errc::invalid_argument, "an address has control characters"};
  const auto origin = origin_of(request.url);
  if (!origin) return origin.error();
  std::string url = request.url;
  for (int redirects = 0;; ++redirects) {
    const auto here = origin_of(url);
    if (!here) return here.error();
    auto answer = once(request, url, *here == *origin);
    if (!answer) return answer;
    const bool moved = answer->status == 301 || answer->status == 302 || answer->status == 303 ||
                       answer->status == 307 || answer->status == 308;
    if (!moved || (request.method != "GET" && request.method != "HEAD")) return answer;
    if (redirects == kRedirects)
      return Error{Errc::denied, fmt::format("{} redirects more than {} times", shown(*origin), kRedirects)};
    auto next = resolve_url(url, std::string(answer->header("location")));
    if (!next) return next.error();
    if (here->starts_with("https:") && !next->starts_with("https:"))
      return Error{Errc::denied, fmt::format("{} redirects to an address without TLS, which is not followed",
                                             shown(*here))};
    url = *std::move(next);
  }
}

Result<std::string> origin_of(const std::string& url) {
  const Error unusable{Errc::invalid_argument, fmt::format("{} is no address of a registry", quote(url))};
  const UrlPointer parsed = parse(url);
  if (parsed == nullptr) return unusable;
  const std::string scheme = part(parsed.get(), CURLUPART_SCHEME);
  const std::string host = lower(part(parsed.get(), CURLUPART_HOST));
  if ((scheme != "http" && scheme != "https") || host.empty() || !part(parsed.get(), CURLUPART_USER).empty())
    return unusable;
  return fmt::format("{}://{}:{}", scheme, host, part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

std::string host_of(const std::string& url) {
  const UrlPointer parsed = parse(url);
  return parsed == nullptr ? "" : lower(part(parsed.get(), CURLUPART_HOST));
}

Result<std::string> resolve_url(const std::string& base, const std::string& reference) {
  const UrlPointer url = parse(base);
  if (url == nullptr || reference.empty() || !is_line(reference) ||
      ::curl_url_set(url.get(), CURLUPART_URL, reference.c_str(), CURLU_URLENCODE) != CURLUE_OK)
    return Error{Errc::invalid_argument,
                 fmt::format("{} names no address to go on at", shown(host_of(base)))};
  return part(url.get(), CURLUPART_URL);
}

std::string target_of(const std::string& url) {
  const UrlPointer parsed = parse(url);
  if (parsed == nullptr) return "";
  const std::string query = part(parsed.get(), CURLUPART_QUERY);
  return part(parsed.get(), CURLUPART_PATH) + (query.empty() ? "" : "?" + query);
}

}  // namespace bulkhead::transfer
