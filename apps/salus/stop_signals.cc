#include "apps/salus/stop_signals.h"

#include <atomic>
#include <csignal>

namespace salus::cli {

namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

std::atomic<bool> g_is_stopped = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a handler may take no lock");

void Note(int) { g_is_stopped = true; }

}  // namespace

StopSignals::StopSignals() {
  struct sigaction action{};
  action.sa_handler = Note;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : kSignals) {
    struct sigaction before{};
    // What the caller has us ignore (nohup) stays ignored.
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
      ::sigaction(number, &action, nullptr);
    }
  }
}

StopSignals::~StopSignals() {
  for (const int number : kSignals) {
    struct sigaction before{};
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == Note) {
      std::signal(number, SIG_DFL);
    }
  }
}

Result<void> StopSignals::CheckStopped() {
  if (!g_is_stopped) return {};
  return Unavailable("stopped by a signal; what was not whole is removed");
}

}  // namespace salus::cli
