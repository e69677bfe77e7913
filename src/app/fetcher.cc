#include "app/fetcher.h"

namespace bulkhead::app {

Result<identity::FetchAnswer> HttpFetcher::fetch(const identity::FetchRequest& request) {
  http::Outgoing outgoing;
  outgoing.url = request.url;
  outgoing.headers = {{"Accept", "application/json"}};
  outgoing.authorization = Secret<>(request.authorization.reveal());
  outgoing.largest_body = request.largest_body;
  if (request.form) {
    outgoing.method = "POST";
    outgoing.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    outgoing.body = Secret<>(request.form->reveal());
  }
  auto fetched = client_.fetch(outgoing);
  if (!fetched) {
    ++failures_;
    return fetched.error();
  }
  return identity::FetchAnswer{fetched->status, std::move(fetched->body)};
}

}  // namespace bulkhead::app
