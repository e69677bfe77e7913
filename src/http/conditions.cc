#include "http/conditions.h"

#include <algorithm>

namespace bulkhead::http {
namespace {

Error malformed() {
  return {Errc::invalid_argument, "a condition is a list of entity tags in quotes, as in \"xyz\", or *"};
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// etagc, RFC 9110 section 8.8.3.
bool is_tag_character(char c) { return static_cast<unsigned char>(c) > ' ' && c != '"' && c != 0x7F; }

// The length of the quoted part at the front, or 0.
std::size_t quoted_length(std::string_view text) {
  if (!text.starts_with('"')) return 0;
  const auto end = std::find_if_not(text.begin() + 1, text.end(), is_tag_character);
  return end == text.end() || *end != '"' ? 0 : static_cast<std::size_t>(end - text.begin()) + 1;
}

}  // namespace

Result<EntityTags> EntityTags::parse(std::string_view list) {
  EntityTags tags;
  std::string_view rest = trimmed(list);
  if (rest == "*") {
    tags.any_ = true;
    return tags;
  }
  while (!rest.empty()) {
    if (rest.front() != ',') {
      const bool weak = rest.starts_with("W/");
      if (weak) rest.remove_prefix(2);
      const std::size_t length = quoted_length(rest);
      if (length == 0) return malformed();
      tags.tags_.push_back({std::string(rest.substr(0, length)), weak});
      rest = trimmed(rest.substr(length));
      if (!rest.empty() && rest.front() != ',') return malformed();
    }
    if (!rest.empty()) rest = trimmed(rest.substr(1));
  }
  if (tags.tags_.empty()) return malformed();
  return tags;
}

EntityTags EntityTags::of(std::string etag) {
  EntityTags tags;
  tags.tags_.push_back({std::move(etag), false});
  return tags;
}

bool EntityTags::name_strongly(std::string_view etag) const {
  return any_ || std::ranges::any_of(tags_, [&](const Tag& tag) { return !tag.weak && tag.text == etag; });
}

bool EntityTags::name_weakly(std::string_view etag) const {
  return any_ || std::ranges::any_of(tags_, [&](const Tag& tag) { return tag.text == etag; });
}

namespace {

Result<std::optional<EntityTags>> tags_in(const Request& request, std::string_view name) {
  const auto list = request.list(name);
  if (!list) return std::optional<EntityTags>();
  auto tags = EntityTags::parse(*list);
  if (!tags) return tags.error();
  return std::optional(*std::move(tags));
}

}  // namespace

Result<Preconditions> Preconditions::of_change(const Request& request) {
  auto match = tags_in(request, "If-Match");
  if (!match) return match.error();
  auto none_match = tags_in(request, "If-None-Match");
  if (!none_match) return none_match.error();
  Preconditions conditions;
  conditions.if_match_ = *std::move(match);
  conditions.if_none_match_ = *std::move(none_match);
  return conditions;
}

Result<Preconditions> Preconditions::of_read(const Request& request) {
  auto match = tags_in(request, "If-Match");
  if (!match) return match.error();
  Preconditions conditions;
  conditions.if_match_ = *std::move(match);
  if (const auto list = request.list("If-None-Match")) {
    if (auto tags = EntityTags::parse(*list))
      conditions.if_none_match_ = *std::move(tags);
    else if (list->find('"') == std::string::npos)
      conditions.if_none_match_ = EntityTags::of('"' + std::string(trimmed(*list)) + '"');
  }
  return conditions;
}

bool Preconditions::match_holds(std::optional<std::string_view> etag) const {
  return !if_match_ || (etag && if_match_->name_strongly(*etag));
}

bool Preconditions::none_match_holds(std::optional<std::string_view> etag) const {
  return !if_none_match_ || !etag || !if_none_match_->name_weakly(*etag);
}

bool range_applies(const Request& request, std::string_view etag) {
  const auto header = request.header("If-Range");
  return !header || *header == etag;
}

}  // namespace bulkhead::http
