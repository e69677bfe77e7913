// /repositories/{repository}/uploads: what is being pushed, and what pushes that were broken off have left,
// which takes room in the namespace's quota until it has been idle for long.
#include "registry/uploads.h"

#include "access/facts.h"
#include "api/management/operation.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using registry::UploadInfo;

constexpr Schema kId = text(1, 64, kVisible);
constexpr Field kUploadFields[] = {
    {"id", &kId, "", kRequired},
    {"account", &kAnyName, "Whose it is; \"\" when that account is gone", kRequired},
    {"bytes", &kCount, "How many have come, as far as is known", kRequired},
    {"last_used_at", &kTime, "", kRequired},
};
constexpr Schema kUpload = object("Upload", kUploadFields);

json::object represent_upload(const UploadInfo& upload) {
  return {{"id", upload.id},
          {"account", upload.account},
          {"bytes", upload.size},
          {"last_used_at", to_rfc3339(upload.last_used)}};
}

Result<Reply> list_uploads(Call& call) {
  const auto uploads = call.services.uploads.list(*call.repository, call.after, call.limit + 1);
  if (!uploads) return uploads.error();
  return page_of(call, *uploads, represent_upload, [](const UploadInfo& upload) { return upload.id; });
}

Result<Reply> get_upload(Call& call) {
  const auto upload = call.services.uploads.find(*call.repository, call.path("upload"));
  if (!upload && upload.error().code == Errc::upload_unknown) return not_visible();
  if (!upload) return upload.error();
  return Reply(represent_upload(*upload));
}

Result<Reply> cancel_upload(Call& call) {
  const auto ended = call.services.uploads.end(*call.repository, call.path("upload"), call.origin);
  if (!ended && ended.error().code == Errc::upload_unknown) return not_visible();
  if (!ended) return ended.error();
  return Reply();
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/repositories/{repository}/uploads",
     .id = "listUploads",
     .tag = "repositories",
     .summary = "The uploads to a repository that have begun and not ended, by id",
     .permission = kMaintainer || SystemAction::read_directory,
     .response = &PageOf<kUpload>::kPage,
     .paged = true,
     .handler = list_uploads},
    {.method = http::Method::get,
     .path = "/repositories/{repository}/uploads/{upload}",
     .id = "getUpload",
     .tag = "repositories",
     .summary = "One upload",
     .permission = kMaintainer || SystemAction::read_directory,
     .response = &kUpload,
     .handler = get_upload},
    {.method = http::Method::delete_,
     .path = "/repositories/{repository}/uploads/{upload}",
     .id = "cancelUpload",
     .tag = "repositories",
     .summary = "Cancel somebody's upload and free its room; 409 while a request is sending it",
     .permission = kMaintainer,
     .status = 204,
     .if_match = IfMatch::optional,
     .handler = cancel_upload},
};

}  // namespace

std::span<const Operation> upload_operations() { return kOperations; }

}  // namespace bulkhead::api::management
