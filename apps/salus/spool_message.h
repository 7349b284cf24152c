// Spool files: plain lines, or messages that a source signed and sealed to this place (jose's
// secure message: ES256 or PS256 inside JWE).
#pragma once

#include "apps/salus/audit_commands.h"

namespace salus::cli {

enum class SpoolKind { kPlain, kMessage };

// KindOfSpoolFile looks at the first bytes, and rewinds.
Result<SpoolKind> KindOfSpoolFile(int fd);

// AppendMessage opens a message and appends what it holds, as the source that signed it.
//
// Errors: those of jose::OpenMessage; FailedPrecondition where no folder of senders was named.
Result<AppendOutcome> AppendMessage(Session& session, Backend& place, int fd,
                                    std::uint64_t size_bytes);

}  // namespace salus::cli
