// Spool files: plain lines, or messages that a source signed and sealed to this place (jose's
// secure message: ES256 or PS256 inside JWE).
#pragma once

#include <memory>

#include "apps/salus/audit_commands.h"

namespace salus::cli {

enum class SpoolKind { kPlain, kMessage };

// KindOfSpoolFile looks at the first bytes; the file's offset stays.
Result<SpoolKind> KindOfSpoolFile(int fd);

// SpoolMessages opens messages as DIR/server's identity, and appends the events in them as the
// source that signed them. What was carried out is remembered in DIR/exchange.seen, and refused
// again.
//
// Source: docs/formats/file-exchange.md: the payload is a request for POST /audit/v1/events or
//         POST /fhir/AuditEvent.
class SpoolMessages {
 public:
  // Open works for a data directory; for a server Append says that salusd --spool takes such files.
  static Result<std::unique_ptr<SpoolMessages>> Open(Session& session, Backend& place,
                                                     const std::string& folder);
  virtual ~SpoolMessages() = default;
  // Errors: those of jose::OpenMessage; PermissionDenied when a source did not sign it.
  virtual Result<AppendOutcome> Append(int fd) = 0;
  // Finish notes that what Append took has its outcome. Not called, the message may come again:
  // an event that is sent twice is logged once.
  virtual Result<void> Finish() = 0;
};

}  // namespace salus::cli
