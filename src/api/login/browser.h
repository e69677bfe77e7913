// What browsers bring with them, and what is asked of requests that they may have been tricked into.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/services.h"
#include "http/request.h"

namespace bulkhead::api {

inline constexpr std::string_view kSessionCookie = "__Host-bulkhead-session";
inline constexpr std::string_view kBinderCookie = "__Host-bulkhead-login";

// The cookie's value (RFC 6265 section 5.4); nothing where there is none, and where there are two.
std::optional<std::string_view> cookie(const http::Request& request, std::string_view name);
// The value of Set-Cookie. `__Host-` asks for Secure, Path=/ and no Domain.
std::string set_cookie(std::string_view name, std::string_view value, std::string_view same_site);
std::string drop_cookie(std::string_view name, std::string_view same_site);

// "https://registry.example": where browsers find this installation. Without a public URL only its own
// machine is known, by the names that nobody else can answer to; "" for any other Host.
std::string browser_origin(const http::Request& request, const Options& options, bool encrypted);
// What is said where that is "".
inline constexpr std::string_view kOwnAddressUnknown =
    "this registry does not know its own address; an administrator sets public_url, and until then you can "
    "log in at "
    "http://localhost only";

// What people call it, of that origin: "registry.example".
std::string_view host_of(std::string_view origin);

// Where a provider sends people back to: an address of its own for each, so that no provider's answer is
// taken for another's (RFC 9700 section 4.4).
std::string login_callback_url(std::string_view origin, std::string_view provider);

// Whether the request names `origin`, which is not "", as its one Origin (RFC 6454 section 7).
bool has_origin(const http::Request& request, std::string_view origin);
// Whether a page of `origin` sent the request. Says no when the browser says nothing.
bool from_origin(const http::Request& request, std::string_view origin);

}  // namespace bulkhead::api
