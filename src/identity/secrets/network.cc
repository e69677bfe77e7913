#include "identity/secrets/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace bulkhead::identity {

std::string network_of(std::string_view address) {
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const std::string text(address);
  std::array<unsigned char, 4> v4{};
  if (inet_pton(AF_INET, text.c_str(), v4.data()) == 1) return "4" + std::string(v4.begin(), v4.begin() + 3);
  std::array<unsigned char, 16> v6{};
  if (inet_pton(AF_INET6, text.c_str(), v6.data()) == 1) {
    if (std::equal(kMapped.begin(), kMapped.end(), v6.begin()))
      return "4" + std::string(v6.begin() + 12, v6.begin() + 15);
    return "6" + std::string(v6.begin(), v6.begin() + 8);
  }
  return "=" + text;
}

}  // namespace bulkhead::identity
