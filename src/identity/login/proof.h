// How the credential of a caller came to be: what policies of organizations ask about.
#pragma once

#include <chrono>

namespace bulkhead::identity {

struct Proof {
  bool by_password = false;     // a client of the registry gave the account's password for it
  bool multi_factor = false;    // whoever got it had shown a second factor
  std::chrono::seconds life{};  // of the access token that it is or was made with

  friend bool operator==(const Proof&, const Proof&) = default;
};

}  // namespace bulkhead::identity
