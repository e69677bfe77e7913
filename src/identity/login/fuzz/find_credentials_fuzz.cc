// What is found in a text stands in it, has the shape of one kind of credential and its checksum, and is
// found again when it stands alone.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "identity/login/leaked.h"
#include "identity/secrets/token_format.h"

using namespace bulkhead::identity;

namespace {

void require(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimit = 8;
  constexpr std::array<std::string_view, 5> kPrefixes = {"bhpat_", "bhrobot_", "bhsession_", "bhinvite_",
                                                         "bhsetup_"};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto found = find_credentials(text, kLimit);
  require(found.size() <= kLimit);
  for (const std::string_view each : found) {
    require(each.data() >= text.data() && each.data() + each.size() <= text.data() + text.size());
    require(std::ranges::any_of(kPrefixes,
                                [&](std::string_view prefix) { return token_is_well_formed(prefix, each); }));
    const auto again = find_credentials(each, kLimit);
    require(std::ranges::find(again, each) != again.end());
  }
  return 0;
}
