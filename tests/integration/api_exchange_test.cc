// The file exchange: the client's folder transport against the server's folder.

#include <spawn.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "api/exchange_folder.h"
#include "api/replay_store.h"
#include "api_fixture.h"
#include "client/exchange.h"

namespace salus {
namespace {

class ApiExchangeTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    ASSERT_TRUE(node_->PutSource("kis", "Hospital system"));
    StartExchange();
  }
  void TearDown() override {
    exchange_.reset();
    ApiTest::TearDown();
  }

  void StartExchange() {
    auto exchange = api::ExchangeFolder::Start(server_->service(), root_ / "spool");
    ASSERT_TRUE(exchange) << exchange.error().message;
    exchange_ = *std::move(exchange);
  }

  std::unique_ptr<client::Transport> TransportOf(
      pki::Role role, const std::string& id,
      std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
    client::PinnedServer pinned{.name = "test",
                                .url = "",
                                .public_url = "",
                                .root_pem = node_->root_certificate_pem(),
                                .exchange_pem = server_->service().server_chain_pem(),
                                .log = node_->pinned()};
    auto transport =
        client::FolderTransport::Create({.folder = root_ / "spool", .answer_timeout = timeout},
                                        pinned, Identity(role, id), clock_, random_);
    EXPECT_TRUE(transport) << transport.error().message;
    return *std::move(transport);
  }

  static client::Call GetCall(std::string path) {
    client::Call call;
    call.path = std::move(path);
    return call;
  }

  // WaitFor waits until a file is there: the folder is served by a thread of its own.
  bool WaitFor(const std::filesystem::path& path) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!std::filesystem::exists(path)) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::filesystem::path WaitForRequest() {
    while (true) {
      for (const auto& file : std::filesystem::directory_iterator(root_ / "spool/inbox")) {
        if (file.path().extension() == ".request") return file.path();
      }
      std::this_thread::yield();
    }
  }

  std::filesystem::path OnlyFileIn(const char* part) {
    std::filesystem::directory_iterator at(root_ / "spool" / part);
    return at->path();
  }

  std::unique_ptr<api::ExchangeFolder> exchange_;
};

TEST_F(ApiExchangeTest, TheSameHandlersAnswer) {
  const auto source = TransportOf(pki::Role::kSource, "kis");
  client::Call call;
  call.method = http::Method::kPost;
  call.path = "/audit/v1/events";
  call.content_type = "application/x-ndjson";
  call.body = Event("e1", kPatientId);
  const auto answer = source->Send(call);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(Lines(answer->body)[1].at("status").as_string(), "logged");

  call.query = "atomc=true";
  EXPECT_EQ(source->Send(call)->status, 400);
  call.query = "";
  call.content_type = "text/csv";
  EXPECT_EQ(source->Send(call)->status, 415);
  EXPECT_EQ(source->Send(GetCall("/nowhere"))->status, 404);

  const auto stranger = TransportOf(pki::Role::kPatient, "nobody");
  const auto refused = stranger->Send(GetCall("/audit/v1/history/me"));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->body, "not permitted");
}

TEST_F(ApiExchangeTest, AReplayIsRefusedAlsoAfterARestart) {
  const auto source = TransportOf(pki::Role::kSource, "kis");
  ASSERT_TRUE(source->Send(GetCall("/audit/v1/whoami")));
  ASSERT_TRUE(WaitFor(root_ / "spool/done"));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::filesystem::is_empty(root_ / "spool/done")) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    std::this_thread::yield();
  }
  const std::filesystem::path done = OnlyFileIn("done");
  const std::filesystem::path copy = root_ / "copy";
  std::filesystem::copy_file(done, copy);
  exchange_.reset();
  StartExchange();
  std::filesystem::rename(copy, root_ / "spool/inbox/again.request");
  ASSERT_TRUE(WaitFor(root_ / "spool/refused/again.request"));
  std::ostringstream reason;
  reason << std::ifstream(root_ / "spool/refused/again.request.reason").rdbuf();
  EXPECT_NE(reason.str().find("before"), std::string::npos) << reason.str();
  EXPECT_TRUE(std::filesystem::is_empty(root_ / "spool/outbox"));
}

TEST_F(ApiExchangeTest, AfterACrashEventsAreTakenAgainAndOtherActsAreNot) {
  client::Call events;
  events.method = http::Method::kPost;
  events.path = "/audit/v1/events";
  events.content_type = "application/x-ndjson";
  events.body = Event("e1", kPatientId);
  const struct {
    client::Call call;
    int status;
  } cases[] = {{events, 200}, {GetCall("/audit/v1/whoami"), 409}};
  for (const auto& [call, status] : cases) {
    exchange_.reset();
    const auto source = TransportOf(pki::Role::kSource, "kis");
    const std::jthread crashed([&] {
      // The message is there, begun, and without an outcome.
      const std::filesystem::path request = WaitForRequest();
      auto store = *api::ReplayStore::Open(node_->path() + "/exchange.seen", clock_);
      EXPECT_TRUE(
          store->Begin({*Identity(pki::Role::kSource, "kis").chain().front().identity()->ToUri(),
                        "", clock_.Now(), request.stem()}));
      store.reset();
      StartExchange();
    });
    const auto answer = source->Send(call);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, status) << answer->body;
  }
}

TEST_F(ApiExchangeTest, WhatCannotBeAnsweredYetStaysAndIsNotRefused) {
  client::Call call;
  call.method = http::Method::kPost;
  call.path = "/audit/v1/events";
  call.content_type = "application/x-ndjson";
  call.body = Event("e1", kPatientId);
  const auto source = TransportOf(pki::Role::kSource, "kis");
  // Something stands where the answer is to be written.
  exchange_.reset();
  const std::jthread stuck([&] {
    const std::filesystem::path request = WaitForRequest();
    const std::filesystem::path answer =
        root_ / "spool/outbox" / ("." + request.stem().string() + ".answer.tmp");
    std::filesystem::create_directories(answer / "in the way");
    // Names are taken in their order: once this one is refused, the request was tried.
    std::ofstream(root_ / "spool/inbox/zzz") << "not a message";
    StartExchange();
    EXPECT_TRUE(WaitFor(root_ / "spool/refused/zzz"));
    EXPECT_TRUE(std::filesystem::exists(request));
    std::filesystem::remove_all(answer);
  });
  const auto answer = source->Send(call);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
}

// RunSalus runs the command line, and returns its exit code.
int RunSalus(std::vector<std::string> words) {
  words.insert(words.begin(), SALUS_BINARY);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, SALUS_BINARY, nullptr, nullptr, arguments.data(), environ), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(ApiExchangeTest, AMessageThatTheNextRunIsToTakeIsTakenThen) {
  client::Call call;
  call.method = http::Method::kPost;
  call.path = "/audit/v1/events";
  call.content_type = "application/x-ndjson";
  call.body = Event("e1", kPatientId);
  const auto source = TransportOf(pki::Role::kSource, "kis", std::chrono::milliseconds(0));
  exchange_.reset();
  EXPECT_FALSE(source->Send(call));
  const std::filesystem::path request = WaitForRequest();
  const std::string data = node_->path();
  StopServer();
  const std::vector<std::string> watch = {"audit",  "append",   "--watch", root_ / "spool/inbox",
                                          "--once", "--source", "kis",     "--data",
                                          data};
  std::vector<std::string> full = watch;
  full.insert(full.end(), {"--receipts", "/dev/full"});
  EXPECT_EQ(RunSalus(full), 1);
  EXPECT_TRUE(std::filesystem::exists(request));
  EXPECT_EQ(RunSalus(watch), 0);
  EXPECT_TRUE(std::filesystem::exists(root_ / "spool/inbox/done" / request.filename()));
  // And once only.
  std::filesystem::rename(root_ / "spool/inbox/done" / request.filename(), request);
  EXPECT_EQ(RunSalus(watch), 1);
  StartServer();
}

TEST_F(ApiExchangeTest, WhatIsNoMessageIsRefusedAndUnfinishedNamesAreLeftAlone) {
  const std::filesystem::path inbox = root_ / "spool/inbox";
  for (const char* name : {".hidden", "later.tmp", "noise"}) {
    std::ofstream(inbox / name) << "not a message";
  }
  ASSERT_TRUE(WaitFor(root_ / "spool/refused/noise"));
  EXPECT_TRUE(std::filesystem::exists(root_ / "spool/refused/noise.reason"));
  EXPECT_TRUE(std::filesystem::exists(inbox / ".hidden"));
  EXPECT_TRUE(std::filesystem::exists(inbox / "later.tmp"));
}

// Anybody may make folders there too: they are looked at once, and not every half second for ever.
TEST_F(ApiExchangeTest, AFolderInTheInboxIsMovedAwayUnderAFreeName) {
  std::filesystem::create_directories(root_ / "spool/refused/folder/taken");
  std::filesystem::create_directories(root_ / "spool/folder/sub");
  std::filesystem::rename(root_ / "spool/folder", root_ / "spool/inbox/folder");
  ASSERT_TRUE(WaitFor(root_ / "spool/refused/folder.2/sub"));
  EXPECT_FALSE(std::filesystem::exists(root_ / "spool/inbox/folder"));
}

}  // namespace
}  // namespace salus
