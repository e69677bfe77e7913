// What libldap is told before it connects.
#pragma once

#include "base/error.h"
#include "ldap/directory.h"

struct ldap;

namespace bulkhead::ldap {

// Every option of the handle and, for a connection that will be encrypted, a TLS context of its own: TLS 1.2
// at least, the certificate required, its subjectAltName matched against the URL's host, trusted authorities
// as Options say. Errc::unavailable when the file of authorities cannot be read or holds none.
Result<void> set_options(::ldap* handle, const Options& options, bool encrypted);

}  // namespace bulkhead::ldap
