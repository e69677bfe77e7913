#include "audit/filter.h"

namespace bulkhead::audit {
namespace {

bool accepts(const std::string& wanted, std::string_view value) { return wanted.empty() || wanted == value; }

bool accepts_digest(const Filter& filter, std::string_view value) {
  return filter.digest_begins ? value.starts_with(filter.digest) : accepts(filter.digest, value);
}

}  // namespace

bool matches(const Filter& filter, const EventView& event) {
  if (filter.action && *filter.action != event.action) return false;
  if (filter.since && event.at < *filter.since) return false;
  if (filter.until && event.at >= *filter.until) return false;
  return accepts(filter.account, event.account) && accepts(filter.repository, event.repository) &&
         event.repository.starts_with(filter.repository_begins) && accepts(filter.address, event.address) &&
         accepts(filter.request_id, event.request_id) &&
         (accepts_digest(filter, event.new_digest) || accepts_digest(filter, event.old_digest) ||
          accepts_digest(filter, event.target));
}

FrameTest::FrameTest(const Filter& filter)
    : action_(filter.action), since_(filter.since), until_(filter.until) {
  const auto want = [&](IndexedField field, const std::string& text) {
    if (!text.empty()) wanted_.push_back({field, BloomFilter::hash(text)});
  };
  want(IndexedField::account, filter.account);
  want(IndexedField::repository, filter.repository);
  // The index knows whole texts.
  if (!filter.digest_begins) want(IndexedField::digest, filter.digest);
  want(IndexedField::address, filter.address);
}

bool FrameTest::may_match(const Summary& summary) const {
  if (summary.records == 0) return false;
  if (since_ && summary.last < *since_) return false;
  if (until_ && summary.first >= *until_) return false;
  if (action_ && (summary.actions >> static_cast<unsigned>(*action_) % 64 & 1) == 0) return false;
  for (const Wanted& wanted : wanted_)
    if (!summary.texts[static_cast<std::size_t>(wanted.field)].may_contain(wanted.hash)) return false;
  return true;
}

}  // namespace bulkhead::audit
