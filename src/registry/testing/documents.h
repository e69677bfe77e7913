// Manifests and indexes as clients write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oci/manifest.h"

namespace bulkhead::registry::testing {

inline constexpr std::string_view kConfig = "application/vnd.oci.image.config.v1+json";

// `rest` is appended to the document's members, as in R"("artifactType":"a/b")".
std::string image(const oci::Descriptor& config, const std::vector<oci::Descriptor>& layers,
                  std::string_view rest = "", std::string_view media_type = oci::media_type::kImageManifest);
std::string index(const std::vector<oci::Descriptor>& children, std::string_view rest = "",
                  std::string_view media_type = oci::media_type::kImageIndex);

// "subject":{…}
std::string subject(const oci::Descriptor& descriptor);

// Of a document, as an index or a subject refers to it.
oci::Descriptor describe(std::string_view document,
                         std::string_view media_type = oci::media_type::kImageManifest);

}  // namespace bulkhead::registry::testing
