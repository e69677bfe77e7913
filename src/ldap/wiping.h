// A request that holds a password stays in libldap's memory until it is answered, and is then freed as it is.
#pragma once

struct sockbuf;

namespace bulkhead::ldap {

// From now on what is written to the socket is wiped from the buffer it was encoded in, as soon as the layers
// below (TLS, the socket) have taken it. Requests are never sent twice: referrals are not followed.
void wipe_after_writing(::sockbuf* socket);

}  // namespace bulkhead::ldap
