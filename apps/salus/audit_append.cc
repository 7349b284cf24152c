// salus audit append, send: events from a file or the standard input.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "apps/salus/audit_commands.h"
#include "client/private_file.h"
#include "client/send_journal.h"
#include "codec/json.h"

namespace salus::cli {

namespace {

constexpr int kShownRefusals = 10;

std::string RejectLine(const AppendedLine& line) {
  codec::JsonObject reject{{"line", line.line},
                           {"error", CodeName(line.refusal->code)},
                           {"detail", line.refusal->message}};
  return codec::WriteJson(reject) + "\n";
}

Result<InputFormat> InputFormatOf(Session& session) {
  const std::string text = session.arguments().Text("--input");
  if (text.empty() || text == "ndjson") return InputFormat::kNdjson;
  if (text == "fhir") return InputFormat::kFhir;
  return session.Usage("--input: one of ndjson, fhir");
}

}  // namespace

Result<SourceInput> InputOf(Session& session, int fd, std::uint64_t size_bytes) {
  SourceInput input;
  input.source = session.arguments().Text("--source");
  TRY(input.format, InputFormatOf(session));
  input.size_bytes = size_bytes;
  input.events = client::FileInput(fd);
  return input;
}

Result<AppendOutcome> AppendInput(Session& session, Backend& place, const SourceInput& input) {
  using client::LineFile;
  const Arguments& given = session.arguments();
  std::error_code ignored;
  const bool is_resumed = !input.journal.empty() && std::filesystem::exists(input.journal, ignored);
  std::optional<LineFile> rejects;
  std::optional<LineFile> receipts;
  if (given.Has("--rejects")) {
    // What an earlier run refused stays: those lines are not sent again.
    const auto start = is_resumed ? LineFile::Start::kContinue : LineFile::Start::kEmpty;
    TRY(rejects, LineFile::Open(given.Text("--rejects"), start));
  }
  if (given.Has("--receipts")) {
    TRY(receipts, client::OpenReceiptFile(given.Text("--receipts")));
  }
  ProgressBar bar(session.terminal(), "appending", "bytes", input.size_bytes);
  AppendOutcome outcome;
  std::uint64_t bytes = 0;
  AppendCall call;
  call.source = input.source;
  call.format = input.format;
  call.is_atomic = given.Has("--atomic");
  call.journal = input.journal;
  call.receipts = given.Text("--receipts");
  call.input = input.events;
  call.input.read = [&](MutableByteSpan buffer) -> Result<std::size_t> {
    TRY(const std::size_t got, input.events.read(buffer));
    bytes += got;
    bar.Set(bytes);
    return got;
  };
  int shown = 0;
  call.answered = [&](const AppendedLine& line) -> Result<void> {
    if (!line.refusal) return {};
    const std::string said = fmt::format("line {}: {}", line.line, line.refusal->message);
    if (!outcome.first_refusal) outcome.first_refusal = Error{line.refusal->code, said};
    // What an earlier run refused stands in its --rejects.
    if (rejects && !line.was_earlier) return rejects->Append(RejectLine(line));
    if (++shown <= kShownRefusals) session.terminal().Say(said, Colour::kYellow);
    if (shown == kShownRefusals + 1) {
      session.terminal().Say("more refused lines: --rejects FILE takes them all");
    }
    return {};
  };
  if (receipts) {
    call.receipted = [&](const KeptReceipt& kept) { return receipts->Append(kept.ToLine()); };
  }
  call.flush = [&]() -> Result<void> {
    if (rejects) TRY_VOID(rejects->Sync());
    return receipts ? receipts->Sync() : Result<void>();
  };
  TRY(outcome.totals, place.AppendEvents(call));
  TRY_VOID(call.flush());
  return outcome;
}

namespace {

// OpenedInput is FILE, or the standard input.
class OpenedInput {
 public:
  static Result<OpenedInput> Open(const std::string& path) {
    if (path.empty() || path == "-") return OpenedInput(STDIN_FILENO, 0);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NotFound(path + ": " + std::strerror(errno));
    struct stat status{};
    const bool is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    return OpenedInput(fd, is_file ? static_cast<std::uint64_t>(status.st_size) : 0);
  }
  OpenedInput(OpenedInput&& other) noexcept
      : fd_(std::exchange(other.fd_, STDIN_FILENO)), size_bytes_(other.size_bytes_) {}
  OpenedInput& operator=(OpenedInput&&) = delete;
  ~OpenedInput() {
    if (fd_ != STDIN_FILENO) ::close(fd_);
  }
  int fd() const { return fd_; }
  bool is_named() const { return fd_ != STDIN_FILENO; }
  std::uint64_t size_bytes() const { return size_bytes_; }

 private:
  OpenedInput(int fd, std::uint64_t size_bytes) : fd_(fd), size_bytes_(size_bytes) {}
  int fd_;
  std::uint64_t size_bytes_;
};

}  // namespace

Result<ExitCode> RunAuditAppend(Session& session) {
  const Arguments& given = session.arguments();
  if (session.is_data_place() && !given.Has("--source")) {
    return session.Usage("--source ID is required with --data: whose events these are");
  }
  if (given.Has("--watch")) {
    if (given.Has("FILE")) return session.Usage("--watch takes its input from the folder: no FILE");
    return WatchSpool(session, given.Text("--watch"));
  }
  TRY(Backend* const place, session.Place(Access::kWrite));
  TRY(const OpenedInput opened, OpenedInput::Open(given.Text("FILE")));
  TRY(const SourceInput input, InputOf(session, opened.fd(), opened.size_bytes()));
  TRY(const AppendOutcome outcome, AppendInput(session, *place, input));
  const AppendTotals& totals = outcome.totals;
  TRY(const OutputFormat format, session.Format());
  ResultWriter writer(session.terminal(), format, {"logged", "repeats", "refused"});
  writer.Row({{"logged", totals.logged}, {"repeats", totals.repeats}, {"refused", totals.refused}});
  return totals.refused == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

Result<ExitCode> RunAuditSend(Session& session) {
  const Arguments& given = session.arguments();
  if (session.is_data_place()) {
    return session.Usage("audit send is for a server; with --data it is salus audit append");
  }
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kWrite));
  TRY(const OpenedInput opened, OpenedInput::Open(given.Text("FILE")));
  TRY(SourceInput input, InputOf(session, opened.fd(), opened.size_bytes()));
  const bool is_own_journal = !given.Has("--journal") && opened.is_named();
  if (is_own_journal) {
    TRY(const pki::Identity source, session.CertifiedIdentity());
    TRY(input.journal,
        client::SendJournal::PathOf({place->Pinned().log_vkey, source.id, given.Text("--receipts")},
                                    given.Text("FILE")));
  } else {
    input.journal = given.Text("--journal");
  }
  TRY(const AppendOutcome outcome, AppendInput(session, *place, input));
  // All of it is answered: what comes next under this name is another run.
  std::error_code ignored;
  if (is_own_journal) std::filesystem::remove(input.journal, ignored);
  const AppendTotals& totals = outcome.totals;
  Terminal& terminal = session.terminal();
  if (totals.skipped > 0) {
    terminal.Say(fmt::format("resumed: {} lines were logged by an earlier run", totals.skipped));
  }
  if (totals.unopened > 0) {
    terminal.Warn(fmt::format(
        "{} repeats: their receipts were checked, what was logged for them was not: it was when "
        "they were first sent, if that run ended",
        totals.unopened));
  }
  ResultWriter writer(terminal, format, {"logged", "repeats", "refused", "skipped", "unopened"});
  writer.Row({{"logged", totals.logged},
              {"repeats", totals.repeats},
              {"refused", totals.refused},
              {"skipped", totals.skipped},
              {"unopened", totals.unopened}});
  return totals.refused == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

}  // namespace salus::cli
