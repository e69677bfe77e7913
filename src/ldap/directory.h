// People in an LDAP directory (RFC 4511): who is this, and is that their password? A search with the
// directory's own account finds the entry, a bind as the entry proves the password (the pattern of RFC 4513
// section 6.3.1), a second search finds the groups.
//
// TLS is required, with the certificate and its name checked, but for hosts that are named as plain.
// Referrals are not followed, which is said where one comes in place of a person. Names go into filters
// escaped (RFC 4515 section 3), so that they are never part of one. An empty password is refused before the
// directory is asked: many take it for an anonymous bind, and succeed (RFC 4513 section 5.1.2).
//
// A directory may have several servers. They are asked in the order of the settings, those that did not
// answer within the last half minute, or could not, after the others. A question that a server leaves without
// an answer goes to the next; while there is one, each step has half the time.
//
// Calls block, for a bounded time. Thread-safe; each call has a connection of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "base/step.h"

namespace bulkhead::ldap {

// Of one directory. Patterns hold {name} or {dn}, which stand for the escaped value.
struct Settings {
  // ldaps://HOST[:PORT] or ldap://HOST[:PORT]; at most kMostUrls with spaces between them, of servers that
  // hold the same.
  std::string url;
  bool start_tls = false;  // of an ldap:// URL
  std::string bind_dn;     // the account that searches; "" to search anonymously
  std::string user_base;
  std::string user_filter = "(uid={name})";
  std::string id_attribute = "entryUUID";  // one value that is never given to another entry
  std::string name_attribute = "uid";
  std::string display_name_attribute = "cn";
  std::string email_attribute = "mail";
  std::string group_base;  // "" where groups do not matter
  std::string group_filter = "(member={dn})";
  std::string group_name_attribute = "cn";

  bool operator==(const Settings&) const = default;
};

inline constexpr std::size_t kMostUrls = 8;

struct Limits {
  std::chrono::milliseconds timeout{5000};  // of each step: connecting, a bind, a search
  std::size_t groups = 1000;                // of one person
  std::size_t value_bytes = 1024;           // of an attribute's value that is used
};

struct Options {
  std::filesystem::path authorities = {};     // PEM; trusted beside the system's own. "" for none
  std::vector<std::string> plain_hosts = {};  // that may be spoken to without TLS
  Limits limits = {};
};

struct Person {
  std::string id;
  std::string dn;
  std::string name;
  std::string display_name;  // "" where there is none, as is the e-mail address
  std::string email;
  std::vector<std::string> groups;  // sorted, each once
  // Why there may be more than these, for people; "" when these are all.
  std::string groups_missing;
};

// Errc::invalid_argument, saying what is wrong: a URL of another scheme or without TLS, a filter that does
// not parse or lacks its {…}, names that are no attributes, no base.
Result<void> check(const Settings& settings, const std::vector<std::string>& plain_hosts);

class Directory {
 public:
  explicit Directory(Options options);
  ~Directory();

  // What Errc::unauthenticated says, where there is nothing to add.
  static constexpr std::string_view kWrong = "the user name or the password is wrong";

  // The person of that name, whose password it is. Errc::unauthenticated for an unknown name, a wrong or
  // empty password, and a name that more than one entry has, with one message; with another, which is for
  // evidence alone, where the directory would have one look for the name elsewhere. Errc::unavailable when
  // none of its servers answers, or its own account is refused. An unknown name takes the directory as many
  // steps as a known one.
  Result<Person> authenticate(const Settings& settings, const Secret<>& bind_password, std::string_view name,
                              const Secret<>& password) const;

  // The person with that id as they are now. Errc::not_found when there is none any more; otherwise as above.
  Result<Person> look_up(const Settings& settings, const Secret<>& bind_password, std::string_view id) const;

  // Questions that a server left without an answer, of all directories.
  std::uint64_t failures() const;

  // Tries each server: connects, binds as the account that searches, and looks for the person of that name
  // with their groups, or for nobody where it is "". Nothing is remembered of it. Never empty.
  std::vector<Step> probe(const Settings& settings, const Secret<>& bind_password,
                          std::string_view name) const;

 private:
  struct Servers;
  Options options_;
  std::unique_ptr<Servers> servers_;
};

}  // namespace bulkhead::ldap
