#include "apps/salus/passphrase_prompt.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "apps/salus/secret_access.h"
#include "apps/salus/stop_signals.h"
#include "pki/descriptor.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxTypedBytes = 1024;

// HeldSignals keeps back what would end or stop the program; with its end they do what they do.
class HeldSignals {
 public:
  HeldSignals() : held_(Set()), arrived_(Hold()) {}
  ~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  // arrived can be read from once there is one.
  int arrived() const { return arrived_.get(); }

 private:
  static sigset_t Set() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::sigaddset(&set, number);
    return set;
  }
  int Hold() {
    ::pthread_sigmask(SIG_BLOCK, &held_, &before_);
    return ::signalfd(-1, &held_, SFD_CLOEXEC);
  }

  const sigset_t held_;
  sigset_t before_{};
  const pki::Descriptor arrived_;
};

// QuietTerminal shows nothing of what is typed, while it lives.
class QuietTerminal {
 public:
  explicit QuietTerminal(int terminal) : terminal_(terminal) {
    is_terminal_ = ::tcgetattr(terminal_, &before_) == 0;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (is_terminal_) ::tcsetattr(terminal_, TCSAFLUSH, &quiet);
  }
  ~QuietTerminal() {
    [[maybe_unused]] const ssize_t written = ::write(terminal_, "\n", 1);
    // What is left of a line that was too long goes with it.
    if (is_terminal_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  const int terminal_;
  termios before_{};
  bool is_terminal_ = false;
};

// Calls is_ready before each byte, and gives up when it says no.
template <typename IsReady>
Result<std::optional<SecretBytes>> ReadLine(int descriptor, std::size_t limit_bytes,
                                            const char* what, const IsReady& is_ready) {
  SecretBytes buffer(limit_bytes + 2);  // with a carriage return, and one that is too many
  const MutableByteSpan bytes = buffer.mutable_view(CliSecrets::Token());
  std::size_t size = 0;
  while (size < bytes.size()) {
    if (!is_ready()) return std::optional<SecretBytes>();
    const ssize_t got = ::read(descriptor, bytes.data() + size, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || bytes[size] == '\n') break;
    ++size;
  }
  if (size > 0 && bytes[size - 1] == '\r') --size;
  if (size == 0) return InvalidArgument(fmt::format("{} is empty", what));
  if (size > limit_bytes) {
    return InvalidArgument(fmt::format("{} is longer than {} bytes", what, limit_bytes));
  }
  return std::optional<SecretBytes>(SecretBytes(bytes.first(size)));
}

// Nothing when a signal came first.
Result<std::optional<SecretBytes>> AskOnce(int terminal, const char* prompt, const char* what) {
  const HeldSignals signals;
  const QuietTerminal quiet(terminal);
  [[maybe_unused]] const ssize_t written = ::write(terminal, prompt, std::strlen(prompt));
  return ReadLine(terminal, kMaxTypedBytes, what, [&] {
    pollfd both[] = {{terminal, POLLIN, 0}, {signals.arrived(), POLLIN, 0}};
    while (::poll(both, 2, -1) < 0 && errno == EINTR) continue;
    return both[1].revents == 0;
  });
}

}  // namespace

Result<SecretBytes> AskPassphrase(const char* prompt) {
  return AskHidden(prompt, "the passphrase", "use --passphrase-file FILE");
}

Result<SecretBytes> AskHidden(const char* prompt, const char* what, const char* instead) {
  const pki::Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (!terminal.is_open()) {
    return FailedPrecondition(fmt::format("there is no terminal to ask on: {}", instead));
  }
  for (;;) {
    TRY(std::optional<SecretBytes> line, AskOnce(terminal.get(), prompt, what));
    if (line) return *std::move(line);
    // Where signals are only noted, nothing has ended the program.
    TRY_VOID(StopSignals::CheckStopped());
  }
}

Result<SecretBytes> ReadSecretLine(int descriptor, std::size_t limit_bytes, const char* what) {
  TRY(std::optional<SecretBytes> line,
      ReadLine(descriptor, limit_bytes, what, [] { return true; }));
  return *std::move(line);
}

}  // namespace salus::cli
