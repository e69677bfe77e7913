#include "ldap/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <ldap.h>
#include <strings.h>
#include <sys/time.h>

#include <algorithm>
#include <array>

#include "base/shown.h"
#include "ldap/options.h"
#include "ldap/wiping.h"

namespace bulkhead::ldap {
namespace {

// Of one message. People and groups have few of the attributes that are asked for.
constexpr ber_len_t kLargestMessage = 256u << 10u;
// Of what is kept of one search.
constexpr std::size_t kMostKeptBytes = 8u << 20u;
constexpr std::size_t kLongestDiagnostic = 200;
constexpr std::size_t kLongestReferral = 200;
constexpr std::size_t kLongestCookie = 4096;

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// With the base, which of the two it was: a person's or the groups'.
std::string searching(const Search& search) {
  return fmt::format("the directory cannot search below \"{}\"", search.base);
}

std::string_view view(const berval& value) { return {value.bv_val, value.bv_len}; }

timeval until(std::chrono::steady_clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::microseconds>(deadline - std::chrono::steady_clock::now());
  const auto microseconds = std::max<std::chrono::microseconds::rep>(left.count(), 0);
  return {microseconds / 1'000'000, microseconds % 1'000'000};
}

// Results of a bind that say nothing about the password, only about the directory.
bool is_about_directory(int result) {
  switch (result) {
    case LDAP_OPERATIONS_ERROR:
    case LDAP_PROTOCOL_ERROR:
    case LDAP_TIMELIMIT_EXCEEDED:
    case LDAP_AUTH_METHOD_NOT_SUPPORTED:
    case LDAP_STRONG_AUTH_REQUIRED:
    case LDAP_ADMINLIMIT_EXCEEDED:
    case LDAP_CONFIDENTIALITY_REQUIRED:
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_OTHER: return true;
    default: return LDAP_API_ERROR(result);
  }
}

// A directory's own words, fit for a log line.
std::string printable(std::string_view text) { return shown(text.substr(0, kLongestDiagnostic)); }

// What another server of the same directory may do better.
bool is_about_server(int result) {
  switch (result) {
    case LDAP_TIMEOUT:
    case LDAP_TIMELIMIT_EXCEEDED:
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR: return true;
    default: return false;
  }
}

std::string first_of(char** texts) {
  return texts == nullptr || *texts == nullptr
             ? std::string()
             : printable(std::string_view(*texts).substr(0, kLongestReferral));
}

std::size_t kept_bytes(const Entry& entry) {
  std::size_t bytes = entry.dn.size();
  for (const Attribute& attribute : entry.attributes)
    for (const std::string& value : attribute.values) bytes += value.size();
  return bytes;
}

std::size_t kept_bytes(const Found& found) {
  std::size_t bytes = 0;
  for (const Entry& entry : found.entries) bytes += kept_bytes(entry);
  return bytes;
}

}  // namespace

const Attribute* Entry::find(std::string_view name) const {
  for (const Attribute& attribute : attributes)
    if (same_name(attribute.name, name)) return &attribute;
  return nullptr;
}

void Connection::Unbind::operator()(::ldap* handle) const { ::ldap_unbind_ext(handle, nullptr, nullptr); }
void Connection::Free::operator()(::ldapmsg* message) const { ::ldap_msgfree(message); }

Error Connection::failure(std::string_view doing, int result) {
  char* words = nullptr;
  ::ldap_get_option(handle_.get(), LDAP_OPT_DIAGNOSTIC_MESSAGE, &words);
  const std::string diagnostic = words == nullptr ? "" : printable(words);
  ::ldap_memfree(words);
  lost_ = lost_ || is_about_server(result);
  return inner_error(Errc::unavailable, fmt::format("{}: {}{}{}", doing, ::ldap_err2string(result),
                                                    diagnostic.empty() ? "" : ": ", diagnostic));
}

Result<Connection> Connection::open(const Url& url, bool start_tls, const Options& options) {
  ::ldap* handle = nullptr;
  if (const int result = ::ldap_initialize(&handle, url.render().c_str()); result != LDAP_SUCCESS)
    return Error{Errc::unavailable, fmt::format("cannot prepare a connection to {}: {}", url.render(),
                                                ::ldap_err2string(result))};
  Connection connection(handle, options.limits);
  if (const auto set = set_options(handle, options, url.secure || start_tls); !set) return set.error();
  if (const auto connected = connection.connect(url, start_tls); !connected) return connected.error();
  return connection;
}

Result<void> Connection::connect(const Url& url, bool start_tls) {
  const std::string doing = fmt::format("cannot connect to {}", url.render());
  const Deadline deadline = this->deadline();
  if (!handshake_->watch(handle_.get())) return failure(doing, LDAP_LOCAL_ERROR);
  handshake_->begin(deadline);
  if (::ldap_connect(handle_.get()) != LDAP_SUCCESS) {
    if (std::chrono::steady_clock::now() >= deadline) return failure(doing, LDAP_TIMEOUT);
    int result = LDAP_SERVER_DOWN;
    ::ldap_get_option(handle_.get(), LDAP_OPT_RESULT_CODE, &result);
    return failure(doing, result);
  }
  handshake_->end();
  if (start_tls)
    if (const auto started = this->start_tls(); !started) return started.error();
  if (url.secure || start_tls)
    if (const auto strong = check_protocol(); !strong) return strong.error();
  Sockbuf* socket = nullptr;
  ber_len_t largest = kLargestMessage;
  int descriptor = -1;
  ::ldap_get_option(handle_.get(), LDAP_OPT_SOCKBUF, &socket);
  if (socket == nullptr || ::ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &largest) < 0 ||
      ::ber_sockbuf_ctrl(socket, LBER_SB_OPT_GET_FD, &descriptor) < 0)
    return failure(doing, LDAP_LOCAL_ERROR);
  // On a blocking socket libldap waits without end for the rest of a message that has begun.
  if (::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK) != 0)
    return failure(doing, LDAP_LOCAL_ERROR);
  wipe_after_writing(socket);
  return {};
}

// With GnuTLS libldap does not hold itself to a least version; nothing has been sent yet.
Result<void> Connection::check_protocol() const {
  char* name = nullptr;
  ::ldap_get_option(handle_.get(), LDAP_OPT_X_TLS_VERSION, &name);
  const std::string version = name == nullptr ? "" : name;
  ::ldap_memfree(name);
  if (version == "TLS1.2" || version == "TLS1.3") return {};
  return Error{Errc::unavailable,
               fmt::format("the directory speaks \"{}\" and not TLS 1.2 or later", version)};
}

// As ldap_start_tls_s() does it, but within the deadline.
Result<void> Connection::start_tls() {
  constexpr std::string_view kDoing = "the directory does not start TLS";
  int request = 0;
  if (const int sent = ::ldap_start_tls(handle_.get(), nullptr, nullptr, &request); sent != LDAP_SUCCESS)
    return failure(kDoing, sent);
  const Deadline deadline = this->deadline();
  const auto message = next(request, deadline);
  if (!message) return message.error();
  int result = LDAP_OTHER;
  const int parsed =
      ::ldap_parse_result(handle_.get(), message->get(), &result, nullptr, nullptr, nullptr, nullptr, 0);
  if (parsed != LDAP_SUCCESS || result != LDAP_SUCCESS)
    return failure(kDoing, parsed != LDAP_SUCCESS ? parsed : result);
  handshake_->begin(deadline);
  if (const int installed = ::ldap_install_tls(handle_.get()); installed != LDAP_SUCCESS)
    return failure("cannot encrypt the connection to the directory",
                   std::chrono::steady_clock::now() >= deadline ? LDAP_TIMEOUT : installed);
  handshake_->end();
  return {};
}

Result<Connection::Message> Connection::next(int request, Deadline deadline) {
  timeval left = until(deadline);
  ::ldapmsg* message = nullptr;
  const int kind = ::ldap_result(handle_.get(), request, LDAP_MSG_ONE, &left, &message);
  if (kind > 0) return Message(message);
  int result = LDAP_TIMEOUT;
  if (kind < 0) ::ldap_get_option(handle_.get(), LDAP_OPT_RESULT_CODE, &result);
  return failure("the directory does not answer", result);
}

Result<bool> Connection::bind(const std::string& dn, const std::string& password) {
  constexpr std::string_view kDoing = "the directory cannot check a password";
  berval credentials{password.size(), const_cast<char*>(password.data())};
  int request = 0;
  if (const int sent = ::ldap_sasl_bind(handle_.get(), dn.c_str(), LDAP_SASL_SIMPLE, &credentials, nullptr,
                                        nullptr, &request);
      sent != LDAP_SUCCESS)
    return failure(kDoing, sent);
  const auto message = next(request, deadline());
  if (!message) return message.error();
  int result = LDAP_OTHER;
  if (const int parsed =
          ::ldap_parse_result(handle_.get(), message->get(), &result, nullptr, nullptr, nullptr, nullptr, 0);
      parsed != LDAP_SUCCESS)
    return failure(kDoing, parsed);
  if (is_about_directory(result)) return failure(kDoing, result);
  return result == LDAP_SUCCESS;
}

Error Connection::referred(const Search& search, std::string_view where) const {
  return {Errc::unavailable,
          fmt::format("the directory answers with a referral to {} for {}, which is not followed; name that "
                      "server as the URL",
                      printable(where), search.base)};
}

Result<Found> Connection::search(const Search& search) {
  Found found;
  const Deadline deadline = this->deadline();
  std::string cookie;
  do {
    auto next = search_page(search, cookie, deadline, found);
    if (!next) return next.error();
    cookie = *std::move(next);
  } while (!cookie.empty() && !found.more);
  return found;
}

Result<std::string> Connection::search_page(const Search& search, const std::string& cookie,
                                            Deadline deadline, Found& into) {
  std::vector<char*> attributes;
  for (const std::string& name : search.attributes) attributes.push_back(const_cast<char*>(name.c_str()));
  attributes.push_back(nullptr);
  LDAPControl* paging = nullptr;
  berval sent{cookie.size(), const_cast<char*>(cookie.data())};
  if (search.page != 0)
    if (const int made = ::ldap_create_page_control(handle_.get(), static_cast<ber_int_t>(search.page),
                                                    cookie.empty() ? nullptr : &sent, 0, &paging);
        made != LDAP_SUCCESS)
      return failure(searching(search), made);
  const std::unique_ptr<LDAPControl, decltype(&::ldap_control_free)> owned(paging, &::ldap_control_free);
  std::array<LDAPControl*, 2> controls = {paging, nullptr};
  // Over pages it is counted here.
  const int limit = search.page != 0 ? 0 : static_cast<int>(search.most + 1);
  timeval left = until(deadline);
  int request = 0;
  if (const int asked =
          ::ldap_search_ext(handle_.get(), search.base.c_str(), LDAP_SCOPE_SUBTREE, search.filter.c_str(),
                            attributes.data(), 0, controls.data(), nullptr, &left, limit, &request);
      asked != LDAP_SUCCESS)
    return failure(searching(search), asked);

  std::size_t kept = kept_bytes(into);
  while (true) {
    const auto message = next(request, deadline);
    if (!message) return message.error();
    const int kind = ::ldap_msgtype(message->get());
    if (kind == LDAP_RES_SEARCH_RESULT) return end_of_page(message->get(), search, into);
    if (kind == LDAP_RES_SEARCH_REFERENCE) {
      char** where = nullptr;
      if (into.referral.empty() &&
          ::ldap_parse_reference(handle_.get(), message->get(), &where, nullptr, 0) == LDAP_SUCCESS)
        into.referral = first_of(where);
      ::ber_memvfree(reinterpret_cast<void**>(where));
    }
    if (kind != LDAP_RES_SEARCH_ENTRY) continue;
    if (into.entries.size() == search.most) {
      into.more = true;
      ::ldap_abandon_ext(handle_.get(), request, nullptr, nullptr);
      return std::string();
    }
    into.entries.push_back(read_entry(message->get(), search));
    kept += kept_bytes(into.entries.back());
    if (kept > kMostKeptBytes)
      return Error{Errc::unavailable, "the directory answers with more than is read of one search"};
  }
}

Result<std::string> Connection::end_of_page(::ldapmsg* message, const Search& search, Found& into) {
  int result = LDAP_OTHER;
  char** referrals = nullptr;
  LDAPControl** controls = nullptr;
  const int parsed =
      ::ldap_parse_result(handle_.get(), message, &result, nullptr, nullptr, &referrals, &controls, 0);
  const std::unique_ptr<LDAPControl*, decltype(&::ldap_controls_free)> owned(controls, &::ldap_controls_free);
  const std::string referral = first_of(referrals);
  ::ber_memvfree(reinterpret_cast<void**>(referrals));
  if (parsed != LDAP_SUCCESS) return failure(searching(search), parsed);
  if (result == LDAP_REFERRAL) return referred(search, referral);
  if (result == LDAP_SIZELIMIT_EXCEEDED || (result == LDAP_ADMINLIMIT_EXCEEDED && search.page != 0)) {
    // Of a search without pages it may be this client's own limit.
    into.more = into.more || search.page == 0;
    into.cut_off = true;
    return std::string();
  }
  if (result != LDAP_SUCCESS) return failure(searching(search), result);
  LDAPControl* paging = ::ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, nullptr);
  if (paging == nullptr) return std::string();
  ber_int_t estimate = 0;
  berval cookie{};
  std::string next;
  if (::ldap_parse_pageresponse_control(handle_.get(), paging, &estimate, &cookie) == LDAP_SUCCESS)
    next = std::string(view(cookie));
  ::ber_memfree(cookie.bv_val);
  if (next.size() > kLongestCookie) return failure(searching(search), LDAP_DECODING_ERROR);
  return next;
}

Entry Connection::read_entry(::ldapmsg* message, const Search& search) const {
  Entry entry;
  BerElement* cursor = nullptr;
  berval dn{};
  if (::ldap_get_dn_ber(handle_.get(), message, &cursor, &dn) != LDAP_SUCCESS) return entry;
  entry.dn = view(dn);
  berval name{};
  berval* values = nullptr;
  while (::ldap_get_attribute_ber(handle_.get(), message, cursor, &name, &values) == LDAP_SUCCESS &&
         name.bv_val != nullptr) {
    const bool wanted = std::any_of(search.attributes.begin(), search.attributes.end(),
                                    [&](const std::string& one) { return same_name(one, view(name)); });
    if (wanted) {
      Attribute attribute{std::string(view(name)), {}, 0};
      for (const berval* value = values; value != nullptr && value->bv_val != nullptr; ++value) {
        ++attribute.count;
        if (value->bv_len <= limits_.value_bytes) attribute.values.emplace_back(view(*value));
      }
      entry.attributes.push_back(std::move(attribute));
    }
    ::ber_memfree(values);
    values = nullptr;
  }
  ::ber_free(cursor, 0);
  return entry;
}

}  // namespace bulkhead::ldap
