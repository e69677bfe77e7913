// Invitations into an organization: to an account, or to an e-mail address whose owner may not have one yet.
// The token that an invitation comes with is shown once, and kept as a keyed hash; with the hash's key the
// invitation ends.
//
// Calls block. Thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "crypto/keyring.h"
#include "identity/people/directory.h"
#include "identity/people/organizations.h"

namespace bulkhead::identity {

struct Invitation {
  std::int64_t id = 0;
  std::int64_t organization_id = 0;
  std::string organization;
  std::optional<std::int64_t> team_id;
  std::string team;                        // its name, "" for none
  std::optional<std::int64_t> account_id;  // of one by account, where the name is somebody's
  std::string account;                     // the name that was given; "" for one by e-mail
  std::string email;                       // "" for one by account
  MemberRole role = MemberRole::member;
  std::string invited_by;
  Time created_at{};
  Time expires_at{};
};

struct IssuedInvitation {
  Invitation invitation;
  Secret<> token;  // "bhinvite_…"
};

class Invitations {
 public:
  static constexpr std::size_t kMostOpen = 500;  // of one organization

  // All must outlive this.
  Invitations(const Directory& directory, const crypto::Keyring& keyring,
              std::chrono::seconds lifetime = std::chrono::hours(24 * 7))
      : directory_(directory), keyring_(keyring), lifetime_(lifetime) {}

  struct Request {
    std::int64_t organization_id = 0;
    std::string account;  // one of the two
    std::string email;
    MemberRole role = MemberRole::member;
    std::optional<std::int64_t> team_id;  // of the organization
  };
  // A name that is nobody's is invited as well, and can be accepted by nobody: inviting does not tell who has
  // an account. A member may be invited to be an owner. Errc::not_found, Errc::invalid_argument for a robot's
  // name; Errc::conflict for a member, for somebody who is invited already, and when kMostOpen invitations
  // are open.
  Result<IssuedInvitation> invite(const Request& request, std::int64_t inviter, const audit::Origin& origin);

  // What the account was invited to be it becomes, and the invitation ends. It must be the account that was
  // invited, or one whose verified e-mail address was (Errc::denied), and active. A wrong, used, withdrawn or
  // expired token is Errc::not_found with one message.
  Result<void> accept(const Secret<>& token, std::int64_t account_id, const audit::Origin& origin);
  Result<void> decline(const Secret<>& token, std::int64_t account_id, const audit::Origin& origin);
  // The same for who has logged in as the one who was invited, without the token. Errc::not_found for
  // anybody else.
  Result<void> accept(std::int64_t id, std::int64_t account_id, const audit::Origin& origin);
  Result<void> decline(std::int64_t id, std::int64_t account_id, const audit::Origin& origin);
  // By the organization. Errc::not_found.
  Result<void> revoke(std::int64_t organization_id, std::int64_t id, const audit::Origin& origin);

  // Open ones, the oldest first, those after the number `after`, at most `limit`.
  Result<std::vector<Invitation>> of_organization(std::int64_t organization_id, std::int64_t after,
                                                  std::size_t limit) const;
  // Open ones that the account could accept.
  Result<std::vector<Invitation>> of_account(std::int64_t account_id) const;
  // The organization that an open invitation leads into. Errc::not_found.
  Result<std::int64_t> organization_of(const Secret<>& token) const;

 private:
  const Directory& directory_;
  const crypto::Keyring& keyring_;
  std::chrono::seconds lifetime_;
};

}  // namespace bulkhead::identity
