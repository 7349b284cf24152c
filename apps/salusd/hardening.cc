#include "hardening.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

namespace salus {

namespace {

// With a low limit, locking what comes later would make ordinary allocations fail.
bool MayLockMemory() {
  rlimit limit{};
  return geteuid() == 0 ||
         (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
}

}  // namespace

void HardenProcess() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) {
    Log(LogLevel::kWarning, "core images can't be switched off: set LimitCORE=0");
  }
  if (prctl(PR_SET_DUMPABLE, 0) != 0) {
    Log(LogLevel::kWarning, "the process stays open to debuggers of its user");
  }
  // On fault: thread stacks and reserves are locked only as far as they are used.
  if (!MayLockMemory() || mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    Log(LogLevel::kWarning,
        "memory is not locked, keys may reach the swap: set LimitMEMLOCK=infinity, or use "
        "encrypted swap");
  }
}

}  // namespace salus
