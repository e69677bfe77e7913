#include "identity/federation/oidc_messages.h"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <initializer_list>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/percent.h"
#include "crypto/hash.h"
#include "oci/quote.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

constexpr oci::JsonLimits kLimits{16, 4096};

Error unusable(std::string_view why) {
  return {Errc::unavailable, fmt::format("the provider's token endpoint cannot be used: {}", why)};
}

using Field = std::pair<std::string_view, std::string_view>;

// Reserves first, so that growing leaves no copy of a secret behind.
std::string encode_form(std::initializer_list<Field> fields) {
  std::size_t most = 0;
  for (const auto& [name, value] : fields) most += name.size() + 3 * value.size() + 2;
  std::string out;
  out.reserve(most);
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    if (!out.empty()) out += '&';
    out.append(name) += '=';
    append_percent_encoded(out, value);
  }
  return out;
}

// The values of one answer, wiped with it.
class Answer {
 public:
  explicit Answer(json::value value) : value_(std::move(value)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    json::object* object = value_.if_object();
    if (object == nullptr) return;
    for (auto& [name, member] : *object)
      if (json::string* text = member.if_string()) ::explicit_bzero(text->data(), text->size());
  }

  bool is_object() const { return value_.is_object(); }
  // "" where it is absent or null; nothing for what is no printable ASCII text, which all of these are (RFC
  // 6749 appendix A).
  std::optional<std::string_view> text(std::string_view name) const {
    const json::value* member = value_.get_object().if_contains(name);
    if (member == nullptr || member->is_null()) return std::string_view();
    const json::string* text = member->if_string();
    if (text == nullptr) return std::nullopt;
    const std::string_view view(text->data(), text->size());
    if (!std::all_of(view.begin(), view.end(), [](char c) { return c >= ' ' && c <= '~'; }))
      return std::nullopt;
    return view;
  }

 private:
  json::value value_;
};

bool is_bearer(std::string_view type) {
  constexpr std::string_view kBearer = "bearer";
  return std::equal(type.begin(), type.end(), kBearer.begin(), kBearer.end(),
                    [](char a, char b) { return (a | 0x20) == b; });
}

Error refusal(unsigned status, const Answer* answer) {
  const auto error = answer == nullptr ? std::nullopt : answer->text("error");
  if (!error || error->empty()) return unusable(fmt::format("it answered with status {}", status));
  if (*error == "invalid_grant")
    return {Errc::unauthenticated, "the provider does not accept the log-in any more; log in again"};
  return unusable(
      fmt::format("it answered {}; an administrator can compare the provider's settings here "
                  "with the client that is registered there",
                  oci::quote(*error)));
}

std::string_view id_in_form(const OidcSettings& settings, const ClientProof& client) {
  return client.secret.empty() || client.in_form ? std::string_view(settings.client_id) : std::string_view();
}

std::string_view secret_in_form(const ClientProof& client) {
  return client.in_form ? std::string_view(client.secret.reveal()) : std::string_view();
}

}  // namespace

std::string code_challenge(const Secret<>& verifier) {
  return to_base64url(as_bytes(crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(verifier.reveal()))));
}

std::string authorization_url(std::string_view endpoint, const OidcSettings& settings,
                              const AuthorizationRequest& request) {
  std::string scope;
  for (const std::string& item : settings.scopes) scope += (scope.empty() ? "" : " ") + item;
  return fmt::format("{}{}{}", endpoint, endpoint.find('?') == std::string_view::npos ? '?' : '&',
                     encode_form({{"response_type", "code"},
                                  {"client_id", settings.client_id},
                                  {"redirect_uri", request.redirect_uri},
                                  {"scope", scope},
                                  {"state", request.state},
                                  {"nonce", request.nonce},
                                  {"code_challenge", request.code_challenge},
                                  {"code_challenge_method", "S256"}}));
}

Secret<> code_form(const OidcSettings& settings, const CodeGrant& grant, const ClientProof& client) {
  return Secret<>(encode_form({{"grant_type", "authorization_code"},
                               {"code", grant.code.reveal()},
                               {"redirect_uri", grant.redirect_uri},
                               {"code_verifier", grant.verifier.reveal()},
                               {"client_id", id_in_form(settings, client)},
                               {"client_secret", secret_in_form(client)}}));
}

Secret<> refresh_form(const OidcSettings& settings, const Secret<>& refresh_token,
                      const ClientProof& client) {
  return Secret<>(encode_form({{"grant_type", "refresh_token"},
                               {"refresh_token", refresh_token.reveal()},
                               {"client_id", id_in_form(settings, client)},
                               {"client_secret", secret_in_form(client)}}));
}

Secret<> client_authorization(const OidcSettings& settings, const ClientProof& client) {
  const Secret<>& secret = client.secret;
  if (secret.empty() || client.in_form) return {};
  std::string pair;
  pair.reserve(3 * (settings.client_id.size() + secret.reveal().size()) + 1);
  append_percent_encoded(pair, settings.client_id);
  pair += ':';
  append_percent_encoded(pair, secret.reveal());
  const Secret<> plain(std::move(pair));
  const Secret<> encoded(to_base64(as_bytes(plain.reveal())));
  std::string header;
  header.reserve(6 + encoded.reveal().size());
  header.append("Basic ").append(encoded.reveal());
  return Secret<>(std::move(header));
}

Result<TokenAnswer> parse_token_answer(FetchAnswer fetched) {
  const unsigned status = fetched.status;
  const Secret<> body(std::move(fetched.body));
  if (body.reveal().size() > kLargestTokenAnswer) return unusable("its answer is too long");
  auto document = oci::parse_strict_json(body.reveal(), kLimits);
  if (!document || !document->is_object()) {
    if (status != 200) return refusal(status, nullptr);
    return unusable("its answer is not a JSON object in the strict form");
  }
  const Answer answer(*std::move(document));
  if (status != 200) return refusal(status, &answer);

  const auto type = answer.text("token_type");
  if (!type || !is_bearer(*type)) return unusable("its answer's \"token_type\" is not Bearer");
  const auto access = answer.text("access_token");
  if (!access || access->empty()) return unusable("its answer has no \"access_token\"");
  const auto id = answer.text("id_token");
  if (!id) return unusable("its answer's \"id_token\" is not a text");
  const auto refresh = answer.text("refresh_token");
  if (!refresh || refresh->size() > kLongestRefreshToken)
    return unusable(fmt::format("its answer's \"refresh_token\" is not a text of at most {} bytes",
                                kLongestRefreshToken));
  TokenAnswer tokens;
  tokens.id_token = Secret<>(std::string(*id));
  tokens.access_token = Secret<>(std::string(*access));
  tokens.refresh_token = Secret<>(std::string(*refresh));
  return tokens;
}

}  // namespace bulkhead::identity
