// What a name stands for: an account's or an organization's namespace, and all whose names begin with it.
// Internal to identity/.
#pragma once

#include <string_view>

#include "identity/people/directory.h"

namespace bulkhead::identity {

// Errc::conflict when an account, an organization or any namespace has the name.
Result<void> check_name_is_free(db::Session& session, std::string_view name);

// Gives the namespace, its repositories and their and its owner's robots their new names; ids stay, and with
// them every grant and token. `to` is free and has been parsed. Errc::name_invalid when a repository's name
// would become too long. Writes the robots' events; the caller writes that of its own renaming.
Result<void> rename_namespace(Change& change, std::string_view from, std::string_view to);

// Removes the namespace with every grant and scope that names it. Errc::conflict, naming one, while it has
// repositories.
Result<void> erase_namespace(Change& change, std::string_view name);

}  // namespace bulkhead::identity
