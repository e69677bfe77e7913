#include "api/login/page.h"

#include <fmt/format.h>

#include "api/errors.h"
#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::api {
namespace {

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--line:#8889;--go:#1f5fbf;--stop:#b3261e}"
    "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:1.5rem 1rem}"
    "header{display:flex;align-items:center;gap:.6rem;border-bottom:1px solid var(--line);"
    "padding-bottom:.8rem}"
    "header b{font-size:1.1rem}header span{opacity:.75;overflow-wrap:anywhere}"
    "h1{font-size:1.5rem}"
    "dt{font-weight:600}dd{margin:0 0 .6rem;overflow-wrap:anywhere}"
    "label{display:block;font-weight:600}"
    "input,button,.button{font:inherit;padding:.6rem .9rem;margin:.4rem .4rem .4rem 0;max-width:100%;"
    "border:1px solid var(--line);border-radius:.4rem;box-sizing:border-box}"
    "button,.button{cursor:pointer;display:inline-block;text-decoration:none;background:var(--go);color:#fff;"
    "border-color:var(--go)}"
    "button.stop{background:transparent;color:inherit;border-color:var(--stop)}"
    ":focus-visible{outline:3px solid var(--go);outline-offset:2px}"
    "[role=alert]{border-left:.3rem solid var(--stop);padding:.2rem 0 .2rem .8rem}"
    "pre{overflow-x:auto;padding:.7rem;border:1px solid var(--line);border-radius:.4rem}"
    "dd code{font-size:1.4rem;letter-spacing:.1em}";

// A hull with its bulkheads.
constexpr std::string_view kIcon =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><path d=\"M3 7h26v8c0 8-6 13-13 13S3 23 "
    "3 "
    "15z\" fill=\"#1f5fbf\"/><path d=\"M11 7v19M16 7v21M21 7v19\" stroke=\"#fff\" stroke-width=\"2\"/></svg>";

constexpr std::string_view kTemplate =
    "<!doctype html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    "<link rel=\"icon\" href=\"{icon}\" type=\"image/svg+xml\">"
    "<title>{title} - {host}</title><style>{style}</style></head>\n"
    "<body><header><img src=\"{icon}\" alt=\"\" width=\"28\" "
    "height=\"28\"><b>Bulkhead</b><span>{at}</span></header>"
    "<main><h1>{title}</h1>\n{body}\n</main></body></html>\n";

const std::string& policy() {
  // Forms go to this installation only; where the browser is sent after one, it is sent by a page of its own,
  // since browsers hold redirects of forms to form-action too.
  static const std::string kPolicy = fmt::format(
      "default-src 'none'; img-src 'self'; style-src 'sha256-{}'; form-action 'self'; frame-ancestors "
      "'none'; base-uri "
      "'none'",
      to_base64(as_bytes(crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(kStyle)))));
  return kPolicy;
}

}  // namespace

http::Response render(const Page& page, std::string_view host_name) {
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
  const std::string host = shown(host_name, Shown::html);
  response.body =
      fmt::format(kTemplate, fmt::arg("title", shown(page.title, Shown::html)), fmt::arg("style", kStyle),
                  fmt::arg("icon", kIconPath), fmt::arg("at", host),
                  fmt::arg("host", host.empty() ? "Bulkhead" : host), fmt::arg("body", page.body.text()));
  return response;
}

http::Response icon() {
  http::Response response;
  response.header("Content-Type", "image/svg+xml");
  response.header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  response.header("Cache-Control", "public, max-age=86400");
  response.body = std::string(kIcon);
  return response;
}

}  // namespace bulkhead::api
