// Requests to other people's servers, over libcurl. What a user of this registry may choose to have fetched
// (an issuer, a webhook) must reach nothing that only this machine can reach:
//
// - https only, TLS 1.2 at least, certificates verified; http only for hosts that a setting names.
// - Public addresses only, but for networks that a setting names. The address that is checked is the one that
//   the socket is then connected to, so a name that resolves differently the next time gains nothing.
// - No redirect is followed: it is an answer, and a credential never leaves its origin.
// - No proxy, and nothing from the environment, .netrc or cookies.
// - Body, head and time are bounded.
//
// Calls block: run them on the offload pool. Thread-safe; each call has a connection of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/ip_network.h"
#include "base/secret.h"

namespace bulkhead::http {

struct Outgoing {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers = {};
  Secret<> authorization = {};   // the header's value; "" for none
  Secret<> body = {};            // sent where it is not empty
  std::size_t largest_body = 0;  // of the answer; 0 for the client's own limit, which also caps it
};

struct Fetched {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};

class OutboundClient {
 public:
  virtual ~OutboundClient() = default;
  // Errc::invalid_argument for a URL that is not to be used, Errc::denied for a host whose addresses are not,
  // Errc::too_large, Errc::unavailable for all else that keeps an answer from coming.
  virtual Result<Fetched> fetch(const Outgoing& request) = 0;
};

struct OutboundOptions {
  std::size_t largest_body = std::size_t{1} << 20;
  std::chrono::milliseconds timeout{5000};  // from the look-up of the name to the last byte
  std::chrono::seconds stalled{3};          // with less than `slowest` bytes a second
  long slowest = 100;
  std::vector<IpNetwork> allowed_networks;  // beside the public ones
  std::vector<std::string> plain_hosts;     // that may be asked over http
  std::filesystem::path authorities;        // PEM; trusted beside the system's own. "" for none
};

std::unique_ptr<OutboundClient> make_outbound_client(OutboundOptions options);

// Whether an address is one that everybody can reach: global unicast, and none of the special-purpose
// networks of RFC 6890 and its successors. IPv4-mapped, IPv4-compatible and translated IPv6 addresses are
// not. False for what is no address.
bool is_public_address(std::string_view address);

}  // namespace bulkhead::http
