#include "config/suggest.h"

#include <algorithm>
#include <vector>

namespace bulkhead::config {
namespace {

// Longer than any name; bounds the work on a long stretch of rubbish.
constexpr std::size_t kLongest = 128;

}  // namespace

// Optimal string alignment, keeping the two rows before the current one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::optional<std::string> nearest(std::string_view text, std::span<const std::string> candidates,
                                   std::string_view separators) {
  if (text.size() > kLongest) return std::nullopt;
  std::optional<std::string> best;
  std::size_t least = std::max<std::size_t>(2, text.size() / 4) + 1;
  const auto consider = [&](const std::string& candidate, std::string_view part) {
    const std::size_t distance = edit_distance(text, part);
    // Sharing nothing but a character or two is chance, not a slip of the finger.
    if (distance >= least || distance * 2 >= std::max(text.size(), part.size())) return;
    least = distance;
    best = candidate;
  };
  for (const auto& candidate : candidates) consider(candidate, candidate);
  for (const auto& candidate : candidates)
    if (const auto at = candidate.find_last_of(separators); at != candidate.npos)
      consider(candidate, std::string_view(candidate).substr(at + 1));
  return best;
}

}  // namespace bulkhead::config
