#include "codec/json_slice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/json.h"

namespace salus::codec {
namespace {

using testing::ElementsAre;

TEST(JsonSliceTest, MembersAreTheBytesAsTheyStand) {
  const auto members =
      JsonMembers(R"( { "a" : 1.50 , "b":[ 1, 2 ],"c":"x\"}," , "\u0064":{"e":[{}]} , "":null } )");
  ASSERT_EQ(members.size(), 5u);
  EXPECT_EQ(members[0].name, "a");
  EXPECT_EQ(members[0].value, "1.50");
  EXPECT_EQ(members[1].value, "[ 1, 2 ]");
  EXPECT_EQ(members[2].value, R"("x\"},")");
  EXPECT_EQ(members[3].name, "d");
  EXPECT_EQ(members[3].value, R"({"e":[{}]})");
  EXPECT_EQ(members[4].name, "");
  EXPECT_EQ(members[4].value, "null");
}

TEST(JsonSliceTest, ElementsAreTheBytesAsTheyStand) {
  EXPECT_THAT(JsonElements(R"([ {"a" : "]"} ,-1e3,"\\",[ ], true ])"),
              ElementsAre(R"({"a" : "]"})", "-1e3", R"("\\")", "[ ]", "true"));
  EXPECT_TRUE(JsonElements("[ ]").empty());
  EXPECT_TRUE(JsonMembers(" {}").empty());
  EXPECT_TRUE(JsonElements("{}").empty());
  EXPECT_TRUE(JsonMembers("[1]").empty());
}

TEST(JsonSliceTest, ATextThatIsNoJsonEndsWhereItEnds) {
  for (const char* text :
       {"", "[", "[\"", "[\"\\", "{\"a", "{\"a\":", "[[[", "{\"a\":{", "[1,", "]"}) {
    JsonElements(text);
    JsonMembers(text);
  }
}

}  // namespace
}  // namespace salus::codec
