// Which tags stay, and for whom.
#include <fmt/format.h>

#include "access/roles.h"
#include "registry/manifests_state.h"
#include "registry/tag_pattern.h"

namespace bulkhead::registry {

Result<TagRules> read_tag_rules(db::Session& session, const access::Repository& repository) {
  const auto rows = session.query(
      "SELECT immutable_tags, protected_tags FROM repositories WHERE id = ? AND removed_at IS NULL",
      {repository.id});
  if (!rows) return rows.error();
  if (rows->empty())
    return Error{Errc::name_unknown, fmt::format("there is no repository {}", repository.name.render())};
  return TagRules{rows->front().text(0), rows->front().text(1)};
}

bool is_held(const TagRules& rules, std::string_view tag) {
  return matches_tag_pattern(rules.immutable, tag) || matches_tag_pattern(rules.guarded, tag);
}

Result<void> check_tag_change(db::Session& session, const access::Repository& repository,
                              const TagRules& rules, std::string_view tag, const Context& context) {
  if (matches_tag_pattern(rules.immutable, tag))
    return Error{Errc::immutable,
                 fmt::format("the tag {} of {} is immutable: tags that match \"{}\" neither move nor go; use "
                             "another tag",
                             tag, repository.name.render(), rules.immutable)};
  if (!matches_tag_pattern(rules.guarded, tag)) return {};
  const auto role = access::read_role(session, context.principal, repository.id);
  if (!role) return role.error();
  if (*role >= access::Role::maintainer) return {};
  return Error{
      Errc::denied,
      fmt::format("the tag {} of {} is protected: of tags that match \"{}\", writers create new ones, "
                  "and maintainers and owners move and delete them; use another tag, or ask one of them",
                  tag, repository.name.render(), rules.guarded)};
}

}  // namespace bulkhead::registry
