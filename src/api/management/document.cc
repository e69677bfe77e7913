// GET /openapi.json: what there is.
#include "api/management/openapi.h"

namespace bulkhead::api::management {
namespace {

constexpr Schema kWord = text(1, 16);
constexpr Field kDocumentFields[] = {
    {"openapi", &kWord, "The version of OpenAPI", kRequired},
};
constexpr Schema kDocument = object("", kDocumentFields);

Result<Reply> get_document(Call&) {
  static const boost::json::object document = render_openapi(all_operations());
  return Reply(document);
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/openapi.json",
     .id = "getDocument",
     .tag = "document",
     .summary = "This document",
     .permission = kAnyone,
     .response = &kDocument,
     .handler = get_document},
};

}  // namespace

std::span<const Operation> document_operations() { return kOperations; }

}  // namespace bulkhead::api::management
