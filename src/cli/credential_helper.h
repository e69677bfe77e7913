// docker-credential-bulkhead: gives docker, podman and their kin the registry credentials that the command
// line keeps. The program is this one under another name; the protocol is that of docker-credential-helpers:
// one of get, store, erase and list as argument, JSON on standard input and output.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/login_store.h"

namespace bulkhead::cli {

// Whether the program was called by that name.
bool is_credential_helper(std::string_view program);
// The exit status.
int run_credential_helper(int argc, char** argv);

// One request; what to print. Errc::not_found in the words that clients look for.
Result<Secret<>> answer_credential_request(LoginStore& store, std::string_view action,
                                           std::string_view input);

}  // namespace bulkhead::cli
