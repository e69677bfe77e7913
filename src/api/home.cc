#include "api/home.h"

#include <fmt/format.h>

#include "api/login/browser.h"
#include "api/login/page.h"

namespace bulkhead::api {
namespace {

bool wants_html(const http::Request& request) {
  return request.header("Accept").value_or("").find("text/html") != std::string_view::npos;
}

http::Response as_text(const std::string& host) {
  http::Response response;
  response.header("Content-Type", "text/plain; charset=utf-8");
  response.body = fmt::format(
      "This is a container registry, run with Bulkhead.\n\n"
      "  docker login {0}\n"
      "  docker pull {0}/NAMESPACE/IMAGE:TAG\n"
      "  bulkhead login {0}        the command line, for accounts, access and evidence\n\n"
      "/login is for browsers, /api/v1/openapi.json describes the management API. The documents come with "
      "the\n"
      "program: docs/ in its source, /usr/share/doc/bulkhead where it is installed.\n",
      host);
  return response;
}

http::Response as_page(const std::string& host) {
  Page page;
  page.title = "A container registry";
  page.body = html(
      "<p>Images are pushed and pulled here with docker, podman and other clients:</p>"
      "<pre>docker login {0}\ndocker pull {0}/NAMESPACE/IMAGE:TAG</pre>"
      "<p><a class=\"button\" href=\"/login\">Sign in</a></p>"
      "<p>Accounts, access and evidence are managed with the command line (<code>bulkhead login {0}</code>) "
      "and "
      "with the <a href=\"/api/v1/openapi.json\">management API</a>. The documents come with the program: "
      "<code>docs/</code> in its source, <code>/usr/share/doc/bulkhead</code> where it is installed.</p>",
      host);
  return render(page, host);
}

}  // namespace

http::Response home(const http::Exchange& exchange, const Options& options) {
  const http::Request& request = exchange.request();
  const std::string origin = browser_origin(request, options, exchange.encrypted());
  // A Host that anybody may have written is not repeated.
  const std::string host(origin.empty() ? std::string_view("THIS-REGISTRY") : host_of(origin));
  http::Response response = wants_html(request) ? as_page(host) : as_text(host);
  response.header("Vary", "Accept");
  return response;
}

}  // namespace bulkhead::api
