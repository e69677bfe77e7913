// The upload sessions there are, in memory: whose they are, who writes to them, and which give way. Internal
// to registry/.
//
// Who writes holds the session by a turn. A newer turn may end an older one that has been silent for long:
// its writer finds out at its next word. Thread-safe; nothing here blocks, but for a word with the disk that
// is under way (seize).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "blob/store.h"
#include "registry/upload_name.h"
#include "registry/upload_room.h"
#include "registry/uploads.h"

namespace bulkhead::registry {

// One request's hold on a session's stage. The mutex is held while the stage is worked on.
struct UploadTurn {
  std::mutex mutex;
  std::unique_ptr<blob::Stage> stage;  // null before it is opened, and once the session is over or was taken
  bool taken = false;                  // by a newer request
};

class UploadTable {
 public:
  using Account = std::optional<std::int64_t>;
  struct Session {
    UploadName name;
    std::string sharer;  // whose share it takes (identity/people/account.h)
    std::int64_t namespace_id = 0;
    std::uint64_t size = 0;
    std::uint64_t counted = 0;  // of these, in the namespace's room
    Time last_used{};
    std::shared_ptr<UploadTurn> turn;  // of who writes to it
  };

  UploadTable(UploadRoom& room, const Clock& clock, const UploadLimits& limits)
      : room_(room), clock_(clock), limits_(limits) {}

  // One that an earlier process has left.
  void add(Session session);
  std::size_t count() const;

  // Enters a new session that `turn` holds. Where there are too many, those that have to give way are
  // removed, and their stages added to `given_up`, to be discarded. Errc::rate_limited.
  Result<void> enter(const UploadName& name, std::string_view account, std::int64_t namespace_id,
                     std::shared_ptr<UploadTurn> turn, std::vector<std::string>& given_up);

  // Gives the session to `turn`, of an account, or of anybody with nullopt: Errc::upload_unknown, or
  // Errc::upload_busy, which says when to come again, while another is at work on it.
  Result<Session> seize(const access::Repository& repository, std::string_view id, Account account,
                        const std::shared_ptr<UploadTurn>& turn);
  Result<Session> look(const access::Repository& repository, std::string_view id, Account account) const;
  // Anybody's in the repository, by id after `after`, at most `limit`.
  std::vector<Session> list(const access::Repository& repository, std::string_view after,
                            std::size_t limit) const;

  // By who holds it, and nothing once it was taken.
  void note(const std::string& id, const UploadTurn* turn, std::uint64_t size, std::uint64_t counted);
  void release(const std::string& id, const UploadTurn* turn);
  void end(const std::string& id, const UploadTurn* turn);

  // Those idle for too long, removed: their stages.
  std::vector<std::string> expire();

 private:
  using Sessions = std::map<std::string, Session, std::less<>>;
  struct Share {
    std::size_t sessions = 0;
    std::map<std::int64_t, std::set<std::string>> by_account;  // none is empty
  };

  bool idle(const Session& session, Time now) const;
  // One that began before the repository was there is the repository's too (unborn.h).
  bool is_of(const Session& session, const access::Repository& repository) const;
  Sessions::iterator find(const access::Repository& repository, std::string_view id, Account account) const;
  void erase(Sessions::iterator at);
  void insert(Session session);
  // Of these, the session that nobody writes to for longest, an empty one first; end() when all are at work.
  Sessions::iterator longest_idle(const std::set<std::string>& ids);
  // The accounts that share give way in the order of how many sessions they have.
  bool give_way(const Share& share, std::vector<std::string>& given_up);

  UploadRoom& room_;
  const Clock& clock_;
  const UploadLimits limits_;
  mutable std::mutex mutex_;
  mutable Sessions sessions_;                         // by the client's id
  std::map<std::string, Share, std::less<>> shares_;  // none is empty
};

}  // namespace bulkhead::registry
