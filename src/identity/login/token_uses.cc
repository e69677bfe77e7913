#include "identity/login/token_uses.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace bulkhead::identity {
namespace {

constexpr std::chrono::minutes kResolution{1};
constexpr std::size_t kBatch = 500;  // rows in one transaction

// Clients choose this text; the database takes only UTF-8, and terminals obey more than text.
std::string plain(std::string_view text) {
  std::string kept(text.substr(0, TokenUses::kClientBytes));
  std::ranges::replace_if(
      kept, [](char c) { return c < ' ' || c > '~'; }, '?');
  return kept;
}

}  // namespace

void TokenUses::note(std::int64_t token_id, Time now, std::string_view address, std::string_view client) {
  const std::lock_guard lock(mutex_);
  const auto found = noted_.find(token_id);
  if (found == noted_.end() && noted_.size() >= most_) return;
  // A clock that was set back must not stop the noting.
  if (found != noted_.end() && std::chrono::abs(now - found->second.use.at) < kResolution) return;
  noted_.insert_or_assign(token_id, Noted{{now, plain(address), plain(client)}, false});
}

std::optional<TokenUse> TokenUses::find(std::int64_t token_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = noted_.find(token_id);
  if (found == noted_.end()) return std::nullopt;
  return found->second.use;
}

Result<void> TokenUses::flush(Time now) {
  std::vector<std::pair<std::int64_t, TokenUse>> uses;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, noted] : noted_)
      if (!noted.written) uses.emplace_back(id, noted.use);
  }
  for (std::size_t from = 0; from < uses.size(); from += kBatch) {
    const std::size_t to = std::min(uses.size(), from + kBatch);
    const auto done = database_.write([&](db::Session& session) -> Result<void> {
      for (std::size_t i = from; i < to; ++i) {
        const auto& [id, use] = uses[i];
        const auto written = session.execute(
            "UPDATE access_tokens SET last_used_at = ?, last_used_address = ?, last_used_client = ? "
            "WHERE id = ?",
            {to_micros(use.at), use.address, use.client, id});
        if (!written) return written.error();
      }
      return {};
    });
    if (!done) return done.error();
    const std::lock_guard lock(mutex_);
    for (std::size_t i = from; i < to; ++i) {
      const auto noted = noted_.find(uses[i].first);
      if (noted != noted_.end() && noted->second.use.at == uses[i].second.at) noted->second.written = true;
    }
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(noted_, [&](const auto& entry) {
    return entry.second.written && std::chrono::abs(now - entry.second.use.at) >= kResolution;
  });
  return {};
}

}  // namespace bulkhead::identity
