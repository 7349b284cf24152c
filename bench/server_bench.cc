// server_bench --directory D --salusd FILE --events N: the real server in its own process, this one
// is its client over mutual TLS. A thousand events a request over 8 connections; single-event
// requests over 64; idle connections; then the directory is opened and checked.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/check.h"
#include "bench/figures.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/server_process.h"
#include "bench/tls_load.h"
#include "bench/workload.h"
#include "pki/identity_directory.h"

namespace {

using salus::bench::CpuSeconds;
using salus::bench::Figures;
using salus::bench::LoadIdentity;
using salus::bench::MemoryOf;
using salus::bench::OrDie;
using salus::bench::Progress;
using salus::bench::SecondsSince;
using salus::bench::ServerProcess;
using salus::bench::TlsLoad;
using salus::bench::Workload;

// The source's keys and certificate, as its operator would have got them.
LoadIdentity MakeSource(salus::node::Node& node, const std::string& path) {
  salus::pki::RequestSubject subject;
  subject.name = salus::bench::kSourceId;
  subject.identity = OrDie("name the source",
                           salus::pki::Identity::Create(node.origin(), salus::pki::Role::kSource,
                                                        std::string(salus::bench::kSourceId)));
  auto identity = OrDie("make keys", salus::pki::IdentityDirectory::Create(path, subject));
  const std::string chain = OrDie(
      "certify",
      node.Certify(identity.request().ToPem(), salus::pki::Role::kSource, salus::bench::kSourceId));
  OrDie("install",
        identity.Install(OrDie("read the chain", salus::pki::Certificate::FromPemBundle(chain))));
  return {path + "/chain.pem", path + "/sign.key", node.path() + "/root.pem"};
}

struct Bench {
  const salus::bench::Options& options;
  const Figures figures;
  const std::string directory;
  const std::uint32_t patients;
  const salus::SystemClock clock{};
  salus::SystemRandom random{};
  LoadIdentity identity{};
  std::uint64_t sent = 0;
};

struct Load {
  std::string name;
  std::size_t connections;
  std::size_t events_per_request;
  std::uint64_t events;
  std::string query;
};

void RunLoad(Bench& bench, const ServerProcess& server, const Load& load, std::uint64_t seed) {
  Progress(fmt::format("{}: {} events", load.name, load.events));
  TlsLoad client(bench.identity, server.machine_port(), load.connections);
  Workload workload(seed, bench.patients);
  std::uint64_t left = load.events / load.events_per_request;
  const std::string head = fmt::format(
      "POST /audit/v1/events{} HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
      load.query, load.events_per_request * Workload::kLineBytes);
  const auto next = [&](std::string& request) {
    if (left == 0) return false;
    --left;
    request = head;
    workload.Append(load.events_per_request, request);
    return true;
  };
  const std::string wanted = fmt::format("\"logged\":{},", load.events_per_request);
  const auto check = [&](int status, std::string_view tail) {
    if (status == 200 && tail.find(wanted) != std::string_view::npos) return;
    Progress(fmt::format("answer {} ends in: {}", status, tail));
    std::exit(1);
  };
  const double cpu_before = CpuSeconds(server.pid());
  TlsLoad::Outcome outcome = client.Run(next, check);
  const double cpu = CpuSeconds(server.pid()) - cpu_before;
  const auto events = static_cast<double>(outcome.requests * load.events_per_request);
  bench.sent += outcome.requests * load.events_per_request;
  bench.figures.Add(load.name, events / outcome.seconds, "events/s");
  bench.figures.Add(load.name + ", per server CPU second", events / cpu, "events/s");
  outcome.latencies.AddTo(bench.figures, load.name + ", request");
}

// Opens so many connections, each of which makes one request, and hands them to `then`.
template <typename Then>
void WithIdle(const Bench& bench, const ServerProcess& server, std::size_t count, Then then) {
  TlsLoad client(bench.identity, server.machine_port(), count);
  std::size_t left = count;
  client.Run(
      [&left](std::string& request) {
        if (left == 0) return false;
        --left;
        request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        return true;
      },
      [](int status, std::string_view) { CHECK(status == 200); });
  then();
}

// On a server that has done nothing yet: memory that a load has left behind would hide the cost.
void MeasureIdle(Bench& bench, const ServerProcess& server, std::size_t count) {
  constexpr std::size_t kFirst = 16;  // what the process makes once for all of them
  Progress(fmt::format("{} idle connections", count));
  WithIdle(bench, server, kFirst, [] {});
  const std::uint64_t before = MemoryOf(server.pid()).resident_kib;
  WithIdle(bench, server, count, [&] {
    const std::uint64_t after = MemoryOf(server.pid()).resident_kib;
    bench.figures.Add(
        "idle TLS connection",
        (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(count),
        "KiB");
  });
}

// Each acknowledged event must be there.
void CheckDirectory(Bench& bench, std::uint64_t records_before) {
  Progress("opening and checking the directory");
  const auto node =
      OrDie("open", salus::node::Node::Open(bench.directory, salus::node::NodeAccess::kReadWrite,
                                            bench.clock, bench.random));
  if (node->log().record_count() < records_before + bench.sent) {
    salus::bench::Die("the log", salus::Corruption("acknowledged events are missing"));
  }
  OrDie("check", node->log().CheckDerived({}));
}

}  // namespace

int main(int argc, char** argv) {
  const salus::bench::Options options(argc, argv,
                                      {{"directory", ""},
                                       {"salusd", "build/release/apps/salusd/salusd"},
                                       {"section", "server"},
                                       {"events", "10000000"},
                                       {"single-events", "1000000"},
                                       {"idle", "2000"},
                                       {"patients", "20000"},
                                       {"seed", "1"}});
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);  // the server inherits it

  Bench bench{.options = options,
              .figures = Figures(options.Text("section")),
              .directory = options.Text("directory") + "/data",
              .patients = static_cast<std::uint32_t>(options.Number("patients"))};
  std::uint64_t records_before = 0;
  {
    const auto population =
        MakePopulation({.directory = bench.directory, .patients = bench.patients}, bench.clock,
                       bench.random, bench.figures);
    bench.identity = MakeSource(*population.node, options.Text("directory") + "/source");
    records_before = population.node->log().record_count();
  }
  ServerProcess server(options.Text("salusd"), bench.directory);
  MeasureIdle(bench, server, options.Number("idle"));
  const std::uint64_t events = options.Number("events");
  const std::uint64_t seed = options.Number("seed");
  RunLoad(bench, server, {"1000 a request, 8 connections", 8, 1000, events, ""}, seed);
  bench.figures.Add("resident, peak with 1000 a request",
                    static_cast<double>(MemoryOf(server.pid()).peak_kib) / 1024, "MiB");
  RunLoad(bench, server,
          {"1000 a request, no entries in the answer", 8, 1000, events / 4, "?entries=false"},
          seed + 1);
  RunLoad(bench, server,
          {"single events, 64 connections", 64, 1, options.Number("single-events"), ""}, seed + 2);
  bench.figures.Add("resident, peak", static_cast<double>(MemoryOf(server.pid()).peak_kib) / 1024,
                    "MiB");
  server.Stop();
  CheckDirectory(bench, records_before);
  return 0;
}
