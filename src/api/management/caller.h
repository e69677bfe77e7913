// Who calls the management API, however they proved it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "access/decide.h"
#include "audit/event.h"
#include "base/clock.h"
#include "base/error.h"
#include "identity/people/account.h"

namespace bulkhead::api::management {

// What a credential is good for in /api/v1; a session is good for all.
enum class Reach : std::uint8_t { none, read, write };
std::string_view name(Reach reach);

struct ManagementCaller {
  // Declared because GCC 12 destroys aggregate temporaries in co_return expressions twice.
  ManagementCaller() = default;

  access::Principal principal;  // anonymous where an operation takes anybody
  identity::SystemRole system_role = identity::SystemRole::none;
  identity::AccountKind kind = identity::AccountKind::person;
  Reach reach = Reach::none;
  std::int64_t session_id = 0;       // 0: not a session
  std::int64_t access_token_id = 0;  // 0: not an access token
  std::string credential;            // for evidence, such as "session:12"
  // Whoever commands the installation's machine: asked for no permission.
  bool is_operator = false;
  // Policy asks for a second factor that the session has not seen.
  bool needs_factor = false;
  // Whether whoever calls has shown a second factor in this session.
  bool multi_factor = false;
  // When the person last proved who they are; only sessions know.
  std::optional<Time> proved_at;
};

// Turns what stands behind "Bearer" into a caller. Blocking; thread-safe.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Errc::unauthenticated for whatever is wrong with it. `origin` says where it is used from.
  // peek() does not block, and has no answer when something must be read first.
  virtual std::optional<Result<ManagementCaller>> peek(std::string_view credential,
                                                       const audit::Origin& origin) {
    static_cast<void>(credential);
    static_cast<void>(origin);
    return std::nullopt;
  }
  virtual Result<ManagementCaller> verify(std::string_view credential, const audit::Origin& origin) = 0;
};

}  // namespace bulkhead::api::management
