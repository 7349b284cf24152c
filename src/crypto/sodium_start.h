// libsodium's one-time start; internal to the module.
#pragma once

namespace salus::crypto {

// StartSodium picks libsodium's implementations for this CPU; cheap after the first call.
//
// Threads: safe.
void StartSodium();

}  // namespace salus::crypto
