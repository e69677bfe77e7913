// TLS handshakes with a deadline. libldap 2.5 with GnuTLS asks again without end, and without waiting, for
// the bytes of a handshake that do not come.
#pragma once

#include <chrono>
#include <memory>

struct ldap;

namespace bulkhead::ldap {

// Outlives the handle that it watches.
class Handshake {
 public:
  Handshake();
  ~Handshake();
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  // Before the handle connects. False when libldap refuses.
  bool watch(::ldap* handle);

  // From now on a read waits for its bytes, and fails when they are not there by then.
  void begin(std::chrono::steady_clock::time_point deadline);
  void end();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::ldap
