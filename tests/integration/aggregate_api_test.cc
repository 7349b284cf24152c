// The routes of DAP over TLS: every one of them answers what is malformed, unknown or unauthorised
// with the problem that the drafts name, and a report counts once however often it comes.

#include <fstream>

#include "aggregate/dap_client.h"
#include "aggregate/dap_hpke_key.h"
#include "aggregate/dap_media_type.h"
#include "aggregate/prio3.h"
#include "aggregate/task_file.h"
#include "api/endpoint.h"
#include "api_fixture.h"
#include "node/aggregation.h"

namespace salus {
namespace {

using aggregate::DapMessageType;
using aggregate::DapVersion;
using aggregate::TaskFile;
using aggregate::TaskId;
using aggregate::TaskParty;
using http::Method;

constexpr char kErrors[] = "urn:ietf:params:ppm:dap:error:";
constexpr char kAggregatorToken[] = "aggregator-token-of-the-test";
constexpr char kCollectorToken[] = "collector-token-of-the-test";

class AggregateApiTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    StopServer();
    // The section of aggregation is the last to be written: replaced by one that turns it on.
    const std::string path = (root_ / "data" / "salus.toml").string();
    std::ifstream in(path);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::size_t role = text.find("role = 'none'");
    ASSERT_NE(role, std::string::npos) << text;
    text.replace(role, 13, "role = 'both'");
    std::ofstream(path, std::ios::trunc) << text;
    StartServer();
    ASSERT_NE(node_->aggregation(), nullptr);
    public_ = PublicClient();
  }
  void TearDown() override {
    public_.reset();
    ApiTest::TearDown();
  }

  // NewTask is taken by this server in one of the two roles.
  aggregate::DapTask NewTask(TaskParty party, DapVersion version) {
    auto task = aggregate::DapTask::Create({.version = version,
                                            .id = TaskId::Random(random_),
                                            .leader_url = "https://localhost:8443/dap",
                                            .helper_url = "https://localhost:8444/dap",
                                            .time_precision_s = 3600,
                                            .min_batch_size = 2,
                                            .vdaf = {.profile = aggregate::ProfileOf(version),
                                                     .circuit = aggregate::Circuit::kSum,
                                                     .max_measurement = 255},
                                            .interval = std::nullopt,
                                            .purpose = "to test routes",
                                            .statistic = {.name = "height", .unit = "cm"},
                                            .noise = std::nullopt,
                                            .task_info = {}});
    EXPECT_TRUE(task);
    TaskFile file{.party = party,
                  .task = *task,
                  .leader_root = node_->root_certificate_pem(),
                  .helper_root = node_->root_certificate_pem()};
    file.verify_key = SecretBytes((*aggregate::Prio3::Create(task->vdaf()))->verify_key_bytes());
    file.aggregator_token = SecretBytes(AsBytes(kAggregatorToken));
    if (party == TaskParty::kLeader) {
      file.collector_token = SecretBytes(AsBytes(kCollectorToken));
    }
    file.collector_config = aggregate::DapHpkeKey::Generate(1, random_).config();
    const auto added = node_->aggregation()->AddTask(file);
    EXPECT_TRUE(added) << added.error().message;
    return *task;
  }

  static std::string PathOf(const aggregate::DapTask& task, std::string_view rest) {
    return "/dap/tasks/" + task.id().ToText() + "/" + std::string(rest);
  }

  static http::ClientResponse Ask(http::Client& client, Method method, std::string target,
                                  std::string_view body, std::string_view type,
                                  std::string_view token) {
    http::ClientRequest request;
    request.method = method;
    request.target = std::move(target);
    if (!type.empty()) request.headers.Add("Content-Type", std::string(type));
    if (!token.empty()) request.headers.Add("Authorization", "Bearer " + std::string(token));
    request.body = AsBytes(body);
    auto response = client.Send(request);
    EXPECT_TRUE(response) << response.error().message;
    return response ? *std::move(response) : http::ClientResponse{};
  }

  // ProblemOf is the name of the problem in an answer, with its prefix where that is not DAP's.
  static std::string ProblemOf(const http::ClientResponse& response) {
    if (response.status < 400) return "status " + std::to_string(response.status);
    EXPECT_EQ(response.headers.Find("Content-Type").value_or(""), "application/problem+json");
    const auto json = codec::ParseJson(response.body);
    if (!json || !json->is_object()) return "no problem document";
    const auto type = codec::StringAt(json->as_object(), "type");
    if (!type) return "no type";
    const std::string text(*type);
    return text.starts_with(kErrors) ? text.substr(sizeof kErrors - 1) : text;
  }

  std::unique_ptr<http::Client> public_;
};

// Row is a request of which the body is a message, and to whom it goes.
struct Row {
  Method method;
  const char* path;
  DapMessageType message;
  TaskParty to;
  const char* token;
};

std::vector<Row> MessagesOf(DapVersion version) {
  constexpr char kJob[] = "AAAAAAAAAAAAAAAAAAAAAA";
  static const std::string job = std::string("aggregation_jobs/") + kJob;
  static const std::string collection = std::string("collection_jobs/") + kJob;
  const bool is_18 = version == DapVersion::k18;
  return {
      {is_18 ? Method::kPost : Method::kPut, "reports", DapMessageType::kUploadRequest,
       TaskParty::kLeader, ""},
      {is_18 ? Method::kPost : Method::kPut, is_18 ? "aggregation_jobs" : job.c_str(),
       DapMessageType::kAggregationJobInitReq, TaskParty::kHelper, kAggregatorToken},
      {is_18 ? Method::kPost : Method::kPut, is_18 ? "collection_jobs" : collection.c_str(),
       DapMessageType::kCollectionJobReq, TaskParty::kLeader, kCollectorToken},
      {Method::kPost, "aggregate_shares", DapMessageType::kAggregateShareReq, TaskParty::kHelper,
       kAggregatorToken},
  };
}

TEST_F(AggregateApiTest, AMalformedBodyIsAnInvalidMessageOnEveryRoute) {
  SeededRandom bytes(7);
  for (const DapVersion version : {DapVersion::k18, DapVersion::k09}) {
    for (const TaskParty party : {TaskParty::kLeader, TaskParty::kHelper}) {
      const auto task = NewTask(party, version);
      for (const Row& row : MessagesOf(version)) {
        if (row.to != party) continue;
        const std::string type(MediaType(version, row.message));
        for (const std::size_t size : {1u, 3u, 40u, 1000u}) {
          Bytes body(size);
          bytes.Fill(body);
          body[0] |= 0x80;  // no message begins with a length, or a mode, of that size
          const auto answer =
              Ask(*public_, row.method, PathOf(task, row.path), AsText(body), type, row.token);
          EXPECT_EQ(ProblemOf(answer), "invalidMessage") << row.path << " " << size;
          EXPECT_EQ(answer.status, 400);
          EXPECT_NE(answer.body.find(task.id().ToText()), std::string::npos);
        }
      }
    }
  }
}

TEST_F(AggregateApiTest, AnUnknownTaskIsUnrecognized) {
  const auto leader = NewTask(TaskParty::kLeader, DapVersion::k18);
  for (const char* id : {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "short", "a+b"}) {
    for (const Row& row : MessagesOf(DapVersion::k18)) {
      const auto answer =
          Ask(*public_, row.method, "/dap/tasks/" + std::string(id) + "/" + row.path, "x",
              MediaType(DapVersion::k18, row.message), row.token);
      EXPECT_EQ(ProblemOf(answer), "unrecognizedTask") << row.path;
    }
  }
  // A leader does not help with its own task.
  const auto answer =
      Ask(*public_, Method::kPost, PathOf(leader, "aggregation_jobs"), "x",
          MediaType(DapVersion::k18, DapMessageType::kAggregationJobInitReq), kAggregatorToken);
  EXPECT_EQ(ProblemOf(answer), "unrecognizedTask");
}

TEST_F(AggregateApiTest, WhoShowsNoTokenIsToldNothing) {
  for (const DapVersion version : {DapVersion::k18, DapVersion::k09}) {
    for (const TaskParty party : {TaskParty::kLeader, TaskParty::kHelper}) {
      const auto task = NewTask(party, version);
      for (const Row& row : MessagesOf(version)) {
        if (row.to != party || *row.token == '\0') continue;
        for (const char* token : {"", "wrong", "collector-token-of-the-tesu"}) {
          const auto answer = Ask(*public_, row.method, PathOf(task, row.path), "x",
                                  MediaType(version, row.message), token);
          EXPECT_EQ(answer.status, version == DapVersion::k18 ? 401 : 403) << row.path;
          EXPECT_EQ(ProblemOf(answer),
                    version == DapVersion::k18 ? "about:blank" : "unauthorizedRequest");
        }
      }
    }
  }
}

TEST_F(AggregateApiTest, OnTheMachineDoorTheRoleMustFitToo) {
  const auto task = NewTask(TaskParty::kLeader, DapVersion::k18);
  const auto ask = [&](pki::Role role) {
    return Ask(*ClientOf(role, "caller"), Method::kPost, PathOf(task, "collection_jobs"), "x",
               MediaType(DapVersion::k18, DapMessageType::kCollectionJobReq), kCollectorToken);
  };
  EXPECT_EQ(ask(pki::Role::kSource).status, 401);
  EXPECT_EQ(ask(pki::Role::kPartner).status, 401);
  EXPECT_EQ(ProblemOf(ask(pki::Role::kResearcher)), "invalidMessage");
}

TEST_F(AggregateApiTest, AMessageOfAnotherTypeOrMethodIsRefused) {
  const auto task = NewTask(TaskParty::kLeader, DapVersion::k18);
  const std::string reports = PathOf(task, "reports");
  EXPECT_EQ(Send(*public_, Method::kPost, reports, "x", "text/plain").status, 415);
  const auto wrong = Send(*public_, Method::kPost, reports, "x",
                          "application/ppm-dap;message=aggregation-job-init-req");
  EXPECT_EQ(ProblemOf(wrong), "invalidMessage");
  EXPECT_EQ(ProblemOf(Send(*public_, Method::kPut, reports, "x", "application/dap-report")),
            "invalidMessage");
  for (const char* type : {"application/ppm-dap; message=\"upload-req\"; version=18",
                           "Application/PPM-DAP ;version=18;message=upload-req"}) {
    const auto answer = Send(*public_, Method::kPost, reports, "x", type);
    EXPECT_EQ(ProblemOf(answer), "invalidMessage");
    EXPECT_EQ(answer.body.find("Content-Type"), std::string::npos) << answer.body;
  }
}

TEST_F(AggregateApiTest, JobsThatAreNotThereAreTold) {
  const auto leader = NewTask(TaskParty::kLeader, DapVersion::k18);
  const auto helper = NewTask(TaskParty::kHelper, DapVersion::k18);
  const std::string job = "AAAAAAAAAAAAAAAAAAAAAA";
  const auto ask = [&](Method method, const aggregate::DapTask& task, const std::string& path,
                       std::string_view token) {
    return Ask(*public_, method, PathOf(task, path), "", "", token);
  };
  for (const std::string& id : {job, std::string("nonsense")}) {
    for (const Method method : {Method::kGet, Method::kDelete}) {
      EXPECT_EQ(ProblemOf(ask(method, helper, "aggregation_jobs/" + id, kAggregatorToken)),
                "unrecognizedAggregationJob");
      const auto collection = ask(method, leader, "collection_jobs/" + id, kCollectorToken);
      EXPECT_EQ(collection.status, 404);
      EXPECT_EQ(ProblemOf(collection), "urn:salus:dap:unrecognizedCollectionJob");
      EXPECT_EQ(ask(method, helper, "aggregate_shares/" + id, kAggregatorToken).status, 404);
    }
  }
  const auto on =
      Ask(*public_, Method::kPost, PathOf(helper, "aggregation_jobs/" + job), "x",
          MediaType(DapVersion::k18, DapMessageType::kAggregationJobContinueReq), kAggregatorToken);
  EXPECT_EQ(ProblemOf(on), "unrecognizedAggregationJob");
}

TEST_F(AggregateApiTest, AReportCountsOnceHoweverOftenItComes) {
  for (const DapVersion version : {DapVersion::k18, DapVersion::k09}) {
    const auto task = NewTask(TaskParty::kLeader, version);
    const auto config = Get(*public_, "/dap/hpke_config?task_id=" + task.id().ToText());
    ASSERT_EQ(config.status, 200);
    EXPECT_EQ(config.headers.Find("Content-Type").value_or(""),
              MediaType(version, DapMessageType::kHpkeConfigList));
    EXPECT_EQ(config.headers.Find("Cache-Control").value_or(""), "max-age=3600");
    EXPECT_EQ(config.headers.Find("Access-Control-Allow-Origin").value_or(""), "*");
    const auto configs = aggregate::HpkeConfigList::Parse(AsBytes(config.body));
    ASSERT_TRUE(configs);
    const auto client = aggregate::DapClient::Create(task, *configs, *configs);
    ASSERT_TRUE(client);
    const std::int64_t values[] = {172};
    const auto report = client->ReportOf(values, clock_.Now(), random_);
    ASSERT_TRUE(report);
    const Bytes body = version == DapVersion::k18
                           ? aggregate::UploadRequest{{*report}}.Encode(version)
                           : report->Encode(version);
    const Method method = version == DapVersion::k18 ? Method::kPost : Method::kPut;
    for (int time = 0; time < 3; ++time) {
      const auto answer = Send(*public_, method, PathOf(task, "reports"), AsText(body),
                               MediaType(version, DapMessageType::kUploadRequest));
      EXPECT_EQ(answer.status, version == DapVersion::k18 ? 200 : 201) << answer.body;
      const bool is_told = version == DapVersion::k18 && time > 0;
      EXPECT_EQ(!answer.body.empty(), is_told);
    }
    const auto tasks = node_->aggregation()->Tasks();
    ASSERT_TRUE(tasks);
    for (const auto& one : *tasks) {
      if (one.task->task().id() != task.id()) continue;
      EXPECT_EQ(one.counts.waiting, 1u);
    }
    ASSERT_TRUE(node_->aggregation()->CloseTask(task.id()));
    const auto closed = Send(*public_, method, PathOf(task, "reports"), AsText(body),
                             MediaType(version, DapMessageType::kUploadRequest));
    EXPECT_EQ(ProblemOf(closed),
              version == DapVersion::k18 ? "unrecognizedTask" : "reportRejected");
  }
}

TEST_F(AggregateApiTest, ABrowserMayUpload) {
  const auto task = NewTask(TaskParty::kLeader, DapVersion::k09);
  const auto answer = Send(*public_, Method::kOptions, PathOf(task, "reports"));
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.headers.Find("Access-Control-Allow-Methods").value_or(""), "GET, POST, PUT");
  EXPECT_EQ(answer.headers.Find("Access-Control-Allow-Headers").value_or(""), "Content-Type");
}

TEST_F(AggregateApiTest, OnlyThoseWhoRunStudiesSeeAndMakeTasks) {
  EXPECT_EQ(Get(*ClientOf(pki::Role::kSource, "kis"), "/aggregate/v1/tasks").status, 403);
  const auto task = NewTask(TaskParty::kLeader, DapVersion::k18);
  const auto list = Get(*ClientOf(pki::Role::kResearcher, "r"), "/aggregate/v1/tasks");
  ASSERT_EQ(list.status, 200);
  EXPECT_NE(list.body.find(task.id().ToText()), std::string::npos);
  EXPECT_EQ(list.body.find(kCollectorToken), std::string::npos);
  const auto officer = ClientOf(pki::Role::kOfficer, "dpo");
  EXPECT_EQ(
      Post(*officer, "/aggregate/v1/tasks", R"({"party":"client"})", "application/json").status,
      400);
  const auto key = Get(*ClientOf(pki::Role::kResearcher, "r"), "/aggregate/v1/keys");
  EXPECT_EQ(key.status, 200);
  EXPECT_NE(key.body.find(R"("age_days":0,"rotate_days":28)"), std::string::npos) << key.body;
  EXPECT_EQ(Get(*ClientOf(pki::Role::kSource, "kis"), "/aggregate/v1/keys").status, 403);
  EXPECT_EQ(Send(*officer, Method::kPost, "/aggregate/v1/keys").status, 200);
  EXPECT_EQ(
      Send(*officer, Method::kPost, "/aggregate/v1/tasks/" + task.id().ToText() + "/close").status,
      200);
}

TEST_F(AggregateApiTest, TasksAreThereAfterARestart) {
  const auto task = NewTask(TaskParty::kLeader, DapVersion::k18);
  const auto config = Get(*public_, "/dap/hpke_config").body;
  ASSERT_TRUE(node_->aggregation()->CloseTask(task.id()));
  public_.reset();
  StopServer();
  StartServer();
  const auto record = node_->aggregation()->RecordOf(task.id());
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->is_closed);
  EXPECT_EQ(Get(*PublicClient(), "/dap/hpke_config").body, config);
  EXPECT_EQ(node_->aggregation()->CloseTask(TaskId::Random(random_)).error().code,
            ErrorCode::kNotFound);
}

// A ledger or a file of reports that is made anew would begin again at nothing.
TEST_F(AggregateApiTest, WhatIsLostIsNotMadeAnew) {
  public_.reset();
  StopServer();
  const std::filesystem::path folder = root_ / "data" / "aggregate";
  for (const char* name : {"rows.key", "budget.db", "aggregate.db"}) {
    std::filesystem::rename(folder / name, root_ / name);
    EXPECT_FALSE(
        node::Node::Open((root_ / "data").string(), node::NodeAccess::kReadWrite, clock_, random_))
        << name;
    EXPECT_FALSE(std::filesystem::exists(folder / name));
    std::filesystem::rename(root_ / name, folder / name);
  }
  StartServer();
}

TEST_F(AggregateApiTest, ATaskIsTakenOnceAndAsItWas) {
  const auto task = NewTask(TaskParty::kLeader, DapVersion::k18);
  TaskFile file{.party = TaskParty::kClient,
                .task = task,
                .leader_root = node_->root_certificate_pem(),
                .helper_root = node_->root_certificate_pem()};
  EXPECT_EQ(node_->aggregation()->AddTask(file).error().code, ErrorCode::kInvalidArgument);
  file.party = TaskParty::kLeader;
  file.helper_root = "another";
  file.verify_key = SecretBytes(std::size_t{32});
  file.aggregator_token = SecretBytes(AsBytes(kAggregatorToken));
  file.collector_token = SecretBytes(AsBytes(kCollectorToken));
  file.collector_config = aggregate::DapHpkeKey::Generate(1, random_).config();
  EXPECT_EQ(node_->aggregation()->AddTask(file).error().code, ErrorCode::kConflict);
}

TEST_F(ApiTest, AServerWithoutARoleAggregatesNothing) {
  const auto client = PublicClient();
  EXPECT_EQ(Get(*client, "/dap/hpke_config").status, 404);
  const auto answer =
      Send(*client, Method::kPost, "/dap/tasks/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/reports",
           "x", "application/ppm-dap;message=upload-req");
  EXPECT_EQ(answer.status, 404);
}

}  // namespace
}  // namespace salus
