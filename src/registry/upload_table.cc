#include "registry/upload_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include "identity/people/account.h"

namespace bulkhead::registry {
namespace {

Error unknown() { return {Errc::upload_unknown, "there is no such upload; begin again with a POST"}; }

}  // namespace

void UploadTable::add(Session session) {
  const std::lock_guard lock(mutex_);
  room_.add(session.namespace_id, session.size);
  session.counted = session.size;
  insert(std::move(session));
}

void UploadTable::insert(Session session) {
  const std::string id = session.name.id;
  const auto [at, fresh] = sessions_.emplace(id, std::move(session));
  if (!fresh) return;
  Share& share = shares_[at->second.sharer];
  ++share.sessions;
  share.by_account[at->second.name.account].insert(id);
}

std::size_t UploadTable::count() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

// Whose writer has said nothing for long is as good as nobody's.
bool UploadTable::idle(const Session& session, Time now) const {
  return session.turn == nullptr || now - session.last_used >= limits_.silence;
}

bool UploadTable::is_of(const Session& session, const access::Repository& repository) const {
  if (session.name.repository != repository.id && session.name.repository != unborn_id(repository.name))
    return false;
  // Expired is gone, also before the sweep has come by.
  return session.turn != nullptr || clock_.now() - session.last_used <= limits_.idle;
}

UploadTable::Sessions::iterator UploadTable::find(const access::Repository& repository, std::string_view id,
                                                  Account account) const {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || (account && found->second.name.account != *account) ||
      !is_of(found->second, repository))
    return sessions_.end();
  return found;
}

std::vector<UploadTable::Session> UploadTable::list(const access::Repository& repository,
                                                    std::string_view after, std::size_t limit) const {
  std::vector<Session> listed;
  const std::lock_guard lock(mutex_);
  for (auto at = sessions_.upper_bound(after); at != sessions_.end() && listed.size() < limit; ++at)
    if (is_of(at->second, repository)) listed.push_back(at->second);
  return listed;
}

void UploadTable::erase(Sessions::iterator at) {
  const auto share = shares_.find(at->second.sharer);
  const auto owned = share->second.by_account.find(at->second.name.account);
  owned->second.erase(at->first);
  if (owned->second.empty()) share->second.by_account.erase(owned);
  if (--share->second.sessions == 0) shares_.erase(share);
  room_.give(at->second.namespace_id, at->second.counted);
  sessions_.erase(at);
}

UploadTable::Sessions::iterator UploadTable::longest_idle(const std::set<std::string>& ids) {
  const Time now = clock_.now();
  auto longest = sessions_.end();
  const auto rank = [](const Session& session) {
    return std::tuple(session.size > 0, session.last_used, session.name.id);
  };
  for (const std::string& id : ids) {
    const auto at = sessions_.find(id);
    if (!idle(at->second, now)) continue;
    if (longest == sessions_.end() || rank(at->second) < rank(longest->second)) longest = at;
  }
  return longest;
}

bool UploadTable::give_way(const Share& share, std::vector<std::string>& given_up) {
  std::vector<const std::set<std::string>*> accounts;
  for (const auto& [account, ids] : share.by_account) accounts.push_back(&ids);
  std::ranges::stable_sort(accounts, std::greater(), [](const auto* ids) { return ids->size(); });
  auto at = sessions_.end();
  for (const auto* ids : accounts)
    if (at = longest_idle(*ids); at != sessions_.end()) break;
  if (at == sessions_.end()) return false;
  if (const auto turn = at->second.turn) {
    const std::unique_lock at_work(turn->mutex, std::try_to_lock);
    // Where it is not open yet, its request is under way to the disk.
    if (!at_work || turn->stage == nullptr) return false;
    turn->taken = true;
    turn->stage.reset();
  }
  given_up.push_back(at->second.name.render());
  erase(at);
  return true;
}

Result<void> UploadTable::enter(const UploadName& name, std::string_view account, std::int64_t namespace_id,
                                std::shared_ptr<UploadTurn> turn, std::vector<std::string>& given_up) {
  const std::string sharer(identity::sharer(account));
  const std::lock_guard lock(mutex_);
  const auto own = shares_.find(sharer);
  const std::size_t unfinished = own == shares_.end() ? 0 : own->second.sessions;
  if (unfinished >= limits_.sessions_per_account && !give_way(own->second, given_up))
    return Error{
        Errc::rate_limited,
        fmt::format("{} and its robots have {} uploads under way, as many as they may have; wait for some "
                    "to end",
                    sharer, unfinished)};
  if (sessions_.size() >= limits_.sessions) {
    const auto most = std::ranges::max_element(shares_, std::less(),
                                               [](const auto& share) { return share.second.sessions; });
    if (!give_way(most->second, given_up))
      return Error{Errc::rate_limited, "the registry has too many uploads under way; try again in a moment"};
  }
  insert({name, sharer, namespace_id, 0, 0, clock_.now(), std::move(turn)});
  return {};
}

Result<UploadTable::Session> UploadTable::seize(const access::Repository& repository, std::string_view id,
                                                Account account, const std::shared_ptr<UploadTurn>& turn) {
  const std::lock_guard lock(mutex_);
  const auto found = find(repository, id, account);
  if (found == sessions_.end()) return unknown();
  Session& session = found->second;
  if (const auto older = session.turn) {
    const auto busy = [&](std::chrono::nanoseconds wait) {
      const auto seconds = std::max(std::chrono::ceil<std::chrono::seconds>(wait), std::chrono::seconds(1));
      return Error{
          Errc::upload_busy,
          fmt::format("another request is writing to this upload; wait for it to end, or until it has "
                      "been silent for {} seconds",
                      std::chrono::ceil<std::chrono::seconds>(limits_.silence).count()),
          seconds};
    };
    const auto silent = clock_.now() - session.last_used;
    if (silent < limits_.silence) return busy(limits_.silence - silent);
    const std::unique_lock at_work(older->mutex, std::try_to_lock);
    if (!at_work) return busy(std::chrono::seconds(1));
    // Where it is not open yet, its request is under way to the disk.
    if (older->stage == nullptr && !older->taken) return busy(std::chrono::seconds(1));
    older->taken = true;
    older->stage.reset();
  }
  if (session.namespace_id != repository.namespace_id) {
    room_.give(session.namespace_id, session.counted);
    room_.add(repository.namespace_id, session.counted);
    session.namespace_id = repository.namespace_id;
  }
  session.turn = turn;
  session.last_used = clock_.now();
  return session;
}

Result<UploadTable::Session> UploadTable::look(const access::Repository& repository, std::string_view id,
                                               Account account) const {
  const std::lock_guard lock(mutex_);
  const auto found = find(repository, id, account);
  if (found == sessions_.end()) return unknown();
  return found->second;
}

void UploadTable::note(const std::string& id, const UploadTurn* turn, std::uint64_t size,
                       std::uint64_t counted) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.turn.get() != turn) return;
  found->second.size = size;
  found->second.counted = counted;
  found->second.last_used = clock_.now();
}

void UploadTable::release(const std::string& id, const UploadTurn* turn) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.turn.get() != turn) return;
  found->second.turn.reset();
  found->second.last_used = clock_.now();
}

void UploadTable::end(const std::string& id, const UploadTurn* turn) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found != sessions_.end() && found->second.turn.get() == turn) erase(found);
}

std::vector<std::string> UploadTable::expire() {
  const Time now = clock_.now();
  std::vector<std::string> expired;
  const std::lock_guard lock(mutex_);
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    const auto next = std::next(at);
    if (at->second.turn == nullptr && now - at->second.last_used > limits_.idle) {
      expired.push_back(at->second.name.render());
      erase(at);
    }
    at = next;
  }
  return expired;
}

}  // namespace bulkhead::registry
