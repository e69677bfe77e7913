// The part of Manifests that takes a push.
//
// Everything that can refuse a push is looked at twice: first in a snapshot, so that a refused manifest
// leaves no bytes behind, then, with the bytes stored, in the transaction that makes it exist, where nothing
// can change in between.
#include <fmt/format.h>

#include <algorithm>

#include "access/roles.h"
#include "audit/outbox.h"
#include "base/log.h"
#include "registry/children.h"
#include "registry/content_event.h"
#include "registry/counted.h"
#include "registry/links.h"
#include "registry/manifests_state.h"
#include "registry/references.h"
#include "registry/releases.h"
#include "registry/unborn.h"

namespace bulkhead::registry {
namespace {

struct Push {
  const access::Repository& repository;
  const oci::Reference& reference;
  const oci::Manifest& manifest;
  const oci::Digest& digest;
  std::uint64_t size;
  const std::vector<oci::Tag>& tags;
  const Context& context;
  const Manifests::Options& options;
};

struct TagMove {
  const oci::Tag* tag;
  std::string from;  // "" when it is new
};

// What is left to do.
struct Plan {
  bool is_new = false;
  // Of a new one: what it refers to, what it counts for, and what counts again with it.
  References references;
  std::uint64_t counted = 0;
  std::uint64_t released = 0;
  std::int64_t removals = 0;  // when it was made
  std::vector<TagMove> moves;
  bool holds = false;  // one of the tags is held fast once it is set
};

Result<oci::Digest> digest_of(const oci::Reference& reference, Bytes bytes) {
  const auto* stated = std::get_if<oci::Digest>(&reference);
  if (stated == nullptr) return oci::Digest::of(oci::Algorithm::sha256, bytes);
  const auto actual = oci::Digest::of(stated->algorithm(), bytes);
  if (actual == *stated) return actual;
  return Error{Errc::digest_invalid, fmt::format("the manifest's digest is {}, not {} as the request says",
                                                 actual.render(), stated->render())};
}

// Each tag once, in the order of the request.
std::vector<oci::Tag> tags_of(const oci::Reference& reference, const std::vector<oci::Tag>& further) {
  std::vector<oci::Tag> tags;
  if (const auto* tag = std::get_if<oci::Tag>(&reference)) tags.push_back(*tag);
  for (const oci::Tag& tag : further)
    if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(tag);
  return tags;
}

std::string to_json(const oci::Annotations& annotations) {
  std::string out = "{";
  for (const auto& [key, value] : annotations) {
    if (out.size() > 1) out += ',';
    out += json_quote(key);
    out += ':';
    out += json_quote(value);
  }
  return out + '}';
}

// True when the repository does not have it yet.
Result<bool> is_new(db::Session& session, const Push& push) {
  const auto rows = session.query("SELECT media_type FROM manifests WHERE repository_id = ? AND digest = ?",
                                  {push.repository.id, push.digest.render()});
  if (!rows) return rows.error();
  if (rows->empty()) return true;
  // Bytes that name no media type themselves could be pushed as several; one digest must not be read in two
  // ways.
  const std::string& stored = rows->front().text(0);
  if (stored == push.manifest.media_type) return false;
  return Error{Errc::manifest_invalid, fmt::format("{} has the manifest {} as {}; it cannot be {} as well",
                                                   push.repository.name.render(), push.digest.render(),
                                                   stored, push.manifest.media_type)};
}

// Nothing when the tag is on the digest already.
Result<std::optional<TagMove>> plan_tag(db::Session& session, const Push& push, const oci::Tag& tag,
                                        const TagRules& rules) {
  const auto rows = session.query("SELECT digest FROM tags WHERE repository_id = ? AND name = ?",
                                  {push.repository.id, tag.render()});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional(TagMove{&tag, ""});
  const std::string& current = rows->front().text(0);
  if (current == push.digest.render()) return std::optional<TagMove>();
  if (auto may = check_tag_change(session, push.repository, rules, tag.render(), push.context); !may)
    return may.error();
  return std::optional(TagMove{&tag, current});
}

// That what the push adds is not more than there may be.
Result<void> check_tag_counts(db::Session& session, const Push& push, const std::vector<TagMove>& moves) {
  const auto rows = session.query(
      "SELECT tags, (SELECT COUNT(*) FROM tags WHERE repository_id = repositories.id AND digest = ?) "
      "FROM repositories WHERE id = ?",
      {push.digest.render(), push.repository.id});
  if (!rows) return rows.error();
  if (rows->empty() || moves.empty()) return {};
  const auto added = std::ranges::count_if(moves, [](const TagMove& move) { return move.from.empty(); });
  const auto check = [&](std::int64_t had, std::int64_t more, std::int64_t most,
                         std::string_view what) -> Result<void> {
    if (more == 0 || had + more <= most) return {};
    return Error{
        Errc::quota_exceeded,
        fmt::format("{} has {} tags and may have {} tags; delete some, or ask an administrator to raise "
                    "the limit",
                    what, had, most)};
  };
  if (auto fits = check(rows->front().integer(0), added, push.options.tags_per_repository,
                        push.repository.name.render());
      !fits)
    return fits;
  return check(rows->front().integer(1), std::ssize(moves), push.options.tags_per_manifest,
               push.digest.render());
}

// RFC 9110 section 13.2.1: last, after all that would refuse the push anyway.
Result<void> check_condition_of(db::Session& session, const Push& push, const Plan& plan) {
  if (!push.context.condition) return {};
  const auto* tag = std::get_if<oci::Tag>(&push.reference);
  if (tag == nullptr) return check_condition(push.context, plan.is_new ? nullptr : &push.digest);
  const auto rows = session.query("SELECT digest FROM tags WHERE repository_id = ? AND name = ?",
                                  {push.repository.id, tag->render()});
  if (!rows) return rows.error();
  if (rows->empty()) return check_condition(push.context, nullptr);
  const auto current = oci::Digest::parse(rows->front().text(0));
  if (!current)
    return Error{Errc::internal, "the database holds what is no digest: " + current.error().message};
  return check_condition(push.context, &*current);
}

// What becomes of the manifest's children: with thousands of them most of the work, which is not done twice
// when nothing has gone from the repository since `earlier`.
Result<void> plan_children(db::Session& session, const Push& push, const Plan* earlier, Plan& plan) {
  const auto removals = read_removals(session, push.repository.id);
  if (!removals) return removals.error();
  plan.removals = *removals;
  if (earlier != nullptr && earlier->removals == plan.removals && (earlier->is_new || !plan.is_new)) {
    plan.references = earlier->references;
    plan.counted = earlier->counted;
    plan.released = earlier->released;
    return {};
  }
  if (plan.is_new) {
    const auto released = released_size(session, push.repository, push.manifest);
    if (!released) return released.error();
    plan.released = *released;
    auto references = find_numbers(session, push.repository.id, children_of(push.manifest));
    if (!references) return references.error();
    plan.references = *std::move(references);
    plan.counted = counted(push.size) + kReferenceCounted * plan.references.size();
  }
  return check_children(session, push.repository, push.manifest, push.options.sparse);
}

// `earlier` is the plan of a snapshot.
Result<Plan> make_plan(db::Session& session, const Push& push, Time now, const Plan* earlier = nullptr) {
  const auto rules =
      is_unborn(push.repository) ? Result<TagRules>(TagRules{}) : read_tag_rules(session, push.repository);
  if (!rules) return rules.error();
  if (auto may = access::check_still_may(session, push.context.principal, access::Action::push,
                                         push.repository.id, now);
      !may)
    return may.error();
  Plan plan;
  const auto absent = is_new(session, push);
  if (!absent) return absent.error();
  plan.is_new = *absent;
  const auto complete = plan_children(session, push, earlier, plan);
  if (plan.is_new && plan.counted > 0)
    if (auto fits = check_quota(session, push.repository, plan.counted + plan.released); !fits)
      return fits.error();
  for (const oci::Tag& tag : push.tags) {
    auto move = plan_tag(session, push, tag, *rules);
    if (!move) return move.error();
    if (!*move) continue;
    plan.moves.push_back(**std::move(move));
    plan.holds = plan.holds || is_held(*rules, tag.render());
  }
  if (auto fits = check_tag_counts(session, push, plan.moves); !fits) return fits.error();
  if (!complete) return complete.error();
  if (auto met = check_condition_of(session, push, plan); !met) return met.error();
  return plan;
}

Result<void> store_row(db::Session& session, const Push& push, const Plan& plan, Time now) {
  const auto bytes = static_cast<std::int64_t>(plan.counted);
  if (auto added = count_use(session, push.repository, bytes); !added) return added;
  if (auto back = take_back(session, push.repository, push.manifest, plan.released); !back) return back;
  if (auto noted = note_stored(session, push.digest, push.size, now); !noted) return noted;
  const auto& subject = push.manifest.subject;
  const auto inserted = session.execute(
      "INSERT INTO manifests (repository_id, digest, size, media_type, artifact_type, subject, annotations, "
      "created_at, children_known, counted_bytes) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
      {push.repository.id, push.digest.render(), static_cast<std::int64_t>(push.size),
       push.manifest.media_type, push.manifest.artifact_type,
       subject ? db::Value(subject->digest.render()) : db::Value(), to_json(push.manifest.annotations),
       to_micros(now), bytes});
  if (!inserted) return inserted.error();
  if (auto written = write_references(session, push.repository.id, push.digest, plan.references); !written)
    return written;
  audit::Event event =
      content_event(audit::Action::manifest_pushed, push.repository, push.digest.render(), push.context, now);
  event.new_digest = push.digest.render();
  return audit::record(session, event);
}

Result<void> set_tag(db::Session& session, const Push& push, const TagMove& move, Time now) {
  const auto set = session.execute(
      "INSERT INTO tags (repository_id, name, digest, updated_at) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (repository_id, name) DO UPDATE SET digest = excluded.digest, updated_at = "
      "excluded.updated_at",
      {push.repository.id, move.tag->render(), push.digest.render(), to_micros(now)});
  if (!set) return set.error();
  if (move.from.empty()) {
    const auto counted =
        session.execute("UPDATE repositories SET tags = tags + 1 WHERE id = ?", {push.repository.id});
    if (!counted) return counted.error();
  }
  audit::Event event =
      content_event(audit::Action::tag_set, push.repository, move.tag->render(), push.context, now);
  event.old_digest = move.from;
  event.new_digest = push.digest.render();
  return audit::record(session, event);
}

Result<void> carry_out(db::Session& session, const Push& push, const Plan& plan, Time now) {
  if (plan.is_new)
    if (auto stored = store_row(session, push, plan, now); !stored) return stored;
  for (const TagMove& move : plan.moves)
    if (auto set = set_tag(session, push, move, now); !set) return set;
  return plan.holds ? note_hold(session, push.repository.id) : Result<void>();
}

}  // namespace

Result<void> Manifests::check(const access::Repository& repository, const oci::Reference& reference,
                              const std::vector<oci::Tag>& tags, Bytes bytes, std::string_view content_type,
                              const Context& context) {
  const auto manifest = oci::parse_manifest(bytes, content_type, state_->options.limits);
  if (!manifest) return manifest.error();
  const auto digest = digest_of(reference, bytes);
  if (!digest) return digest.error();
  const std::vector<oci::Tag> all_tags = tags_of(reference, tags);
  const Push push{repository,   reference, *manifest, *digest,
                  bytes.size(), all_tags,  context,   state_->options};
  return state_->database.read([&](db::Session& session) -> Result<void> {
    const auto plan = make_plan(session, push, state_->clock.now());
    if (!plan) return plan.error();
    return {};
  });
}

Result<PutResult> Manifests::put(const access::Repository& repository, const oci::Reference& reference,
                                 const std::vector<oci::Tag>& tags, Bytes bytes,
                                 std::string_view content_type, const Context& context) {
  const auto manifest = oci::parse_manifest(bytes, content_type, state_->options.limits);
  if (!manifest) return manifest.error();
  const auto digest = digest_of(reference, bytes);
  if (!digest) return digest.error();
  std::vector<oci::Tag> all_tags = tags_of(reference, tags);
  const Push push{repository,   reference, *manifest, *digest,
                  bytes.size(), all_tags,  context,   state_->options};

  Plan foreseen;
  const auto acceptable = state_->database.read([&](db::Session& session) -> Result<void> {
    auto plan = make_plan(session, push, state_->clock.now());
    if (!plan) return plan.error();
    foreseen = *std::move(plan);
    return {};
  });
  if (!acceptable) return acceptable.error();
  // Also when the repository has it: a push makes bytes good that have rotted.
  if (auto stored = state_->store.put(*digest, bytes); !stored) return stored.error();
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    const Time now = state_->clock.now();
    const auto plan = make_plan(session, push, now, &foreseen);
    if (!plan) return plan.error();
    return carry_out(session, push, *plan, now);
  });
  // Also after an error: a commit whose answer was lost on the way is a commit all the same.
  state_->forget(repository, *digest);
  for (const oci::Tag& tag : all_tags) state_->forget(repository, tag);
  if (!done) return done.error();
  return PutResult{*digest, manifest->subject ? std::optional(manifest->subject->digest) : std::nullopt,
                   std::move(all_tags)};
}

}  // namespace bulkhead::registry
