// /repositories: what is known of them, their settings, and who owns them.
#include <fmt/format.h>

#include "access/facts.h"
#include "api/management/operation.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "base/percent.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
constexpr std::string_view kVisibilityWords[] = {"private", "public"};
constexpr Schema kVisibility = choice(kVisibilityWords);
constexpr Schema kContact = text(0, 255);

constexpr Field kRepositoryFields[] = {
    {"name", &kAnyName, "", kRequired},
    {"visibility", &kVisibility, "", kRequired},
    {"immutable_tags", &kPattern, "Tags of this pattern never move or go; * for any run of characters",
     kRequired},
    {"protected_tags", &kPattern, "Tags of this pattern are moved and deleted by maintainers only",
     kRequired},
    {"owner", &kAnyName, "Who answers for it; \"\" when nobody is left", kRequired},
    {"contact", &kContact, "Whom to write to", kRequired},
    {"created_at", &kTime, "", kRequired},
};
constexpr Schema kRepository = object("Repository", kRepositoryFields);

constexpr Field kNewRepositoryFields[] = {{"name", &kGivenName, "NAMESPACE/NAME", kRequired}};
constexpr Schema kNewRepository = object("NewRepository", kNewRepositoryFields);

constexpr Field kChangeFields[] = {
    {"visibility", &kVisibility, "For owners"},
    {"immutable_tags", &kPattern,
     "\"\" for none; maintainers set one or \"*\", what holds fewer tags is for owners"},
    {"protected_tags", &kPattern, "The same"},
    {"owner", &kGivenName,
     "For owners: an active member of the organization that it belongs to, or whose namespace it is in"},
    {"contact", &kContact, "For maintainers"},
};
constexpr Schema kChange = object("RepositoryChange", kChangeFields);

constexpr Field kRenameFields[] = {{"name", &kGivenName, "The new name", kRequired}};
constexpr Schema kRename = object("Rename", kRenameFields);

std::string repository_path(const oci::RepositoryName& name) {
  return "/repositories/" + percent_encode(name.render());
}

Result<json::object> represent_repository(const Call& call, const oci::RepositoryName& name) {
  const auto details = call.services.facts.details(name);
  if (!details) return details.error();
  const access::Repository& repository = details->repository;
  return json::object{
      {"name", repository.name.render()},
      {"visibility", repository.visibility == access::Visibility::public_ ? "public" : "private"},
      {"immutable_tags", repository.immutable_tags},
      {"protected_tags", details->protected_tags},
      {"owner", details->owner},
      {"contact", details->contact},
      {"created_at", to_rfc3339(details->created_at)}};
}

Result<Reply> list_repositories(Call& call) {
  const auto names = call.may(SystemAction::read_directory)
                         ? call.services.facts.names(call.after, call.limit + 1)
                         : call.services.facts.catalog(call.caller.principal, call.after, call.limit + 1);
  if (!names) return names.error();
  json::array items;
  Reply reply;
  for (const std::string& text : *names) {
    if (&text == names->data() + call.limit) {
      reply.next = *std::prev(&text);
      break;
    }
    const auto name = oci::RepositoryName::parse(text);
    if (!name) return name.error();
    auto item = represent_repository(call, *name);
    if (!item && item.error().code == Errc::name_unknown) continue;  // it went meanwhile
    if (!item) return item.error();
    items.push_back(*std::move(item));
  }
  reply.body = json::object{{"items", std::move(items)}};
  return reply;
}

Result<Reply> get_repository(Call& call) {
  auto body = represent_repository(call, call.repository->name);
  if (!body) return body.error();
  return Reply(*std::move(body));
}

// Whether the caller may make a repository of that name. One that is there and hidden, and a namespace where
// the caller has no say, are the same refusal.
Result<void> may_make(Call& call, const oci::RepositoryName& name) {
  const auto resolved = call.services.facts.resolve(call.caller.principal, name);
  if (!resolved) return resolved.error();
  const bool visible = access::decide(call.caller.principal, access::Action::pull, resolved->standing);
  if (visible && resolved->repository)
    return Error{Errc::conflict, fmt::format("there is a repository {} already", name.render())};
  call.makes_in = std::string(name.namespace_name());
  if (access::decide(call.caller.principal, access::Action::push, resolved->standing)) return {};
  call.denied_for = access::why_denied(call.caller.principal, access::Action::push, resolved->standing);
  std::string_view needed = "a writer of the namespace";
  if (call.denied_for == access::why::kPolicy) needed = resolved->standing.lacking;
  if (call.denied_for == access::why::kToken)
    needed = "an access token whose scopes hold the whole namespace with push, or a log-in";
  return Error{Errc::denied, fmt::format("{} may not make {}: it takes {}", call.caller.principal.account,
                                         name.render(), needed)};
}

Result<Reply> create_repository(Call& call) {
  const auto name = oci::RepositoryName::parse(*call.text("name"));
  if (!name) return name.error();
  if (auto allowed = may_make(call, *name); !allowed) return allowed.error();
  const auto created = call.services.facts.ensure(*name, call.caller.principal, call.origin);
  if (!created) return created.error();
  auto body = represent_repository(call, *name);
  if (!body) return body.error();
  Reply reply(*std::move(body));
  reply.location = repository_path(*name);
  return reply;
}

// All fields together, or none of them.
Result<void> change(Call& call) {
  if (call.body.empty()) return Error{Errc::invalid_argument, "say what to change"};
  const oci::RepositoryName& name = call.repository->name;
  const auto resolved = call.services.facts.resolve(call.caller.principal, name);
  if (!resolved) return resolved.error();
  const bool owns = call.caller.is_operator || resolved->standing.role == access::Role::owner;
  for (const std::string_view field : {"visibility", "owner"})
    if (call.has(field) && !owns) return Error{Errc::denied, fmt::format("{} is changed by owners", field)};
  access::RepositoryChanges changes;
  if (const auto visibility = call.text("visibility"))
    changes.visibility = *visibility == "public" ? access::Visibility::public_ : access::Visibility::private_;
  changes.owner = call.text("owner");
  changes.immutable_tags = call.text("immutable_tags");
  changes.protected_tags = call.text("protected_tags");
  changes.contact = call.text("contact");
  return call.services.facts.change(name, changes, {.may_loosen = owns, .namer = namer_of(call)},
                                    call.origin);
}

Result<Reply> change_repository(Call& call) {
  if (auto changed = change(call); !changed) return changed.error();
  return get_repository(call);
}

Result<Reply> rename_repository(Call& call) {
  const auto name = oci::RepositoryName::parse(*call.text("name"));
  if (!name) return name.error();
  if (auto allowed = may_make(call, *name); !allowed) return allowed.error();
  const auto standing = call.services.facts.resolve(call.caller.principal, *name);
  if (!standing) return standing.error();
  const auto robots =
      standing->standing.role == access::Role::owner ? access::Robots::come_along : access::Robots::stay_out;
  if (auto renamed = call.services.facts.rename(call.repository->name, *name, robots, call.origin); !renamed)
    return renamed.error();
  auto body = represent_repository(call, *name);
  if (!body) return body.error();
  Reply reply(*std::move(body));
  reply.location = repository_path(*name);
  return reply;
}

Result<Reply> delete_repository(Call& call) {
  if (auto removed = call.services.facts.remove(call.repository->name, call.origin); !removed)
    return removed.error();
  return Reply();
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/repositories",
     .id = "listRepositories",
     .tag = "repositories",
     .summary =
         "The repositories that the caller may pull, by name; all of them for auditors and those above",
     .permission = kAccount,
     .response = &PageOf<kRepository>::kPage,
     .paged = true,
     .handler = list_repositories},
    {.method = http::Method::post,
     .path = "/repositories",
     .id = "createRepository",
     .tag = "repositories",
     .summary = "Make an empty private repository; a push does so too",
     .permission = kAccount,
     .request = &kNewRepository,
     .status = 201,
     .response = &kRepository,
     .creates = true,
     .handler = create_repository},
    {.method = http::Method::get,
     .path = "/repositories/{repository}",
     .id = "getRepository",
     .tag = "repositories",
     .summary = "One repository",
     .permission = kReader || SystemAction::read_directory,
     .response = &kRepository,
     .handler = get_repository},
    {.method = http::Method::patch,
     .path = "/repositories/{repository}",
     .id = "changeRepository",
     .tag = "repositories",
     .summary =
         "Change a repository's visibility, fixed tags, owner or contact, all that is given or nothing",
     .permission = kMaintainer,
     .request = &kChange,
     .response = &kRepository,
     .if_match = IfMatch::required,
     .handler = change_repository},
    {.method = http::Method::delete_,
     .path = "/repositories/{repository}",
     .id = "deleteRepository",
     .tag = "repositories",
     .summary = "Delete a repository with all that is in it",
     .permission = kOwner,
     .status = 204,
     .if_match = IfMatch::optional,
     .handler = delete_repository},
    {.method = http::Method::post,
     .path = "/repositories/{repository}/rename",
     .id = "renameRepository",
     .tag = "repositories",
     .summary = "Give a repository another name; grants and tokens go with it",
     .permission = kOwner,
     .request = &kRename,
     .response = &kRepository,
     .handler = rename_repository},
};

}  // namespace

std::span<const Operation> repository_operations() { return kOperations; }

}  // namespace bulkhead::api::management
