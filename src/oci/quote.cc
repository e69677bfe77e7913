#include "oci/quote.h"

#include <fmt/format.h>

namespace bulkhead::oci {
namespace {

constexpr std::size_t kShown = 80;

}  // namespace

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char character : text.substr(0, kShown)) {
    if (character == '"' || character == '\\') {
      out += {'\\', character};
    } else if (character >= ' ' && character <= '~') {
      out += character;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(character));
    }
  }
  out += text.size() > kShown ? "...\"" : "\"";
  return out;
}

}  // namespace bulkhead::oci
