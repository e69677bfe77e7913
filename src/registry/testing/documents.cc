#include "registry/testing/documents.h"

#include <fmt/format.h>

namespace bulkhead::registry::testing {
namespace {

std::string render(const oci::Descriptor& descriptor) {
  return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{}}})", descriptor.media_type,
                     descriptor.digest.render(), descriptor.size);
}

std::string render(const std::vector<oci::Descriptor>& descriptors) {
  std::string out = "[";
  for (const oci::Descriptor& descriptor : descriptors) {
    if (out.size() > 1) out += ',';
    out += render(descriptor);
  }
  return out + ']';
}

std::string document(std::string_view media_type, std::string_view members, std::string_view rest) {
  return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}",{}{}{}}})", media_type, members,
                     rest.empty() ? "" : ",", rest);
}

}  // namespace

std::string image(const oci::Descriptor& config, const std::vector<oci::Descriptor>& layers,
                  std::string_view rest, std::string_view media_type) {
  return document(media_type, fmt::format(R"("config":{},"layers":{})", render(config), render(layers)),
                  rest);
}

std::string index(const std::vector<oci::Descriptor>& children, std::string_view rest,
                  std::string_view media_type) {
  return document(media_type, fmt::format(R"("manifests":{})", render(children)), rest);
}

std::string subject(const oci::Descriptor& descriptor) {
  return fmt::format(R"("subject":{})", render(descriptor));
}

oci::Descriptor describe(std::string_view document, std::string_view media_type) {
  return {std::string(media_type), oci::Digest::of(oci::Algorithm::sha256, as_bytes(document)),
          document.size()};
}

}  // namespace bulkhead::registry::testing
