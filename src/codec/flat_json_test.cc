#include "codec/flat_json.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "codec/json.h"

namespace salus::codec {
namespace {

namespace fs = std::filesystem;

struct Seen {
  std::size_t number;
  std::string text;
  std::string error;  // empty where the line was good
  std::vector<std::pair<std::string, std::string>> members;
};

std::vector<Seen> Lines(std::string_view buffer, FlatJsonParser& parser) {
  std::vector<Seen> seen;
  parser.ParseLines(buffer, [&](std::size_t number, std::string_view line,
                                Result<FlatJsonParser::Members> members) {
    Seen one{number, std::string(line), members ? "" : members.error().message, {}};
    if (members) {
      for (const FlatMember& m : *members) one.members.emplace_back(m.name, m.text);
    }
    seen.push_back(std::move(one));
  });
  return seen;
}

std::vector<Seen> Lines(std::string_view buffer) {
  FlatJsonParser parser;
  return Lines(buffer, parser);
}

TEST(FlatJsonTest, ReadsEveryKind) {
  FlatJsonParser parser;
  const std::string_view line =
      R"( {"s":"text","n":-12,"d":1.5e3 ,"t" : true,"f":false,"z":null,"o":{"a":[1,{}]},"a":[ ]} )";
  const auto members = parser.Parse(line).value();
  const std::pair<FlatKind, const char*> expected[] = {{FlatKind::kString, "text"},
                                                       {FlatKind::kNumber, "-12"},
                                                       {FlatKind::kNumber, "1.5e3"},
                                                       {FlatKind::kTrue, ""},
                                                       {FlatKind::kFalse, ""},
                                                       {FlatKind::kNull, ""},
                                                       {FlatKind::kNested, R"({"a":[1,{}]})"},
                                                       {FlatKind::kNested, "[ ]"}};
  ASSERT_EQ(members.size(), std::size(expected));
  for (std::size_t i = 0; i < members.size(); ++i) {
    EXPECT_EQ(members[i].kind, expected[i].first) << i;
    EXPECT_EQ(members[i].text, expected[i].second) << i;
  }
  EXPECT_EQ(line.substr(members[1].offset, 3), "-12");
  EXPECT_EQ(FindMember(members, "d"), &members[2]);
  EXPECT_EQ(FindMember(members, "x"), nullptr);
  EXPECT_TRUE(parser.Parse("{}").value().empty());
}

TEST(FlatJsonTest, UnescapesNamesAndValues) {
  FlatJsonParser parser;
  const auto members =
      parser.Parse(R"({"\u0061\n":"\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00","b":"plain"})")
          .value();
  EXPECT_EQ(members[0].name, "a\n");
  EXPECT_EQ(members[0].text, "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(members[1].text, "plain");
}

TEST(FlatJsonTest, RefusesWithTheOffset) {
  FlatJsonParser parser;
  const std::pair<const char*, const char*> cases[] = {
      {R"({"a":1,"a":2})", "json: byte 7: duplicate member name"},
      {R"({"a":1,"\u0061":2})", "json: byte 7: duplicate member name"},
      {R"({"a":01})", "json: byte 5: not a value"},
      {R"({"a":"\x"})", "json: byte 5: bad escape in a string"},
      {R"({"a":"\ud800"})", "json: byte 5: bad escape in a string"},
      {R"({"a":1}})", "json: byte 7: something follows the object"},
      {R"([1])", "json: byte 0: not an object"},
      {R"({"a" 1})", "json: byte 1: no colon behind a name"},
      {R"({"a":1,})", "json: byte 7: expected a member name"},
      {R"({"a":1 "b":2})", "json: byte 7: expected a comma or the object's end"},
      {"", "json: byte 0: no object"},
      {"{\"a\":\"\xff\"}", "json: byte 6: not UTF-8"},
      {"{\"a\":\"\x01\"}", "json: byte 6: a control character in a string"},
      {"{\"\xc3\xa9\xe2\x82\xac\":\"\xe2\x82\"}", "json: byte 10: not UTF-8"},
      {"{\"a\":\"\\\"\n\"}", "json: byte 8: a control character in a string"},
      {"{\"a\":\"b\",\"c\":\"\\\"}", "json: byte 13: a string is not closed"},
      {"{\"a\":\"", "json: byte 5: a string is not closed"},
  };
  for (const auto& [line, message] : cases) {
    const auto parsed = parser.Parse(line);
    ASSERT_FALSE(parsed) << line;
    EXPECT_EQ(parsed.error().message, message) << line;
  }
}

TEST(FlatJsonTest, NumbersAreRefusedWhereParseJsonRefusesThem) {
  FlatJsonParser parser;
  for (const char* number : {"999999999999999999", "9223372036854775808", "18446744073709551615",
                             "-9223372036854775808", "1e308", "-0", "0.0"}) {
    const std::string line = "{\"n\":" + std::string(number) + "}";
    ASSERT_TRUE(parser.Parse(line)) << number;
    EXPECT_EQ(parser.Parse(line).value()[0].text, number);
  }
  for (const char* number : {"18446744073709551616", "-9223372036854775809", "99999999999999999999",
                             "1e400", "1e-400"}) {
    EXPECT_FALSE(parser.Parse("{\"n\":" + std::string(number) + "}")) << number;
  }
}

TEST(FlatJsonTest, EveryPrefixOfALineIsRefused) {
  FlatJsonParser parser;
  const std::string line = R"({"a":"x\n","b":[1,{"c":null}],"d":-1.5e-3,"e":true})";
  ASSERT_TRUE(parser.Parse(line));
  for (std::size_t n = 0; n < line.size(); ++n) {
    // A copy of its own, so that a sanitizer sees a read behind the end.
    const std::vector<char> prefix(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_FALSE(parser.Parse({prefix.data(), prefix.size()})) << n;
  }
}

TEST(FlatJsonTest, Limits) {
  FlatJsonParser parser;
  const auto object_of = [](std::size_t n) {
    std::string line = "{";
    for (std::size_t i = 0; i < n; ++i) line += (i ? ",\"m" : "\"m") + std::to_string(i) + "\":0";
    return line + "}";
  };
  EXPECT_EQ(parser.Parse(object_of(64)).value().size(), 64u);
  EXPECT_FALSE(parser.Parse(object_of(65)));
  const auto line_of = [](std::size_t size) {
    return "{\"a\":\"" + std::string(size - 8, 'x') + "\"}";
  };
  EXPECT_TRUE(parser.Parse(line_of(FlatJsonParser::kMaxLineBytes)));
  EXPECT_FALSE(parser.Parse(line_of(FlatJsonParser::kMaxLineBytes + 1)));
  const auto nested = [](std::size_t n) {
    return "{\"a\":" + std::string(n, '[') + std::string(n, ']') + "}";
  };
  EXPECT_TRUE(parser.Parse(nested(31)));
  EXPECT_FALSE(parser.Parse(nested(32)));
}

TEST(FlatJsonLinesTest, AMalformedLineTouchesNoOther) {
  for (const char* bad :
       {"{\"a\":", "{\"a\":\"", "\"", "}", "[1]", "{\"a\":\"\xff\"}", "\\", "{\"a\":1}{", "nul",
        "{\"a\":\"\x02\"}", "{\"a\":tru}", "\\\"", "{\"a\":[}"}) {
    const std::string buffer =
        "{\"x\":1}\n" + std::string(bad) + "\n{\"y\":\"2\"}\r\n\n  \n{\"z\":3}";
    const auto seen = Lines(buffer);
    ASSERT_EQ(seen.size(), 4u) << bad;
    EXPECT_EQ(seen[0].error, "") << bad;
    EXPECT_NE(seen[1].error, "") << bad;
    EXPECT_EQ(seen[1].number, 2u);
    EXPECT_EQ(seen[1].text, bad);
    EXPECT_EQ(seen[2].error, "") << bad;
    EXPECT_EQ(seen[2].text, "{\"y\":\"2\"}");
    EXPECT_EQ(seen[3].number, 6u);
    EXPECT_EQ(seen[3].members, (std::vector<std::pair<std::string, std::string>>{{"z", "3"}}));
  }
}

TEST(FlatJsonLinesTest, AnObjectOverTwoLinesIsTwoBadLines) {
  const auto seen = Lines("{\"a\":\n1}\n{\"b\":2}\n");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_NE(seen[0].error, "");
  EXPECT_NE(seen[1].error, "");
  EXPECT_EQ(seen[2].error, "");
}

TEST(FlatJsonLinesTest, WindowsAndLongLines) {
  FlatJsonParser parser;
  std::string buffer;
  std::vector<bool> good;
  for (int i = 0; i < 4000; ++i) {
    // Line lengths run over all remainders of the window; some lines are longer than a window.
    const std::size_t size = i % 400 == 399  ? 300'000
                             : i % 100 == 50 ? FlatJsonParser::kMaxLineBytes + 1
                                             : 10 + static_cast<std::size_t>(i * 7 % 501);
    good.push_back(size <= FlatJsonParser::kMaxLineBytes && i % 97 != 0);
    buffer += "{\"a\":\"" + std::string(size - 8, 'x') + (i % 97 == 0 ? "\xff" : "") + "\"}\n";
  }
  for (int round = 0; round < 2; ++round) {
    const auto seen = Lines(buffer, parser);
    ASSERT_EQ(seen.size(), good.size());
    for (std::size_t i = 0; i < good.size(); ++i) {
      ASSERT_EQ(seen[i].error.empty(), good[i]) << i << seen[i].error;
      ASSERT_EQ(seen[i].number, i + 1);
    }
  }
  EXPECT_TRUE(Lines("", parser).empty());
  EXPECT_TRUE(Lines("\n\n \r\n\t", parser).empty());
}

// Whatever JSONTestSuite has, put in as a member's value: FlatJsonParser and ParseJson say the
// same.
TEST(FlatJsonConformanceTest, AgreesWithParseJsonOnJsonTestSuite) {
  const char* const set = std::getenv("SALUS_VECTORS");
  const fs::path folder =
      fs::path(set != nullptr ? set : SALUS_VECTORS_DEFAULT) / "parsers/json/test_parsing";
  if (!fs::exists(folder)) GTEST_SKIP() << "skipped: vectors not found";
  FlatJsonParser parser;
  int compared = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string value{std::istreambuf_iterator<char>(in), {}};
    for (const std::string& text : {"{\"v\":" + value + "}", value, "{\"v\":0," + value + "}"}) {
      if (text.size() > FlatJsonParser::kMaxLineBytes) continue;
      const auto tree = ParseJson(text);
      ASSERT_EQ(parser.Parse(text).has_value(), tree && tree->is_object()) << entry.path();
      ++compared;
    }
  }
  EXPECT_GT(compared, 900);
}

}  // namespace
}  // namespace salus::codec
