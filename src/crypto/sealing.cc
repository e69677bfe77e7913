#include "crypto/sealing.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "crypto/aead.h"

namespace bulkhead::crypto {
namespace {

constexpr std::string_view kVersion = "v1:";
constexpr std::size_t kLongestValue = (kMaxSealedPlainBytes + kAeadOverhead) * 4 / 3 + 64;

AssociatedData place_of(const SealContext& where, std::int64_t key) {
  AssociatedData data("bulkhead sealed value v1");
  data.add(where.table).add(where.row).add(where.column).add(key);
  return data;
}

AssociatedData identity_of(const Key& wrapping, std::int64_t id) {
  AssociatedData data("bulkhead data key v1");
  data.add(std::int64_t{wrapping.version}).add(id);
  return data;
}

struct Parts {
  std::int64_t key = 0;
  std::string_view text;  // base64url
};

std::optional<Parts> split(std::string_view sealed) {
  if (sealed.size() > kLongestValue || !sealed.starts_with(kVersion)) return std::nullopt;
  sealed.remove_prefix(kVersion.size());
  const auto colon = sealed.find(':');
  if (colon == sealed.npos || colon == 0 || sealed.front() < '1' || sealed.front() > '9') return std::nullopt;
  Parts parts;
  const auto [end, error] = std::from_chars(sealed.data(), sealed.data() + colon, parts.key);
  if (error != std::errc{} || end != sealed.data() + colon) return std::nullopt;
  parts.text = sealed.substr(colon + 1);
  return parts;
}

}  // namespace

std::string describe(const SealContext& where) {
  return fmt::format("{}.{} of row {}", where.table, where.column, where.row);
}

Result<std::string> seal_value(const DataKey& key, const SealContext& where, const Secret<>& plain) {
  if (plain.reveal().size() > kMaxSealedPlainBytes)
    return Error{Errc::too_large,
                 fmt::format("{} cannot hold more than {} bytes", describe(where), kMaxSealedPlainBytes)};
  return fmt::format("{}{}:{}", kVersion, key.id,
                     to_base64url(as_bytes(aead_seal(key.bytes, place_of(where, key.id), plain.reveal()))));
}

std::optional<std::int64_t> data_key_of(std::string_view sealed) {
  const auto parts = split(sealed);
  if (!parts) return std::nullopt;
  return parts->key;
}

Result<Secret<>> open_value(const DataKey& key, const SealContext& where, std::string_view sealed) {
  const auto corrupt = [&] {
    return Error{Errc::corrupt,
                 fmt::format("{} is not what was sealed there: it was altered, moved, or damaged on the disk",
                             describe(where))};
  };
  const auto parts = split(sealed);
  if (!parts || parts->key != key.id) return corrupt();
  const auto bytes = from_base64url(parts->text);
  if (!bytes) return corrupt();
  auto plain = aead_open(key.bytes, place_of(where, key.id), *bytes);
  if (!plain) return corrupt();
  return std::move(*plain);
}

std::string wrap_data_key(const Key& wrapping, const DataKey& key) {
  const std::string sealed = aead_seal(wrapping.bytes, identity_of(wrapping, key.id), key.bytes.reveal());
  return std::string(kVersion) + to_base64url(as_bytes(sealed));
}

std::optional<DataKey> unwrap_data_key(const Key& wrapping, std::int64_t id, std::string_view wrapped) {
  if (!wrapped.starts_with(kVersion)) return std::nullopt;
  const auto bytes = from_base64url(wrapped.substr(kVersion.size()));
  if (!bytes) return std::nullopt;
  auto key = aead_open_key(wrapping.bytes, identity_of(wrapping, id), *bytes);
  if (!key || key->size() != kAeadKeyBytes) return std::nullopt;
  return DataKey{id, std::move(*key)};
}

}  // namespace bulkhead::crypto
