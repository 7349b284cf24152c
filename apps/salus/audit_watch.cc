// salus audit append --watch: files that are closed after writing, or renamed in, in the order of
// their names at start, then as they come.

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "api/exchange_folder.h"
#include "apps/salus/audit_commands.h"
#include "apps/salus/spool_message.h"

namespace salus::cli {

namespace {

namespace fs = std::filesystem;

volatile std::sig_atomic_t stop_signal = 0;

bool IsIgnored(const std::string& name) {
  return name.empty() || name.front() == '.' || name.ends_with(".tmp");
}

class Spool {
 public:
  Spool(Session& session, Backend& place, std::string folder)
      : session_(session), place_(place), folder_(std::move(folder)) {}

  Result<void> Prepare() {
    std::error_code failed;
    TRY(messages_, SpoolMessages::Open(session_, place_, folder_));
    if (!fs::is_directory(folder_, failed)) return NotFound(folder_ + ": is no folder");
    for (const char* sub : {"done", "refused"}) {
      fs::create_directory(fs::path(folder_) / sub, failed);
      if (failed) return Unavailable(folder_ + "/" + sub + ": " + failed.message());
    }
    return {};
  }

  // What was there before the watch began.
  Result<void> TakeAll() {
    std::vector<std::string> names;
    std::error_code failed;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_, failed)) {
      if (entry.is_regular_file(failed)) names.push_back(entry.path().filename());
    }
    if (failed) return Unavailable(folder_ + ": " + failed.message());
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) TRY_VOID(Take(name));
    return {};
  }

  Result<void> Take(const std::string& name) {
    if (IsIgnored(name)) return {};
    const std::string path = (fs::path(folder_) / name).string();
    // A symbolic link could lead anywhere; a file that is gone was taken already.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
      if (errno == ENOENT) return {};
      return Refuse(name, std::strerror(errno));
    }
    struct stat status{};
    const bool is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    Result<void> taken = is_file ? TakeOpen(name, fd, static_cast<std::uint64_t>(status.st_size))
                                 : Refuse(name, "is no regular file");
    ::close(fd);
    return taken;
  }

  bool has_refused() const { return has_refused_; }

 private:
  Result<void> TakeOpen(const std::string& name, int fd, std::uint64_t size) {
    TRY(const SpoolKind kind, KindOfSpoolFile(fd));
    Result<AppendOutcome> outcome = AppendOutcome();
    if (kind == SpoolKind::kMessage) {
      outcome = messages_->Append(fd);
    } else if (session_.arguments().Has("--allow-plain")) {
      TRY(const SourceInput input, InputOf(session_, fd, size));
      outcome = AppendInput(session_, place_, input);
    } else {
      return Refuse(name,
                    "is not signed and encrypted: only such files are taken (--allow-plain "
                    "takes others too)");
    }
    if (!outcome) {
      // The place itself failed: the file stays where it is, for the next run.
      if (api::IsPlaceFailure(outcome.error().code)) return outcome.error();
      return Refuse(name, outcome.error().message);
    }
    TRY_VOID(MoveTaken(name, *outcome));
    return kind == SpoolKind::kMessage ? messages_->Finish() : Result<void>();
  }

  Result<void> MoveTaken(const std::string& name, const AppendOutcome& outcome) {
    const AppendTotals& totals = outcome.totals;
    if (outcome.first_refusal) {
      return Refuse(name,
                    fmt::format("{} lines refused, {} logged; the first: {}", totals.refused,
                                totals.logged + totals.repeats, outcome.first_refusal->message));
    }
    session_.terminal().Say(
        fmt::format("{}: {} logged, {} repeats", name, totals.logged, totals.repeats));
    return Move(name, "done");
  }

  Result<void> Refuse(const std::string& name, const std::string& reason) {
    session_.terminal().Say(name + ": refused: " + reason, Colour::kYellow);
    TRY_VOID(WriteTextFile((fs::path(folder_) / "refused" / api::ReasonFileName(name)).string(),
                           reason + "\n"));
    has_refused_ = true;
    return Move(name, "refused");
  }

  Result<void> Move(const std::string& name, const char* sub) {
    std::error_code failed;
    fs::rename(fs::path(folder_) / name, fs::path(folder_) / sub / name, failed);
    if (failed) return Unavailable(name + ": " + failed.message());
    return {};
  }

  Session& session_;
  Backend& place_;
  const std::string folder_;
  std::unique_ptr<SpoolMessages> messages_;
  bool has_refused_ = false;
};

// Watch is the inotify descriptor; it is opened before the first look, so that nothing is missed.
class Watch {
 public:
  static Result<std::unique_ptr<Watch>> Open(const std::string& folder) {
    const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) return Unavailable(std::string("inotify: ") + std::strerror(errno));
    std::unique_ptr<Watch> watch(new Watch(fd));
    if (::inotify_add_watch(fd, folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
      return Unavailable(folder + ": " + std::strerror(errno));
    }
    return watch;
  }
  ~Watch() { ::close(fd_); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  struct Names {
    std::vector<std::string> names;
    bool has_overflowed = false;
  };
  // Wait returns the names that came, or nothing when a signal asked to stop.
  Result<Names> Wait() {
    alignas(inotify_event) char buffer[16'384];
    Names got;
    while (stop_signal == 0) {
      const ssize_t size = ::read(fd_, buffer, sizeof buffer);
      if (size > 0) {
        Parse({buffer, static_cast<std::size_t>(size)}, got);
        return got;
      }
      if (size < 0 && errno != EAGAIN && errno != EINTR) {
        return Unavailable(std::string("inotify: ") + std::strerror(errno));
      }
      pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
      ::poll(&waiting, 1, 500);
    }
    return got;
  }

 private:
  explicit Watch(int fd) : fd_(fd) {}

  static void Parse(std::string_view events, Names& got) {
    while (events.size() >= sizeof(inotify_event)) {
      inotify_event event;
      std::memcpy(&event, events.data(), sizeof event);
      if ((event.mask & IN_Q_OVERFLOW) != 0) got.has_overflowed = true;
      if (event.len > 0) got.names.emplace_back(events.data() + sizeof event);
      events.remove_prefix(sizeof event + event.len);
    }
  }

  const int fd_;
};

}  // namespace

Result<ExitCode> WatchSpool(Session& session, const std::string& folder) {
  TRY(Backend* const place, session.Place(Access::kWrite));
  Spool spool(session, *place, folder);
  TRY_VOID(spool.Prepare());
  struct sigaction action{};
  action.sa_handler = [](int) { stop_signal = 1; };
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  TRY(const std::unique_ptr<Watch> watch, Watch::Open(folder));
  session.terminal().Say("watching " + folder);
  TRY_VOID(spool.TakeAll());
  if (session.arguments().Has("--once")) {
    return spool.has_refused() ? ExitCode::kFailed : ExitCode::kDone;
  }
  while (stop_signal == 0) {
    TRY(const Watch::Names got, watch->Wait());
    if (got.has_overflowed) TRY_VOID(spool.TakeAll());
    for (const std::string& name : got.names) TRY_VOID(spool.Take(name));
  }
  session.terminal().Say("stopped");
  return ExitCode::kDone;
}

}  // namespace salus::cli
