// Entity tags and the conditions that requests make with them (RFC 9110 sections 8.8.3 and 13).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/request.h"

namespace bulkhead::http {

// The value of If-Match or If-None-Match: "*", or a list of tags.
class EntityTags {
 public:
  // Errc::invalid_argument for what is neither. Empty elements of a list are passed over.
  static Result<EntityTags> parse(std::string_view list);
  // One tag, with its quotes.
  static EntityTags of(std::string etag);

  // Whether it names `etag`, which is strong and has its quotes: as If-Match compares, where a weak tag is
  // never equal, and as If-None-Match does. Both are true for "*".
  bool name_strongly(std::string_view etag) const;
  bool name_weakly(std::string_view etag) const;

 private:
  struct Tag {
    std::string text;
    bool weak = false;
  };
  bool any_ = false;
  std::vector<Tag> tags_;
};

// What a request depends on. All lines of a field are one list.
class Preconditions {
 public:
  // Of a request that changes something: Errc::invalid_argument for a condition that cannot be read, since
  // somebody meant the change to depend on it.
  static Result<Preconditions> of_change(const Request& request);
  // Of a read, which may be answered in full where a cache's condition cannot be read. A tag without its
  // quotes, as clients of docker-registry may send, counts as the tag.
  static Result<Preconditions> of_read(const Request& request);

  bool empty() const { return !if_match_ && !if_none_match_; }
  // For something with this tag; nothing: it is not there (section 13.1.1 and 13.1.2).
  bool match_holds(std::optional<std::string_view> etag) const;
  bool none_match_holds(std::optional<std::string_view> etag) const;

 private:
  std::optional<EntityTags> if_match_;
  std::optional<EntityTags> if_none_match_;
};

// Whether a Range is to be looked at (section 13.1.5): there is no If-Range, or it is this very tag. What is
// compared by date here never is the same.
bool range_applies(const Request& request, std::string_view etag);

}  // namespace bulkhead::http
