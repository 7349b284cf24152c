// IssuanceLog is told of each certificate before it is released, so that an authority can't issue
// one in secret. The audit module implements it over the transparency log.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "pki/identity.h"

namespace salus::pki {

class IssuanceLog {
 public:
  virtual ~IssuanceLog() = default;

  // Record returns only when the record is durable. is_person asks for a record that does not name
  // the holder.
  //
  // Errors: whatever keeps the record from being durable; the certificate is then not released.
  virtual Result<void> Record(ByteSpan certificate_sha256, const Identity& identity,
                              bool is_person) = 0;
};

}  // namespace salus::pki
