#include "blob/store.h"
#include "blob/testing/store_contract.h"

namespace bulkhead::blob {

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract,
                         testing::Values(contract_of([](const auto&) { return make_memory_store(); })));

}  // namespace bulkhead::blob
