#include <fmt/format.h>

#include <charconv>

#include "access/facts.h"
#include "api/errors.h"
#include "api/handlers.h"
#include "async/offload.h"
#include "base/log.h"
#include "base/percent.h"
#include "http/request.h"
#include "oci/quote.h"
#include "registry/manifests.h"

namespace bulkhead::api {
namespace {

struct Paging {
  std::size_t limit = 0;
  std::string last;
  std::string artifact_type;
};

// `n` beyond the largest page means the largest page; nonsense is an error, not a default.
Result<Paging> paging_of(const http::Exchange& exchange, std::size_t page_size) {
  Paging paging{page_size, "", ""};
  const auto query = http::parse_query(exchange.request().query);
  if (!query) return Error{Errc::invalid_argument, "the query is not properly encoded"};
  const auto last = http::one_value(*query, "last");
  if (!last) return last.error();
  const auto artifact_type = http::one_value(*query, "artifactType");
  if (!artifact_type) return artifact_type.error();
  const auto n = http::one_value(*query, "n");
  if (!n) return n.error();
  paging.last = last->value_or("");
  paging.artifact_type = artifact_type->value_or("");
  if (!*n) return paging;
  const std::string& text = **n;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range)
    number = page_size;
  else if (error != std::errc() || end != text.data() + text.size())
    return Error{Errc::invalid_argument, fmt::format("n={} is not a number of entries", oci::quote(text))};
  paging.limit = static_cast<std::size_t>(std::min<std::uint64_t>(number, page_size));
  return paging;
}

void add_link(http::Response& response, std::string_view base, const Paging& paging, std::string_view last) {
  std::string link = fmt::format("<{}?n={}&last={}", base, paging.limit, percent_encode(last));
  if (!paging.artifact_type.empty()) link += "&artifactType=" + percent_encode(paging.artifact_type);
  response.header("Link", link + ">; rel=\"next\"");
}

std::string json_array(const std::vector<std::string>& entries) {
  std::string out = "[";
  for (const std::string& entry : entries) {
    if (out.size() > 1) out += ',';
    out += json_quote(entry);
  }
  return out + "]";
}

bool is_read(http::Method method) { return method == http::Method::get || method == http::Method::head; }

}  // namespace

async::Task<http::Response> ListHandler::catalog(http::Exchange& exchange, const Caller& caller) {
  if (!is_read(exchange.request().method)) co_return method_not_allowed("GET");
  // As at /v2/, also where anybody may see what is public: many clients log in on 401 only, and would take
  // that for all there is. A token of nobody's is for those who are nobody.
  if (!caller.bearer)
    co_return deps_.gate.challenge(exchange, caller.scope, "", "UNAUTHORIZED", "authentication is required");
  if (!caller.bearer->covers_catalog())
    co_return deps_.gate.challenge(exchange, caller.scope, "insufficient_scope", "DENIED",
                                   "the token does not cover the catalog");
  const auto paging = paging_of(exchange, deps_.options.page_size);
  if (!paging) co_return error_response(paging.error());
  const access::Principal principal = caller.principal();
  auto names = co_await at_work(exchange, deps_.services, [&] {
    return deps_.services.facts.catalog(principal, paging->last, paging->limit + 1);
  });
  if (!names) co_return error_response(names.error());
  const bool more = names->size() > paging->limit;
  if (more) names->resize(paging->limit);
  http::Response response = json_response(200, fmt::format(R"({{"repositories":{}}})", json_array(*names)));
  if (more && !names->empty())
    add_link(response, deps_.options.public_url + "/v2/_catalog", *paging, names->back());
  co_return response;
}

async::Task<http::Response> ListHandler::tags(http::Exchange& exchange, const Caller& caller,
                                              const route::Tags& route) {
  if (!is_read(exchange.request().method)) co_return method_not_allowed("GET");
  auto gate = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::pull);
  if (auto* refused = std::get_if<http::Response>(&gate)) co_return std::move(*refused);
  const auto& repository = std::get<Permitted>(gate).repository;
  if (!repository)
    co_return error_response(
        {Errc::name_unknown, fmt::format("there is no repository {}", route.name.render())});
  const auto paging = paging_of(exchange, deps_.options.page_size);
  if (!paging) co_return error_response(paging.error());
  auto page = co_await at_work(exchange, deps_.services, [&] {
    return deps_.services.manifests.tags(*repository, paging->last, paging->limit);
  });
  if (!page) co_return error_response(page.error());
  http::Response response = json_response(
      200,
      fmt::format(R"({{"name":{},"tags":{}}})", json_quote(route.name.render()), json_array(page->entries)));
  if (page->more && !page->entries.empty())
    add_link(response, location(deps_.options, route.name, "tags/list"), *paging, page->entries.back());
  co_return response;
}

async::Task<http::Response> ListHandler::referrers(http::Exchange& exchange, const Caller& caller,
                                                   const route::Referrers& route) {
  if (!is_read(exchange.request().method)) co_return method_not_allowed("GET");
  auto gate = co_await deps_.gate.authorize(exchange, caller, route.name, access::Action::pull);
  if (auto* refused = std::get_if<http::Response>(&gate)) co_return std::move(*refused);
  const auto& repository = std::get<Permitted>(gate).repository;
  const auto paging = paging_of(exchange, deps_.options.page_size);
  if (!paging) co_return error_response(paging.error());
  registry::ReferrersPage page;
  // Taken before the page is read: it may be large, and is made anew for each reader.
  const auto lease = std::make_shared<http::BodyMemory::Lease>(deps_.answers, holder_of(exchange));
  if (repository) {
    auto found = co_await at_work(exchange, deps_.services, [&] {
      return deps_.services.manifests.referrers(*repository, route.subject, paging->artifact_type,
                                                paging->last, paging->limit,
                                                [&](std::uint64_t bytes) { return lease->hold(bytes); });
    });
    if (!found) co_return error_response(found.error());
    page = std::move(*found);
  }
  std::string manifests =
      fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","manifests":[)", oci::media_type::kImageIndex);
  const std::size_t before = manifests.size();
  for (const registry::Referrer& referrer : page.entries) {
    if (manifests.size() > before) manifests += ',';
    manifests +=
        fmt::format(R"({{"mediaType":{},"digest":"{}","size":{})", json_quote(referrer.descriptor.media_type),
                    referrer.descriptor.digest.render(), referrer.descriptor.size);
    if (!referrer.artifact_type.empty())
      manifests += fmt::format(R"(,"artifactType":{})", json_quote(referrer.artifact_type));
    if (!referrer.annotations.empty() && referrer.annotations != "{}")
      manifests += ",\"annotations\":" + referrer.annotations;
    manifests += '}';
  }
  http::Response response;
  response.header("Content-Type", std::string(oci::media_type::kImageIndex));
  manifests += "]}";
  response.counted = lease;
  response.within = deps_.options.bodies.time;
  response.body = std::move(manifests);
  if (!paging->artifact_type.empty()) response.header("OCI-Filters-Applied", "artifactType");
  if (page.more && !page.entries.empty())
    add_link(response, location(deps_.options, route.name, "referrers/" + route.subject.render()), *paging,
             page.entries.back().descriptor.digest.render());
  co_return response;
}

}  // namespace bulkhead::api
