// Every place in the schema that holds sealed values: what a rotation walks over. A test compares it with the
// schema's columns of that name. Internal to identity.
#pragma once

#include <array>
#include <string_view>

namespace bulkhead::identity {

struct SealedColumn {
  std::string_view table;
  std::string_view key;  // the integer primary key: SealContext::row
  std::string_view column;
};

inline constexpr std::array kSealedColumns{
    SealedColumn{"totp", "account_id", "sealed"},
    SealedColumn{"login_providers", "id", "sealed"},
    SealedColumn{"login_requests", "id", "sealed"},
    SealedColumn{"external_sessions", "session_id", "sealed"},
};

}  // namespace bulkhead::identity
