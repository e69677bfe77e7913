// WWW-Authenticate and Link of a hostile registry: bounded in what is kept, and never more than was sent.
#include <cstdint>
#include <cstdlib>

#include "transfer/challenge.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto challenges = bulkhead::transfer::parse_challenges(text);
  if (challenges.size() > 16) std::abort();
  std::size_t kept = 0;
  for (const auto& each : challenges) {
    if (each.scheme.empty() || each.parameters.size() > 16) std::abort();
    for (const auto& [name, value] : each.parameters) kept += name.size() + value.size();
  }
  if (kept > size) std::abort();
  const auto next = bulkhead::transfer::next_link(text);
  if (next && text.find(*next) == text.npos) std::abort();
  return 0;
}
