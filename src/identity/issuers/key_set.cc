#include "identity/issuers/key_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>

#include "base/bytes.h"
#include "oci/quote.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;
using crypto::PublicKey;
using crypto::SignatureAlgorithm;

constexpr oci::JsonLimits kLimits{8, 4096};

Error refused(std::string why) {
  return {Errc::invalid_argument, fmt::format("the key set is refused: {}", why)};
}

// Nothing where the member is missing or not a string.
std::optional<std::string_view> text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const json::string& found = value->get_string();
  return std::string_view(found.data(), found.size());
}

std::optional<std::string> number(const json::object& object, std::string_view name) {
  const auto encoded = text(object, name);
  if (!encoded) return std::nullopt;
  return from_base64url(*encoded);
}

// "use" and "key_ops" (RFC 7517 sections 4.2 and 4.3) where they are given.
bool is_for_verifying(const json::object& object) {
  if (object.contains("use") && text(object, "use") != "sig") return false;
  const json::value* operations = object.if_contains("key_ops");
  if (operations == nullptr) return true;
  const json::array* list = operations->if_array();
  return list != nullptr && std::find(list->begin(), list->end(), json::value("verify")) != list->end();
}

std::optional<PublicKey> usable(const Result<PublicKey>& key) {
  if (!key) return std::nullopt;
  return *key;
}

std::optional<PublicKey> parse_key(const json::object& object) {
  const auto type = text(object, "kty");
  if (type == "RSA") {
    const auto modulus = number(object, "n");
    const auto exponent = number(object, "e");
    if (!modulus || !exponent) return std::nullopt;
    return usable(PublicKey::rsa(as_bytes(*modulus), as_bytes(*exponent)));
  }
  const auto x = number(object, "x");
  if (!x) return std::nullopt;
  const auto curve = text(object, "crv");
  if (type == "EC" && curve == "P-256") {
    const auto y = number(object, "y");
    if (!y) return std::nullopt;
    return usable(PublicKey::p256(as_bytes(*x), as_bytes(*y)));
  }
  if (type == "OKP" && curve == "Ed25519") return usable(PublicKey::ed25519(as_bytes(*x)));
  return std::nullopt;
}

}  // namespace

Result<KeySet> KeySet::parse(std::string_view text_of_set) {
  const auto document = oci::parse_strict_json(text_of_set, kLimits);
  if (!document) return refused(document.error().message);
  const json::object* object = document->if_object();
  const json::value* member = object != nullptr ? object->if_contains("keys") : nullptr;
  const json::array* list = member != nullptr ? member->if_array() : nullptr;
  if (list == nullptr) return refused("it is not an object with a list of \"keys\"");
  if (list->size() > kMostKeys) return refused(fmt::format("it has more than {} keys", kMostKeys));

  KeySet keys;
  for (const json::value& item : *list) {
    const json::object* entry = item.if_object();
    if (entry == nullptr) return refused("one of its keys is not an object");
    const std::string_view key_id = text(*entry, "kid").value_or("");
    if (key_id.size() > kLongestKeyId) continue;
    if (!is_for_verifying(*entry) || entry->contains("d") || entry->contains("k")) continue;
    std::optional<SignatureAlgorithm> algorithm;
    if (entry->contains("alg")) {
      algorithm = crypto::parse_signature_algorithm(text(*entry, "alg").value_or(""));
      if (!algorithm) continue;
    }
    auto key = parse_key(*entry);
    if (!key || (algorithm && !key->serves(*algorithm))) continue;
    std::string material;
    for (const std::string_view part : {"kty", "crv", "n", "e", "x", "y"})
      material += fmt::format("{}.", text(*entry, part).value_or(""));
    const bool repeated = std::ranges::any_of(keys.entries_, [&](const Entry& known) {
      return known.key_id == key_id && known.algorithm == algorithm && known.material == material;
    });
    if (!repeated)
      keys.entries_.push_back({std::string(key_id), algorithm, std::move(material), *std::move(key)});
  }
  return keys;
}

bool KeySet::has(std::string_view key_id) const {
  return !key_id.empty() &&
         std::ranges::any_of(entries_, [&](const Entry& entry) { return entry.key_id == key_id; });
}

std::vector<PublicKey> KeySet::find(std::string_view key_id, SignatureAlgorithm algorithm) const {
  std::vector<PublicKey> found;
  for (const Entry& entry : entries_)
    if ((key_id.empty() || entry.key_id == key_id) && entry.serves(algorithm)) found.push_back(entry.key);
  if (key_id.empty() && found.size() > 1) found.clear();
  return found;
}

}  // namespace bulkhead::identity
