// POST /credentials/leaked: what a secret scanner found.
#include "identity/login/leaked.h"
#include "api/management/operation.h"

namespace bulkhead::api::management {
namespace {

constexpr Schema kFound = secret_text(60'000);
constexpr Field kReportFields[] = {
    {"text", &kFound, "A text with the credentials somewhere in it, at most 100 of them", kRequired},
};
constexpr Schema kReport = object("LeakReport", kReportFields);

Result<Reply> report(Call& call) {
  audit::Origin origin = call.origin;
  origin.credential = "leak-report";
  const Secret<> text = call.secret("text");
  if (auto done = call.services.leaked.report(text.reveal(), origin); !done) return done.error();
  return Reply();
}

constexpr Operation kOperations[] = {
    {.method = http::Method::post,
     .path = "/credentials/leaked",
     .id = "reportLeaked",
     .tag = "credentials",
     .summary = "Take leaked credentials out of use; the answer is the same whether any were found",
     .permission = kAnyone,
     .request = &kReport,
     .status = 204,
     .handler = report},
};

}  // namespace

std::span<const Operation> leak_operations() { return kOperations; }

}  // namespace bulkhead::api::management
