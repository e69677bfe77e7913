// What every BlobStore promises, as tests. A store's own test instantiates them:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreContract,
//                            testing::Values(contract_of([](const auto&) { return make_memory_store(); })));
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>

#include "base/testing/temporary_directory.h"
#include "blob/store.h"

namespace bulkhead::blob {

// Makes an empty store, which may keep its things below the directory: an absent one, removed after the test.
using MakeStore = std::function<std::unique_ptr<BlobStore>(const std::filesystem::path& directory)>;

struct StoreFactory {
  MakeStore make;

  friend void PrintTo(const StoreFactory&, std::ostream* out) { *out << "a factory"; }
};

// Also makes sure that the tests, which nothing else refers to, are linked in.
StoreFactory contract_of(MakeStore make);

class StoreContract : public testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override;

  BlobStore& store() { return *store_; }
  std::unique_ptr<BlobStore> make_another() { return GetParam().make(directory_.path() / "another"); }
  // Stages the content and commits it.
  Result<void> push(std::string_view id, std::string_view content, const oci::Digest& digest);

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<BlobStore> store_;
};

}  // namespace bulkhead::blob
