// The keyring's directory: its lock, its files, and how they are replaced (docs/formats/keyring.md). Every
// change is durable and made in one step. Internal to crypto.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "crypto/key_file.h"

namespace bulkhead::crypto {

class KeyDirectory {
 public:
  // Creates the directory or checks that nobody else may look into it.
  static Result<KeyDirectory> open(const std::filesystem::path& path);

  // Waits until no other holder, in any process, has it. Held while the descriptor is open. Everything below
  // is called with it held, unless it says otherwise.
  Result<FileDescriptor> lock() const;

  // Removes what a crash has left of files that were being written.
  void remove_leftovers() const;

  Result<KeyFile> load(KeyPurpose purpose, const LockedBytes* master) const;
  Result<void> store(KeyPurpose purpose, const KeyVersions& keys, const LockedBytes* master) const;
  // load(), with a version of this number made where there is no file.
  Result<KeyFile> load_or_create(KeyPurpose purpose, const LockedBytes* master, std::uint32_t first,
                                 Time now) const;

  // Whether any of the files has a sealed line.
  bool holds_sealed() const;
  // The line of master.key; nothing when there is none.
  Result<std::optional<std::string>> load_master() const;
  Result<void> store_master(std::string_view line) const;
  Result<void> remove_master() const;

  Result<void> sync() const { return sync_directory(path_); }

  // Differs from what it was when any file was replaced. Needs no lock.
  std::string signature() const;

  const std::filesystem::path& path() const { return path_; }
  static std::filesystem::path file_of(const std::filesystem::path& directory, KeyPurpose purpose);
  static std::filesystem::path master_file_of(const std::filesystem::path& directory) {
    return directory / "master.key";
  }

 private:
  explicit KeyDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path file_of(KeyPurpose purpose) const { return file_of(path_, purpose); }
  std::filesystem::path master_file() const { return master_file_of(path_); }

  std::filesystem::path path_;
};

}  // namespace bulkhead::crypto
