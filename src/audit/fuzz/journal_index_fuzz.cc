// An index of any bytes, with its checksum made right so that the parser behind it is reached. What parses
// renders to the same bytes, and its filters answer any question.
#include <cstdlib>

#include "audit/crc32c.h"
#include "audit/filter.h"
#include "audit/index.h"
#include "audit/little_endian.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::audit;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.size() >= sizeof(std::uint32_t)) {
    bytes.resize(bytes.size() - sizeof(std::uint32_t));
    append(bytes, crc32c(0, as_bytes(bytes)));
  }
  const auto index = SegmentIndex::parse(as_bytes(bytes));
  if (!index) {
    require(index.error().code == Errc::corrupt || index.error().code == Errc::unsupported);
    return 0;
  }
  require(index->render() == bytes);
  Filter filter;
  filter.account = "alice";
  filter.digest = "sha256:0";
  filter.action = Action::blob_pulled;
  const FrameTest test(filter);
  std::uint64_t offset = 0;
  for (const Frame& frame : index->frames) {
    require(frame.offset == offset);
    offset += frame.size;
    (void)test.may_match(frame.summary);
  }
  return 0;
}
