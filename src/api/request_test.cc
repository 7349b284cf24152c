// Requests on their way in, and errors on their way out, without a server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/endpoint.h"
#include "api/exchange_call.h"
#include "api/handlers.h"
#include "api/ingest_answer.h"
#include "api/json_body.h"
#include "api/replay_store.h"
#include "base/test_folder.h"

namespace salus::api {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StatusOf, EveryCodeHasTheStatusThatHttpMeans) {
  EXPECT_EQ(StatusOf(ErrorCode::kInvalidArgument), 400);
  EXPECT_EQ(StatusOf(ErrorCode::kUnauthenticated), 401);
  EXPECT_EQ(StatusOf(ErrorCode::kPermissionDenied), 403);
  EXPECT_EQ(StatusOf(ErrorCode::kNotFound), 404);
  EXPECT_EQ(StatusOf(ErrorCode::kConflict), 409);
  EXPECT_EQ(StatusOf(ErrorCode::kResourceExhausted), 507);
  EXPECT_EQ(StatusOf(ErrorCode::kUnavailable), 503);
  EXPECT_EQ(StatusOf(ErrorCode::kInternal), 500);
}

TEST(ErrorResponse, AForbiddenIsTheSameWhateverItsMessage) {
  for (const ErrorShape shape : {ErrorShape::kProblem, ErrorShape::kOutcome}) {
    const http::Response response = ErrorResponse(PermissionDenied("patient 7 exists"), shape);
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(response.body, "not permitted");
  }
}

TEST(ErrorResponse, WhatTheOperatorMustMendStaysInside) {
  const http::Response response =
      ErrorResponse(Corruption("/var/lib/salus/log is broken"), ErrorShape::kProblem);
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, Not(HasSubstr("/var")));
}

TEST(ErrorResponse, FhirGetsAnOperationOutcome) {
  const http::Response response = ErrorResponse(Conflict("the same id"), ErrorShape::kOutcome);
  const codec::JsonObject outcome = codec::ParseJson(response.body)->as_object();
  EXPECT_EQ(outcome.at("resourceType").as_string(), "OperationOutcome");
  const codec::JsonObject issue = outcome.at("issue").as_array().at(0).as_object();
  EXPECT_EQ(issue.at("code").as_string(), "conflict");
  EXPECT_EQ(issue.at("severity").as_string(), "error");
}

TEST(ReadJsonBody, RefusesWhatItDoesNotKnowWithoutRepeatingIt) {
  EXPECT_TRUE(ReadJsonBody(AsBytes(R"({"a":1})"), {"a", "b"}));
  for (const std::string_view bad :
       {R"({"a":1,"canary":2})", R"({"a":1,"a":2})", "[]", "", "{", R"({"a":1} x)"}) {
    const auto result = ReadJsonBody(AsBytes(bad), {"a", "b"});
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(result.error().message, Not(HasSubstr("canary")));
  }
}

TEST(ReadCount, TakesWholeNumbersOnly) {
  EXPECT_EQ(*ReadCount(*http::Query::Parse("after=17"), "after"), 17u);
  EXPECT_EQ(*ReadCount(*http::Query::Parse(""), "after"), 0u);
  for (const char* bad : {"after=-1", "after=1.5", "after=", "after=99999999999999999999",
                          "after=%2B1", "after=1%20"}) {
    EXPECT_FALSE(ReadCount(*http::Query::Parse(bad), "after")) << bad;
  }
}

TEST(CheckQuery, RefusesUnknownAndRepeatedParameters) {
  const Endpoint endpoint{
      .pattern = "/x", .name = "x", .summary = "", .entry = "", .parameters = {"from", "to"}};
  EXPECT_TRUE(CheckQuery(endpoint, *http::Query::Parse("from=1&to=2")));
  EXPECT_FALSE(CheckQuery(endpoint, *http::Query::Parse("form=1")));
  EXPECT_FALSE(CheckQuery(endpoint, *http::Query::Parse("from=1&from=2")));
}

TEST(Endpoints, EachIsWholeAndItsNameItsOwn) {
  std::set<std::string> names;
  for (const Endpoint& endpoint : Endpoints()) {
    EXPECT_TRUE(names.insert(endpoint.name).second) << endpoint.name;
    EXPECT_NE(endpoint.answer, nullptr) << endpoint.name;
    EXPECT_FALSE(endpoint.entry.empty()) << endpoint.name;
    EXPECT_EQ(endpoint.body_limit_bytes > 0, !endpoint.content_types.empty()) << endpoint.name;
    // What is not for everybody is behind the door that wants a certificate.
    EXPECT_TRUE(endpoint.roles.empty() || endpoint.door == Door::kMachine) << endpoint.name;
  }
}

TEST(RefusedLine, NamesTheMember) {
  const codec::JsonObject line = RefusedLine(3, InvalidArgument("time: is before 1970"));
  EXPECT_EQ(line.at("line").to_number<int>(), 3);
  EXPECT_EQ(line.at("member").as_string(), "time");
  EXPECT_EQ(line.at("detail").as_string(), "is before 1970");
  EXPECT_FALSE(RefusedLine(1, InvalidArgument("byte 7: no comma")).contains("member"));
}

TEST(ExchangeCall, IsReadStrictly) {
  const auto call = ExchangeCall::Parse(
      AsBytes(R"({"method":"POST","path":"/a","query":"b=1","content_type":"c/d","body":"_-8"})"));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->body, (Bytes{0xff, 0xef}));
  for (const char* bad :
       {R"({"method":"post","path":"/a","query":"","content_type":"","body":""})",
        R"({"method":"GET","path":"/a","query":"","content_type":"","body":"/+8="})",
        R"({"method":"GET","path":"/a","query":"","content_type":"","body":"","role":"x"})",
        R"({"method":"GET","path":"/a"})"}) {
    EXPECT_FALSE(ExchangeCall::Parse(AsBytes(bad))) << bad;
  }
}

TEST(ReplayStore, RemembersAcrossRestartsAndForgetsWhatIsTooOld) {
  const TestFolder folder;
  const std::string path = folder / "exchange.seen";
  FakeClock clock(FromUnixMillis(1'700'000'000'000));
  {
    auto store = *ReplayStore::Open(path, clock);
    EXPECT_TRUE(store->Accept("a", "1", clock.Now()));
    EXPECT_TRUE(store->Accept("b", "1", clock.Now()));
    EXPECT_EQ(store->Accept("a", "1", clock.Now()).error().code, ErrorCode::kAlreadyExists);
  }
  {
    auto store = *ReplayStore::Open(path, clock);
    EXPECT_EQ(store->Accept("b", "1", clock.Now()).error().code, ErrorCode::kAlreadyExists);
  }
  clock.Advance(std::chrono::hours(27));
  EXPECT_TRUE((*ReplayStore::Open(path, clock))->Accept("b", "1", clock.Now()));
}

}  // namespace
}  // namespace salus::api
