#include "ldap/handshake.h"

#include <lber.h>
#include <ldap.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace bulkhead::ldap {

struct Handshake::State {
  ldap_conncb callback{};
  std::optional<std::chrono::steady_clock::time_point> deadline;
};

namespace {

// Between the socket and TLS.
constexpr int kLevel = (LBER_SBIOD_LEVEL_PROVIDER + LBER_SBIOD_LEVEL_TRANSPORT) / 2;

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

int set_up(Sockbuf_IO_Desc* layer, void* deadline) {
  layer->sbiod_pvt = deadline;
  return 0;
}
int remove(Sockbuf_IO_Desc*) { return 0; }
int close(Sockbuf_IO_Desc*) { return 0; }
int control(Sockbuf_IO_Desc* layer, int option, void* argument) {
  return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

// Whether the socket is ready before the deadline.
bool wait(Sockbuf_IO_Desc* layer, short event) {
  const auto& deadline = *static_cast<const Deadline*>(layer->sbiod_pvt);
  if (!deadline) return true;
  pollfd socket{-1, event, 0};
  ::ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &socket.fd);
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) break;
    const int ready = ::poll(&socket, 1, static_cast<int>(std::min<long>(left, 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) break;
  }
  errno = ETIMEDOUT;
  return false;
}

ber_slen_t read(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t length) {
  return wait(layer, POLLIN) ? LBER_SBIOD_READ_NEXT(layer, buffer, length) : -1;
}
ber_slen_t write(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t length) {
  return wait(layer, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(layer, buffer, length) : -1;
}

Sockbuf_IO waiting_layer = {set_up, remove, control, read, write, close};

int connected(::ldap*, Sockbuf* socket, LDAPURLDesc*, sockaddr*, ldap_conncb* callback) {
  return ::ber_sockbuf_add_io(socket, &waiting_layer, kLevel, callback->lc_arg);
}
void disconnected(::ldap*, Sockbuf*, ldap_conncb*) {}

}  // namespace

Handshake::Handshake() : state_(std::make_unique<State>()) {
  state_->callback = {connected, disconnected, &state_->deadline};
}
Handshake::~Handshake() = default;

bool Handshake::watch(::ldap* handle) {
  return ::ldap_set_option(handle, LDAP_OPT_CONNECT_CB, &state_->callback) == LDAP_OPT_SUCCESS;
}
void Handshake::begin(std::chrono::steady_clock::time_point deadline) { state_->deadline = deadline; }
void Handshake::end() { state_->deadline.reset(); }

}  // namespace bulkhead::ldap
