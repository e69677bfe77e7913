// Proof on the spot: what takes a session whose owner proved who they are a short time ago (the API's problem
// proof_required) asks for it at the terminal, and then is what it would have been.
#pragma once

#include <memory>
#include <string>

#include "cli/api_client.h"

namespace bulkhead::cli {

// `client`, whose session is `name`'s with `server`: a request that lacks a proof is sent again once that is
// given. It is asked for on standard error, a mistyped password three times; without a terminal the Error
// says how to log in again.
std::unique_ptr<ApiClient> make_proving_client(std::unique_ptr<ApiClient> client, std::string server,
                                               std::string name);

}  // namespace bulkhead::cli
