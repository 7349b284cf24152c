// embedded_bench --directory D --events N --patients P < w.ndjson: the node in this process, the
// events from another one. In this order: W at full speed; as much again as --paced says at half of
// that speed; new epochs alone; the directory opened again, and checked.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <map>
#include <thread>

#include "base/check.h"
#include "bench/feeder.h"
#include "bench/figures.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/workload.h"

namespace {

using salus::bench::DiskBytes;
using salus::bench::Feeder;
using salus::bench::FeedOptions;
using salus::bench::FeedResult;
using salus::bench::Figures;
using salus::bench::LineSource;
using salus::bench::OrDie;
using salus::bench::Population;
using salus::bench::Progress;
using salus::bench::SecondsSince;
using salus::bench::Workload;
using SteadyClock = std::chrono::steady_clock;

struct Bench {
  const salus::bench::Options& options;
  const Figures figures;
  const std::string directory;
  const std::uint32_t patients;
  const std::uint64_t events;
  salus::bench::ShiftedClock clock{};
  salus::SystemRandom random{};
  Population population{};
};

// How many entries the runs of the index cover, as the manifest says: its lines are "FIRST END".
std::uint64_t IndexedEntries(const std::string& directory) {
  std::ifstream manifest(directory + "/log/index/manifest");
  std::string line;
  std::uint64_t end = 0;
  while (std::getline(manifest, line)) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    std::from_chars(line.data() + space + 1, line.data() + line.size(), end);
  }
  return end;
}

// The newest entries are indexed in memory; the runs must have reached those.
void WaitForIndexes(Bench& bench) {
  constexpr auto kInMemory = 2 * salus::tlog::EntryIndex::kFlushEntries;
  constexpr std::chrono::milliseconds kPoll{5};
  while (IndexedEntries(bench.directory) + kInMemory <
         bench.population.node->log().record_count()) {
    std::this_thread::sleep_for(kPoll);
  }
}

using ChainCounts = std::map<std::uint32_t, std::uint64_t>;

// The chains that are compared with what was sent: the busiest patient, the idlest, some between.
ChainCounts CountChains(Bench& bench) {
  constexpr std::uint32_t kSample = 50;
  ChainCounts counts;
  auto& node = *bench.population.node;
  for (std::uint32_t i = 0; i < kSample; ++i) {
    const auto patient =
        static_cast<std::uint32_t>(std::uint64_t{bench.patients - 1} * i / (kSample - 1));
    const auto tag = node.recorder().TagOf(salus::bench::PatientSubject(patient)).tag;
    const auto size = node.log().published()->size;
    counts[patient] = OrDie("look a chain up", node.log().EntriesOf(tag, size)).size();
  }
  return counts;
}

// Draws the workload once more and compares: each event in its patient's chain, and nothing else
// but the epochs' grants.
void CheckChains(Bench& bench, ChainCounts before, const ChainCounts& after) {
  constexpr std::uint64_t kMaxGrants = 4;
  Workload workload(bench.options.Number("seed"), bench.patients);
  for (std::uint64_t i = 0; i < bench.events; ++i) {
    const auto found = before.find(workload.Skip());
    if (found != before.end()) ++found->second;
  }
  for (const auto& [patient, expected] : before) {
    const std::uint64_t count = after.at(patient);
    if (count >= expected && count <= expected + kMaxGrants) continue;
    Progress(fmt::format("patient {} has {} entries instead of {} and its grants", patient, count,
                         expected));
    std::exit(1);
  }
}

void CheckAllLogged(const FeedResult& result, std::uint64_t events) {
  if (result.logged == events && result.repeats == 0 && result.refused == 0) return;
  Progress(fmt::format("of {} events, {} were logged, {} were repeats, {} were refused", events,
                       result.logged, result.repeats, result.refused));
  std::exit(1);
}

double RunFullSpeed(Bench& bench, LineSource& lines, FeedOptions feed) {
  auto& node = *bench.population.node;
  const ChainCounts before = CountChains(bench);
  const std::uint64_t disk_before = DiskBytes(bench.directory);
  Feeder feeder(node, bench.population.source);
  Progress(fmt::format("appending {} events", bench.events));
  salus::bench::ResetPeak();
  feed.events = bench.events;
  const double cpu_before = salus::bench::CpuSeconds(getpid());
  const auto start = SteadyClock::now();
  FeedResult result = feeder.Run(lines, feed);
  OrDie("the last checkpoint", node.log().MakeCheckpoint());
  WaitForIndexes(bench);
  const double seconds = SecondsSince(start);
  const double cpu = salus::bench::CpuSeconds(getpid()) - cpu_before;
  const auto memory = salus::bench::MemoryOf(getpid());
  const std::uint64_t disk = DiskBytes(bench.directory);
  CheckAllLogged(result, bench.events);
  CheckChains(bench, before, CountChains(bench));
  const FeedResult again = feeder.RunText(result.first_batch, feed);
  CHECK(again.logged == 0 && again.refused == 0 && again.repeats > 0);

  const auto events = static_cast<double>(bench.events);
  bench.figures.Add("append, durable, indexed, published", events / seconds, "events/s");
  bench.figures.Add("append, to the last answer", events / result.seconds, "events/s");
  bench.figures.Add("append, per CPU second", events / cpu, "events/s");
  result.durable.AddTo(bench.figures, "batch to durable at full load");
  result.published.AddTo(bench.figures, "batch to published at full load");
  bench.figures.Add("resident, peak", static_cast<double>(memory.peak_kib) / 1024, "MiB");
  bench.figures.Add("disk, everything included", static_cast<double>(disk) / events, "B/event");
  bench.figures.Add("disk, growth", static_cast<double>(disk - disk_before) / events, "B/event");
  return events / seconds;
}

void RunPaced(Bench& bench, LineSource& lines, FeedOptions feed, double full_speed) {
  feed.events = bench.options.Number("paced");
  feed.events_per_second = full_speed / 2;
  if (feed.events == 0) return;
  Progress(fmt::format("{} events at {:.0f} a second", feed.events, feed.events_per_second));
  FeedResult result = Feeder(*bench.population.node, bench.population.source).Run(lines, feed);
  CheckAllLogged(result, feed.events);
  result.durable.AddTo(bench.figures, "batch to durable at half load");
  result.published.AddTo(bench.figures, "batch to published at half load");
}

// One event of every patient on a fresh day: each needs a key of its own, and a grant of it.
void RunNewEpochs(Bench& bench, const FeedOptions& feed_like) {
  auto& node = *bench.population.node;
  Workload workload(bench.options.Number("seed") + 1'000'000, bench.patients);
  std::string lines;
  for (std::uint32_t i = 0; i < bench.patients; ++i) workload.AppendFor(i, lines);
  bench.clock.ToNextDay();
  node.recorder().ForgetOldEpochs();
  Progress(fmt::format("{} new epochs", bench.patients));
  FeedOptions feed = feed_like;
  feed.events = bench.patients;
  const std::uint64_t records = node.log().record_count();
  const double cpu_before = salus::bench::CpuSeconds(getpid());
  const FeedResult result = Feeder(node, bench.population.source).RunText(lines, feed);
  const double cpu = salus::bench::CpuSeconds(getpid()) - cpu_before;
  CheckAllLogged(result, bench.patients);
  CHECK(node.log().record_count() - records >= 2 * std::uint64_t{bench.patients});
  bench.figures.Add("new epochs alone", bench.patients / result.seconds, "epochs/s");
  bench.figures.Add("new epochs, per CPU second", bench.patients / cpu, "epochs/s");
}

void RunReopen(Bench& bench) {
  auto start = SteadyClock::now();
  bench.population.node.reset();
  bench.figures.Add("closing the directory", SecondsSince(start), "s");
  Progress("opening the directory again");
  start = SteadyClock::now();
  bench.population.node = OrDie(
      "open again", salus::node::Node::Open(bench.directory, salus::node::NodeAccess::kReadWrite,
                                            bench.clock, bench.random));
  bench.figures.Add("opening the directory", SecondsSince(start), "s");
  Progress("checking what is derived against the segments");
  salus::tlog::Log& log = bench.population.node->log();
  const auto entries = static_cast<double>(log.record_count());
  start = SteadyClock::now();
  OrDie("check", log.CheckDerived({}));
  bench.figures.Add("check of segments, tiles and indexes", entries / SecondsSince(start),
                    "entries/s");
}

}  // namespace

int main(int argc, char** argv) {
  const salus::bench::Options options(argc, argv,
                                      {{"directory", ""},
                                       {"section", "embedded"},
                                       {"events", "10000000"},
                                       {"paced", "0"},
                                       {"patients", "20000"},
                                       {"auditors", "2"},
                                       {"seed", "1"},
                                       {"threads", "2"},
                                       {"in-flight", "16"}});
  Bench bench{.options = options,
              .figures = Figures(options.Text("section")),
              .directory = options.Text("directory"),
              .patients = static_cast<std::uint32_t>(options.Number("patients")),
              .events = options.Number("events")};
  bench.population =
      MakePopulation({.directory = bench.directory,
                      .patients = bench.patients,
                      .auditors = static_cast<std::uint32_t>(options.Number("auditors"))},
                     bench.clock, bench.random, bench.figures);
  FeedOptions feed;
  feed.threads = static_cast<unsigned>(options.Number("threads"));
  feed.batches_in_flight = options.Number("in-flight");
  LineSource lines(STDIN_FILENO);
  const double full_speed = RunFullSpeed(bench, lines, feed);
  RunPaced(bench, lines, feed, full_speed);
  RunNewEpochs(bench, feed);
  RunReopen(bench);
  return 0;
}
