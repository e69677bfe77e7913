// The command line as a client of the management API: of a server somewhere, over HTTP, or of the data on
// this machine, as its operator (through the running server's socket, or on stopped data).
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/percent.h"
#include "base/secret.h"
#include "cli/login_store.h"
#include "config/settings.h"

namespace bulkhead::cli {

struct ApiRequest {
  std::string method = "GET";
  std::string path;              // below /api/v1, encoded, with its query
  boost::json::value body = {};  // null for none
  std::string if_match = {};
  std::vector<std::string> headers = {};  // others, "Name: value"; for servers only
};
struct ApiAnswer {
  unsigned status = 0;
  boost::json::value body;  // null for none
  std::string etag;
};

class ApiClient {
 public:
  virtual ~ApiClient() = default;
  // Whatever was answered, a problem too; an Error where nothing was.
  virtual Result<ApiAnswer> exchange(const ApiRequest& request) = 0;

  // A problem is an Error, its code among ours and its message for people.
  Result<ApiAnswer> send(const ApiRequest& request);

  // The problem document of the last answer to send() that was one, as the server wrote it; null for none.
  const boost::json::value& problem() const { return problem_; }

  // What most commands do with it; each gives the answer's body.
  Result<boost::json::value> get(std::string_view path);
  Result<boost::json::array> list(std::string_view path);  // all pages
  Result<boost::json::value> create(std::string_view path, boost::json::object body);
  Result<boost::json::value> put(std::string_view path, boost::json::object body);
  // PATCH of what GET shows now.
  Result<boost::json::value> change(std::string_view path, boost::json::object body);
  Result<void> remove(std::string_view path);

 private:
  boost::json::value problem_;
};

// A server, with a session's or access token ("" for what takes none). `ca` is a PEM file to trust, or "".
std::unique_ptr<ApiClient> make_remote_client(std::string server, Secret<> token, std::string ca);
// The data that these settings name; they must outlive it. `named`: as for Operator.
std::unique_ptr<ApiClient> make_local_client(const config::Settings& settings, bool named);

// The Error that a problem details document stands for, or one in the words of the registry's protocol;
// `path` is what was asked for, as in ApiRequest.
Error problem_error(unsigned status, const boost::json::value& document, std::string_view path = {});

// A path of encoded segments: path_of("users", "alice").
template <class... Segments>
std::string path_of(const Segments&... segments) {
  std::string out;
  ((out += '/', out += percent_encode(segments)), ...);
  return out;
}

}  // namespace bulkhead::cli
