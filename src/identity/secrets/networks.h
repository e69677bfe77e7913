// The networks that a token or a policy lets a caller come from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ip_network.h"

namespace bulkhead::identity {

class Networks {
 public:
  static constexpr std::size_t kMost = 64;

  Networks() = default;  // anywhere
  // Networks in CIDR notation with spaces between; "" for anywhere. Errc::invalid_argument names the one that
  // is none, and so is an answer to more than kMost.
  static Result<Networks> parse(std::string_view text);

  bool anywhere() const { return networks_.empty(); }
  // Whether a caller at this address is let through. What is not an address only ever comes from anywhere.
  bool allow(std::string_view address) const;
  // As parse() takes it; what the database keeps.
  std::string text() const;

  friend bool operator==(const Networks&, const Networks&) = default;

 private:
  std::vector<IpNetwork> networks_;
};

}  // namespace bulkhead::identity
