// log_writer is the process that the fault tests kill: a node that records events and says which of
// them were acknowledged; test code only.
//
//   log_writer init DIR
//   log_writer write DIR FIRST COUNT BATCH THREADS   prints "ack EVENT INDEX", "checkpoint SIZE
//   ROOT" log_writer check DIR < those lines               prints "ok ..." or "bad: ..."

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "base/log.h"
#include "codec/hex.h"
#include "merkle/proof.h"
#include "node/config.h"
#include "node/node.h"

namespace salus::integration {
namespace {

constexpr const char* kSource = "ward-system";

struct Program {
  SystemClock clock;
  SystemRandom random;
  std::string directory;
};

void Print(const std::string& lines) {
  [[maybe_unused]] const ssize_t written = ::write(1, lines.data(), lines.size());
}

[[noreturn]] void Bad(const std::string& what) {
  Print("bad: " + what + "\n");
  ::_exit(1);
}

// New patients come all the time, so that kills hit their registration too.
std::string LineOf(std::uint64_t event) {
  return fmt::format(R"({{"id":"event-{}","time":"2025-11-20T09:00:00Z","patient":"patient-{}",)"
                     R"("user":"user","action":"read"}})"
                     "\n",
                     event, event % (5 + event / 40));
}

std::unique_ptr<node::Node> OpenNode(Program& program) {
  auto node = node::Node::Open(program.directory, node::NodeAccess::kReadWrite, program.clock,
                               program.random);
  if (!node) Bad("open: " + node.error().message);
  return *std::move(node);
}

Result<audit::RecordedBatch> Record(node::Node& node, const std::string& lines) {
  const auto source = node.directory().FindSource(kSource);
  if (!source) Bad("the source is gone");
  std::promise<Result<audit::RecordedBatch>> promise;
  node.recorder().RecordLines(*source, lines, {}, [&promise](Result<audit::RecordedBatch> batch) {
    promise.set_value(std::move(batch));
  });
  return promise.get_future().get();
}

int Init(Program& program) {
  node::InitOptions options;
  options.directory = program.directory;
  options.origin = "hospital.example.org/audit";
  if (const auto made = node::Node::Init(options, program.clock, program.random); !made) {
    Bad(made.error().message);
  }
  if (const auto ok = OpenNode(program)->PutSource(kSource, "Ward"); !ok) Bad(ok.error().message);
  return 0;
}

int Write(Program& program, std::uint64_t first, std::uint64_t count, std::uint64_t batch,
          unsigned threads) {
  const auto node = OpenNode(program);
  Print("open\n");
  std::atomic<std::uint64_t> next = first;
  const auto work = [&](unsigned number) {
    for (unsigned round = 1;; ++round) {
      const std::uint64_t begin = next.fetch_add(batch);
      if (begin >= first + count) return;
      std::string lines;
      for (std::uint64_t i = begin; i < begin + batch; ++i) lines += LineOf(i);
      const auto done = Record(*node, lines);
      if (!done) {
        Print("refused " + std::string(CodeName(done.error().code)) + "\n");
        continue;
      }
      std::string acks;
      for (const audit::RecordedLine& line : done->lines) {
        if (line.outcome) {
          acks += fmt::format("ack {} {}\n", begin + line.line - 1, line.outcome->index.value);
        } else {
          acks += fmt::format("refused {}\n", CodeName(line.outcome.error().code));
        }
      }
      Print(acks);
      if (number != 0 || round % 8 != 0) continue;
      if (const auto made = node->log().MakeCheckpoint()) {
        Print(fmt::format("checkpoint {} {}\n", (*made)->size.value,
                          codec::HexEncode((*made)->root.span())));
      }
    }
  };
  {
    std::vector<std::jthread> all;
    for (unsigned i = 0; i < threads; ++i) all.emplace_back(work, i);
  }
  Print("done\n");
  return 0;
}

// Every event stands in the log at most once.
std::size_t CheckDuplicates(tlog::Log& log) {
  std::set<std::array<std::uint8_t, 16>> seen;
  const auto ok = log.Scan(0, log.record_count(), [&](const storage::RecordView& record) {
    const auto meta = tlog::RecordMeta::Parse(record.meta);
    if (meta && meta->repeat && !seen.insert(meta->repeat->identity).second) {
      Bad(fmt::format("entry {} is a duplicate", record.number));
    }
    return Result<void>();
  });
  if (!ok) Bad("scan: " + ok.error().message);
  return seen.size();
}

int Check(Program& program) {
  std::map<std::uint64_t, std::uint64_t> acks;
  std::map<std::uint64_t, std::string> checkpoints;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string kind;
    std::uint64_t number = 0;
    std::string second;
    if (!(words >> kind >> number >> second)) continue;
    if (kind == "ack") acks[number] = std::stoull(second);
    if (kind == "checkpoint") checkpoints[number] = second;
  }
  const auto node = OpenNode(program);
  const std::size_t events = CheckDuplicates(node->log());
  std::string lines;
  for (const auto& [event, index] : acks) lines += LineOf(event);
  const std::uint64_t before = node->log().record_count();
  const auto again = Record(*node, lines);
  if (!again) Bad("sent again: " + again.error().message);
  auto ack = acks.begin();
  for (const audit::RecordedLine& line : again->lines) {
    if (!line.outcome) Bad("an acknowledged event is refused: " + line.outcome.error().message);
    if (line.outcome->kind != tlog::OutcomeKind::kRepeat) {
      Bad(fmt::format("event {} was acknowledged at {} and is lost", ack->first, ack->second));
    }
    if (line.outcome->index.value != ack->second) {
      Bad(fmt::format("event {} was acknowledged at {} and is at {}", ack->first, ack->second,
                      line.outcome->index.value));
    }
    ++ack;
  }
  if (node->log().record_count() < before) Bad("the log shrank");
  const auto made = node->log().MakeCheckpoint();
  if (!made) Bad("no checkpoint: " + made.error().message);
  for (const auto& [size, root] : checkpoints) {
    const auto now = merkle::RootAt(merkle::TreeSize{size}, node->log().hashes());
    if (!now || codec::HexEncode(now->span()) != root) Bad(fmt::format("fork at size {}", size));
  }
  if (const auto ok = node->log().CheckDerived({}); !ok) Bad("derived: " + ok.error().message);
  // Whatever was interrupted: each patient's next event is taken.
  for (std::uint64_t i = 0; i < 400; ++i) {
    const auto batch = Record(
        *node,
        fmt::format(R"({{"id":"probe-{}","time":"2025-11-20T09:00:00Z","patient":"patient-{}",)"
                    R"("user":"user","action":"read"}})",
                    i, i % 60));
    if (!batch) Bad(fmt::format("patient-{}: {}", i % 60, batch.error().message));
    if (i == 59) break;
  }
  Print(fmt::format("ok {} acknowledged, {} logged, {} checkpoints\n", acks.size(), events,
                    checkpoints.size()));
  return 0;
}

int Main(int argc, char** argv) {
  SetLogLevel(LogLevel::kError);
  const std::string mode = argc > 2 ? argv[1] : "";
  Program program;
  if (argc > 2) program.directory = argv[2];
  if (mode == "init") return Init(program);
  if (mode == "check") return Check(program);
  if (mode == "write" && argc == 7) {
    return Write(program, std::stoull(argv[3]), std::stoull(argv[4]), std::stoull(argv[5]),
                 static_cast<unsigned>(std::stoul(argv[6])));
  }
  std::cerr << "usage: log_writer init|write|check DIR [FIRST COUNT BATCH THREADS]\n";
  return 2;
}

}  // namespace
}  // namespace salus::integration

int main(int argc, char** argv) { return salus::integration::Main(argc, argv); }
