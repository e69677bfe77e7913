// CRC-32C (Castagnoli; RFC 3720 section 12.1): detects torn and rotten records. Not a defence against a
// forger.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace bulkhead::audit {

// Extends `crc` by the bytes; begin with 0. Uses the CPU's instruction where there is one.
std::uint32_t crc32c(std::uint32_t crc, Bytes bytes);

// The same without the instruction, for other machines and for the test that compares the two.
std::uint32_t crc32c_portable(std::uint32_t crc, Bytes bytes);

}  // namespace bulkhead::audit
