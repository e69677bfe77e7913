// The part of Manifests that deletes.

#include "access/roles.h"
#include "audit/outbox.h"
#include "registry/content_event.h"
#include "registry/links.h"
#include "registry/manifests_state.h"
#include "registry/reach.h"
#include "registry/references.h"
#include "registry/releases.h"

namespace bulkhead::registry {
namespace {

struct Removal {
  const access::Repository& repository;
  TagRules rules;
  const Context& context;
  Time now;
};

Result<void> remove_tag(db::Session& session, const Removal& removal, const std::string& tag,
                        const std::string& digest) {
  if (auto may = check_tag_change(session, removal.repository, removal.rules, tag, removal.context); !may)
    return may;
  const auto removed =
      session.execute("DELETE FROM tags WHERE repository_id = ? AND name = ?", {removal.repository.id, tag});
  if (!removed) return removed.error();
  const auto counted =
      session.execute("UPDATE repositories SET tags = tags - 1 WHERE id = ?", {removal.repository.id});
  if (!counted) return counted.error();
  audit::Event event =
      content_event(audit::Action::tag_deleted, removal.repository, tag, removal.context, removal.now);
  event.old_digest = digest;
  return audit::record(session, event);
}

Result<void> remove_one_tag(db::Session& session, const Removal& removal, const oci::Tag& tag) {
  const auto rows = session.query("SELECT digest FROM tags WHERE repository_id = ? AND name = ?",
                                  {removal.repository.id, tag.render()});
  if (!rows) return rows.error();
  if (rows->empty()) return manifest_unknown(removal.repository, tag);
  if (removal.context.condition) {
    const auto current = oci::Digest::parse(rows->front().text(0));
    if (!current)
      return Error{Errc::internal, "the database holds what is no digest: " + current.error().message};
    if (auto met = check_condition(removal.context, &*current); !met) return met;
  }
  return remove_tag(session, removal, tag.render(), rows->front().text(0));
}

// Adds the tags that go with the manifest to `touched`.
Result<void> remove_manifest(db::Session& session, const Removal& removal, const oci::Digest& digest,
                             std::vector<oci::Reference>& touched) {
  const std::string text = digest.render();
  const auto rows =
      session.query("SELECT name FROM tags WHERE repository_id = ? AND digest = ? ORDER BY name",
                    {removal.repository.id, text});
  if (!rows) return rows.error();
  for (const db::Row& row : *rows) {
    auto tag = oci::Tag::parse(row.text(0));
    if (!tag) return Error{Errc::internal, "the database holds what is no tag: " + tag.error().message};
    if (auto removed = remove_tag(session, removal, tag->render(), text); !removed) return removed;
    touched.emplace_back(*std::move(tag));
  }
  const auto children = read_references(session, removal.repository.id, text);
  if (!children) return children.error();
  if (auto deleted = delete_references(session, removal.repository.id, text, *children); !deleted)
    return deleted;
  const auto removed =
      session.query("DELETE FROM manifests WHERE repository_id = ? AND digest = ? RETURNING counted_bytes",
                    {removal.repository.id, text});
  if (!removed) return removed.error();
  if (removed->empty()) return manifest_unknown(removal.repository, digest);
  if (auto noted = note_removal(session, removal.repository.id); !noted) return noted;
  if (auto met = check_condition(removal.context, &digest); !met) return met;
  if (auto counted = count_use(session, removal.repository, -removed->front().integer(0)); !counted)
    return counted;
  if (auto released = release(session, removal.repository, *children, removal.now); !released)
    return released;
  audit::Event event =
      content_event(audit::Action::manifest_deleted, removal.repository, text, removal.context, removal.now);
  event.old_digest = text;
  return audit::record(session, event);
}

}  // namespace

Result<void> Manifests::remove(const access::Repository& repository, const oci::Reference& reference,
                               const Context& context) {
  std::vector<oci::Reference> touched;
  const auto* digest = std::get_if<oci::Digest>(&reference);
  const auto work = [&](db::Session& session) -> Result<void> {
    touched.assign(1, reference);
    auto rules = read_tag_rules(session, repository);
    if (!rules) return rules.error();
    const Time now = state_->clock.now();
    if (auto may =
            access::check_still_may(session, context.principal, access::Action::remove, repository.id, now);
        !may)
      return may;
    const Removal removal{repository, *std::move(rules), context, now};
    if (digest != nullptr) return remove_manifest(session, removal, *digest, touched);
    return remove_one_tag(session, removal, std::get<oci::Tag>(reference));
  };
  const auto done =
      digest == nullptr
          ? state_->database.write(work)
          : remove_unheld(state_->database, state_->store,
                          {repository, *digest, context, "manifests", manifest_unknown(repository, *digest)},
                          state_->options.limits, work);
  // Also after an error: a commit whose answer was lost on the way is a commit all the same.
  for (const oci::Reference& gone : touched) state_->forget(repository, gone);
  return done;
}

}  // namespace bulkhead::registry
