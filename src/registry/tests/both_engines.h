// What each test of the services uses; for tests that run on both databases.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/testing/database_contract.h"
#include "registry/testing/documents.h"
#include "registry/testing/test_registry.h"

namespace bulkhead::registry::testing {

using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OnBothEngines : public ::testing::TestWithParam<db::testing::Engine> {
 protected:
  TestRegistry registry_{{.engine = GetParam()}};
};

inline auto both_engines() {
  return ::testing::Values(db::testing::Engine::sqlite, db::testing::Engine::postgres);
}

}  // namespace bulkhead::registry::testing
