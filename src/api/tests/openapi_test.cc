#include "api/management/openapi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "api/management/router.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;

// Every "$ref" in the document.
void references(const json::value& value, std::set<std::string>& into) {
  if (value.is_array())
    for (const json::value& entry : value.as_array()) references(entry, into);
  if (!value.is_object()) return;
  for (const auto& [key, member] : value.as_object()) {
    if (key == "$ref") into.emplace(member.as_string());
    references(member, into);
  }
}

TEST(Document, IsTheSameEachTime) {
  EXPECT_EQ(json::serialize(render_openapi(all_operations())),
            json::serialize(render_openapi(all_operations())));
}

TEST(Document, HoldsEveryOperationOnce) {
  const json::object document = render_openapi(all_operations());
  std::set<std::string> ids;
  for (const auto& [path, item] : document.at("paths").as_object())
    for (const auto& [method, operation] : item.as_object())
      EXPECT_TRUE(ids.emplace(operation.at("operationId").as_string()).second) << path << method;
  EXPECT_EQ(ids.size(), all_operations().size());
}

TEST(Document, ResolvesItsReferences) {
  const json::object document = render_openapi(all_operations());
  std::set<std::string> used;
  references(document, used);
  const json::object& schemas = document.at("components").at("schemas").as_object();
  for (const std::string& reference : used) {
    const std::string_view name =
        std::string_view(reference).substr(std::string_view("#/components/schemas/").size());
    EXPECT_TRUE(schemas.contains(name)) << reference;
  }
  EXPECT_EQ(used.size(), schemas.size());
}

TEST(Operations, AreWhole) {
  const Router router(all_operations());
  for (const Operation* operation : all_operations()) {
    SCOPED_TRACE(operation->id);
    EXPECT_NE(operation->handler, nullptr);
    EXPECT_FALSE(operation->tag.empty());
    EXPECT_FALSE(operation->summary.empty());
    EXPECT_EQ(operation->response == nullptr, operation->status == 204);
    EXPECT_EQ(operation->creates && operation->status != 201, false);
    if (operation->creates) {
      EXPECT_EQ(operation->method, http::Method::post);
    }
    if (operation->method == http::Method::get) {
      EXPECT_EQ(operation->request, nullptr);
    }
    std::string path(operation->path);
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{')) {
      const std::string name = path.substr(at + 1, path.find('}') - at - 1);
      EXPECT_NE(path_parameter(name), nullptr) << name;
      path.replace(at, name.size() + 2, "1");
    }
    const auto found = router.match(operation->method, path);
    ASSERT_TRUE(std::holds_alternative<Router::Match>(found)) << path;
    EXPECT_EQ(std::get<Router::Match>(found).operation, operation);
    if (operation->if_match != IfMatch::unused) {
      EXPECT_NE(std::get<Router::Match>(found).reading, nullptr);
    }
  }
}

// What takes a secret or gives one out must not be kept by anything between.
TEST(Operations, ThatShowSecretsAreNotStored) {
  const auto shows_secret = [](const Schema& schema) {
    return std::ranges::any_of(schema.fields, [](const Field& field) { return field.name == "secret"; });
  };
  for (const Operation* operation : all_operations())
    if (operation->response != nullptr && shows_secret(*operation->response)) {
      EXPECT_TRUE(operation->secret) << operation->id;
    }
}

}  // namespace
}  // namespace bulkhead::api::management
