// Names, tags, digests and references: what is accepted renders as it was written, and parses to the same
// again.
#include <cstdlib>

#include "oci/name.h"

namespace {

using namespace bulkhead::oci;

void require(bool condition) {
  if (!condition) std::abort();
}

template <class T>
void check(std::string_view text) {
  const auto value = T::parse(text);
  if (!value) {
    require(!value.error().message.empty() && value.error().message.size() < 2'000);
    return;
  }
  require(value->render() == text);
  require(*T::parse(value->render()) == *value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check<RepositoryName>(text);
  check<Tag>(text);
  check<Digest>(text);

  const auto name = RepositoryName::parse(text);
  if (name) {
    require(text.size() <= 255 && text.find("..") == text.npos && text.find("//") == text.npos);
    require(name->namespace_name().empty() == (text.find('/') == text.npos));
    require(text.starts_with(name->namespace_name()));
  }
  const auto reference = parse_reference(text);
  require(reference.has_value() == (Tag::parse(text).has_value() || Digest::parse(text).has_value()));
  if (const auto digest = Digest::parse(text)) {
    require(Digest::from_hash(digest->algorithm(), digest->hash()) == *digest);
    require(std::get<Digest>(*reference) == *digest);
  }
  return 0;
}
