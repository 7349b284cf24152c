// Requests on their way in, and errors on their way out, without a server.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "api/endpoint.h"
#include "api/exchange_call.h"
#include "api/exchange_folder.h"
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

class ReplayStoreTest : public testing::Test {
 protected:
  std::unique_ptr<ReplayStore> Open() { return *ReplayStore::Open(path_, clock_); }
  jose::SecureMessageHeader Message(std::string id, std::string sender = "a") {
    return {std::move(sender), "me", clock_.Now(), std::move(id)};
  }
  bool IsRefused(ReplayStore& store, const jose::SecureMessageHeader& message) {
    const Result<void> accepted = store.Accept(message.sender, message.id, message.time);
    return !accepted && accepted.error().code == ErrorCode::kAlreadyExists;
  }
  std::string Line(int number) {
    return fmt::format("{} {:032x}\n", ToUnixMillis(clock_.Now()), number);
  }
  void Write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
  std::size_t CountLines() {
    std::ifstream in(path_);
    return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(in), {}, '\n'));
  }

  const TestFolder folder_;
  const std::string path_ = folder_ / "exchange.seen";
  FakeClock clock_{FromUnixMillis(1'700'000'000'000)};
};

TEST_F(ReplayStoreTest, RemembersAcrossRestartsAndForgetsWhatIsTooOld) {
  ASSERT_TRUE(Open()->Finish(Message("1", "b")));
  auto store = Open();
  EXPECT_TRUE(IsRefused(*store, Message("1", "b")));
  EXPECT_FALSE(IsRefused(*store, Message("1", "a")));
  clock_.Advance(std::chrono::hours(27));
  EXPECT_FALSE(IsRefused(*Open(), Message("1", "b")));
}

TEST_F(ReplayStoreTest, WhatHasNoOutcomeMayComeAgainAndIsKnownAsBegun) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Begin(Message("1")));
    EXPECT_FALSE(IsRefused(*store, Message("1")));
  }
  auto store = Open();
  EXPECT_FALSE(IsRefused(*store, Message("1")));
  EXPECT_TRUE(store->WasBegun(Message("1")));
  EXPECT_FALSE(store->WasBegun(Message("2")));
  ASSERT_TRUE(store->Finish(Message("1")));
  EXPECT_FALSE(store->WasBegun(Message("1")));
  EXPECT_TRUE(IsRefused(*Open(), Message("1")));
  EXPECT_FALSE(Open()->WasBegun(Message("1")));
}

TEST_F(ReplayStoreTest, HasNoLargestNumberOfMessages) {
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += Line(i);
  Write(text);
  EXPECT_TRUE(ReplayStore::Open(path_, clock_));
  EXPECT_EQ(CountLines(), 60'000u);
}

TEST_F(ReplayStoreTest, DropsATornLastLineAndRefusesAnyOther) {
  for (const std::string& torn : {Line(3).substr(0, 20), std::string("17000\n"),
                                  Line(3).substr(0, 40) + "\n", std::string(9, '\0')}) {
    Write(Line(1) + Line(2) + torn);
    EXPECT_TRUE(ReplayStore::Open(path_, clock_)) << torn;
    EXPECT_EQ(CountLines(), 2u);
    Write(Line(1) + torn + "\n" + Line(2));
    const auto opened = ReplayStore::Open(path_, clock_);
    ASSERT_FALSE(opened) << torn;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorruption);
    EXPECT_THAT(opened.error().message, HasSubstr("exchange.seen: line 2 "));
  }
}

TEST_F(ReplayStoreTest, ShrinksWhileItRuns) {
  auto store = Open();
  for (std::size_t i = 0; i < ReplayStore::kPruneLines; ++i) {
    ASSERT_TRUE(store->Finish(Message(std::to_string(i))));
  }
  EXPECT_EQ(CountLines(), ReplayStore::kPruneLines);
  clock_.Advance(std::chrono::hours(27));
  ASSERT_TRUE(store->Finish(Message("new")));
  EXPECT_EQ(CountLines(), 1u);
  EXPECT_FALSE(IsRefused(*store, Message("0")));
  EXPECT_TRUE(IsRefused(*store, Message("new")));
  EXPECT_TRUE(IsRefused(*Open(), Message("new")));
}

TEST_F(ReplayStoreTest, APartOfALineIsNotContinued) {
  auto store = Open();
  ASSERT_TRUE(store->Finish(Message("1")));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{std::filesystem::file_size(path_) + 10, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Result<void> noted = store->Finish(Message("2"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, ignored);
  EXPECT_EQ(noted.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(IsRefused(*store, Message("2")));
  ASSERT_TRUE(store->Finish(Message("3")));
  ASSERT_TRUE(ReplayStore::Open(path_, clock_));
  EXPECT_TRUE(IsRefused(*Open(), Message("1")));
  EXPECT_TRUE(IsRefused(*Open(), Message("3")));
}

TEST(ReasonFileName, FitsForEveryNameAndStaysItsOwn) {
  EXPECT_EQ(ReasonFileName("a.ndjson"), "a.ndjson.reason");
  EXPECT_EQ(ReasonFileName(std::string(243, 'a')), std::string(243, 'a') + ".reason");
  std::string umlauts;
  while (umlauts.size() < 254) umlauts += "\u00e4";
  const std::string cut = ReasonFileName(umlauts);
  EXPECT_LE(cut.size(), 250u);
  // 113 characters of two bytes; then the hash.
  EXPECT_EQ(cut.substr(0, 227), umlauts.substr(0, 226) + "~");
  EXPECT_NE(ReasonFileName(std::string(250, 'a')), ReasonFileName(std::string(251, 'a')));
}

}  // namespace
}  // namespace salus::api
