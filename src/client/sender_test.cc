#include "client/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <set>

#include "base/test_folder.h"
#include "client/send_journal.h"
#include "client/test_log.h"
#include "http/server.h"

namespace salus::client {
namespace {

using ::testing::HasSubstr;

EventInput TextInput(std::string text) {
  auto left = std::make_shared<std::string>(std::move(text));
  EventInput input;
  input.read = [left](MutableByteSpan buffer) -> Result<std::size_t> {
    const std::size_t n = std::min(buffer.size(), left->size());
    std::memcpy(buffer.data(), left->data(), n);
    left->erase(0, n);
    return n;
  };
  return input;
}

std::string Lines(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) {
    text += EventLine("e" + std::to_string(i), "p" + std::to_string(i % 3));
  }
  return text;
}

// A transport over a TestLog, which fails when it is told to.
class SenderTest : public ::testing::Test {
 protected:
  class Line final : public Transport {
   public:
    explicit Line(SenderTest& test) : test_(test) {}
    Result<CallAnswer> Send(const Call& call) override {
      const std::lock_guard lock(test_.mutex_);
      if (call.path.starts_with("/audit/v1/entries/")) {
        codec::JsonObject entry;
        entry["entry"] = codec::Base64UrlEncode(
            test_.log_.entries()[std::stoul(call.path.substr(strlen("/audit/v1/entries/")))]);
        return CallAnswer{200, "application/json", codec::WriteJson(entry)};
      }
      ++test_.requests_;
      std::string answer = test_.log_.Answer(call.body, "ehr", test_.lies_);
      // What breaks breaks behind the commit: the worst case.
      if (test_.breaks_ > 0) {
        --test_.breaks_;
        return Unavailable("broken");
      }
      if (test_.status_ != 200) return CallAnswer{test_.status_, "text/plain", "no"};
      return CallAnswer{200, "application/x-ndjson", std::move(answer)};
    }
    std::string where() const override { return "test"; }

   private:
    SenderTest& test_;
  };

  SenderTest() {
    options_.lines_per_request = 10;
    options_.connections = 3;
    options_.wait = [this](std::chrono::milliseconds time) {
      const std::lock_guard lock(mutex_);
      waits_.push_back(time.count());
    };
    options_.answered = [this](const SentLine& line) -> Result<void> {
      EXPECT_GT(line.line, last_line_);
      last_line_ = line.line;
      if (line.refusal == nullptr) {
        EXPECT_TRUE(ids_.insert(std::string(line.event_id)).second);
        EXPECT_THAT(line.text, HasSubstr(std::string("\"") + std::string(line.event_id) + "\""));
      } else {
        refused_.push_back(line.line);
      }
      return {};
    };
    options_.receipted = [this](const KeptReceipt& receipt) -> Result<void> {
      EXPECT_TRUE(receipt.Verify(log_.pinned().origin, log_.pinned().receipt_vkey).has_value());
      const auto parsed = KeptReceipt::Parse(receipt.ToLine());
      EXPECT_TRUE(parsed && parsed->ToLine() == receipt.ToLine());
      return {};
    };
  }

  Result<void> Send(const std::string& text) {
    Sender sender(
        log_.pinned(), "ehr",
        [this]() -> Result<std::unique_ptr<Transport>> { return std::make_unique<Line>(*this); },
        random_);
    last_line_ = 0;
    ids_.clear();
    report_ = {};
    return sender.Send(TextInput(text), options_, report_);
  }

  TestFolder folder_;
  TestLog log_;
  SystemRandom random_;
  SendOptions options_;
  SendReport report_;
  std::mutex mutex_;
  Lies lies_;
  int status_ = 200;
  int breaks_ = 0;
  int requests_ = 0;
  std::uint64_t last_line_ = 0;
  std::set<std::string> ids_;
  std::vector<std::uint64_t> refused_;
  std::vector<std::int64_t> waits_;
};

TEST_F(SenderTest, SendsAllInOrder) {
  ASSERT_TRUE(Send(Lines(95)).has_value());
  EXPECT_EQ(report_.logged, 95u);
  EXPECT_EQ(ids_.size(), 95u);
  EXPECT_EQ(requests_, 10);
  EXPECT_EQ(report_.receipts, 10u);
  EXPECT_EQ(report_.unopened, 0u);
}

TEST_F(SenderTest, CountsRefusedLinesByTheInputsNumbers) {
  std::string text = Lines(14) + "{broken\n\n" + EventLine("x", "p1") + "{}";
  const auto sent = Send(text);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_EQ(report_.logged, 15u);
  EXPECT_EQ(report_.refused, 2u);
  EXPECT_EQ(refused_, (std::vector<std::uint64_t>{15, 18}));
}

TEST_F(SenderTest, GoesOnBehindABrokenConnectionAndLooksIntoTheRepeats) {
  breaks_ = 2;
  options_.connections = 1;
  ASSERT_TRUE(Send(Lines(25)).has_value());
  EXPECT_EQ(report_.logged + report_.repeats, 25u);
  EXPECT_EQ(report_.repeats, 10u);
  EXPECT_EQ(report_.unopened, 0u);
  EXPECT_EQ(report_.retries, 2u);
  EXPECT_EQ(waits_, (std::vector<std::int64_t>{250, 500}));
  EXPECT_EQ(log_.entries().size(), 25u);
}

TEST_F(SenderTest, GivesUpAndResumesByItsJournal) {
  options_.journal = folder_ / "journal";
  options_.connections = 1;
  options_.attempts = 3;
  ASSERT_TRUE(Send(Lines(20)).has_value());
  const int before = requests_;
  breaks_ = 3;
  const auto broken = Send(Lines(40));
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(report_.skipped, 20u);
  const auto resumed = Send(Lines(40));
  ASSERT_TRUE(resumed.has_value()) << resumed.error().message;
  EXPECT_EQ(report_.skipped, 20u);
  EXPECT_EQ(report_.repeats, 10u);
  EXPECT_EQ(report_.logged, 10u);
  EXPECT_GT(requests_, before);
  // All of it is noted now, and nothing is sent.
  const int done = requests_;
  ASSERT_TRUE(Send(Lines(40)).has_value());
  EXPECT_EQ(requests_, done);
  EXPECT_EQ(report_.skipped, 40u);
}

TEST_F(SenderTest, LooksIntoTheRepeatsOfARunThatBrokeOff) {
  TestFolder folder;
  options_.journal = folder / "journal";
  options_.attempts = 1;
  options_.connections = 1;
  breaks_ = 1;  // behind the commit
  EXPECT_FALSE(Send(Lines(10)).has_value());
  last_line_ = 0;
  report_ = {};
  ASSERT_TRUE(Send(Lines(10)).has_value());
  EXPECT_EQ(report_.repeats, 10u);
  EXPECT_EQ(report_.unopened, 0u);
  last_line_ = 0;
  report_ = {};
  options_.journal.clear();
  ASSERT_TRUE(Send(Lines(10)).has_value());
  EXPECT_EQ(report_.unopened, 10u);
}

TEST_F(SenderTest, FlushesBeforeABatchIsNoted) {
  TestFolder folder;
  options_.journal = folder / "journal";
  std::uintmax_t noted = 0;
  int flushes = 0;
  options_.flush = [&]() -> Result<void> {
    EXPECT_EQ(std::filesystem::file_size(options_.journal), noted);
    ++flushes;
    return flushes == 2 ? Result<void>(ResourceExhausted("full")) : Result<void>();
  };
  options_.connections = 1;
  options_.receipted = [&](const KeptReceipt&) -> Result<void> {
    noted = std::filesystem::file_size(options_.journal);
    return {};
  };
  EXPECT_EQ(Send(Lines(20)).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(flushes, 2);
  // The second batch is not noted: its receipts may be lost.
  EXPECT_EQ(std::filesystem::file_size(options_.journal), noted);
}

TEST_F(SenderTest, AJournalOfAnotherInputSkipsNothing) {
  options_.journal = folder_ / "journal";
  ASSERT_TRUE(Send(Lines(20)).has_value());
  ASSERT_TRUE(Send(EventLine("other", "p1") + Lines(20)).has_value());
  EXPECT_EQ(report_.skipped, 0u);
  EXPECT_EQ(report_.logged, 1u);
}

TEST_F(SenderTest, StopsAtALieAndNamesTheLine) {
  options_.connections = 1;
  ASSERT_TRUE(Send(Lines(10)).has_value());
  lies_.seals_other_event = true;
  const auto sent = Send(Lines(10) + EventLine("f1", "p1"));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, ErrorCode::kVerificationFailed);
  EXPECT_THAT(sent.error().message, HasSubstr("line 11: "));
  EXPECT_TRUE(waits_.empty());
}

TEST_F(SenderTest, DoesNotRetryWhatItHasNoRightTo) {
  status_ = 403;
  const auto sent = Send(Lines(3));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(requests_, 1);
}

TEST_F(SenderTest, WaitsWhileTheDiskIsFull) {
  status_ = 507;
  options_.attempts = 4;
  const auto sent = Send(Lines(3));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(waits_, (std::vector<std::int64_t>{250, 500, 1000}));
}

// Over real HTTP: the server cuts the first answers in half.
TEST_F(SenderTest, SurvivesCutAnswers) {
  std::atomic<int> cuts = 3;
  const auto handler = [&](std::shared_ptr<http::Exchange> exchange) {
    const auto body = exchange->ReadWholeBody(1 << 20);
    ASSERT_TRUE(body.has_value());
    std::string answer;
    {
      const std::lock_guard lock(mutex_);
      answer = log_.Answer(AsText(*body), "ehr");
    }
    exchange->BeginResponse(200, {{"Content-Type", "application/x-ndjson"}});
    const bool is_cut = cuts-- > 0;
    const std::size_t size = is_cut ? answer.size() / 2 : answer.size();
    EXPECT_TRUE(exchange->Write(AsBytes(answer).first(size)).has_value());
    if (!is_cut) exchange->Finish();
  };
  const auto entry = [&](std::shared_ptr<http::Exchange> exchange) {
    const std::lock_guard lock(mutex_);
    codec::JsonObject json;
    const auto index = std::stoul(exchange->request().Parameter("index"));
    json["entry"] = codec::Base64UrlEncode(log_.entries()[index]);
    exchange->Respond(http::Response::Json(200, codec::WriteJson(json)));
  };
  std::vector<http::Route> routes;
  http::Route events;
  events.method = http::Method::kPost;
  events.pattern = "/audit/v1/events";
  events.handler = handler;
  events.body_limit_bytes = 1 << 20;
  http::Route entries;
  entries.pattern = "/audit/v1/entries/{index}";
  entries.handler = entry;
  routes.push_back(std::move(events));
  routes.push_back(std::move(entries));
  http::ServerOptions server_options;
  server_options.listeners.resize(1);
  server_options.listeners[0].router =
      std::make_shared<http::Router>(http::Router::Create(std::move(routes)).value());
  const auto server = http::Server::Start(std::move(server_options)).value();
  const std::string url = "http://127.0.0.1:" + std::to_string(server->port());
  Sender sender(
      log_.pinned(), "ehr",
      [&] {
        http::ClientOptions options;
        options.base_url = url;
        return HttpsTransport::Create(std::move(options));
      },
      random_);
  const auto sent = sender.Send(TextInput(Lines(50)), options_, report_);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
  EXPECT_EQ(report_.logged + report_.repeats, 50u);
  EXPECT_EQ(report_.retries, 3u);
  EXPECT_EQ(report_.unopened, 0u);
  EXPECT_EQ(log_.entries().size(), 50u);
}

TEST_F(SenderTest, TellsAgainWhatAnEarlierRunRefused) {
  options_.journal = folder_ / "journal";
  const std::string text = Lines(14) + "{broken\n" + EventLine("x", "p1");
  ASSERT_TRUE(Send(text).has_value());
  EXPECT_EQ(refused_, (std::vector<std::uint64_t>{15}));
  refused_.clear();
  const auto answered = options_.answered;
  options_.answered = [&](const SentLine& line) {
    EXPECT_TRUE(line.was_earlier);
    return answered(line);
  };
  ASSERT_TRUE(Send(text).has_value());
  EXPECT_EQ(refused_, (std::vector<std::uint64_t>{15}));
  EXPECT_EQ(report_.refused, 1u);
  EXPECT_EQ(report_.skipped, 15u);
}

const JournalScope kScope{"o+vkey", "s", ""};

TEST(SendJournalTest, EveryInputHasAPlaceOfItsOwn) {
  TestFolder folder;
  ASSERT_EQ(::setenv("XDG_STATE_HOME", folder.path().c_str(), 1), 0);
  const auto path = SendJournal::PathOf(kScope, "a.ndjson").value();
  EXPECT_TRUE(path.string().starts_with((folder / "salus").string()));
  EXPECT_EQ(SendJournal::PathOf(kScope, "a.ndjson").value(), path);
  for (const auto& other : {SendJournal::PathOf(kScope, "b.ndjson"),
                            SendJournal::PathOf({"o+other", "s", ""}, "a.ndjson"),
                            SendJournal::PathOf({"o+vkey", "t", ""}, "a.ndjson"),
                            SendJournal::PathOf({"o+vkey", "s", "receipts"}, "a.ndjson")}) {
    EXPECT_NE(other.value(), path);
  }
  EXPECT_FALSE(SendJournal::Open(path, kScope).value().is_resumed());
  EXPECT_TRUE(SendJournal::Open(path, kScope).value().is_resumed());
}

TEST(SendJournalTest, OfAnotherLogSourceOrReceiptsIsRefused) {
  TestFolder folder;
  const auto path = folder / "journal";
  ASSERT_TRUE(SendJournal::Open(path, kScope).value().Add(1, 2, "batch", {}).has_value());
  for (const JournalScope& other :
       {JournalScope{"o+other", "s", ""}, JournalScope{"o+vkey", "t", ""},
        JournalScope{"o+vkey", "s", "receipts"}}) {
    const auto opened = SendJournal::Open(path, other);
    ASSERT_FALSE(opened.has_value());
    EXPECT_THAT(opened.error().message, HasSubstr("another log, source or --receipts file"));
  }
  EXPECT_TRUE(SendJournal::Open(path, kScope).value().Find(1, "batch"));
}

TEST(LineFileTest, BeginsAnewOrGoesOn) {
  TestFolder folder;
  const auto path = folder / "lines";
  ASSERT_TRUE(LineFile::Open(path).value().Append("a\nto").has_value());
  ASSERT_TRUE(LineFile::Open(path).value().Append("b\n").has_value());
  EXPECT_EQ(ReadSmallFile(path).value(), "a\nb\n");
  ASSERT_TRUE(LineFile::Open(path, LineFile::Start::kEmpty).value().Append("c\n").has_value());
  EXPECT_EQ(ReadSmallFile(path).value(), "c\n");
  EXPECT_TRUE(LineFile::Open("/dev/null").value().Append("d\n").has_value());
}

TEST(SendJournalTest, CutsATornLineAndKeepsRefusedOnes) {
  TestFolder folder;
  const auto path = folder / "journal";
  const std::vector<std::uint64_t> refused = {2, 11};
  ASSERT_TRUE(SendJournal::Open(path, kScope).value().Add(1, 12, "batch", refused).has_value());
  {
    auto file = LineFile::Open(path).value();
    ASSERT_TRUE(file.Append("3 2 abcd").has_value());
  }
  const SendJournal journal = SendJournal::Open(path, kScope).value();
  EXPECT_EQ(journal.Find(1, "batch"), refused);
  EXPECT_FALSE(journal.Find(1, "botch"));
  EXPECT_FALSE(journal.Find(3, "batch"));
}

TEST(SendJournalTest, LeavesOtherFilesAsTheyAre) {
  TestFolder folder;
  const auto path = folder / "precious";
  const std::string begin = kScope.FirstLine();
  for (const std::string& text :
       {std::string("line one\nprecious last line"), std::string("precious"),
        begin.substr(0, begin.size() - 1), begin + "1 2 x\ntorn", begin + "1 2\ntorn",
        begin + "1 1 " + std::string(64, '0') + " x\ntorn"}) {
    ASSERT_TRUE(ReplaceFile(path, text).has_value());
    EXPECT_EQ(SendJournal::Open(path, kScope).error().code, ErrorCode::kInvalidArgument) << text;
    EXPECT_EQ(ReadSmallFile(path).value(), text);
  }
}

TEST(ReceiptFileTest, LeavesOtherFilesAsTheyAre) {
  TestFolder folder;
  const auto path = folder / "receipts";
  ASSERT_TRUE(ReplaceFile(path, "line one\nprecious last line").has_value());
  EXPECT_EQ(OpenReceiptFile(path).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadSmallFile(path).value(), "line one\nprecious last line");
  const std::string kept = KeptReceipt{}.ToLine();
  ASSERT_TRUE(ReplaceFile(path, kept + "{\"sour").has_value());
  ASSERT_TRUE(OpenReceiptFile(path).has_value());
  EXPECT_EQ(ReadSmallFile(path).value(), kept);
  ASSERT_TRUE(ReplaceFile(path, "{\"sou").has_value());
  ASSERT_TRUE(OpenReceiptFile(path).has_value());
  EXPECT_EQ(ReadSmallFile(path).value(), "");
  EXPECT_TRUE(OpenReceiptFile("/dev/null").has_value());
}

}  // namespace
}  // namespace salus::client
