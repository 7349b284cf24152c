// Signer holds the log's own keys: they sign checkpoints and receipts, prove tags and key the
// index. It is an upward call (design.md section 4): key files today (node), the key service later
// (kms).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/hmac.h"
#include "crypto/vrf.h"

namespace salus::audit {

// Threads: safe to share.
class Signer {
 public:
  virtual ~Signer() = default;

  // SignCheckpoint and SignReceipt turn the body of a note into a signed note (C2SP signed-note):
  // the log's key signs checkpoints, and nothing else; ORIGIN/receipts signs receipts, and the
  // messages of this server's aggregations, whose texts begin with other words.
  virtual Result<std::string> SignCheckpoint(std::string_view body) const = 0;
  virtual Result<std::string> SignReceipt(std::string_view body) const = 0;
  // The verifier keys (vkey text) that belong to them; clients pin both.
  virtual const std::string& checkpoint_vkey() const = 0;
  virtual const std::string& receipt_vkey() const = 0;

  virtual crypto::VrfProof ProveSubject(ByteSpan alpha) const = 0;
  virtual crypto::VrfPublicKey vrf_key() const = 0;

  // index_key keys what finds repeats (protocol.md P4.3); it never leaves the machine.
  virtual const crypto::HmacSha256Key& index_key() const = 0;
};

}  // namespace salus::audit
