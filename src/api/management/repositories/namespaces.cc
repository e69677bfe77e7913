// /namespaces: what they hold and may hold.
#include <fmt/format.h>

#include "access/facts.h"
#include "access/inventory.h"
#include "api/management/operation.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "db/database.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::NamespaceDetails;
using access::SystemAction;

constexpr Schema kQuota = nullable(integer(0, INT64_MAX));
constexpr Field kNamespaceFields[] = {
    {"name", &kAnyName, "\"/\" for the installation's own", kRequired},
    {"owner", &kAnyName, "An account or organization; \"\" for the installation's own", kRequired},
    {"organization", &kFlag, "Whether the owner is an organization", kRequired},
    {"quota_bytes", &kQuota, "How much it may hold; null for no limit", kRequired},
    {"used_bytes", &kCount, "", kRequired},
};
constexpr Schema kNamespace = object("Namespace", kNamespaceFields);
constexpr Field kChangeFields[] = {{"quota_bytes", &kQuota, "null for no limit", kRequired}};
constexpr Schema kChange = object("NamespaceChange", kChangeFields);

std::string shown_name(const std::string& name) { return name.empty() ? "/" : name; }

json::object represent_namespace(const NamespaceDetails& details) {
  json::object out{{"name", shown_name(details.name)},
                   {"owner", details.owner},
                   {"organization", details.of_organization},
                   {"quota_bytes", nullptr},
                   {"used_bytes", details.used_bytes}};
  if (details.quota_bytes) out["quota_bytes"] = *details.quota_bytes;
  return out;
}

Result<Reply> list_namespaces(Call& call) {
  std::optional<std::int64_t> owner;
  if (!call.may(SystemAction::read_directory)) owner = call.caller.principal.account_id;
  // A token for some of them does not tell of the others.
  std::optional<std::vector<std::int64_t>> only;
  const auto& ceiling = call.caller.principal.ceiling;
  if (owner && ceiling != nullptr && !ceiling->allow_everywhere(identity::TokenAction::pull)) {
    only.emplace();
    for (const identity::TokenScope& scope : ceiling->list())
      if (scope.namespace_id != 0 && scope.actions.pull) only->push_back(scope.namespace_id);
  }
  std::vector<NamespaceDetails> found;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    auto page = access::read_namespaces(session, owner, call.after, call.limit + 1, only);
    if (!page) return page.error();
    found = *std::move(page);
    return {};
  });
  if (!read) return read.error();
  return page_of(call, found, represent_namespace,
                 [](const NamespaceDetails& details) { return shown_name(details.name); });
}

Result<Reply> get_namespace(Call& call) {
  NamespaceDetails details;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    auto found = access::read_namespace(session, namespace_name(call.path("namespace")));
    if (!found) return found.error();
    details = *std::move(found);
    return {};
  });
  if (!read) return read.error();
  return Reply(represent_namespace(details));
}

Result<Reply> change_namespace(Call& call) {
  std::optional<std::uint64_t> quota;
  if (const auto bytes = call.integer("quota_bytes")) quota = static_cast<std::uint64_t>(*bytes);
  auto set = call.services.facts.set_quota(namespace_name(call.path("namespace")), quota, call.origin);
  if (!set) return set.error();
  return get_namespace(call);
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/namespaces",
     .id = "listNamespaces",
     .tag = "namespaces",
     .summary = "The namespaces that the caller owns; all of them for auditors and those above",
     .permission = kAccount,
     .response = &PageOf<kNamespace>::kPage,
     .paged = true,
     .handler = list_namespaces},
    {.method = http::Method::get,
     .path = "/namespaces/{namespace}",
     .id = "getNamespace",
     .tag = "namespaces",
     .summary = "One namespace",
     .permission = kNamespaceOwner || SystemAction::read_directory,
     .response = &kNamespace,
     .handler = get_namespace},
    {.method = http::Method::patch,
     .path = "/namespaces/{namespace}",
     .id = "changeNamespace",
     .tag = "namespaces",
     .summary = "Limit how much a namespace may hold",
     .permission = may(SystemAction::manage_namespaces),
     .request = &kChange,
     .response = &kNamespace,
     .if_match = IfMatch::required,
     .handler = change_namespace},
};

}  // namespace

std::span<const Operation> namespace_operations() { return kOperations; }

}  // namespace bulkhead::api::management
