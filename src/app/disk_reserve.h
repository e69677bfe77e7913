// Room on the disk of the data directory that nobody else takes: a file that is given up when the disk is
// full to its last bytes. The database cannot so much as be opened then, nor anything be deleted; with this
// room both go on, and the server starts.
//
// One user at a time; whoever holds the data directory's lock.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/log.h"

namespace bulkhead::app {

class DiskReserve {
 public:
  // More than the database's log grows to before it is written back.
  static constexpr std::uint64_t kBytes = std::uint64_t{16} << 20;

  DiskReserve(const std::filesystem::path& data, Log& log) : file_(data / "reserve"), log_(log) {}

  // Gives the file up where less than a MiB of the disk is free, and makes it where there is none and more
  // than twice its size is free. Says so in the log. A few system calls; what fails is tried again next time.
  void tend();
  // The first half of it: for commands, and for starts that may yet be refused, which leave nothing behind.
  void give_up_where_full();

 private:
  const std::filesystem::path file_;
  Log& log_;
};

}  // namespace bulkhead::app
