#include "ldap/wiping.h"

#include <lber.h>
#include <string.h>

#include <cstddef>

namespace bulkhead::ldap {
namespace {

int set_up(Sockbuf_IO_Desc*, void*) { return 0; }
int remove(Sockbuf_IO_Desc*) { return 0; }
int close(Sockbuf_IO_Desc*) { return 0; }
int control(Sockbuf_IO_Desc* layer, int option, void* argument) {
  return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}
ber_slen_t read(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t length) {
  return LBER_SBIOD_READ_NEXT(layer, buffer, length);
}
ber_slen_t write(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t length) {
  const ber_slen_t written = LBER_SBIOD_WRITE_NEXT(layer, buffer, length);
  if (written > 0) ::explicit_bzero(buffer, static_cast<std::size_t>(written));
  return written;
}

Sockbuf_IO wiping_layer = {set_up, remove, control, read, write, close};

}  // namespace

void wipe_after_writing(::sockbuf* socket) {
  ::ber_sockbuf_add_io(socket, &wiping_layer, LBER_SBIOD_LEVEL_APPLICATION, nullptr);
}

}  // namespace bulkhead::ldap
