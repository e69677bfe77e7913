#include "identity/people/testing/installation.h"

#include <ostream>
#include <stdexcept>

#include "crypto/testing/passwords.h"

namespace bulkhead::identity::testing {
namespace {

void require(const Result<void>& done) {
  if (!done) throw std::runtime_error(done.error().message);
}

}  // namespace

audit::Origin some_origin() {
  return {.account = "root-of-tests",
          .credential = "operator",
          .address = "192.0.2.7",
          .user_agent = "test/1",
          .request_id = "request-1"};
}

std::ostream& operator<<(std::ostream& out, const Recorded& event) {
  return out << '{' << event.action << ", account " << event.account << ", credential " << event.credential
             << ", repository " << event.repository << ", target " << event.target << ", detail "
             << event.detail << '}';
}

Installation::Installation(db::testing::Engine engine)
    : storage_(engine),
      database(db::testing::open_or_throw(storage_)),
      keyring(crypto::Keyring::ephemeral()),
      hasher(keyring, crypto::cheap_password_parameters()),
      accounts(*database, hasher, clock, 1000) {}

Account Installation::add_account(std::string_view name, bool administrator) {
  Account account;
  require(database->write([&](db::Session& session) -> Result<void> {
    const Accounts::Prepared prepared{std::string(name), "nothing matches this", administrator};
    auto created = accounts.create(session, prepared, some_origin());
    if (!created) return created.error();
    account = *std::move(created);
    return {};
  }));
  return account;
}

std::vector<db::Row> Installation::read(std::string_view sql, std::vector<db::Value> parameters) {
  std::vector<db::Row> rows;
  require(database->read([&](db::Session& session) -> Result<void> {
    auto found = session.query(sql, parameters);
    if (!found) return found.error();
    rows = *std::move(found);
    return {};
  }));
  return rows;
}

void Installation::write(std::string_view sql, std::vector<db::Value> parameters) {
  require(database->write([&](db::Session& session) -> Result<void> {
    const auto done = session.execute(sql, parameters);
    if (!done) return done.error();
    return {};
  }));
}

std::vector<Recorded> Installation::events() {
  std::vector<Recorded> events;
  for (const db::Row& row :
       read("SELECT action, account, credential, repository, target, detail FROM events ORDER BY id"))
    events.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)});
  return events;
}

Recorded Installation::last_event() {
  const auto all = events();
  return all.empty() ? Recorded{} : all.back();
}

}  // namespace bulkhead::identity::testing
