// /repositories/{repository}/tags: which manifests they stand for now.
#include "access/facts.h"
#include "api/management/operation.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "db/database.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;

constexpr Schema kTagName = text(1, 128, kVisible);
constexpr Schema kDigest = text(1, 140, kVisible);
constexpr Schema kMediaType = text(0, 255, kVisible);
constexpr Field kTagFields[] = {
    {"name", &kTagName, "", kRequired},
    {"digest", &kDigest, "Of the manifest that it stands for", kRequired},
    {"media_type", &kMediaType, "Of the manifest: an image, an index of several, another artifact",
     kRequired},
    {"updated_at", &kTime, "When it was set to this manifest", kRequired},
};
constexpr Schema kTag = object("Tag", kTagFields);

Result<Reply> list_tags(Call& call) {
  std::vector<json::object> found;
  const auto read = call.services.database.read([&](db::Session& session) -> Result<void> {
    found.clear();
    const auto rows = session.query(
        "SELECT t.name, t.digest, m.media_type, t.updated_at FROM tags t JOIN manifests m "
        "ON m.repository_id = t.repository_id AND m.digest = t.digest "
        "WHERE t.repository_id = ? AND t.name > ? ORDER BY t.name LIMIT ?",
        {call.repository->id, call.after, static_cast<std::int64_t>(call.limit + 1)});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows)
      found.push_back({{"name", row.text(0)},
                       {"digest", row.text(1)},
                       {"media_type", row.text(2)},
                       {"updated_at", to_rfc3339(from_micros(row.integer(3)))}});
    return {};
  });
  if (!read) return read.error();
  return page_of(
      call, found, [](const json::object& tag) { return tag; },
      [](const json::object& tag) { return std::string(tag.at("name").as_string()); });
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/repositories/{repository}/tags",
     .id = "listTags",
     .tag = "repositories",
     .summary = "A repository's tags, by name, and what they stand for",
     .permission = kReader || SystemAction::read_directory,
     .response = &PageOf<kTag>::kPage,
     .paged = true,
     .handler = list_tags},
};

}  // namespace

std::span<const Operation> tag_operations() { return kOperations; }

}  // namespace bulkhead::api::management
