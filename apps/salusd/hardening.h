#pragma once

namespace salus {

// HardenProcess keeps keys in memory off the disk: no core images, no debugger of the same user, no
// swap. What the system does not allow is logged as a warning, with what is missing.
void HardenProcess();

}  // namespace salus
