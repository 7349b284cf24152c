#include "client/fhir_input.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace salus::client {
namespace {

// It comes in small parts, and is never ready: all of it is waited for.
EventInput Slowly(std::string text) {
  EventInput input;
  input.read = [text, at = std::size_t{0}](MutableByteSpan buffer) mutable -> Result<std::size_t> {
    const std::size_t n = std::min({buffer.size(), text.size() - at, std::size_t{11}});
    std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(at), n, buffer.begin());
    at += n;
    return n;
  };
  input.is_ready = [] { return false; };
  return input;
}

std::string All(const EventInput& input) {
  std::string out;
  Bytes buffer(7);
  while (true) {
    const std::size_t n = input.read(buffer).value();
    if (n == 0) return out;
    out += AsText(ByteSpan(buffer).first(n));
  }
}

TEST(FhirInputTest, ALineThatIsWholeWithOthersBehindItMakesLines) {
  FhirInput input = FhirInput::Open(Slowly("{}\n\n{\"a\":1}\nrubbish"), {.lines = 3}).value();
  EXPECT_FALSE(input.body().has_value());
  auto batch = input.Next().value();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->text, "{}\n\n{\"a\":1}\n");
  batch = input.Next().value();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->text, "rubbish\n");
  EXPECT_EQ(batch->first_line, 4u);
  EXPECT_FALSE(input.Next().value().has_value());
}

TEST(FhirInputTest, WhatElseThereIsIsOneBody) {
  for (const std::string text : {"{\n  \"a\": 1\n}\n", "{\"a\":1}\n", "rubbish\nmore\n"}) {
    FhirInput input = FhirInput::Open(Slowly(text), {.lines = 2}).value();
    EXPECT_EQ(input.body(), text);
    EXPECT_FALSE(input.Next().value().has_value());
  }
  EXPECT_EQ(FhirInput::Open(Slowly(""), {}).value().body(), "");
}

TEST(FhirInputTest, ABundleBecomesLinesByTheNumbersOfItsEntries) {
  const std::string bundle = R"({"resourceType":"Bundle","type":"collection","entry":[
    {"resource":{"resourceType":"AuditEvent",
      "id":"a\nb"}},
    {"fullUrl":"urn:nothing"},
    {"resource":{"resourceType":"AuditEvent","id":"c"}}]})";
  EXPECT_EQ(All(FhirLines(Slowly(bundle)).value()),
            "{\"resourceType\":\"AuditEvent\",       \"id\":\"a\\nb\"}\n"
            "{}\n"
            "{\"resourceType\":\"AuditEvent\",\"id\":\"c\"}\n");
  EXPECT_EQ(All(FhirLines(Slowly("{\"x\":1}\n{\"y\":2}\n")).value()), "{\"x\":1}\n{\"y\":2}\n");
  EXPECT_EQ(FhirLines(Slowly("rubbish\n")).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace salus::client
