#include "registry/testing/test_registry.h"

#include <fmt/format.h>

#include <ostream>
#include <stdexcept>
#include <utility>

#include "registry/testing/documents.h"

namespace bulkhead::registry::testing {
namespace {

constexpr std::size_t kCached = 1000;

void require(const Result<void>& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

// Whose the installation's own namespace is.
constexpr std::string_view kAdministrator = "root";

template <class T>
T require(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const ContentEvent& event) {
  return out << '{' << event.action << ' ' << event.target << " in " << event.repository << ", from \""
             << event.old_digest << "\" to \"" << event.new_digest << "\"}";
}

TestRegistry::TestRegistry(RegistryOptions options)
    : installation(options.engine), options_(std::move(options)) {
  restart();
}

void TestRegistry::restart() {
  uploads.reset();
  store = require(blob::open_filesystem_store(directory.path()));
  policies = std::make_unique<identity::Policies>(*installation.database, installation.clock, kCached);
  facts = std::make_unique<access::Facts>(*installation.database, installation.accounts, *policies,
                                          installation.clock, kCached, true);
  blobs = std::make_unique<Blobs>(*installation.database, *store, installation.clock, kCached);
  manifests =
      std::make_unique<Manifests>(*installation.database, *store, installation.clock, options_.manifests);
  uploads =
      require(Uploads::open(*store, *blobs, *installation.database, installation.clock, options_.uploads));
}

Context TestRegistry::as(std::string_view account) {
  auto found = principals_.find(account);
  if (found == principals_.end()) {
    const auto created = installation.add_account(account, account == kAdministrator);
    found = principals_
                .emplace(account, access::Principal{.account_id = created.id,
                                                    .account = created.name,
                                                    .administrator = created.administrator(),
                                                    .credential_version = created.credential_version})
                .first;
  }
  audit::Origin origin = identity::testing::some_origin();
  origin.account = account;
  return {found->second, std::move(origin)};
}

access::Repository TestRegistry::repository(std::string_view name) {
  const auto parsed = require(oci::RepositoryName::parse(name));
  const std::string owner(parsed.namespace_name());
  const Context creator = as(owner.empty() ? kAdministrator : owner);
  return *require(facts->ensure(parsed, creator.principal, creator.origin));
}

Context TestRegistry::owner_of(const access::Repository& repository) {
  const auto owner = repository.name.namespace_name();
  return as(owner.empty() ? kAdministrator : owner);
}

void TestRegistry::set_immutable_tags(const access::Repository& repository, std::string_view pattern) {
  require(facts->change(repository.name, {.immutable_tags = std::string(pattern)}, {},
                        identity::testing::some_origin()));
}

void TestRegistry::set_protected_tags(const access::Repository& repository, std::string_view pattern) {
  require(facts->change(repository.name, {.protected_tags = std::string(pattern)}, {},
                        identity::testing::some_origin()));
}

void TestRegistry::grant(std::string_view account, access::Role role, std::string_view target) {
  as(account);
  require(facts->grant(require(access::parse_grant_subject(account)), role,
                       require(access::parse_grant_target(target)), identity::testing::some_origin()));
}

void TestRegistry::set_quota(std::string_view namespace_name, std::uint64_t bytes) {
  require(facts->set_quota(namespace_name, bytes, identity::testing::some_origin()));
}

Result<oci::Descriptor> TestRegistry::upload(const access::Repository& repository, std::string_view content) {
  const Context context = owner_of(repository);
  const auto started = uploads->start(repository, oci::Algorithm::sha256, context);
  if (!started) return started.error();
  const auto writer = uploads->acquire(repository, started->id, context);
  if (!writer) return writer.error();
  if (auto appended = (*writer)->append(as_bytes(content)); !appended) return appended.error();
  const auto digest = sha256(content);
  if (auto finished = (*writer)->finish(digest, context); !finished) return finished.error();
  return oci::Descriptor{"application/vnd.oci.image.layer.v1.tar", digest, content.size()};
}

oci::Descriptor TestRegistry::push_blob(const access::Repository& repository, std::string_view content) {
  return require(upload(repository, content));
}

Result<PutResult> TestRegistry::try_push(const access::Repository& repository, std::string_view document,
                                         std::string_view reference,
                                         const std::vector<std::string>& further_tags) {
  const auto to = reference.empty() ? oci::Reference(sha256(document)) : testing::reference(reference);
  std::vector<oci::Tag> tags;
  for (const std::string& tag : further_tags) tags.push_back(require(oci::Tag::parse(tag)));
  return manifests->put(repository, to, tags, as_bytes(document), "", owner_of(repository));
}

oci::Digest TestRegistry::push_manifest(const access::Repository& repository, std::string_view document,
                                        std::string_view reference) {
  return require(try_push(repository, document, reference)).digest;
}

std::string TestRegistry::push_image(const access::Repository& repository, std::string_view reference) {
  ++images_;
  auto config = push_blob(repository, fmt::format(R"({{"image":{}}})", images_));
  config.media_type = kConfig;
  const auto layer = push_blob(repository, fmt::format("layer {}", images_));
  std::string document = image(config, {layer});
  push_manifest(repository, document, reference);
  return document;
}

std::vector<ContentEvent> TestRegistry::content_events() {
  std::vector<ContentEvent> events;
  for (const db::Row& row : installation.read(
           "SELECT action, repository, target, old_digest, new_digest FROM events WHERE action LIKE 'blob_%' "
           "OR action LIKE 'manifest_%' OR action LIKE 'tag_%' ORDER BY id"))
    events.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4)});
  return events;
}

std::int64_t TestRegistry::used_bytes(std::string_view namespace_name) {
  const auto rows =
      installation.read("SELECT used_bytes FROM namespaces WHERE name = ?", {std::string(namespace_name)});
  return rows.at(0).integer(0);
}

std::size_t TestRegistry::stored_objects() {
  std::size_t count = 0;
  require(store->walk([&](const oci::Digest&, std::uint64_t) {
    ++count;
    return true;
  }));
  return count;
}

std::size_t TestRegistry::staged() { return require(store->stages()).size(); }

oci::Reference reference(std::string_view text) { return require(oci::parse_reference(text)); }

oci::Digest sha256(std::string_view content) {
  return oci::Digest::of(oci::Algorithm::sha256, as_bytes(content));
}

oci::Digest sha512(std::string_view content) {
  return oci::Digest::of(oci::Algorithm::sha512, as_bytes(content));
}

}  // namespace bulkhead::registry::testing
