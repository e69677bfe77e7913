#include "base/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace bulkhead {
namespace {

// One in sixteen, for each purpose.
constexpr std::size_t kShare = 16;

}  // namespace

void raise_open_files() {
  ::rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

std::size_t open_files() {
  ::rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return std::size_t{1} << 30;
  return static_cast<std::size_t>(files.rlim_cur);
}

std::size_t may_keep_open(std::size_t wanted) { return std::min(wanted, open_files() / kShare); }

}  // namespace bulkhead
