// Text from outside, made fit for one line of an error message: base's quote(), under the name by which
// parsers know it.
#pragma once

#include "base/shown.h"

namespace bulkhead::oci {

using bulkhead::quote;

}  // namespace bulkhead::oci
