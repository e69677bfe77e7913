#include "app/key_housekeeping.h"

namespace bulkhead::app {
namespace {

constexpr std::size_t kBatch = 200;
constexpr std::chrono::milliseconds kAtOnce{200};
constexpr std::chrono::minutes kAgainAfterFailure{1};
constexpr std::chrono::hours kTidyEvery{1};

audit::Origin own_origin() {
  return {.account = {}, .credential = "operator", .address = "local", .user_agent = {}, .request_id = {}};
}

}  // namespace

void KeyHousekeeping::work() {
  take_in_changes();
  if (std::chrono::steady_clock::now() >= next_try_) reseal();
  if (std::chrono::steady_clock::now() >= next_tidying_) tidy();
}

void KeyHousekeeping::take_in_changes() {
  const auto changed = installation_.keyring().reload_if_changed();
  if (!changed)
    installation_.log().warning("changed key files cannot be used; the keys in use stay",
                                {{"error", changed.error().message}});
  else if (*changed)
    compare();
}

// Whoever exchanges the files of a running server hears of it now, and not at the next start.
void KeyHousekeeping::compare() {
  Log& log = installation_.log();
  log.info("the keys have been read again");
  const auto returned = installation_.key_rotation().retire_returned(own_origin());
  if (!returned)
    log.error("whether retired keys have come back cannot be looked up",
              {{"error", returned.error().message}});
  else
    for (const auto& [purpose, version] : *returned)
      log.warning("a retired key had come back with an older file, and is retired again",
                  {{"purpose", name(purpose)}, {"version", version}});
  const auto checks = identity::KeyChecks::read(installation_.database(), installation_.clock());
  const auto problems = checks ? checks->compare(installation_.keyring())
                               : Result<std::vector<identity::KeyChecks::Problem>>(checks.error());
  if (!problems) {
    log.warning("the keys cannot be compared with those that the database was used with",
                {{"error", problems.error().message}});
    return;
  }
  for (const auto& problem : *problems)
    log.error("a key is not the one that the database was used with: put the right key files back",
              {{"key", describe(problem)}});
  if (const auto learnt = identity::learn_keys(installation_.database(), installation_.keyring(),
                                               installation_.clock().now());
      !learnt)
    log.warning("new keys cannot be written down", {{"error", learnt.error().message}});
}

// A pass for each version of the key-encryption key, also for one that a dead process left half done.
void KeyHousekeeping::reseal() {
  const auto version = installation_.keyring().current(crypto::KeyPurpose::key_encryption).version;
  if (version == finished_for_) return;
  identity::DataKeys& keys = installation_.data_keys();
  const auto until = std::chrono::steady_clock::now() + kAtOnce;
  if (!passing_) {
    const auto left = keys.left();
    if (left && left->data_keys == 0 && left->values == 0) {
      finished_for_ = version;
      return;
    }
    passing_ = true;
    at_ = {};
    changed_ = 0;
  }
  while (passing_ && std::chrono::steady_clock::now() < until) {
    const auto step = keys.advance(at_, kBatch, own_origin());
    if (!step) {
      installation_.log().warning("values cannot be sealed under the new key; trying again",
                                  {{"error", step.error().message}});
      next_try_ = std::chrono::steady_clock::now() + kAgainAfterFailure;
      return;
    }
    at_ = step->next;
    changed_ += step->changed;
    passing_ = !step->finished;
  }
  if (passing_) return;
  finished_for_ = version;
  if (changed_ > 0)
    installation_.log().info("everything is sealed under the new key-encryption key",
                             {{"version", version}, {"changed", changed_}});
}

void KeyHousekeeping::tidy() {
  next_tidying_ = std::chrono::steady_clock::now() + kTidyEvery;
  Log& log = installation_.log();
  if (const auto refreshed = installation_.data_keys().refresh(); !refreshed)
    log.warning("data keys cannot be read", {{"error", refreshed.error().message}});
  if (const auto removed = installation_.data_keys().remove_unneeded(own_origin()); !removed)
    log.warning("old data keys cannot be removed", {{"error", removed.error().message}});
  const auto retired = installation_.key_rotation().retire_unneeded(own_origin());
  if (!retired) log.warning("old keys cannot be retired", {{"error", retired.error().message}});
  if (!retired) return;
  for (const auto& info : *retired)
    log.info("a key that nothing needs has been retired",
             {{"purpose", name(info.purpose)}, {"version", info.version}});
}

}  // namespace bulkhead::app
