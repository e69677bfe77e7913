// QR codes (ISO/IEC 18004) of texts that an authenticator app scans. What is drawn holds the secret as the
// text does.
#pragma once

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::identity {

// Errc::too_large past 2,331 bytes, Errc::invalid_argument for an empty text. Both draw with the quiet zone
// of four modules around.

// A document of its own; scales to the size it is given.
Result<Secret<>> qr_as_svg(const Secret<>& text);
// Lines for a terminal with UTF-8 and colours: two modules a character, black on white whatever its colours.
Result<Secret<>> qr_for_terminal(const Secret<>& text);

}  // namespace bulkhead::identity
