// A data directory as it is found, before anything in it is opened: whose it is, who else gets in, and
// whether what is there fits together. Nothing is made or changed by looking.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/settings.h"

namespace bulkhead::app {

struct DataDirectory {
  std::filesystem::path path;  // absolute, for people
  bool exists = false;
  bool empty = false;            // there, with nothing at all in it
  bool open_to_readers = false;  // others may look into it
  uid_t owner = 0;
  bool has_socket = false;           // of a server that runs, or was killed
  bool has_database = false;         // bulkhead.db, with something in it
  std::vector<std::string> remains;  // paths with something in them: blobs, journal, keys

  // No installation was ever here, or the start of its first one was cut off before it held anything.
  bool fresh() const { return !has_database && remains.empty(); }

  // Errors are sentences that name the path and the command that mends it. Errc::denied: it belongs to
  // another user of the machine, who is neither asked nor changed by root. Errc::unavailable: others may
  // write to it or to what the server keeps in it, or read the database; something in it is a symbolic link,
  // or no directory at all.
  static Result<DataDirectory> look(const config::Settings& settings);

  // Errc::denied where this process runs as another user than the directory's: what it made there the server
  // could not open.
  Result<void> check_owner() const;
  // Errc::not_found: there is nothing here, and what to do.
  Error nothing_here() const;
  // Errc::conflict: there are contents, and no database that tells what they are.
  Error database_lost(const config::Settings& settings) const;
  // Errc::conflict: the database tells of contents of `blobs` or `journal`, and there is no file at all in
  // it, as where its disk is not mounted.
  Result<void> check_holds_files(std::string_view name) const;

 private:
  DataDirectory with_remains(const config::Settings& settings) const;
};

// "bulkhead", or the number where it has no name.
std::string user_name(uid_t user);

}  // namespace bulkhead::app
