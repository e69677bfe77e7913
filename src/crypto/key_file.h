// The text of the keyring's files (docs/formats/keyring.md). No I/O.
#pragma once

#include <map>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "crypto/keyring.h"

namespace bulkhead::crypto {

inline constexpr std::size_t kKeyFileLimit = 64 * 1024;  // some 400 versions

using KeyVersions = std::map<std::uint32_t, std::shared_ptr<const Key>>;

struct KeyFile {
  KeyVersions keys;
  bool all_sealed = true;  // no line holds a key as it is
};

// `master` opens sealed lines; nullptr when there is none. Errors are Errc::corrupt and tell the line's
// number, never its contents. `where` is the file's name, for messages.
Result<KeyFile> parse_key_file(std::string_view text, KeyPurpose purpose, const LockedBytes* master,
                               std::string_view where);

// Sealed lines with a master key, else plain ones.
Secret<> render_key_file(const KeyVersions& keys, KeyPurpose purpose, const LockedBytes* master);

}  // namespace bulkhead::crypto
