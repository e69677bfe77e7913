#include "oci/strict_json.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "oci/quote.h"

namespace bulkhead::oci {
namespace {

namespace json = boost::json;
using boost::system::error_code;

// Builds the value from the parser's events, which Boost.JSON's own builder cannot do: it lets the last of
// two equal keys win.
class ValueBuilder {
 public:
  static constexpr std::size_t max_object_size = kMaxJsonMembers;
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  explicit ValueBuilder(std::size_t max_values) : max_values_(max_values) {}

  json::value& root() { return root_; }
  // Why this builder, rather than the parser, stopped.
  const std::optional<Error>& refusal() const { return refusal_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return open(json::object()); }
  bool on_object_end(std::size_t, error_code& error) { return close(error); }
  bool on_array_begin(error_code&) { return open(json::array()); }
  bool on_array_end(std::size_t, error_code& error) { return close(error); }
  bool on_key_part(json::string_view part, std::size_t, error_code&) { return append(part); }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    append(part);
    open_.back().key.swap(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) { return append(part); }
  bool on_string(json::string_view part, std::size_t, error_code& error) {
    append(part);
    json::value value = json::string(text_);
    text_.clear();
    return add(std::move(value), error);
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, error_code& error) { return add(number, error); }
  bool on_uint64(std::uint64_t number, json::string_view, error_code& error) { return add(number, error); }
  bool on_double(double number, json::string_view, error_code& error) {
    if (!std::isfinite(number)) return refuse(error, Errc::invalid_argument, "a number is too large");
    return add(number, error);
  }
  bool on_bool(bool boolean, error_code& error) { return add(boolean, error); }
  bool on_null(error_code& error) { return add(nullptr, error); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  struct Open {
    json::value container;
    std::string key;  // of the member that is being read, when the container is an object
  };

  bool append(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }

  bool open(json::value container) {
    open_.push_back({std::move(container), {}});
    return true;
  }

  bool close(error_code& error) {
    json::value container = std::move(open_.back().container);
    open_.pop_back();
    return add(std::move(container), error);
  }

  bool add(json::value value, error_code& error) {
    if (++values_ > max_values_) {
      return refuse(error, Errc::too_large, fmt::format("it holds more than {} values", max_values_));
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Open& parent = open_.back();
    if (json::array* array = parent.container.if_array()) {
      array->push_back(std::move(value));
      return true;
    }
    if (parent.container.get_object().emplace(parent.key, std::move(value)).second) return true;
    return refuse(error, Errc::invalid_argument, fmt::format("the key {} occurs twice", quote(parent.key)));
  }

  bool refuse(error_code& error, Errc code, std::string why) {
    refusal_ = Error{code, std::move(why)};
    error = json::error::syntax;  // any: it only stops the parser
    return false;
  }

  std::size_t max_values_;
  std::size_t values_ = 0;
  std::vector<Open> open_;
  std::string text_;  // the parts so far of the string or key that is being read
  json::value root_;
  std::optional<Error> refusal_;
};

class Reader {
 public:
  explicit Reader(const JsonLimits& limits) : parser_(options(limits), limits.values) {}

  // Reads a piece, the last one when `more` is false; false when the document cannot be accepted.
  bool read(std::string_view piece, bool more) {
    const std::size_t used = parser_.write_some(more, piece.data(), piece.size(), error_);
    if (!error_ && used < piece.size()) error_ = json::error::extra_data;
    return !error_.failed();
  }

  Error refusal() const {
    if (parser_.handler().refusal()) return *parser_.handler().refusal();
    if (error_ == json::error::object_too_large) {
      return {Errc::too_large, fmt::format("an object has more than {} members", kMaxJsonMembers)};
    }
    return {Errc::invalid_argument, error_.message()};
  }

  json::value take() { return std::move(parser_.handler().root()); }

 private:
  static json::parse_options options(const JsonLimits& limits) {
    json::parse_options options;  // the rest of the defaults are strict
    options.max_depth = limits.depth;
    return options;
  }

  json::basic_parser<ValueBuilder> parser_;
  error_code error_;
};

// The parser does not tell where it stopped: a second reading, byte by byte, does. Not worth it for long
// texts, which programs write.
std::string place_of_refusal(std::string_view text, const JsonLimits& limits) {
  constexpr std::size_t kLongest = 64 * 1024;
  if (text.size() > kLongest) return "";
  Reader reader(limits);
  std::size_t at = 0;
  while (at < text.size() && reader.read(text.substr(at, 1), true)) ++at;
  return fmt::format(" at byte {}", at);
}

}  // namespace

Result<json::value> parse_strict_json(std::string_view text, const JsonLimits& limits) {
  Reader reader(limits);
  if (reader.read(text, false)) return reader.take();
  Error refusal = reader.refusal();
  refusal.message = fmt::format("the JSON is refused{}: {}", place_of_refusal(text, limits), refusal.message);
  return refusal;
}

}  // namespace bulkhead::oci
