#include "apps/salus/demo_stage.h"

#include <fmt/format.h>
#include <poll.h>

#include <cstdlib>

#include "apps/salus/stop_signals.h"
#include "codec/json.h"

namespace salus::cli {

namespace {

using std::chrono::steady_clock;

constexpr const char* kNames[] = {"Alice", "Bob", "Charlie", "Dana", "Emil", "Fatma", "Gil"};
constexpr std::int64_t kHeights[] = {170, 181, 165, 158, 192, 174, 188};
constexpr char kCheater[] = "Mallory";
constexpr std::int64_t kLowest = 30;
constexpr std::int64_t kHighest = 272;
constexpr std::chrono::seconds kStartTime{60};
// Long enough for a slow machine, and short enough to wait for who never comes.
constexpr std::chrono::seconds kCrashStepTime{2};
constexpr std::chrono::days kCertificateTime{1};
constexpr int kPollMs = 5;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

std::string NameOf(std::size_t index) {
  return index < std::size(kNames) ? kNames[index] : fmt::format("Person {}", index + 1);
}

std::int64_t HeightOf(std::size_t index) {
  if (index < std::size(kHeights)) return kHeights[index];
  return 150 + static_cast<std::int64_t>(7 * index % 60);
}

// Each of n people checks n reports of 2n commitments, all on one machine, which may be slow.
std::chrono::seconds StepTime(std::size_t parties) {
  return std::chrono::seconds(60 + parties * parties / 50);
}

std::chrono::seconds PlayTime(std::size_t parties) { return 5 * StepTime(parties); }

const char* CheatOf(DemoTwist twist) {
  switch (twist) {
    case DemoTwist::kLiar:
      return "value";
    case DemoTwist::kLyingSum:
      return "sum";
    case DemoTwist::kCrash:
      return "crash=verify";
    case DemoTwist::kNone:
      break;
  }
  return nullptr;
}

Result<std::filesystem::path> MakeFolder(const std::string& given) {
  std::error_code failed;
  if (!given.empty()) {
    std::filesystem::create_directories(given, failed);
    if (failed || !std::filesystem::is_empty(given, failed)) {
      return AlreadyExists(given + ": name a folder that is new or empty");
    }
    return std::filesystem::absolute(given);
  }
  const auto place = std::filesystem::temp_directory_path(failed);
  std::string pattern = (place / "salus-demo-XXXXXX").string();
  if (failed || ::mkdtemp(pattern.data()) == nullptr) {
    return Unavailable("there is no place for temporary files: name a folder with --folder");
  }
  return std::filesystem::path(pattern);
}

// The host says where it listens in one of its first lines.
std::optional<std::uint16_t> PortIn(std::string_view said) {
  for (std::size_t end = said.find('\n'); end != std::string_view::npos; end = said.find('\n')) {
    const auto line = codec::ParseJson(said.substr(0, end));
    said.remove_prefix(end + 1);
    if (!line || !line->is_object()) continue;
    const auto port = codec::IntAt(line->get_object(), "port");
    if (port) return static_cast<std::uint16_t>(*port);
  }
  return std::nullopt;
}

}  // namespace

bool IsCheater(DemoTwist twist) {
  return twist == DemoTwist::kLiar || twist == DemoTwist::kLyingSum;
}

DemoStage::~DemoStage() {
  processes_.clear();
  host_.reset();
  std::error_code ignored;
  if (is_temporary_) std::filesystem::remove_all(folder_, ignored);
}

Result<DemoPerson> DemoStage::MakePerson(const std::string& name, std::int64_t height) {
  std::string folder = name;
  for (char& c : folder) c = c == ' ' ? '-' : static_cast<char>(std::tolower(c));
  DemoPerson out{.name = name, .height = height, .folder = (folder_ / folder).string()};
  TRY(auto identity, pki::IdentityDirectory::Create(out.folder, {.name = name}));
  const Timestamp now = session_.clock().Now();
  TRY_VOID(identity.CertifySelf({now, now + kCertificateTime}, session_.random()));
  out.fingerprint = identity.chain().front().fingerprint();
  return out;
}

Result<void> DemoStage::MakeRoster() {
  aggregate::PeerRosterFields fields;
  fields.session = session_.random().Array<16>();
  fields.title = "Height of patients";
  fields.purpose = "a demonstration";
  fields.unit = "cm";
  fields.minimum = kLowest;
  fields.maximum = kHighest;
  fields.threshold = run_.plan.has_threshold;
  fields.minimum_parties =
      static_cast<std::uint32_t>(aggregate::LeastValues(run_.people.size(), fields.threshold));
  fields.join_time = StepTime(run_.plan.parties);
  fields.step_time = StepTime(run_.plan.parties);
  if (run_.plan.twist == DemoTwist::kCrash) {
    fields.step_time = kCrashStepTime + std::chrono::seconds(run_.plan.parties / 5);
  }
  fields.host_fingerprint = run_.host.fingerprint;
  for (const DemoPerson& person : run_.people) {
    fields.parties.push_back({.id = std::filesystem::path(person.folder).filename().string(),
                              .name = person.name,
                              .fingerprint = person.fingerprint});
  }
  TRY(run_.roster, aggregate::PeerRoster::Create(std::move(fields)));
  return WriteTextFile((folder_ / "roster.json").string(), run_.roster->ToJson() + "\n");
}

Result<std::unique_ptr<DemoStage>> DemoStage::Make(Session& session, const DemoPlan& plan,
                                                   const std::string& folder) {
  TRY(std::filesystem::path path, MakeFolder(folder));
  std::unique_ptr<DemoStage> out(new DemoStage(session, std::move(path), folder.empty()));
  out->run_.plan = plan;
  TRY(out->run_.host, out->MakePerson("Hospital", 0));
  for (std::size_t i = 0; i < plan.parties; ++i) {
    const bool is_cheater = IsCheater(plan.twist) && i + 1 == plan.parties;
    TRY(DemoPerson person, out->MakePerson(is_cheater ? kCheater : NameOf(i), HeightOf(i)));
    out->run_.people.push_back(std::move(person));
  }
  TRY_VOID(out->MakeRoster());
  return out;
}

Result<std::unique_ptr<OwnProcess>> DemoStage::Start(DemoPerson& person,
                                                     std::vector<std::string> arguments,
                                                     const std::string& input) {
  const std::vector<std::string> common = {
      "--roster",     (folder_ / "roster.json").string(), "--as",     person.folder,
      "--transcript", person.folder + ".transcript",      "--events", "--json"};
  arguments.insert(arguments.end(), common.begin(), common.end());
  TRY(auto process,
      OwnProcess::Start(arguments, input, person.folder + ".result", person.folder + ".messages"));
  person.pid = process->pid();
  return process;
}

Result<void> DemoStage::StartHost() {
  TRY(host_, Start(run_.host, {"aggregate", "host", "--listen", "127.0.0.1:0"}, ""));
  return {};
}

Result<std::uint16_t> DemoStage::HostPort() {
  const std::string path = run_.host.folder + ".messages";
  const auto until = steady_clock::now() + kStartTime;
  for (;;) {
    TRY_VOID(StopSignals::CheckStopped());
    const Result<std::string> said = ReadTextFile(path, kMaxFileBytes);
    if (const auto port = said ? PortIn(*said) : std::nullopt) return *port;
    if (host_->Exit() || steady_clock::now() > until) {
      return Unavailable("the host's process did not start: " + said.value_or(""));
    }
    ::poll(nullptr, 0, kPollMs);
  }
}

Result<void> DemoStage::StartPeople(std::uint16_t port) {
  for (std::size_t i = 0; i < run_.people.size(); ++i) {
    DemoPerson& person = run_.people[i];
    // The height goes through a pipe: other users of a machine can read everybody's arguments.
    std::vector<std::string> arguments = {
        "aggregate", "join", "--host", fmt::format("https://127.0.0.1:{}", port),
        "--value",   "-",    "--yes"};
    const char* const cheat = CheatOf(run_.plan.twist);
    if (cheat != nullptr && i + 1 == run_.people.size()) {
      arguments.insert(arguments.end(), {"--cheat", cheat});
    }
    TRY(auto process, Start(person, std::move(arguments), fmt::format("{}\n", person.height)));
    processes_.push_back(std::move(process));
  }
  return {};
}

Result<void> DemoStage::WaitForAll() {
  const auto play_time = PlayTime(run_.plan.parties);
  const auto until = steady_clock::now() + play_time;
  for (;;) {
    TRY_VOID(StopSignals::CheckStopped());
    bool is_over = host_->Exit().has_value();
    for (const auto& process : processes_) is_over &= process->Exit().has_value();
    if (is_over) return {};
    if (steady_clock::now() > until) {
      return Unavailable(fmt::format("the session did not end in {} s", play_time.count()));
    }
    ::poll(nullptr, 0, kPollMs);
  }
}

Result<void> DemoStage::Collect(DemoPerson& person, OwnProcess& process) const {
  person.exit = *process.Exit();
  TRY(person.messages, ReadTextFile(person.folder + ".messages", kMaxFileBytes));
  const Result<std::string> transcript = ReadTextFile(person.folder + ".transcript", kMaxFileBytes);
  if (transcript) person.transcript = ToBytes(*transcript);
  return {};
}

Result<void> DemoStage::KeepCaptured() const {
  std::string all;
  for (const Captured& one : run_.captured) {
    all += AsText(one.from_client);
    all += AsText(one.from_server);
  }
  return WriteTextFile(capture_file().string(), all);
}

Result<DemoRun> DemoStage::Play() {
  const auto start = steady_clock::now();
  TRY_VOID(StartHost());
  TRY(std::uint16_t port, HostPort());
  if (run_.plan.has_eavesdropper) {
    TRY(relay_, RecordingRelay::Start(port));
    port = relay_->port();
  }
  TRY_VOID(StartPeople(port));
  TRY_VOID(WaitForAll());
  run_.seconds = std::chrono::duration<double>(steady_clock::now() - start).count();
  TRY_VOID(Collect(run_.host, *host_));
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    TRY_VOID(Collect(run_.people[i], *processes_[i]));
  }
  if (relay_) {
    run_.captured = relay_->Stop();
    TRY_VOID(KeepCaptured());
  }
  return run_;
}

}  // namespace salus::cli
