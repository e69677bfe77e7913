#include "crypto/locked_bytes.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/testing/sanitizers.h"

namespace bulkhead::crypto {
namespace {

// The VmFlags line of the mapping that holds the address: "dd" is left out of core files, "lo" is locked.
std::string flags_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::istringstream text(line);
    if (line.find("-") < 17 && text >> std::hex >> begin >> dash >> end && dash == '-')
      inside = begin <= wanted && wanted < end;
    else if (inside && line.starts_with("VmFlags:"))
      return line.substr(8) + " ";
  }
  return "not found";
}

TEST(LockedBytes, KeepWhatTheyWereGiven) {
  const LockedBytes bytes(std::string_view("a\0b", 3));
  EXPECT_EQ(bytes.reveal(), std::string_view("a\0b", 3));
  EXPECT_TRUE(LockedBytes().empty());
  EXPECT_TRUE(LockedBytes("").empty());
  EXPECT_EQ(LockedBytes::random(32).size(), 32u);
  EXPECT_NE(LockedBytes::random(32).reveal(), LockedBytes::random(32).reveal());
}

TEST(LockedBytes, StayInPlaceWhenMoved) {
  LockedBytes first("secret");
  const char* where = first.reveal().data();
  LockedBytes second(std::move(first));
  EXPECT_EQ(second.reveal().data(), where);
  LockedBytes third;
  third = std::move(second);
  EXPECT_EQ(third.reveal().data(), where);
  EXPECT_EQ(third.reveal(), "secret");
}

TEST(LockedBytes, AreLeftOutOfCoreFilesAndOfSwap) {
  const LockedBytes bytes("secret");
  const std::string flags = flags_of(bytes.reveal().data());
  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;
  EXPECT_EQ(flags.find(" wr "), std::string::npos) << "still writable: " << flags;
  if (bytes.locked() && !kAddressSanitizer) {  // which makes mlock() do nothing
    EXPECT_NE(flags.find(" lo "), std::string::npos) << flags;
  }
}

TEST(LockedBytes, SayWhenTheLimitDidNotLetThemBeLocked) {
  if (kAddressSanitizer) GTEST_SKIP() << "the address sanitizer makes mlock() do nothing";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const ::rlimit none{0, 0};
    ::setrlimit(RLIMIT_MEMLOCK, &none);
    // Root may lock whatever the limit says.
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(3);
    const LockedBytes bytes("secret");
    const bool excluded = flags_of(bytes.reveal().data()).find(" dd ") != std::string::npos;
    ::_exit(bytes.locked() ? 1 : bytes.reveal() == "secret" && excluded ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace bulkhead::crypto
