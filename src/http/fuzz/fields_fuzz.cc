// Headers that are lists come from anybody. What is read of Forwarded and X-Forwarded-For are views into the
// line and addresses in their one spelling; a list of entity tags that is read names what stands in it.
#include <arpa/inet.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/conditions.h"
#include "http/forwarded.h"

namespace {

using namespace bulkhead::http;

void require(bool promise) {
  if (!promise) std::abort();
}

void check_nodes(std::string_view line, ProxyHeader header) {
  Request request;
  request.headers.push_back({header == ProxyHeader::forwarded ? "Forwarded" : "X-Forwarded-For", line});
  for (const std::string_view node : forwarded_nodes(request, header)) {
    if (!node.empty())
      require(node.data() >= line.data() && node.data() + node.size() <= line.data() + line.size());
    const auto address = address_of_node(node, header);
    if (!address) continue;
    unsigned char bytes[16];
    require(::inet_pton(AF_INET, address->c_str(), bytes) == 1 ||
            ::inet_pton(AF_INET6, address->c_str(), bytes) == 1);
    const std::string written = header == ProxyHeader::forwarded && address->find(':') != std::string::npos
                                    ? "\"[" + *address + "]\""
                                    : *address;
    require(address_of_node(written, header) == address);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  check_nodes(line, ProxyHeader::x_forwarded_for);
  check_nodes(line, ProxyHeader::forwarded);
  const std::string own = "\"the one that is looked for\"";
  if (const auto tags = EntityTags::parse(line)) {
    if (tags->name_strongly(own)) require(tags->name_weakly(own));
    const auto more = EntityTags::parse(std::string(line) + ", \"own\"");
    if (more) require(more->name_strongly("\"own\""));
  }
  return 0;
}
