#include "app/upload_commands.h"

#include <boost/json/array.hpp>
#include <limits>

namespace bulkhead::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

Result<access::Repository> find_repository(Installation& installation,
                                           const Result<oci::RepositoryName>& name) {
  if (!name) return name.error();
  auto details = installation.facts().details(*name);
  if (!details) return details.error();
  return std::move(details->repository);
}

}  // namespace

Result<json::value> list_uploads(Installation& installation, Arguments& arguments) {
  const auto name = oci::RepositoryName::parse(arguments.text("name"));
  if (auto checked = arguments.check(); !checked) return checked.error();
  const auto repository = find_repository(installation, name);
  if (!repository) return repository.error();
  const auto uploads = installation.uploads().list(*repository, "", kAll);
  if (!uploads) return uploads.error();
  json::array out;
  for (const registry::UploadInfo& upload : *uploads)
    out.push_back(json::object{{"id", upload.id},
                               {"account", upload.account},
                               {"bytes", upload.size},
                               {"last_used_at", to_rfc3339(upload.last_used)}});
  return json::value(std::move(out));
}

Result<json::value> cancel_uploads(Installation& installation, Arguments& arguments,
                                   const audit::Origin& origin) {
  const auto name = oci::RepositoryName::parse(arguments.text("name"));
  const std::string id = arguments.text("id");
  if (auto checked = arguments.check(); !checked) return checked.error();
  const auto repository = find_repository(installation, name);
  if (!repository) return repository.error();
  registry::Uploads& uploads = installation.uploads();
  if (!id.empty()) {
    if (auto ended = uploads.end(*repository, id, origin); !ended) return ended.error();
    return json::value(json::object{{"cancelled", 1}});
  }
  const auto all = uploads.list(*repository, "", kAll);
  if (!all) return all.error();
  std::int64_t cancelled = 0;
  for (const registry::UploadInfo& upload : *all) {
    const auto ended = uploads.end(*repository, upload.id, origin);
    // What is being sent, or has ended meanwhile.
    if (!ended && ended.error().code != Errc::upload_busy && ended.error().code != Errc::upload_unknown)
      return ended.error();
    if (ended) ++cancelled;
  }
  return json::value(json::object{{"cancelled", cancelled}});
}

}  // namespace bulkhead::app
