// A repository that is not there yet. Nothing is stored for it but upload sessions, which need an id to
// belong to: it is made of the name, and is none that a database gives. The first thing that is stored makes
// the repository, and only then: a push that is refused leaves nothing.
#pragma once

#include <functional>
#include <memory>

#include "access/facts.h"
#include "registry/context.h"

namespace bulkhead::registry {

access::Repository unborn(const oci::RepositoryName& name, std::int64_t namespace_id);
bool is_unborn(const access::Repository& repository);
std::int64_t unborn_id(const oci::RepositoryName& name);

// Makes the repository of that name, or finds it where it has come meanwhile. Blocking.
using MakeRepository = std::function<Result<std::shared_ptr<const access::Repository>>(
    const oci::RepositoryName& name, const Context& context)>;

}  // namespace bulkhead::registry
