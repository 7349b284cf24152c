// salus audit append, send: events from a file or the standard input.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "apps/salus/audit_commands.h"
#include "codec/json.h"

namespace salus::cli {

namespace {

constexpr int kShownRefusals = 10;

// OutputFile is a file that is written line by line, for --rejects and --receipts. Receipts are
// appended to, and durable before the command says that it is done.
class OutputFile {
 public:
  enum class Mode { kReplace, kAppend };

  static Result<std::unique_ptr<OutputFile>> Open(const std::string& path, Mode mode) {
    const int flags = mode == Mode::kAppend ? O_APPEND : O_TRUNC;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    if (fd < 0) return Unavailable(path + ": " + std::strerror(errno));
    return std::unique_ptr<OutputFile>(new OutputFile(path, fd));
  }
  ~OutputFile() { ::close(fd_); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Result<void> Write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Unavailable(path_ + ": " + std::strerror(errno));
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  Result<void> Sync() {
    // A pipe or a terminal can't be synced, and need not be.
    if (::fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS) {
      return Unavailable(path_ + ": " + std::strerror(errno));
    }
    return {};
  }

 private:
  OutputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  const std::string path_;
  const int fd_;
};

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
  const Arguments& given = session.arguments();
  std::unique_ptr<OutputFile> rejects;
  std::unique_ptr<OutputFile> receipts;
  if (given.Has("--rejects")) {
    TRY(rejects, OutputFile::Open(given.Text("--rejects"), OutputFile::Mode::kReplace));
  }
  if (given.Has("--receipts")) {
    TRY(receipts, OutputFile::Open(given.Text("--receipts"), OutputFile::Mode::kAppend));
  }
  ProgressBar bar(session.terminal(), "appending", "bytes", input.size_bytes);
  AppendOutcome outcome;
  std::uint64_t bytes = 0;
  AppendCall call;
  call.source = input.source;
  call.format = input.format;
  call.is_atomic = given.Has("--atomic");
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
    if (rejects) return rejects->Write(RejectLine(line));
    if (++shown <= kShownRefusals) session.terminal().Say(said, Colour::kYellow);
    if (shown == kShownRefusals + 1) {
      session.terminal().Say("more refused lines: --rejects FILE takes them all");
    }
    return {};
  };
  if (receipts) {
    call.receipted = [&](const KeptReceipt& kept) { return receipts->Write(kept.ToLine()); };
  }
  TRY(outcome.totals, place.AppendEvents(call));
  if (receipts) TRY_VOID(receipts->Sync());
  return outcome;
}

namespace {

Result<ExitCode> AppendNamed(Session& session) {
  const Arguments& given = session.arguments();
  const std::string path = given.Text("FILE");
  TRY(Backend* const place, session.Place(Access::kWrite));
  int fd = STDIN_FILENO;
  std::uint64_t size = 0;
  if (!path.empty() && path != "-") {
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NotFound(path + ": " + std::strerror(errno));
    struct stat status{};
    if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
      size = static_cast<std::uint64_t>(status.st_size);
    }
  }
  const Result<SourceInput> input = InputOf(session, fd, size);
  Result<AppendOutcome> outcome =
      input ? AppendInput(session, *place, *input) : Result<AppendOutcome>(input.error());
  if (fd != STDIN_FILENO) ::close(fd);
  if (!outcome) return outcome.error();
  const AppendTotals& totals = outcome->totals;
  TRY(const OutputFormat format, session.Format());
  ResultWriter writer(session.terminal(), format, {"logged", "repeats", "refused"});
  writer.Row({{"logged", totals.logged}, {"repeats", totals.repeats}, {"refused", totals.refused}});
  return totals.refused == 0 ? ExitCode::kDone : ExitCode::kFailed;
}

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
  return AppendNamed(session);
}

Result<ExitCode> RunAuditSend(Session& session) {
  if (session.is_data_place()) {
    return session.Usage("audit send is for a server; with --data it is salus audit append");
  }
  return AppendNamed(session);
}

}  // namespace salus::cli
