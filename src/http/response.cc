#include "http/response.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulkhead::http {

std::uint64_t body_length(const Body& body) {
  if (const auto* text = std::get_if<std::string>(&body)) return text->size();
  if (const auto* shared = std::get_if<SharedBytes>(&body)) return shared->bytes.size();
  if (const auto* file = std::get_if<FileBytes>(&body)) return file->length;
  const auto& parts = std::get<FileParts>(body);
  std::uint64_t length = parts.after.size();
  for (const FileParts::Part& part : parts.parts) length += part.before.size() + part.length;
  return length;
}

std::string_view reason(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Status";
  }
}

void write_head(std::string& out, const Response& response, bool keep_alive, bool with_length,
                std::string_view date, std::string_view more) {
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(reason(response.status));
  out.append("\r\nDate: ").append(date).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    out.append(name);
    out.append(": ");
    // A value that carries a line break would let data become headers.
    std::ranges::copy_if(value, std::back_inserter(out),
                         [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
    out.append("\r\n");
  }
  out.append(more);
  if (with_length)
    out.append("Content-Length: ")
        .append(std::to_string(response.stated_length.value_or(body_length(response.body))))
        .append("\r\n");
  if (!keep_alive) out.append("Connection: close\r\n");
  out.append("\r\n");
}

}  // namespace bulkhead::http
