// Text from outside, made fit for one line of an error message or a log.
#pragma once

#include <string>
#include <string_view>

namespace bulkhead::oci {

// In double quotes, cut after 80 bytes, with everything but printable ASCII shown as \xNN.
std::string quote(std::string_view text);

}  // namespace bulkhead::oci
