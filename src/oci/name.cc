#include "oci/name.h"

#include <fmt/format.h>

#include <algorithm>

#include "oci/quote.h"

namespace bulkhead::oci {
namespace {

constexpr std::size_t kMaxNameLength = 255;
constexpr std::size_t kMaxTagLength = 128;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_separator_character(char c) { return c == '.' || c == '_' || c == '-'; }

bool is_separator(std::string_view run) {
  return run == "." || run == "_" || run == "__" || std::ranges::all_of(run, [](char c) { return c == '-'; });
}

// `component` holds only letters, digits and separator characters.
bool is_component(std::string_view component) {
  while (true) {
    const auto separator = std::ranges::find_if(component, is_separator_character);
    if (separator == component.begin()) return false;  // nothing before it, or an empty component
    if (separator == component.end()) return true;
    const auto next = std::find_if(separator, component.end(), is_lower_or_digit);
    if (!is_separator({separator, next})) return false;
    component = {next, component.end()};
  }
}

Error name_invalid(std::string_view text, std::string_view why) {
  return {Errc::name_invalid, fmt::format("repository name {} {}", quote(text), why)};
}

}  // namespace

Result<RepositoryName> RepositoryName::parse(std::string_view text) {
  if (text.empty()) return Error{Errc::name_invalid, "the repository name is empty"};
  if (text.size() > kMaxNameLength) {
    return name_invalid(
        text, fmt::format("has {} characters; at most {} are allowed", text.size(), kMaxNameLength));
  }
  if (std::ranges::any_of(text, is_upper))
    return name_invalid(text, "has upper-case letters; use lower case");
  if (!std::ranges::all_of(
          text, [](char c) { return is_lower_or_digit(c) || is_separator_character(c) || c == '/'; })) {
    return name_invalid(text, "has characters other than a-z, 0-9, '.', '_', '-' and '/'");
  }
  for (std::string_view rest = text;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    if (component.empty())
      return name_invalid(text, "has an empty component: a '/' at an end, or two in a row");
    if (!is_component(component)) {
      return name_invalid(
          text, fmt::format("has the component {}; one starts and ends with a letter or digit, with "
                            "'.', '_', '__' or dashes singly between them",
                            quote(component)));
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return RepositoryName(std::string(text));
}

Result<RepositoryName> RepositoryName::parse_asked(std::string_view text) {
  constexpr std::string_view kLibrary = "library/";
  if (text.starts_with(kLibrary) && text.find('/', kLibrary.size()) == std::string_view::npos)
    text.remove_prefix(kLibrary.size());
  return parse(text);
}

std::string_view RepositoryName::namespace_name() const {
  const std::size_t slash = text_.find('/');
  return slash == std::string::npos ? std::string_view() : std::string_view(text_).substr(0, slash);
}

Result<Tag> Tag::parse(std::string_view text) {
  if (text.empty()) return Error{Errc::tag_invalid, "the tag is empty"};
  if (text.size() > kMaxTagLength) {
    return Error{Errc::tag_invalid, fmt::format("tag {} has {} characters; at most {} are allowed",
                                                quote(text), text.size(), kMaxTagLength)};
  }
  const auto is_word = [](char c) { return is_lower_or_digit(c) || is_upper(c) || c == '_'; };
  if (!is_word(text.front())) {
    return Error{Errc::tag_invalid,
                 fmt::format("tag {} must start with a letter, a digit or '_'", quote(text))};
  }
  if (!std::ranges::all_of(text, [&](char c) { return is_word(c) || is_separator_character(c); })) {
    return Error{
        Errc::tag_invalid,
        fmt::format("tag {} has characters other than a-z, A-Z, 0-9, '.', '_' and '-'", quote(text))};
  }
  return Tag(std::string(text));
}

Result<Reference> parse_reference(std::string_view text) {
  if (text.find(':') != std::string_view::npos) {
    const auto digest = Digest::parse(text);
    if (!digest) return digest.error();
    return Reference(*digest);
  }
  auto tag = Tag::parse(text);
  if (!tag) return tag.error();
  return Reference(*std::move(tag));
}

}  // namespace bulkhead::oci
