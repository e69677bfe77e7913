// What every store says alike.
#pragma once

#include <string_view>

#include "base/error.h"
#include "oci/digest.h"

namespace bulkhead::blob {

Error bad_stage_id(std::string_view id);
Error unknown_stage(std::string_view id);
Error stage_exists(std::string_view id);
Error stage_busy(std::string_view id);
Error foreign_stage();
Error unknown_blob(const oci::Digest& digest);
Error digest_mismatch(const oci::Digest& actual, const oci::Digest& wanted);
Error cut_too_long(std::uint64_t size, std::uint64_t wanted);

}  // namespace bulkhead::blob
