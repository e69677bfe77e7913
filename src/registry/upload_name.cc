#include "registry/upload_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "crypto/hash.h"

namespace bulkhead::registry {
namespace {

constexpr std::size_t kRandomLength = 22;

// Takes the text up to the next '-' off `rest`.
std::string_view take(std::string_view& rest) {
  const std::size_t dash = std::min(rest.find('-'), rest.size());
  const std::string_view part = rest.substr(0, dash);
  rest.remove_prefix(std::min(rest.size(), dash + 1));
  return part;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

UploadName UploadName::fresh(std::int64_t repository, std::int64_t account, oci::Algorithm algorithm) {
  return {crypto::random_base62(kRandomLength), repository, account, algorithm};
}

std::string UploadName::render() const {
  return fmt::format("{}-{}-{}-{}", id, repository, account, algorithm == oci::Algorithm::sha256 ? 2 : 5);
}

std::optional<UploadName> UploadName::parse(std::string_view stage) {
  UploadName name;
  name.id = take(stage);
  const auto repository = number(take(stage));
  const auto account = number(take(stage));
  if (name.id.size() != kRandomLength || !repository || !account || (stage != "2" && stage != "5"))
    return std::nullopt;
  name.repository = *repository;
  name.account = *account;
  name.algorithm = stage == "2" ? oci::Algorithm::sha256 : oci::Algorithm::sha512;
  return name;
}

}  // namespace bulkhead::registry
