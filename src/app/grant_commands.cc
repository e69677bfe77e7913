#include "app/grant_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "access/inventory.h"

namespace bulkhead::app {
namespace {

namespace json = boost::json;
using Outcome = Result<json::value>;

Outcome done(const Result<void>& result) {
  if (!result) return result.error();
  return json::value(json::object{});
}

Outcome grants_given(Installation& installation) {
  json::array out;
  auto read = installation.database().read([&](db::Session& session) -> Result<void> {
    out.clear();
    const auto given = access::read_all_given_roles(session);
    if (!given) return given.error();
    for (const access::WrittenGrant& each : *given)
      out.push_back(json::object{{"subject", each.subject}, {"role", each.role}, {"target", each.target}});
    return {};
  });
  if (!read) return read.error();
  return json::value(std::move(out));
}

// Where a role comes from, for people.
std::string describe(const access::Reason& reason) {
  std::string words(access::name(reason.kind));
  std::ranges::replace(words, '_', ' ');
  return reason.team.empty() ? words : fmt::format("{} to {}", words, reason.team);
}

// Everybody who has a role in one repository, a line for each reason.
Outcome grants_in(Installation& installation, const std::string& repository) {
  const auto name = oci::RepositoryName::parse(repository);
  if (!name) return name.error();
  constexpr std::size_t kPage = 500;
  json::array out;
  std::string last;
  for (bool more = true; more;) {
    auto page = installation.facts().effective_grants(*name, last, kPage);
    if (!page) return page.error();
    for (const access::EffectiveGrant& grant : page->entries) {
      last = grant.account;
      for (const access::Reason& reason : grant.reasons)
        out.push_back(json::object{{"account", grant.account},
                                   {"role", access::name(grant.role)},
                                   {"through", describe(reason)},
                                   {"gives", access::name(reason.role)}});
    }
    more = page->more;
  }
  return json::value(std::move(out));
}

// The roles given on one namespace or repository itself.
Outcome grants_on(Installation& installation, const std::string& text) {
  const auto target = access::parse_grant_target(text);
  if (!target) return target.error();
  constexpr std::size_t kPage = 500;
  json::array out;
  std::string last;
  for (bool more = true; more;) {
    std::vector<access::GivenRole> page;
    const auto read = installation.database().read([&](db::Session& session) -> Result<void> {
      auto found = access::read_given_roles(session, *target, last, kPage);
      if (!found) return found.error();
      page = *std::move(found);
      return {};
    });
    if (!read) return read.error();
    for (const access::GivenRole& given : page) {
      last = access::render(given.subject);
      out.push_back(json::object{{"subject", last}, {"role", access::name(given.role)}, {"target", text}});
    }
    more = page.size() == kPage;
  }
  return json::value(std::move(out));
}

}  // namespace

Outcome set_grant(Installation& installation, Arguments& arguments, const audit::Origin& origin) {
  const auto subject = access::parse_grant_subject(arguments.text("subject"));
  const auto role = access::parse_role(arguments.text("role"));
  const auto target = access::parse_grant_target(arguments.text("target"));
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (!subject) return subject.error();
  if (!role) return role.error();
  if (!target) return target.error();
  return done(installation.facts().grant(*subject, *role, *target, origin));
}

Outcome remove_grant(Installation& installation, Arguments& arguments, const audit::Origin& origin) {
  const auto subject = access::parse_grant_subject(arguments.text("subject"));
  const auto target = access::parse_grant_target(arguments.text("target"));
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (!subject) return subject.error();
  if (!target) return target.error();
  return done(installation.facts().revoke(*subject, *target, origin));
}

Outcome list_grants(Installation& installation, Arguments& arguments) {
  const std::string repository = arguments.text("repository");
  const bool given = arguments.flag("given");
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (repository.empty()) return grants_given(installation);
  return given || repository.ends_with('/') ? grants_on(installation, repository)
                                            : grants_in(installation, repository);
}

}  // namespace bulkhead::app
