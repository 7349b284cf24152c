// salus aggregate task new: a study between two aggregators, and a file for each who has a part.

#include "apps/salus/aggregate_task_new.h"

#include <fmt/format.h>

#include <filesystem>

#include "aggregate/dap_hpke_key.h"
#include "aggregate/prio3.h"
#include "apps/salus/dap_commands.h"
#include "apps/salus/secret_access.h"
#include "client/pinned_server.h"
#include "pki/key_file.h"

namespace salus::cli {

namespace {

using aggregate::TaskFile;
using aggregate::TaskParty;

constexpr std::uint8_t kCollectorConfigId = 1;
constexpr std::size_t kMaxRootBytes = 16 * 1024;

// Side is an aggregator as its peers know it.
struct Side {
  std::string url;
  std::string root_pem;
  std::string machine_url;
};

std::string WithDap(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url + "/dap";
}

// By the name under which it was pinned, or by URL and root.
Result<Side> HelperSide(Session& session) {
  TRY(const std::string helper, session.Required("--helper"));
  Side side;
  if (helper.starts_with("https://") || helper.starts_with("http://")) {
    TRY(const std::string root, session.Required("--helper-root"));
    TRY(side.root_pem, ReadTextFile(root, kMaxRootBytes));
    side.url = helper;
    side.machine_url = session.arguments().Text("--helper-machine");
    return side;
  }
  TRY(const client::ServerStore store, client::ServerStore::OfUser());
  Result<client::PinnedServer> pinned = store.Choose(helper);
  if (!pinned) return std::move(pinned.error()).WithContext("--helper " + helper);
  const client::PinnedServer& server = *pinned;
  side.url = WithDap(server.public_url);
  side.root_pem = server.root_pem;
  if (session.arguments().Has("--mutual-tls")) side.machine_url = server.url;
  return side;
}

SecretBytes NewVerifyKey(const aggregate::Prio3& prio3, RandomSource& random) {
  SecretBytes key(prio3.verify_key_bytes());
  random.Fill(key.mutable_view(CliSecrets::Token()));
  return key;
}

// TaskFiles are made together, so that they hold the same.
struct TaskFiles {
  TaskFile client, leader, helper, collector;
};

Result<TaskFiles> MakeFiles(Session& session, TaskPlan plan, const Side& leader,
                            const Side& helper) {
  RandomSource& random = session.random();
  plan.task.id = aggregate::TaskId::Random(random);
  plan.task.leader_url = leader.url;
  plan.task.helper_url = helper.url;
  Result<aggregate::DapTask> made = aggregate::DapTask::Create(std::move(plan.task));
  if (!made) return session.Usage(made.error().message);
  const aggregate::DapTask task = *std::move(made);
  TRY(const auto prio3, aggregate::Prio3::Create(task.vdaf()));
  const SecretBytes verify_key = NewVerifyKey(*prio3, random);
  const SecretBytes aggregator_token = aggregate::NewToken(random);
  const SecretBytes collector_token = aggregate::NewToken(random);
  const auto collector = aggregate::DapHpkeKey::Generate(kCollectorConfigId, random);
  const auto file = [&](TaskParty party) {
    return TaskFile{.party = party,
                    .task = task,
                    .leader_root = leader.root_pem,
                    .helper_root = helper.root_pem};
  };
  TaskFiles files{file(TaskParty::kClient), file(TaskParty::kLeader), file(TaskParty::kHelper),
                  file(TaskParty::kCollector)};
  for (TaskFile* one : {&files.leader, &files.helper}) {
    one->study = plan.study;
    one->verify_key = verify_key.Clone();
    one->aggregator_token = aggregator_token.Clone();
    one->collector_config = collector.config();
  }
  files.leader.helper_machine_url = helper.machine_url;
  files.leader.collector_token = collector_token.Clone();
  files.collector.leader_machine_url = leader.machine_url;
  files.collector.collector_config = collector.config();
  files.collector.collector_token = collector_token.Clone();
  files.collector.collector_key = collector.private_key();
  return files;
}

Result<void> WriteFiles(const std::filesystem::path& folder, const TaskFiles& files) {
  const SecretBytes open = files.client.ToText();
  TRY_VOID(pki::WriteKeyFile(folder / "helper.json", files.helper.ToText()));
  TRY_VOID(pki::WriteKeyFile(folder / "collector.json", files.collector.ToText()));
  return WriteTextFile((folder / "task.json").string(), AsText(open.view(CliSecrets::Token())));
}

Result<std::filesystem::path> NewFolder(Session& session) {
  TRY(const std::string output, session.Required("--output"));
  std::error_code failed;
  if (std::filesystem::exists(output, failed)) {
    return AlreadyExists(output + " is there: name a new folder");
  }
  std::filesystem::create_directory(output, failed);
  if (failed) return Unavailable(output + ": " + failed.message());
  return std::filesystem::path(output);
}

}  // namespace

Result<ExitCode> RunTaskNew(Session& session) {
  TRY(TaskPlan plan, PlanTask(session));
  TRY(const Side helper, HelperSide(session));
  TRY(Backend* const place, StudyPlace(session));
  Side leader;
  leader.url = session.arguments().Has("--leader") ? session.arguments().Text("--leader")
                                                   : place->AggregatorUrl();
  leader.root_pem = place->RootCertificatePem();
  leader.machine_url = session.arguments().Text("--leader-machine");
  TRY(const TaskFiles files, MakeFiles(session, std::move(plan), leader, helper));
  // Files first: a task that nobody has the collector's key of would be of no use.
  TRY(const std::filesystem::path folder, NewFolder(session));
  TRY_VOID(WriteFiles(folder, files));
  TRY_VOID(place->AddAggregateTask(files.leader));
  session.terminal().Say(
      fmt::format("the task is open at the leader, and an entry of its log. Hand out "
                  "{0}/helper.json (secret) to the helper: salus aggregate task accept; "
                  "{0}/collector.json (secret) to who may learn results; {0}/task.json to all who "
                  "take part",
                  folder.string()),
      Colour::kGreen);
  fmt::print("{}\n", files.client.task.id().ToText());
  return ExitCode::kDone;
}

}  // namespace salus::cli
