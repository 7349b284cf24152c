// history_bench --directory D --events N: one patient's history of 1,000 entries, 10 on each of 100
// days, among N entries of others; answered, decoded, decrypted and verified. First by the library
// in this process, then, with --salus and --salusd, by the command-line tool from the server.
#include <fmt/format.h>

#include <algorithm>

#include "audit/historian.h"
#include "audit/history.h"
#include "audit/verify.h"
#include "base/check.h"
#include "bench/feeder.h"
#include "bench/figures.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/run_program.h"
#include "bench/server_process.h"
#include "bench/workload.h"
#include "pki/identity_directory.h"

namespace {

using salus::bench::Feeder;
using salus::bench::FeedOptions;
using salus::bench::Figures;
using salus::bench::Latencies;
using salus::bench::OrDie;
using salus::bench::Population;
using salus::bench::ProgramRun;
using salus::bench::Progress;
using salus::bench::RunProgram;
using salus::bench::SecondsSince;
using salus::bench::Workload;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kDays = 100;
constexpr std::uint64_t kReaderEventsPerDay = 10;
constexpr int kRounds = 11;

struct Bench {
  const salus::bench::Options& options;
  const Figures figures;
  const std::string directory;
  const std::string reader_path;
  const std::uint32_t reader;  // the patient behind the workload's last
  salus::bench::ShiftedClock clock{};
  salus::SystemRandom random{};
  Population population{};
};

salus::pki::IdentityDirectory MakeReader(const Bench& bench) {
  salus::pki::RequestSubject subject;
  subject.name = "reader";
  return OrDie("make keys", salus::pki::IdentityDirectory::Create(bench.reader_path, subject));
}

void CertifyReader(Bench& bench, salus::pki::IdentityDirectory& identity) {
  const std::string chain =
      OrDie("certify",
            bench.population.node->Certify(identity.request().ToPem(), salus::pki::Role::kPatient,
                                           Workload::PatientId(bench.reader)));
  OrDie("install",
        identity.Install(OrDie("read the chain", salus::pki::Certificate::FromPemBundle(chain))));
}

// A hundred days, the last of which ends before now.
void Fill(Bench& bench) {
  auto& node = *bench.population.node;
  Workload workload(bench.options.Number("seed"), bench.reader);
  Feeder feeder(node, bench.population.source);
  const std::uint64_t others = bench.options.Number("events") / kDays;
  Progress(fmt::format("{} days of {} events", kDays, others));
  const auto start = SteadyClock::now();
  std::string lines;
  for (std::uint64_t day = 0; day < kDays; ++day) {
    lines.clear();
    for (std::uint64_t i = 0; i < kReaderEventsPerDay; ++i) {
      workload.AppendFor(bench.reader, lines);
      workload.Append(others / kReaderEventsPerDay, lines);
    }
    FeedOptions feed;
    feed.events = lines.size() / Workload::kLineBytes;
    const auto result = feeder.RunText(lines, feed);
    CHECK(result.logged == feed.events);
    OrDie("a checkpoint", node.log().MakeCheckpoint());
    bench.clock.ToNextDay();
    node.recorder().ForgetOldEpochs();
  }
  bench.figures.Add("filling, new epochs each day included",
                    static_cast<double>(node.log().record_count()) / SecondsSince(start),
                    "entries/s");
}

void Reopen(Bench& bench) {
  bench.population.node.reset();
  bench.population.node = OrDie(
      "open again", salus::node::Node::Open(bench.directory, salus::node::NodeAccess::kReadWrite,
                                            bench.clock, bench.random));
  OrDie("a checkpoint", bench.population.node->log().MakeCheckpoint());
}

void AskLibrary(Bench& bench, const salus::crypto::P256PrivateKey& key) {
  auto& node = *bench.population.node;
  const salus::audit::PinnedLog pinned = node.pinned();
  salus::audit::HistoryQuestion question;
  question.subject = salus::bench::PatientSubject(bench.reader);
  salus::audit::ReaderKeys keys;
  keys.own_key = &key;
  keys.reader = question.subject;
  Latencies answered;
  Latencies verified;
  Latencies both;
  std::size_t answer_bytes = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = SteadyClock::now();
    const salus::Bytes encoded = salus::audit::EncodeHistory(
        OrDie("answer", node.historian().Answer(question.subject, question)));
    const double after_answer = SecondsSince(start);
    const auto answer = OrDie("decode", salus::audit::DecodeHistory(encoded));
    salus::audit::VerifyQuestion verify;
    verify.log = &pinned;
    verify.subject = question.subject;
    verify.keys = &keys;
    verify.now = bench.clock.Now();
    const auto history = OrDie("verify", salus::audit::VerifyHistory(verify, answer));
    const double after_all = SecondsSince(start);
    CHECK(history.events.size() == kDays * kReaderEventsPerDay);
    answered.Add(after_answer);
    verified.Add(after_all - after_answer);
    both.Add(after_all);
    answer_bytes = encoded.size();
  }
  bench.figures.Add("answer", static_cast<double>(answer_bytes) / 1024, "KiB");
  answered.AddTo(bench.figures, "1000 entries answered by the library");
  verified.AddTo(bench.figures, "1000 entries decrypted and verified by the library");
  both.AddTo(bench.figures, "1000 entries, both");
}

using Words = std::vector<std::string>;

// The whole program each time: start, open or connect, ask, verify, print.
void TimeQueries(const Bench& bench, const Words& place, const Words& environment,
                 const std::string& name) {
  Words words = {bench.options.Text("salus"), "audit",    "query", "--as",
                 bench.reader_path,           "--format", "ndjson"};
  words.insert(words.end(), place.begin(), place.end());
  Latencies latencies;
  for (int round = 0; round < kRounds; ++round) {
    const ProgramRun query = RunProgram(words, environment);
    const auto lines = std::count(query.output.begin(), query.output.end(), '\n');
    if (query.exit_code != 0 || lines != kDays * kReaderEventsPerDay) {
      salus::bench::Die("salus audit query", salus::Internal(fmt::format(
                                                 "exit code {} and {} lines of {}", query.exit_code,
                                                 lines, kDays * kReaderEventsPerDay)));
    }
    latencies.Add(query.seconds);
  }
  latencies.AddTo(bench.figures, name);
}

void AskCommandLine(Bench& bench) {
  const std::string& salus = bench.options.Text("salus");
  if (salus.empty()) return;
  bench.population.node.reset();
  const Words environment = {"XDG_CONFIG_HOME=" + bench.reader_path + ".config",
                             "XDG_STATE_HOME=" + bench.reader_path + ".state",
                             "HOME=" + bench.reader_path};
  Progress("asking by the command-line tool");
  TimeQueries(bench, {"--data", bench.directory}, environment,
              "1000 entries by the command-line tool, directory opened");
  if (bench.options.Text("salusd").empty()) return;
  salus::bench::ServerProcess server(bench.options.Text("salusd"), bench.directory);
  const auto url = [](std::uint16_t port) { return fmt::format("https://localhost:{}", port); };
  const ProgramRun connect = RunProgram(
      {salus, "connect", url(server.machine_port()), "--public-url", url(server.public_port()),
       "--fingerprint", bench.population.root_fingerprint, "--name", "bench"},
      environment);
  if (connect.exit_code != 0) salus::bench::Die("salus connect", salus::Internal("failed"));
  TimeQueries(bench, {"--server", "bench"}, environment, "1000 entries by the command-line tool");
  server.Stop();
}

}  // namespace

int main(int argc, char** argv) {
  const salus::bench::Options options(argc, argv,
                                      {{"directory", ""},
                                       {"section", "history"},
                                       {"salus", ""},
                                       {"salusd", ""},
                                       {"events", "10000000"},
                                       {"patients", "20000"},
                                       {"seed", "1"}});
  Bench bench{.options = options,
              .figures = Figures(options.Text("section")),
              .directory = options.Text("directory") + "/data",
              .reader_path = options.Text("directory") + "/reader",
              .reader = static_cast<std::uint32_t>(options.Number("patients"))};
  bench.clock.Shift(-std::chrono::days(kDays));
  salus::pki::IdentityDirectory identity = MakeReader(bench);
  bench.population = MakePopulation({.directory = bench.directory,
                                     .patients = bench.reader + 1,
                                     .last_key = identity.encryption_key().public_key()},
                                    bench.clock, bench.random, bench.figures);
  CertifyReader(bench, identity);
  Fill(bench);
  Reopen(bench);
  AskLibrary(bench, identity.encryption_key());
  AskCommandLine(bench);
  return 0;
}
