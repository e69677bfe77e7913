#include "api/login/page.h"

#include <fmt/format.h>

#include "api/errors.h"
#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::api {
namespace {

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:2rem 1rem}"
    "h1{font-size:1.5rem}"
    "dt{font-weight:600}dd{margin:0 0 .6rem;overflow-wrap:anywhere}"
    "label{display:block;font-weight:600}"
    "input,button{font:inherit;padding:.6rem .8rem;margin:.4rem .4rem .4rem 0;max-width:100%}"
    "code{font-size:1.4rem;letter-spacing:.1em}";

constexpr std::string_view kTemplate =
    "<!doctype html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    "<title>{title} - Bulkhead</title><style>{style}</style></head>\n"
    "<body><main><h1>{title}</h1>\n{body}\n</main></body></html>\n";

const std::string& policy() {
  // Forms go to this installation only; where the browser is sent after one, it is sent by a page of its own,
  // since browsers hold redirects of forms to form-action too.
  static const std::string kPolicy = fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; frame-ancestors 'none'; base-uri "
      "'none'",
      to_base64(as_bytes(crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(kStyle)))));
  return kPolicy;
}

}  // namespace

http::Response render(const Page& page) {
  http::Response response;
  response.status = page.status;
  response.header("Content-Type", "text/html; charset=utf-8");
  response.header("Content-Security-Policy", policy());
  response.header("Cache-Control", "no-store");
  // Without a referrer browsers keep a form's Origin to themselves too.
  response.header("Referrer-Policy", page.has_form ? "same-origin" : "no-referrer");
  response.header("X-Frame-Options", "DENY");
  response.header("Cross-Origin-Opener-Policy", "same-origin");
  add_retry_after(response, page.wait);
  if (!page.next.empty()) response.header("Refresh", "0;url=" + page.next);
  response.body = fmt::format(kTemplate, fmt::arg("title", shown(page.title, Shown::html)),
                              fmt::arg("style", kStyle), fmt::arg("body", page.body.text()));
  return response;
}

}  // namespace bulkhead::api
