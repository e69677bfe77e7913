// Whose an e-mail address is: at most one account has it verified. Internal to identity/.
#pragma once

#include <cstdint>
#include <string>

#include "db/database.h"

namespace bulkhead::identity {

// The name of an account that has the address verified, another than that of the number; "" for none.
Result<std::string> verified_elsewhere(db::Session& session, const std::string& email,
                                       std::int64_t account_id);

}  // namespace bulkhead::identity
