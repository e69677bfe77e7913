#include "transfer/mapping.h"

#include <gtest/gtest.h>

namespace bulkhead::transfer {
namespace {

TEST(Mappings, AreReadAsTheyAreWritten) {
  Mapping mapping;
  mapping.remarks = {"a remark\nwith a line break"};
  mapping.names = {{"acme", "team"}, {"weird \"name\"", "x"}};
  mapping.organizations = {{.name = "acme",
                            .display_name = "Acme \"Ltd\"",
                            .owners = {"alice"},
                            .teams = {{"developers", "writer", {"bob", "carol"}}},
                            .robots = {{"ci", "reader", "builds\\tests"}, {"idle"}}},
                           {.name = "empty"}};
  const std::string text = render(mapping);
  const auto read = parse_mapping(text);
  ASSERT_TRUE(read) << read.error().message << "\n" << text;
  EXPECT_EQ(read->names.size(), 2u);
  EXPECT_EQ(render(*read), text.substr(text.find("\n[names]")));
}

TEST(Mappings, WrongOnesAreRefusedWithTheirLine) {
  for (const auto& [text, line] :
       {std::pair("[names]\na = 1", "line 2"), std::pair("other = 1", "line 1"),
        std::pair("organizations = 3", "line 1"), std::pair("[[organizations]]\nowners = [1]", "line 2"),
        std::pair("[[organizations]]\nname = \"a\"\n[[organizations.robots]]\nname = \"b\"\nrole = \"owner\"",
                  "line 5"),
        std::pair("\n[[", "line 2")}) {
    const auto read = parse_mapping(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().message.substr(0, 6), line) << read.error().message;
  }
}

}  // namespace
}  // namespace bulkhead::transfer
