// One connection to a directory, over libldap: LDAPv3, simple binds and searches, each within the time of
// Limits. Referrals and aliases are not followed; where a referral comes instead of an answer, that is said.
//
// Every option of libldap's that ldap.conf, ldaprc or LDAP* variables can set is set on the handle, so that
// none of these has a say: not which authorities are trusted, not whether certificates are checked.
//
// Not synchronised. Once the server is lost() the connection is of no use. libldap writes to its socket with
// write(2), so the process must ignore SIGPIPE, as every server does.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "ldap/directory.h"
#include "ldap/handshake.h"
#include "ldap/url.h"

struct ldap;
struct ldapmsg;

namespace bulkhead::ldap {

struct Attribute {
  std::string name;                 // as the directory writes it
  std::vector<std::string> values;  // bytes; those over Limits::value_bytes are left out
  std::size_t count = 0;            // with those left out
};

struct Entry {
  std::string dn;
  std::vector<Attribute> attributes;

  // Attribute names differ in case from one directory to the next (RFC 4512 section 2.5).
  const Attribute* find(std::string_view name) const;
};

struct Search {
  std::string base;  // and everything below it
  std::string filter;
  std::vector<std::string> attributes;
  std::size_t most = 1;  // entries
  // Asked for in pages of so many (RFC 2696), so that a directory that gives at most a page at once gives
  // all; 0 for at once.
  std::size_t page = 0;
};

struct Found {
  std::vector<Entry> entries;
  bool more = false;     // than Search::most
  bool cut_off = false;  // by a limit of the directory's own
  std::string referral;  // where else the directory would have one look (the first of them); "" for nowhere
};

class Connection {
 public:
  // Connected, and encrypted unless the URL is a plain one without start_tls. Errc::unavailable.
  static Result<Connection> open(const Url& url, bool start_tls, const Options& options);

  // Whether the directory takes the password for the DN's; "" and "" bind anonymously. Errc::unavailable when
  // it cannot say.
  Result<bool> bind(const std::string& dn, const std::string& password);

  // Errc::unavailable when the directory fails, refuses, or does not have the base. All pages together have
  // the time of one step.
  Result<Found> search(const Search& search);

  // Whether this server did not answer in time, went away, or said that it cannot answer now: another one of
  // the same directory may.
  bool lost() const { return lost_; }

 private:
  struct Unbind {
    void operator()(::ldap* handle) const;
  };
  struct Free {
    void operator()(::ldapmsg* message) const;
  };
  using Message = std::unique_ptr<::ldapmsg, Free>;
  using Deadline = std::chrono::steady_clock::time_point;

  Connection(::ldap* handle, Limits limits)
      : handshake_(std::make_unique<Handshake>()), handle_(handle), limits_(limits) {}

  Result<void> connect(const Url& url, bool start_tls);
  Result<void> start_tls();
  Result<void> check_protocol() const;
  Deadline deadline() const { return std::chrono::steady_clock::now() + limits_.timeout; }
  Result<Message> next(int request, Deadline deadline);
  Error failure(std::string_view doing, int result);
  Error referred(const Search& search, std::string_view where) const;
  // One page into `into`: the cookie of the next one, "" after the last.
  Result<std::string> search_page(const Search& search, const std::string& cookie, Deadline deadline,
                                  Found& into);
  Result<std::string> end_of_page(::ldapmsg* message, const Search& search, Found& into);
  Entry read_entry(::ldapmsg* message, const Search& search) const;

  std::unique_ptr<Handshake> handshake_;  // which the handle refers to
  std::unique_ptr<::ldap, Unbind> handle_;
  Limits limits_;
  bool lost_ = false;
};

}  // namespace bulkhead::ldap
